// What the rules were, and back to it.

import {ask, refused, toast} from "./dialogs.js";
import {h} from "./dom.js";
import {changeList} from "./rules.js";
import {entryRow} from "./telling.js";
import {t} from "./words.js";

/**
 * @param {import("./app.js").App} app
 * @param {API.Rules} now The rules as they are.
 * @param {string | undefined} etag
 * @param {() => Promise<void>} onDone
 */
export async function rulesHistory(app, now, etag, onDone) {
  const {body: found} = await app.api.ask("GET /rules/history", {query: {limit: 20}});
  const back = async (/** @type {API.RulesEntry} */ entry) => {
    const query = {from: now.revision, to: entry.revision};
    const {body: diff} = await app.api.ask("GET /rules/diff", {query});
    const reason = await ask(t("history.back-title", {revision: entry.revision}), changeList(diff.changes), {
      yes: t("history.back"),
    });
    if (reason === null) return;
    try {
      const {body: made} = await app.api.ask("POST /rules/rollback", {
        body: {revision: entry.revision, ...(reason && {reason})},
        headers: {"If-Match": etag},
      });
      toast(t("rules.saved", {revision: made.revision}));
    } catch (error) {
      refused(error);
    }
    await onDone();
  };
  const rows = found.items.map(entry =>
    entryRow(entry, null, null, entry.revision === now.revision, app.may("operator") && (() => void back(entry))),
  );
  return h(
    "section.card",
    {},
    h("h2", {}, t("nav.history")),
    rows.length > 0 ? h("ol.revisions", {}, rows) : h("p.none", {}, t("rules.no-history")),
  );
}
