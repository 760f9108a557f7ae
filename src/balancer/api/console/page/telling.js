// What changes do, in words.

import {h} from "./dom.js";
import {t, term} from "./words.js";

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
  return h("div.filters", {}, h("div.field", {}, h("label", {for: "config"}, t("config-choice")), select));
}

/**
 * Return what a preview means for so many requests.
 * @param {API.Preview} preview
 * @param {number} requests
 */
export function sentence(preview, requests) {
  const before = Object.fromEntries(preview.before.shares.map(one => [one.target, one.requests]));
  /** @type {[string, number][]} */
  const moved = preview.after.shares.map(one => [
    one.target,
    (one.requests ?? 0) - (before[one.target] || 0),
  ]);
  for (const [name, count] of Object.entries(before)) {
    if (!moved.some(([other]) => other === name)) moved.push([name, -Number(count)]);
  }
  const changed = moved.filter(([, count]) => count !== 0).sort((one, other) => other[1] - one[1]);
  if (changed.length === 0) return h("p", {}, t("preview.same"));
  return h(
    "div.stack",
    {},
    h("p.label", {}, t("preview.of", {requests})),
    h(
      "ul.words",
      {},
      changed.map(([name, count]) =>
        h(
          "li",
          {class: count > 0 ? "up" : "down"},
          t(count > 0 ? "preview.more" : "preview.fewer", {number: Math.abs(count), name}),
        ),
      ),
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

/** @param {API.Change | API.TargetDiff} one */
function step(one) {
  return `${term("field", one.field)} ${shown(one.before)} → ${shown(one.after)}`;
}

/** @param {any} value */
function shown(value) {
  if (value === null || value === undefined || value === "") return t("nothing");
  if (typeof value === "boolean") return t(value ? "on" : "off");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
