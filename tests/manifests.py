"""Manifests as packagers write them, and what they are steered with."""

from balancer.core.manifests.pathways import Pathway

BASE_URL = "http://s1.origin-cluster/video/1488/master.m3u8"
SERVER = "https://balancer.example.com/steering?video=1488&v=1"
CDN_A = Pathway("cdn-a", "http://cdn-a.example.com/s1")
CDN_B = Pathway("cdn-b", "https://cdn-b.example.com:8443")
ORIGIN = Pathway("origin", "http://s1.origin-cluster")
PATHWAYS = (CDN_A, CDN_B, ORIGIN)

FMP4 = """\
#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS

## made by a packager
#EXT-X-SESSION-DATA:DATA-ID="com.example.title",VALUE="A, \u201cquoted\u201d title",LANGUAGE="en"
#EXT-X-SESSION-DATA:DATA-ID="com.example.chapters",URI="chapters.json"
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://key-1",KEYFORMAT="com.apple.streamingkeydelivery",KEYFORMATVERSIONS="1"
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="http://s1.origin-cluster/keys/1"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",LANGUAGE="en",NAME="English, URI=x",DEFAULT=YES,CHANNELS="2",URI="audio/en.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",LANGUAGE="de",NAME="Deutsch",DEFAULT=NO,CHANNELS="2",URI="/audio/de.m3u8?x=1"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="muxed",LANGUAGE="en",NAME="In the video",DEFAULT=YES
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",LANGUAGE="en",NAME="English",FORCED=NO,URI="../subs/en.m3u8"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",LANGUAGE="en",NAME="CC1",INSTREAM-ID="CC1"
#EXT-X-STREAM-INF:BANDWIDTH=2177116,CODECS="avc1.640020,mp4a.40.2",AUDIO="aac",SUBTITLES="subs",CLOSED-CAPTIONS="cc"
v5/prog_index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=800000, RESOLUTION=640x360, AUDIO="muxed", CLOSED-CAPTIONS=NONE,X-NEW="\u044f, AUDIO=1",
# a comment between
https://other.example/v1/prog_index.m3u8
#EXT-X-NEW-TAG:URI="relative.m3u8",PATHWAY-ID="x"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=186522,CODECS="avc1.640020",VIDEO="angles",URI="//s1.origin-cluster:80/v5/iframe.m3u8"
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=12000,RESOLUTION=320x180,URI="tiles.m3u8"
"""

FMP4_STEERED = """\
#EXTM3U
#EXT-X-CONTENT-STEERING:SERVER-URI="https://balancer.example.com/steering?video=1488&v=1",PATHWAY-ID="cdn-a"
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS

## made by a packager
#EXT-X-SESSION-DATA:DATA-ID="com.example.title",VALUE="A, \u201cquoted\u201d title",LANGUAGE="en"
#EXT-X-SESSION-DATA:DATA-ID="com.example.chapters",URI="http://cdn-a.example.com/s1/video/1488/chapters.json"
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI="skd://key-1",KEYFORMAT="com.apple.streamingkeydelivery",KEYFORMATVERSIONS="1"
#EXT-X-SESSION-KEY:METHOD=AES-128,URI="http://s1.origin-cluster/keys/1"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="cdn-a_aac",LANGUAGE="en",NAME="English, URI=x",DEFAULT=YES,CHANNELS="2",\
URI="http://cdn-a.example.com/s1/video/1488/audio/en.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="cdn-a_aac",LANGUAGE="de",NAME="Deutsch",DEFAULT=NO,CHANNELS="2",\
URI="http://cdn-a.example.com/s1/audio/de.m3u8?x=1"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="cdn-a_muxed",LANGUAGE="en",NAME="In the video",DEFAULT=YES
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="cdn-a_subs",LANGUAGE="en",NAME="English",FORCED=NO,\
URI="http://cdn-a.example.com/s1/video/subs/en.m3u8"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",LANGUAGE="en",NAME="CC1",INSTREAM-ID="CC1"
#EXT-X-STREAM-INF:BANDWIDTH=2177116,CODECS="avc1.640020,mp4a.40.2",AUDIO="cdn-a_aac",SUBTITLES="cdn-a_subs",\
CLOSED-CAPTIONS="cc",PATHWAY-ID="cdn-a"
http://cdn-a.example.com/s1/video/1488/v5/prog_index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=800000, RESOLUTION=640x360, AUDIO="cdn-a_muxed", CLOSED-CAPTIONS=NONE,\
X-NEW="\u044f, AUDIO=1",PATHWAY-ID="cdn-a"
# a comment between
https://other.example/v1/prog_index.m3u8
#EXT-X-NEW-TAG:URI="relative.m3u8",PATHWAY-ID="x"
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=186522,CODECS="avc1.640020",VIDEO="cdn-a_angles",\
URI="http://cdn-a.example.com/s1/v5/iframe.m3u8",PATHWAY-ID="cdn-a"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="origin_aac",LANGUAGE="en",NAME="English, URI=x",DEFAULT=YES,CHANNELS="2",\
URI="http://s1.origin-cluster/video/1488/audio/en.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="origin_aac",LANGUAGE="de",NAME="Deutsch",DEFAULT=NO,CHANNELS="2",\
URI="http://s1.origin-cluster/audio/de.m3u8?x=1"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="origin_muxed",LANGUAGE="en",NAME="In the video",DEFAULT=YES
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="origin_subs",LANGUAGE="en",NAME="English",FORCED=NO,\
URI="http://s1.origin-cluster/video/subs/en.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=2177116,CODECS="avc1.640020,mp4a.40.2",AUDIO="origin_aac",SUBTITLES="origin_subs",\
CLOSED-CAPTIONS="cc",PATHWAY-ID="origin"
http://s1.origin-cluster/video/1488/v5/prog_index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=800000, RESOLUTION=640x360, AUDIO="origin_muxed", CLOSED-CAPTIONS=NONE,\
X-NEW="\u044f, AUDIO=1",PATHWAY-ID="origin"
https://other.example/v1/prog_index.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=186522,CODECS="avc1.640020",VIDEO="origin_angles",\
URI="http://s1.origin-cluster/v5/iframe.m3u8",PATHWAY-ID="origin"
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=12000,RESOLUTION=320x180,URI="http://cdn-a.example.com/s1/video/1488/tiles.m3u8"
"""
"""With the pathways `cdn-a` and `origin`."""

TS = """\
#EXTM3U
#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=1280000
low/index.m3u8
#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=7680000,NAME=high
high/index.m3u8
"""

MEDIA = """\
#EXTM3U
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:0
#EXTINF:4.0,
seg-0.ts
#EXT-X-ENDLIST
"""

LIVE = """\
<?xml version="1.0" encoding="UTF-8"?>
<!-- made by a packager: <BaseURL> and <Period> in here are none -->
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:dvb="urn:dvb:dash:dash-extensions:2014-1"
     profiles="urn:mpeg:dash:profile:isoff-live:2011" type="dynamic" minimumUpdatePeriod='PT2S' id="a > b">
  <ProgramInformation moreInformationURL="https://example.com/"><Title>Live &amp; well</Title></ProgramInformation>
  <BaseURL availabilityTimeOffset="7.5" serviceLocation='old' dvb:weight="1">dash/</BaseURL>
  <Location>http://s1.origin-cluster/video/1488/a.mpd</Location>
  <PatchLocation ttl="60">patch.mpp</PatchLocation>
  <ServiceDescription id="0"><Latency target="3500"/></ServiceDescription>
  <Period id="1" start="PT0S">
    <AdaptationSet contentType="video" mimeType="video/mp4">
      <ContentProtection schemeIdUri="urn:mpeg:dash:mp4protection:2011" value="cenc"/>
      <SegmentTemplate timescale="9000" media="$RepresentationID$/$Time$.m4s" initialization="$RepresentationID$.mp4">
        <SegmentTimeline><S t="0" d="360000" r="9"/><!-- gap --><S d="180000"/></SegmentTimeline>
      </SegmentTemplate>
      <Representation id="v0" bandwidth="800000" codecs="avc1.640020"/>
    </AdaptationSet>
  </Period>
  <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="https://time.example/"/>
</MPD>
"""

LIVE_STEERED = LIVE.replace(
    """
  <BaseURL availabilityTimeOffset="7.5" serviceLocation='old' dvb:weight="1">dash/</BaseURL>
  <Location>http://s1.origin-cluster/video/1488/a.mpd</Location>
  <PatchLocation ttl="60">patch.mpp</PatchLocation>""",
    """
  <BaseURL availabilityTimeOffset="7.5" dvb:weight="1" serviceLocation="cdn-a">\
http://cdn-a.example.com/s1/video/1488/dash/</BaseURL>
  <BaseURL availabilityTimeOffset="7.5" dvb:weight="1" serviceLocation="origin">\
http://s1.origin-cluster/video/1488/dash/</BaseURL>
  <ContentSteering defaultServiceLocation="cdn-a" queryBeforeStart="false">\
https://balancer.example.com/steering?video=1488&amp;v=1</ContentSteering>""",
)
"""With the pathways `cdn-a` and `origin`."""

LEVELS = """\
<mpd:MPD xmlns:mpd="urn:mpeg:dash:schema:mpd:2011" xmlns:x="urn:x">
\t<mpd:BaseURL>http://S1.Origin-Cluster:80/video/1488/dash/</mpd:BaseURL>
\t<mpd:Period>
\t\t<mpd:BaseURL byteRange=">">http://s1.origin-cluster/video/1488/dash/p1/</mpd:BaseURL>
\t\t<mpd:AdaptationSet><mpd:BaseURL>/video/1488/audio/?a=1&amp;b=2</mpd:BaseURL>
\t\t\t<mpd:Representation><mpd:BaseURL> a.mp4 </mpd:BaseURL><x:BaseURL>/x/</x:BaseURL></mpd:Representation>
\t\t\t<mpd:Representation><mpd:BaseURL><![CDATA[//s1.origin-cluster/b/c.mp4]]></mpd:BaseURL></mpd:Representation>
\t\t</mpd:AdaptationSet>
\t\t<mpd:AdaptationSet><mpd:BaseURL>https://other.example/x/</mpd:BaseURL>
\t\t\t<mpd:Representation><mpd:BaseURL>/y/d.mp4</mpd:BaseURL></mpd:Representation>
\t\t</mpd:AdaptationSet>
\t</mpd:Period>
</mpd:MPD>
"""

LEVELS_STEERED = """\
<mpd:MPD xmlns:mpd="urn:mpeg:dash:schema:mpd:2011" xmlns:x="urn:x">
\t<mpd:BaseURL serviceLocation="cdn-a">http://cdn-a.example.com/s1/video/1488/dash/</mpd:BaseURL>
\t<mpd:BaseURL serviceLocation="origin">http://s1.origin-cluster/video/1488/dash/</mpd:BaseURL>
\t<mpd:ContentSteering defaultServiceLocation="cdn-a" queryBeforeStart="false">\
https://balancer.example.com/steering?video=1488&amp;v=1</mpd:ContentSteering>
\t<mpd:Period>
\t\t<mpd:BaseURL byteRange=">">p1/</mpd:BaseURL>
\t\t<mpd:AdaptationSet><mpd:BaseURL>../../audio/?a=1&amp;b=2</mpd:BaseURL>
\t\t\t<mpd:Representation><mpd:BaseURL> a.mp4 </mpd:BaseURL><x:BaseURL>/x/</x:BaseURL></mpd:Representation>
\t\t\t<mpd:Representation><mpd:BaseURL>../../../b/c.mp4</mpd:BaseURL></mpd:Representation>
\t\t</mpd:AdaptationSet>
\t\t<mpd:AdaptationSet><mpd:BaseURL>https://other.example/x/</mpd:BaseURL>
\t\t\t<mpd:Representation><mpd:BaseURL>/y/d.mp4</mpd:BaseURL></mpd:Representation>
\t\t</mpd:AdaptationSet>
\t</mpd:Period>
</mpd:MPD>
"""
"""With the pathways `cdn-a` and `origin`."""
