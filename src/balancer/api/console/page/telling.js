// What changes do, in words.

import {english, h} from "./dom.js";
import {ago, t, term, time} from "./words.js";

/**
 * Return a choice among configs; nothing where there is one alone.
 * @param {API.Config[]} configs
 * @param {number} current
 * @param {(id: number) => void} choose
 */
export function configSelect(configs, current, choose) {
  if (configs.length < 2) return null;
  const select = h(
    "select",
    {id: "config", onchange: () => choose(Number(select.value))},
    configs.map(one =>
      h(
        "option",
        {value: one.id, selected: one.id === current},
        one.name ? `${one.name} (${one.id})` : t("config", {id: one.id}),
      ),
    ),
  );
  return h("div.filters", {}, h("div.field", {}, h("label", {for: "config"}, t("step.config")), select));
}

/** Of so many requests a preview is told. */
export const REQUESTS = 1000;

/** @param {API.Preview} preview */
export function sentence(preview) {
  const before = Object.fromEntries(preview.before.shares.map(one => [one.target, one.requests]));
  /** @type {[string, number][]} */
  const moved = preview.after.shares.map(one => [one.target, (one.requests ?? 0) - (before[one.target] || 0)]);
  for (const [name, count] of Object.entries(before)) {
    if (!moved.some(([other]) => other === name)) moved.push([name, -Number(count)]);
  }
  const changed = moved.filter(([, count]) => count !== 0).sort((one, other) => other[1] - one[1]);
  if (changed.length === 0) return h("p", {}, t("preview.same"));
  return h(
    "div.stack",
    {},
    h("p.label", {}, t("preview.of", {requests: REQUESTS})),
    h(
      "ul.words",
      {},
      changed.map(([name, count]) => {
        const [kind, key] = count > 0 ? ["up", "preview.more"] : ["down", "preview.fewer"];
        return h("li", {class: kind}, t(key, {number: Math.abs(count), name}));
      }),
    ),
  );
}

/**
 * Return what differs, field by field.
 * @param {API.TargetDiff[]} targetChanges
 * @param {API.Change[]} changes
 */
export function differences(targetChanges, changes) {
  // The simple view says again what the targets say.
  const own = changes.filter(
    one => !["cdn_host", "distribution_rate", "targets"].includes(one.field) || targetChanges.length === 0,
  );
  /** @type {Map<string, API.TargetDiff[]>} */
  const byTarget = new Map();
  for (const one of targetChanges) byTarget.set(one.target, [...(byTarget.get(one.target) || []), one]);
  if (own.length + byTarget.size === 0) return null;
  return h(
    "ul.words",
    {},
    own.map(one => h("li", {}, step(one))),
    [...byTarget].map(([name, rows]) => h("li", {}, h("b", {}, name), " ", targetWords(rows))),
  );
}

/** @param {API.TargetDiff[]} rows What differs in one target. */
function targetWords(rows) {
  const kind = rows.find(one => one.field === "kind");
  const find = (/** @type {string} */ name) => rows.find(one => one.field === name)?.after;
  if (kind?.after === null) return t("target.removed");
  if (kind?.before === null)
    return [t("target.added"), find("host"), `${t("field.weight")} ${find("weight") ?? 1}`].filter(Boolean).join(", ");
  return rows.map(step).join(", ");
}

/** @param {API.Change | API.TargetDiff | API.RuleChange} one */
export function step(one) {
  return `${term("field", one.field)} ${shown(one.before)} → ${shown(one.after)}`;
}

/**
 * Return a table that scrolls where it is too wide.
 * @param {string} tag
 * @param {string[]} heads Their messages; "" for a column without one.
 * @param {HTMLElement} body
 */
export function table(tag, heads, body) {
  const row = heads.map(key => (key ? h("th", {scope: "col"}, t(key)) : h("td")));
  return h("div.scroll", {}, h(tag, {}, h("thead", {}, h("tr", {}, row)), body));
}

/**
 * Return an entry of a history.
 * @param {API.ConfigRevision | API.RulesEntry} entry
 * @param {any} more What else there is to tell.
 * @param {any} beside
 * @param {boolean} isNow Whether it is in force.
 * @param {false | (() => void)} back Leads back to it; false where that is not possible.
 */
export function entryRow(entry, more, beside, isNow, back) {
  const when = time(entry.made_at);
  return h(
    "li.revision",
    {"data-revision": entry.revision},
    h("span.number", {}, entry.revision),
    h(
      "div",
      {},
      entry.reason ? h("q", {}, entry.reason) : h("p.hint", {}, t("history.no-reason")),
      h("p", {}, h("small", {title: when}, `${entry.actor} · ${ago(entry.made_at)} · ${when}`)),
      entry.restored !== null && h("p.hint", {}, t("history.back-title", {revision: entry.restored})),
      more,
    ),
    h("div", {}, beside),
    isNow ? h("span.chip.strong", {}, t("history.now")) : back && h("button", {onclick: back}, t("history.back")),
  );
}

/** @param {import("./client.js").Problem} error */
export function textOf(error) {
  return error.status ? english(error.message) : t("unreachable");
}

/**
 * Return what is wrong with what was given.
 * @param {import("./client.js").Problem} error
 */
export function reasonOf(error) {
  return error.errors[0] ? english(error.errors[0].reason) : textOf(error);
}

/** @param {any} value */
function shown(value) {
  if (value === null || value === undefined || value === "") return t("nothing");
  if (typeof value === "boolean") return t(value ? "on" : "off");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
