// One player on a page of its own. The query says which one and what it plays:
// ?player=hls.js&src=URL&format=hls|dash&session=NAME&cmcd=query|events&events=URL
const asked = new URLSearchParams(location.search);
const video = document.getElementById('video');
const session = asked.get('session');

// What the laboratory asks again and again.
const seen = {errors: [], stalls: 0, longestStall: 0, handle: null};
let waitingSince = 0;
let hasPlayed = false;

function endStall() {
  if (!waitingSince) return;
  seen.longestStall = Math.max(seen.longestStall, performance.now() - waitingSince);
  waitingSince = 0;
}
video.addEventListener('waiting', () => {
  if (!hasPlayed || video.seeking || waitingSince) return;
  waitingSince = performance.now();
  seen.stalls += 1;
});
video.addEventListener('timeupdate', () => {
  if (video.currentTime > 0 && !video.paused) hasPlayed = true;
  if (video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA) endStall();
});
video.addEventListener('playing', endStall);
window.addEventListener('error', event => seen.errors.push(String(event.message)));
window.addEventListener('unhandledrejection', event => seen.errors.push(String(event.reason)));

window.state = () => {
  const quality = video.getVideoPlaybackQuality();
  const last = video.buffered.length;
  return {
    time: video.currentTime,
    frames: quality.totalVideoFrames,
    buffered: last ? video.buffered.end(last - 1) : 0,
    stalls: seen.stalls,
    longest_stall: Math.max(seen.longestStall, waitingSince ? performance.now() - waitingSince : 0) / 1000,
    errors: seen.errors.slice(-5),
  };
};

function script(path) {
  return new Promise((resolve, reject) => {
    const element = document.createElement('script');
    element.src = path;
    element.onload = resolve;
    element.onerror = () => reject(new Error(`${path} is not there`));
    document.head.append(element);
  });
}

// Small buffers, so that a switch shows soon.
const BUFFER = 6;

const players = {
  async 'hls.js'(source) {
    await script('/npm/hls.js/dist/hls.min.js');
    const cmcd = {
      query: {sessionId: session, contentId: 'film'},
      events: {
        sessionId: session, contentId: 'film', version: 2,
        eventTargets: [{url: asked.get('events'), events: ['ps', 't', 'rr'], interval: 2, batchSize: 1}],
      },
    }[asked.get('cmcd')];
    const hls = new Hls({maxBufferLength: BUFFER, maxMaxBufferLength: BUFFER, liveSyncDurationCount: 3, cmcd});
    hls.on(Hls.Events.ERROR, (_, data) => seen.errors.push(`${data.details}${data.fatal ? ' (fatal)' : ''}`));
    hls.loadSource(source);
    hls.attachMedia(video);
    video.play();
    return hls;
  },

  async dashjs(source) {
    await script('/npm/dashjs/dist/modern/umd/dash.all.min.js');
    const player = dashjs.MediaPlayer().create();
    const cmcd = {
      query: {enabled: true, sid: session, cid: 'film', mode: 'query'},
      events: {
        enabled: true, sid: session, cid: 'film', mode: 'query', version: 2,
        eventTargets: [{
          enabled: true, url: asked.get('events'), events: ['ps', 't', 'rr'], interval: 2, batchSize: 1,
          enabledKeys: ['br', 'bl', 'cid', 'mtp', 'pr', 'sf', 'sid', 'st', 'v', 'e', 'ts', 'sta', 'rc', 'ttfb', 'ttlb', 'url'],
        }],
      },
    }[asked.get('cmcd')];
    player.updateSettings({
      streaming: {
        buffer: {bufferTimeDefault: BUFFER, bufferTimeAtTopQuality: BUFFER, bufferTimeAtTopQualityLongForm: BUFFER},
        ...(cmcd && {cmcd}),
      },
    });
    player.on(dashjs.MediaPlayer.events.ERROR, event => seen.errors.push(event.error?.message ?? String(event.error)));
    player.initialize(video, source, true);
    return player;
  },

  async 'shaka-player'(source) {
    await script('/npm/shaka-player/dist/shaka-player.compiled.js');
    shaka.polyfill.installAll();
    const player = new shaka.Player();
    await player.attach(video);
    player.configure({streaming: {bufferingGoal: BUFFER, rebufferingGoal: 1}});
    if (asked.get('cmcd')) {
      const events = asked.get('cmcd') === 'events';
      player.configure({
        cmcd: {
          enabled: true, sessionId: session, contentId: 'film', useHeaders: false, ...(events && {
            version: 2,
            eventTargets: [{
              enabled: true, mode: 'event', url: asked.get('events'), events: ['ps', 't', 'rr'], includeKeys: [],
              interval: 2, batchSize: 1, useHeaders: false,
            }],
          }),
        },
      });
    }
    player.addEventListener('error', event => seen.errors.push(`${event.detail.code} ${event.detail.data}`));
    // A URL with the video in its query does not tell its type, so it is named.
    const type = asked.get('format') === 'dash' ? 'application/dash+xml' : 'application/x-mpegurl';
    player.load(source, null, type).then(() => video.play(), error => seen.errors.push(`${error.code} ${error.data}`));
    return player;
  },

  async 'video.js'(source) {
    await script('/npm/video.js/dist/video.min.js');
    videojs.Vhs.GOAL_BUFFER_LENGTH = videojs.Vhs.MAX_GOAL_BUFFER_LENGTH = BUFFER;
    videojs.Vhs.BUFFER_LOW_WATER_LINE = videojs.Vhs.MAX_BUFFER_LOW_WATER_LINE = 1;
    // Some browsers play HLS themselves, which steers nothing.
    const player = videojs(video, {html5: {vhs: {overrideNative: true}, nativeAudioTracks: false, nativeVideoTracks: false}});
    player.on('error', () => seen.errors.push(player.error()?.message));
    player.src({src: source, type: asked.get('format') === 'dash' ? 'application/dash+xml' : 'application/x-mpegURL'});
    player.ready(() => player.play());
    return player;
  },
};

// Kept from the garbage collector for as long as the page is there.
players[asked.get('player')](asked.get('src')).then(handle => { seen.handle = handle; }, error => seen.errors.push(String(error)));
