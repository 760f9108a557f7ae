// API keys: who has one, one more, and one less.

import {ask, toast} from "./dialogs.js";
import {field, fill, h} from "./dom.js";
import {reasonOf, table} from "./telling.js";
import {ago, t, term, time} from "./words.js";

/** @import {App} from "./app.js" */

/** @param {App} app */
export async function page(app) {
  const [list, secret] = [h("tbody"), h("div")];
  const show = async () => {
    /** @type {API.Key[]} */
    const keys = [];
    /** @type {string | undefined} */
    let cursor;
    do {
      const {body: found} = await app.api.ask("GET /keys", {query: {limit: 200, cursor}});
      keys.push(...found.items);
      cursor = found.next ?? undefined;
    } while (cursor);
    fill(list, keys.map(key => row(app, key, show)));
  };
  await show();
  const heads = ["keys.name", "keys.role", "keys.created", "keys.used", "keys.expires", ""];
  return h(
    "div",
    {},
    secret,
    newKey(app, secret, show),
    h("section.card", {}, h("h2", {}, t("keys.all")), table("table", heads, list)),
  );
}

/**
 * @param {App} app
 * @param {HTMLElement} secret Where the secret of a new key is shown.
 * @param {() => Promise<void>} onDone
 */
function newKey(app, secret, onDone) {
  const name = field(t("keys.name"), h("input", {required: true, maxlength: 100}));
  const role = field(
    t("keys.role"),
    h("select", {}, ["viewer", "operator", "admin"].map(one => h("option", {value: one}, term("role", one)))),
  );
  const until = field(t("keys.expires"), h("input", {type: "datetime-local"}), t("keys.never"));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    for (const one of [name, role, until]) one.fault("");
    const expires = until.input.value ? {expires_at: new Date(until.input.value).toISOString()} : {};
    try {
      const body = {name: name.input.value.trim(), role: role.input.value, ...expires};
      const {body: made} = await app.api.ask("POST /keys", {body});
      name.input.value = until.input.value = "";
      fill(
        secret,
        h(
          "div.card.stack",
          {},
          h("h2", {}, t("keys.made", {name: made.name})),
          h("p", {}, t("keys.once")),
          h(
            "div.secret",
            {},
            h("code", {"data-secret": ""}, made.key),
            h(
              "button",
              {onclick: () => navigator.clipboard?.writeText(made.key).then(() => toast(t("copied")))},
              t("copy"),
            ),
          ),
        ),
      );
      await onDone();
    } catch (error) {
      const problem = /** @type {import("./client.js").Problem} */ (error);
      (problem.errors[0]?.field === "expires_at" ? until : name).fault(reasonOf(problem));
    }
  };
  return h(
    "section.card",
    {},
    h(
      "form.stack",
      {onsubmit: submit},
      h("h2", {}, t("keys.new")),
      h("div.columns", {}, name, role, until),
      h("div.actions", {}, h("button.primary", {}, t("keys.create"))),
    ),
  );
}

/**
 * @param {App} app
 * @param {API.Key} key
 * @param {() => Promise<void>} onDone
 */
function row(app, key, onDone) {
  const isOver = key.revoked_at !== null || (key.expires_at !== null && Date.parse(key.expires_at) <= Date.now());
  const revoke = async () => {
    const sure = await ask(t("keys.revoke-title", {name: key.name}), h("p", {}, t("keys.revoke-text")), {
      yes: t("keys.revoke"),
      isDangerous: true,
    });
    if (sure === null) return;
    await app.api.ask("DELETE /key", {query: {id: key.id}});
    toast(t("keys.revoked", {name: key.name}));
    await onDone();
  };
  return h(
    "tr",
    {"data-key": key.id},
    h("th.wrap", {scope: "row"}, key.name, " ", h("small", {}, `#${key.id}`)),
    h("td", {}, term("role", key.role)),
    h("td", {}, h("span", {title: time(key.created_at)}, ago(key.created_at)), " ", h("small", {}, key.created_by)),
    h("td", {}, key.last_used_at ? ago(key.last_used_at) : "–"),
    h("td", {}, key.expires_at ? time(key.expires_at) : "–"),
    h(
      "td",
      {},
      key.revoked_at
        ? h("span.chip", {}, t("keys.is-revoked"))
        : isOver
          ? h("span.chip", {}, t("keys.is-expired"))
          : h("button.danger", {onclick: revoke}, t("keys.revoke")),
    ),
  );
}
