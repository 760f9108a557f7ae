// What the client sends to a service that answers as it is told to.

import {Client, Problem} from "./client.js";

/**
 * Ask once, and return the keys of the requests that were sent, and the status and the patience of the problem.
 * @param {import("./client.js").Name} name
 * @param {{query?: object, headers?: object, body?: unknown}} given
 * @param {[number, Record<string, string>, object][]} answers A status, header fields and a body each, in order.
 */
export async function tried(name, given, answers) {
  /** @type {(string | null)[]} */
  const keys = [];
  globalThis.fetch = async (_, init) => {
    keys.push(new Headers(init?.headers).get("idempotency-key"));
    const [status, headers, body] = answers[keys.length - 1] ?? [200, {}, {}];
    return new Response(JSON.stringify(body), {status, headers});
  };
  try {
    await new Client({base: "http://balancer.example", seconds: 5}).send(name, given);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return {keys, status: error.status, retryAfter: error.retryAfter};
  }
  return {keys, status: 200, retryAfter: null};
}
