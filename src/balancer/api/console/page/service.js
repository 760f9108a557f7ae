// What the console asks the service by: the client, with an end of the visit and the stream of events.

import {paint} from "./charts.js";
import {Client, Problem} from "./client.js";

/** Seconds that somebody who looks at the page is kept waiting for another attempt. */
const PATIENCE = 5;

export class Api extends Client {
  /**
   * @param {string} key An API key, or a token of the identity provider.
   * @param {() => void} onRefused Called when the key does not count any more.
   */
  constructor(key, onRefused) {
    // A proxy may serve it all below a path.
    super({base: new URL(".", document.baseURI).href, key, seconds: PATIENCE});
    this.onRefused = onRefused;
  }

  /** @type {Client["send"]} */
  async send(name, given) {
    try {
      return await super.send(name, given);
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.onRefused();
      throw error;
    }
  }

  /**
   * Return all configs, and one of them with its entity tag.
   * @param {string | number | null} id Of that one; null for the default.
   */
  async readConfigs(id) {
    const [all, {body: config, etag}] = await Promise.all([
      this.ask("GET /configs", {query: {limit: 200}}),
      this.ask("GET /config", {query: {id: id ? Number(id) : undefined}}),
    ]);
    paint(all.body.items);
    return {configs: all.body.items, config, etag};
  }

  /**
   * Follow the stream of events (WHATWG HTML §9.2), which `EventSource` could not ask for with a header.
   * @param {AbortSignal} signal
   * @returns {AsyncGenerator<{name: string, data: any}>}
   */
  async *events(signal) {
    const answer = await this.send("GET /live", {signal});
    if (!answer.body) return;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const {value, done} = await reader.read();
      if (done) return;
      const events = (rest + value).split("\n\n");
      rest = events.pop() || "";
      for (const text of events) {
        const lines = text.split("\n");
        const find = (/** @type {string} */ name) =>
          lines.find(line => line.startsWith(`${name}: `))?.slice(name.length + 2);
        yield {name: find("event") || "", data: JSON.parse(find("data") || "null")};
      }
    }
  }
}
