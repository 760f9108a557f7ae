// What a config was, who made it so and why; and back to it.

import {bar} from "./charts.js";
import {sharesIn} from "./change.js";
import {ask, refused, toast} from "./dialogs.js";
import {fill, h} from "./dom.js";
import {given, sharesOf} from "./shares.js";
import {REQUESTS, configSelect, differences, entryRow, sentence} from "./telling.js";
import {t} from "./words.js";

/** @import {App} from "./app.js" */

const PAGE = 20;

/** @param {App} app */
export async function page(app) {
  const element = h("div");
  await show(app, element);
  return element;
}

/**
 * @param {App} app
 * @param {HTMLElement} element
 */
async function show(app, element) {
  const {configs, config, etag} = await app.api.readConfigs(app.query.get("id"));
  const list = h("ol.revisions");
  const more = h("button", {}, t("more"));
  /** @type {string | null} */
  let cursor = null;
  const load = async () => {
    const query = {id: config.id, limit: PAGE, cursor: cursor ?? undefined};
    const {body: found} = await app.api.ask("GET /config/history", {query});
    list.append(...found.items.map(entry => revision(app, config, etag, entry, () => show(app, element))));
    cursor = found.next;
    more.hidden = cursor === null;
  };
  more.addEventListener("click", load);
  await load();
  fill(
    element,
    configSelect(configs, config.id, chosen => app.go(`#/history?id=${chosen}`)),
    h("section.card", {}, h("h2", {}, config.name || t("config", {id: config.id})), list, more),
  );
}

/**
 * @param {App} app
 * @param {API.Config} config As it is now.
 * @param {string | undefined} etag
 * @param {API.ConfigRevision} entry
 * @param {() => Promise<void>} onDone
 */
function revision(app, config, etag, entry, onDone) {
  const targets = entry.document?.targets || [];
  const isNow = entry.revision === config.revision;
  const names = targets.map(target => target.name);
  const shares = bar(t("history.shares"), names, entry.document ? sharesOf(targets, entry.document.policy) : {});
  const back = () => rollBack(app, config, etag, entry, onDone);
  const more = [
    entry.document === null && h("p.hint", {}, t("history.deleted")),
    entry.revision > 1 && differences(entry.target_changes, entry.changes),
  ];
  return entryRow(entry, more, entry.document && shares, isNow, app.may("operator") && entry.document !== null && back);
}

/**
 * @param {App} app
 * @param {API.Config} config
 * @param {string | undefined} etag
 * @param {API.ConfigRevision} entry
 * @param {() => Promise<void>} onDone
 */
async function rollBack(app, config, etag, entry, onDone) {
  if (!entry.document) return;
  const {targets, policy, sticky_key, panic_threshold, slow_start, name} = entry.document;
  const wanted = {targets: given(targets), policy, sticky_key, panic_threshold, slow_start, name};
  const {body: preview} = await app.api.ask("POST /config/preview", {
    body: {id: config.id, ...wanted, requests: REQUESTS},
  });
  const [before, after] = [sharesIn(preview.before), sharesIn(preview.after)];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const content = [
    h("div.bars", {}, bar(t("change.now"), names, before), bar(t("change.then"), names, after)),
    sentence(preview),
    differences(preview.target_changes, preview.changes),
  ];
  const reason = await ask(t("history.back-title", {revision: entry.revision}), content, {yes: t("history.back")});
  if (reason === null) return;
  try {
    const {body: made} = await app.api.ask("POST /config/rollback", {
      body: {id: config.id, revision: entry.revision, ...(reason && {reason})},
      headers: {"If-Match": etag},
    });
    toast(t("change.done", {revision: made.revision}));
  } catch (error) {
    refused(error);
  }
  await onDone();
}
