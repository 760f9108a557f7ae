// What the rules were, and back to it.

import {ask, toast} from "./dialogs.js";
import {h} from "./dom.js";
import {changeList} from "./rules.js";
import {ago, t, time} from "./words.js";

/**
 * @param {import("./app.js").App} app
 * @param {API.Rules} now The rules as they are.
 * @param {string | null} etag
 * @param {() => Promise<void>} onDone
 */
export async function rulesHistory(app, now, etag, onDone) {
  /** @type {API.RulesPage} */
  const found = await app.api.get("rules/history?limit=20");
  const back = async (/** @type {API.RulesEntry} */ entry) => {
    const {changes} = await app.api.get(`rules/diff?from=${now.revision}&to=${entry.revision}`);
    const reason = await ask(t("history.back-title", {revision: entry.revision}), changeList(changes), {
      yes: t("history.back"),
    });
    if (reason === null) return;
    try {
      const made = await app.api.change(
        "POST",
        "rules/rollback",
        {revision: entry.revision, ...(reason && {reason})},
        etag,
      );
      toast(t("rules.saved", {revision: made.body.revision}));
    } catch (error) {
      toast(
        error.status === 412 ? t("history.stale") : String(error.message),
        "bad",
      );
    }
    await onDone();
  };
  const rows = found.items.map(entry =>
    h(
      "li.revision",
      {"data-revision": entry.revision},
      h("span.number", {}, entry.revision),
      h(
        "div",
        {},
        entry.reason ? h("q", {}, entry.reason) : h("p.hint", {}, t("history.no-reason")),
        h("p", {}, h("small", {}, `${entry.actor} · ${ago(entry.made_at)} · ${time(entry.made_at)}`)),
        entry.restored !== null && h("p.hint", {}, t("history.restored", {revision: entry.restored})),
      ),
      h("span"),
      entry.revision === now.revision
        ? h("span.chip.strong", {}, t("history.now"))
        : app.may("operator") && h("button", {onclick: () => back(entry)}, t("history.back")),
    ),
  );
  return h(
    "section.card",
    {},
    h("h2", {}, t("nav.history")),
    rows.length > 0 ? h("ol.revisions", {}, rows) : h("p.none", {}, t("rules.no-history")),
  );
}
