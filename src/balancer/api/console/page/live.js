// What happens right now. The stream comes back by itself when it breaks, and says so meanwhile.

/** @typedef {import("./service.js").Api} Api */

const PATIENCE = 6000;
const WAITS = [500, 1000, 2000, 4000, 8000];
const KEPT = 600;

export class Live extends EventTarget {
  /** @param {Api} api */
  constructor(api) {
    super();
    this.api = api;
    /** @type {API.Live | null} */
    this.now = null;
    /** @type {Map<number, API.LiveStep>} The last ten minutes, by their beginning. */
    this.steps = new Map();
    this.isLost = false;
    this.isStopped = false;
    this.abort = new AbortController();
  }

  async run() {
    for (let tries = 0; !this.isStopped; tries += 1) {
      this.abort = new AbortController();
      let timer = setTimeout(() => this.abort.abort(), PATIENCE);
      try {
        for await (const event of this.api.events(this.abort.signal)) {
          clearTimeout(timer);
          timer = setTimeout(() => this.abort.abort(), PATIENCE);
          if (event.name === "end") this.api.onRefused();
          else this.take(event.data);
          tries = 0;
        }
      } catch {
        // Whatever it was, the next try finds out whether it is over.
      }
      clearTimeout(timer);
      if (this.isStopped) return;
      this.tell(true);
      await new Promise(done => setTimeout(done, WAITS[Math.min(tries, WAITS.length - 1)]));
    }
  }

  /** @param {API.Live} data */
  take(data) {
    for (const step of data.steps) this.steps.set(step.begin, step);
    const first = Date.parse(data.at) / 1000 - KEPT;
    for (const begin of this.steps.keys()) if (begin < first - 10) this.steps.delete(begin);
    this.now = data;
    this.tell(false);
  }

  /** @param {boolean} isLost */
  tell(isLost) {
    this.isLost = isLost;
    this.dispatchEvent(new Event("told"));
  }

  stop() {
    this.isStopped = true;
    this.abort.abort();
  }

  /**
   * Call now and with each event, until the page is left.
   * @param {() => void} call
   * @returns {() => void} Ends it.
   */
  follow(call) {
    this.addEventListener("told", call);
    if (this.now) call();
    return () => this.removeEventListener("told", call);
  }
}
