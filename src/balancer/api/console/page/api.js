// Asks the service. The key goes into the header of each request and nowhere else: no URL and no cookie has it.

/**
 * What the service says when something is wrong (RFC 9457).
 */
export class Problem extends Error {
  /**
   * @param {number} status 0 where there was no answer.
   * @param {Partial<API.Problem> | null} body
   */
  constructor(status, body) {
    super(body?.detail || body?.title || `HTTP ${status}`);
    this.status = status;
    this.type = (body?.type || "").split(":").pop() || "";
    this.errors = body?.errors || [];
    this.revision = body?.revision;
  }
}

export class Api {
  /**
   * @param {string} key An API key, or a token of the identity provider.
   * @param {() => void} onRefused Called when the key does not count any more.
   */
  constructor(key, onRefused) {
    this.key = key;
    this.onRefused = onRefused;
  }

  /**
   * @param {string} path
   * @param {Record<string, string>} [headers]
   * @returns {Promise<any>} The body.
   */
  async get(path, headers) {
    return (await this.ask("GET", path, undefined, headers)).body;
  }

  /**
   * Make a change; one that is sent again by the network is made once.
   * @param {string} method
   * @param {string} path
   * @param {any} [body]
   * @param {string | null} [etag] Of the revision that it is meant for.
   */
  async change(method, path, body, etag) {
    /** @type {Record<string, string>} */
    const headers = {"idempotency-key": `"${randomText(16)}"`};
    if (etag) headers["if-match"] = etag;
    return this.ask(method, path, body, headers);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {any} [body]
   * @param {Record<string, string>} [headers]
   * @returns {Promise<{body: any, etag: string | null}>}
   */
  async ask(method, path, body, headers = {}) {
    const answer = await this.send(method, path, body, headers);
    const text = await answer.text();
    return {body: text ? JSON.parse(text) : null, etag: answer.headers.get("etag")};
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {any} body
   * @param {Record<string, string>} headers
   * @param {AbortSignal} [signal]
   */
  async send(method, path, body, headers, signal) {
    /** @type {Record<string, string>} */
    const fields = {authorization: `Bearer ${this.key}`, ...headers};
    if (body !== undefined) fields["content-type"] = "application/json";
    const given = body === undefined ? undefined : JSON.stringify(body);
    let answer;
    try {
      answer = await fetch(path, {
        method,
        body: given,
        headers: fields,
        signal,
        cache: "no-store",
        credentials: "omit",
      });
    } catch (error) {
      throw new Problem(0, {detail: String(error)});
    }
    if (answer.ok) return answer;
    const problem = new Problem(answer.status, await answer.json().catch(() => null));
    if (answer.status === 401) this.onRefused();
    throw problem;
  }

  /**
   * Follow the stream of events (WHATWG HTML §9.2), which `EventSource` could not ask for with a header.
   * @param {AbortSignal} signal
   * @returns {AsyncGenerator<{name: string, data: any}>}
   */
  async *events(signal) {
    const answer = await this.send("GET", "live", undefined, {}, signal);
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

/**
 * Return text that cannot be guessed, from an alphabet that every place takes.
 * @param {number} bytes
 */
export function randomText(bytes) {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), byte => byte.toString(16).padStart(2, "0")).join("");
}
