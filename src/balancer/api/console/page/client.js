// A client of the balancer's API, for browsers and Node.js 18 or later. Its types need `api.d.ts` beside it, which
// openapi-typescript makes of /schema/openapi.json with --default-non-nullable=false.

/**
 * @typedef {import("./api.d.ts").paths} Paths
 * @typedef {import("./api.d.ts").components["schemas"]} Schemas
 */

/**
 * @typedef {{[P in keyof Paths & string]: {[M in keyof Paths[P] & string]-?:
 *   Paths[P][M] extends {responses: any} ? `${Uppercase<M>} ${P}` : never}[keyof Paths[P] & string]
 * }[keyof Paths & string]} Name Of an operation: `PATCH /config`.
 */

/**
 * @template {Name} N
 * @typedef {N extends `${infer M} ${infer P extends keyof Paths & string}` ? Paths[P][Lowercase<M> & keyof Paths[P]] : never} Operation
 */

/**
 * What an operation is given: a `query`, header fields and a body, as far as it takes them.
 * @template O
 * @typedef {O extends {parameters: infer P}
 *   ? Pick<P, "query" & keyof P> & {headers?: P["header" & keyof P], signal?: AbortSignal}
 *     & (O extends {requestBody: {content: {"application/json": infer B}}} ? {body: B} : {})
 *   : never} Given
 */

/**
 * What an answer has: all of it, but of a rule only what is not the default.
 * @template T
 * @typedef {T extends Schemas["RuleItem"] ? T : T extends object ? {[K in keyof T]-?: Whole<T[K]>} : T} Whole
 */

/**
 * @template O
 * @typedef {O extends {responses: infer R} ? {[S in keyof R & (200 | 201 | 204)]: R[S] extends
 *   {content: {"application/json": infer B}} ? Whole<B> : undefined}[keyof R & (200 | 201 | 204)] : never} Body
 */

const URN = "urn:video-balancer:problem:";

const READING = ["GET", "HEAD"];

/** They take no `Idempotency-Key`, so that no key of the API is kept anywhere. */
const KEYLESS = ["POST /keys", "DELETE /key"];

/** Seconds before the second attempt, where the answer does not say; doubled before each one after it. */
const FIRST_WAIT = 0.5;

/** What the service says when something is wrong (RFC 9457). */
export class Problem extends Error {
  /**
   * @param {number} status 0 where there was no answer.
   * @param {Partial<Schemas["Problem"]> | null} body
   * @param {number | null} [retryAfter] Seconds to wait before asking again.
   */
  constructor(status, body, retryAfter = null) {
    super(body?.detail || body?.title || `HTTP ${status}`);
    this.name = "Problem";
    this.status = status;
    this.type = body?.type || "about:blank";
    this.errors = body?.errors || [];
    this.revision = body?.revision;
    this.retryAfter = retryAfter;
  }
}

export class Client {
  /**
   * @param {object} [options]
   * @param {string} [options.base] URL of the service; else it is where the page is from.
   * @param {string} [options.key] An API key, or a token of the identity provider.
   * @param {number} [options.attempts] How often a request is sent at most; 1 is never again.
   * @param {number} [options.seconds] How long after the first attempt the last one may begin.
   */
  constructor({base = "", key = "", attempts = 4, seconds = 30} = {}) {
    this.base = base.replace(/\/$/, "");
    this.key = key;
    this.attempts = attempts;
    this.seconds = seconds;
  }

  /**
   * Ask for an operation: `ask("GET /config", {query: {id: 1}})`. A change is made once, however often it is sent.
   * @template {Name} N
   * @param {N} name
   * @param {{} extends Given<Operation<N>> ? [Given<Operation<N>>?] : [Given<Operation<N>>]} given
   * @returns {Promise<{body: Body<Operation<N>>, etag: string | undefined}>} The `etag` is for the `If-Match` of a change.
   * @throws {Problem}
   */
  async ask(name, ...given) {
    const answer = await this.send(name, given[0]);
    const text = await answer.text().catch(lost);
    try {
      return {body: text ? JSON.parse(text) : undefined, etag: answer.headers.get("etag") ?? undefined};
    } catch {
      throw new Problem(answer.status, {detail: "The answer is no JSON."});
    }
  }

  /**
   * Return an answer as it comes, such as the stream of `GET /live`.
   * @param {Name} name
   * @param {{query?: object, headers?: object, body?: unknown, signal?: AbortSignal}} [given]
   * @throws {Problem}
   */
  async send(name, {query = {}, headers = {}, body, signal} = {}) {
    const [method, path] = name.split(" ");
    const fields = new Headers(known(headers));
    if (this.key) fields.set("authorization", `Bearer ${this.key}`);
    if (body !== undefined) fields.set("content-type", "application/json");
    const isReading = READING.includes(method) || path.endsWith("/preview");
    if (!isReading && !KEYLESS.includes(name) && !fields.has("idempotency-key"))
      fields.set("idempotency-key", freshKey());
    const isSafe = isReading || fields.has("idempotency-key") || fields.has("if-match");
    const search = new URLSearchParams(known(query)).toString();
    const begin = Date.now();
    for (let attempt = 1; ; attempt += 1) {
      const answer = await fetch(`${this.base}${path}${search && `?${search}`}`, {
        method,
        headers: fields,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
        cache: "no-store",
        credentials: "omit",
        // The key would go along.
        redirect: "error",
      }).catch(lost);
      if (answer.ok) return answer;
      const told = secondsOf(answer.headers.get("retry-after"));
      const problem = new Problem(answer.status, await answer.json().catch(() => null), told);
      const wait = told ?? FIRST_WAIT * 2 ** (attempt - 1);
      const isOver = attempt >= this.attempts || (Date.now() - begin) / 1000 + wait > this.seconds;
      if (isOver || !isRepeatable(problem, isSafe)) throw problem;
      await pause(wait, signal);
    }
  }
}

/**
 * Return whether a request may be sent again without doing something twice.
 * @param {Problem} problem
 * @param {boolean} isSafe Whether it does no more when it is sent twice.
 */
function isRepeatable({status, type}, isSafe) {
  // What the service itself refuses was not done.
  const isRefused = type.startsWith(URN) && type !== `${URN}outcome-unknown`;
  return status === 429 || (status === 503 && (isSafe || isRefused));
}

/**
 * Return the seconds that a `Retry-After` asks for (RFC 9110 §10.2.3), null where it is missing or says nothing.
 * @param {string | null} text Seconds, or a date.
 */
function secondsOf(text) {
  if (/^\d{1,9}$/.test(text ?? "")) return Number(text);
  const until = Date.parse(text ?? "");
  return Number.isNaN(until) ? null : Math.max(0, (until - Date.now()) / 1000);
}

/**
 * @param {number} seconds
 * @param {AbortSignal} [signal]
 */
async function pause(seconds, signal) {
  await new Promise(done => {
    const timer = setTimeout(done, seconds * 1000);
    signal?.addEventListener("abort", () => done(clearTimeout(timer)), {once: true});
  });
}

/**
 * @param {Error} error
 * @returns {never}
 */
function lost(error) {
  throw error.name === "AbortError" ? error : new Problem(0, {detail: String(error)});
}

/**
 * Return what has a value.
 * @param {object} given
 * @returns {Record<string, string>}
 */
function known(given) {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Return a key that no other change has; Node.js 18 has no `crypto`, and it need not be a secret. */
function freshKey() {
  const random =
    globalThis.crypto?.getRandomValues(new Uint32Array(4)) ?? Uint32Array.from({length: 4}, () => Math.random() * 2 ** 32);
  return `"${Array.from(random, part => part.toString(16)).join("-")}"`;
}
