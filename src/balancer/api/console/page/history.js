// What a config was, who made it so and why; and back to it.

import {bar} from "./charts.js";
import {sharesIn} from "./change.js";
import {ask, toast} from "./dialogs.js";
import {fill, h} from "./dom.js";
import {sharesOf} from "./shares.js";
import {configSelect, differences, sentence} from "./telling.js";
import {ago, t, time} from "./words.js";

const PAGE = 20;
const REQUESTS = 1000;

/** @param {import("./app.js").App} app */
export async function page(app) {
  const element = h("div");
  await show(app, element);
  return element;
}

/**
 * @param {import("./app.js").App} app
 * @param {HTMLElement} element
 */
async function show(app, element) {
  const id = app.query.get("id");
  const [{items}, {body: config, etag}] = await Promise.all([
    app.api.get("configs?limit=200"),
    app.api.ask("GET", id ? `config?id=${id}` : "config"),
  ]);
  const list = h("ol.revisions");
  const more = h("button", {}, t("more"));
  /** @type {string | null} */
  let cursor = null;
  const load = async () => {
    /** @type {API.RevisionPage} */
    const found = await app.api.get(`config/history?id=${config.id}&limit=${PAGE}${cursor ? `&cursor=${cursor}` : ""}`);
    list.append(...found.items.map(entry => revision(app, config, etag, entry, () => show(app, element))));
    cursor = found.next;
    more.hidden = cursor === null;
  };
  more.addEventListener("click", load);
  await load();
  fill(
    element,
    configSelect(items, config.id, chosen => app.go(`#/history?id=${chosen}`)),
    h("section.card", {}, h("h2", {}, config.name || t("config", {id: config.id})), list, more),
  );
}

/**
 * @param {import("./app.js").App} app
 * @param {API.Config} config As it is now.
 * @param {string | null} etag
 * @param {API.ConfigRevision} entry
 * @param {() => Promise<void>} onDone
 */
function revision(app, config, etag, entry, onDone) {
  const targets = entry.document?.targets || [];
  const isNow = entry.revision === config.revision;
  const names = targets.map(target => target.name);
  const shares = bar(t("history.shares"), names, entry.document ? sharesOf(targets, entry.document.policy) : {});
  const back = () => rollBack(app, config, etag, entry, onDone);
  return h(
    "li.revision",
    {"data-revision": entry.revision},
    h("span.number", {}, entry.revision),
    h(
      "div",
      {},
      entry.reason ? h("q", {}, entry.reason) : h("p.hint", {}, t("history.no-reason")),
      h(
        "p",
        {},
        h("small", {title: time(entry.made_at)}, `${entry.actor} · ${ago(entry.made_at)} · ${time(entry.made_at)}`),
      ),
      entry.restored !== null && h("p.hint", {}, t("history.restored", {revision: entry.restored})),
      entry.document === null && h("p.hint", {}, t("history.deleted")),
      entry.revision > 1 && differences(entry.target_changes, entry.changes),
    ),
    entry.document ? shares : h("span"),
    isNow
      ? h("span.chip.strong", {}, t("history.now"))
      : app.may("operator") && entry.document && h("button", {onclick: back}, t("history.back")),
  );
}

/**
 * @param {import("./app.js").App} app
 * @param {API.Config} config
 * @param {string | null} etag
 * @param {API.ConfigRevision} entry
 * @param {() => Promise<void>} onDone
 */
async function rollBack(app, config, etag, entry, onDone) {
  if (!entry.document) return;
  const {targets, policy, sticky_key, panic_threshold, slow_start, name} = entry.document;
  const given = targets.map(({host, scheme, path, ...rest}) =>
    rest.kind === "origin" ? rest : {host, scheme, path, ...rest},
  );
  const preview = await app.api.ask("POST", "config/preview", {
    id: config.id,
    targets: given,
    policy,
    sticky_key,
    panic_threshold,
    slow_start,
    name,
    requests: REQUESTS,
  });
  const [before, after] = [sharesIn(preview.body.before), sharesIn(preview.body.after)];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const content = [
    h("div.bars", {}, bar(t("change.now"), names, before), bar(t("change.then"), names, after)),
    sentence(preview.body, REQUESTS),
    differences(preview.body.target_changes, preview.body.changes),
  ];
  const reason = await ask(t("history.back-title", {revision: entry.revision}), content, {yes: t("history.back")});
  if (reason === null) return;
  try {
    const made = await app.api.change(
      "POST",
      "config/rollback",
      {id: config.id, revision: entry.revision, ...(reason && {reason})},
      etag,
    );
    toast(t("change.done", {revision: made.body.revision}));
  } catch (error) {
    toast(error.status === 412 ? t("history.stale") : String(error.message), "bad");
  }
  await onDone();
}
