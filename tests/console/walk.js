// Everything that an admin does, by the client: `walk` throws where something is not as it should be.

import {Client, Problem} from "./client.js";

const VIDEO = "http://s1.origin-cluster/video/1488/xcg2djHckad.m3u8";

/**
 * @param {string} base
 * @param {string} key An admin's.
 */
export async function walk(base, key) {
  const admin = new Client({base, key});
  const ready = await admin.ask("GET /health/ready");
  same("ok", ready.body.status);

  const targets = [
    {name: "cdn-a", host: "a.example", weight: 3},
    {name: "cdn-b", host: "b.example", weight: 1},
  ];
  const {body: made} = await admin.ask("POST /configs", {body: {name: "night", targets, reason: "A test."}});
  same(["night", 1, "exact", null], [made.name, made.revision, made.policy, made.cdn_host]);
  const {id} = made;
  const read = await admin.ask("GET /config", {query: {id}});
  same(made, read.body);
  const {body: configs} = await admin.ask("GET /configs", {query: {limit: 200}});
  same([1, id], configs.items.map(one => one.id));

  const preview = await admin.ask("POST /config/preview", {
    body: {id, policy: "failover", videos: [VIDEO], requests: 100},
  });
  same([75, 25], preview.body.before.shares.map(one => one.requests));
  same([100, 0], preview.body.after.shares.map(one => one.requests));

  const changed = await admin.ask("PATCH /config/target", {
    body: {id, name: "cdn-b", weight: 2, reason: "More."},
    headers: {"If-Match": read.etag},
  });
  same([3, 2], changed.body.targets.map(one => one.weight));
  const late = await refusal(
    admin.ask("PATCH /config", {body: {id, name: "day"}, headers: {"If-Match": read.etag}}),
  );
  same([412, "urn:video-balancer:problem:stale-revision", 2], [late.status, late.type, late.revision]);
  const wrong = await refusal(
    admin.ask("PATCH /config", {body: {id, targets: [{name: "cdn-a", host: "a.example", weight: -1}]}}),
  );
  same([422, ["targets.cdn-a.weight"]], [wrong.status, wrong.errors.map(one => one.field)]);

  const {body: history} = await admin.ask("GET /config/history", {query: {id}});
  same([[2, "More."], [1, "A test."]], history.items.map(one => [one.revision, one.reason]));
  const {body: first} = await admin.ask("GET /config/revision", {query: {id, revision: 1}});
  same(history.items[1].document, first.document);
  const {body: diff} = await admin.ask("GET /config/diff", {query: {id, from: 1, to: 2}});
  same(
    [["cdn-b", "weight", 1, 2]],
    diff.target_changes.map(one => [one.target, one.field, one.before, one.after]),
  );
  const back = await admin.ask("POST /config/rollback", {body: {id, revision: 1}, headers: {"If-Match": changed.etag}});
  same([3, 1], [back.body.revision, back.body.targets[1].weight]);

  await walkRules(admin, id);
  const {body: explained} = await admin.ask("GET /explain", {
    query: {video: VIDEO},
    headers: {"X-Explain-Client": "192.0.2.7"},
  });
  same([1, ["config", "video"]], [explained.config_id, explained.steps.slice(0, 2).map(one => one.step)]);
  same(["origin", "cdn"], (await admin.ask("GET /targets")).body.targets.map(one => one.name));
  same("host", (await admin.ask("GET /stats", {query: {window: "1m"}})).body.scope);

  await walkKeys(admin, id);
  const gone = await admin.ask("DELETE /config", {query: {id, reason: "Done."}, headers: {"If-Match": back.etag}});
  same(undefined, gone.body);
  same(404, (await refusal(admin.ask("GET /config", {query: {id}}))).status);
}

/**
 * @param {Client} admin
 * @param {number} id Of the config that a rule chooses.
 */
async function walkRules(admin, id) {
  const none = await admin.ask("GET /rules");
  same([0, []], [none.body.revision, none.body.rules]);
  const rules = [{name: "live", config_id: id, when: {paths: ["/live/"]}}];
  const {body: preview} = await admin.ask("POST /rules/preview", {
    body: {rules, requests: [{video: "http://s1.origin-cluster/live/1.m3u8"}]},
  });
  same([null, "live"], [preview.requests[0].before?.rule, preview.requests[0].after?.rule]);
  const made = await admin.ask("PUT /rules", {body: {rules, reason: "Live."}, headers: {"If-Match": none.etag}});
  same(["live"], made.body.rules.map(one => one.name));
  const late = await refusal(admin.ask("PUT /rules", {body: {rules: []}, headers: {"If-Match": none.etag}}));
  same([412, 1], [late.status, late.revision]);
  const {body: history} = await admin.ask("GET /rules/history");
  same([1], history.items.map(one => one.revision));
  const {body: diff} = await admin.ask("GET /rules/diff", {query: {from: 0, to: 1}});
  same(["live"], [...new Set(diff.changes.map(one => one.rule))]);
  const back = await admin.ask("POST /rules/rollback", {body: {revision: 0}, headers: {"If-Match": made.etag}});
  same([], back.body.rules);
}

/**
 * @param {Client} admin
 * @param {number} id Of a config that may not be deleted by everybody.
 */
async function walkKeys(admin, id) {
  const {body: key} = await admin.ask("POST /keys", {body: {name: "reader", role: "viewer"}});
  const reader = new Client({base: `${admin.base}/`, key: key.key});
  same(1, (await reader.ask("GET /config")).body.id);
  same(403, (await refusal(reader.ask("DELETE /config", {query: {id}}))).status);
  same(["first", "reader"], (await admin.ask("GET /keys")).body.items.map(one => one.name));
  await admin.ask("DELETE /key", {query: {id: key.id}});
  same(401, (await refusal(reader.ask("GET /config"))).status);
}

/**
 * @param {Promise<unknown>} asked
 * @returns {Promise<Problem>}
 */
async function refusal(asked) {
  try {
    await asked;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("It was not refused.");
}

/**
 * @template T
 * @param {T} expected
 * @param {T} actual
 */
function same(expected, actual) {
  const [one, other] = [JSON.stringify(expected), JSON.stringify(actual)];
  if (one !== other) throw new Error(`${other} in place of ${one}`);
}

/**
 * These must not be right: the compiler says so where they are.
 * @param {Client} client
 */
export function wrong(client) {
  // @ts-expect-error There is no such path.
  void client.ask("GET /confg");
  // @ts-expect-error A body is missing.
  void client.ask("PATCH /config");
  // @ts-expect-error That is no field.
  void client.ask("PATCH /config", {body: {id: 1, nam: "day"}});
  // @ts-expect-error Nor is that a parameter.
  void client.ask("GET /config", {query: {ids: 1}});
  // @ts-expect-error And that is a number.
  void client.ask("GET /config").then(({body}) => body.id.trim());
}
