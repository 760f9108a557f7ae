// What to do when another admin was faster: what both began with, what they have made of it, and what I would.

import {h} from "./dom.js";
import {merged} from "./shares.js";
import {table} from "./telling.js";
import {t, term, time} from "./words.js";

/**
 * @param {API.Config} base The config that both began with.
 * @param {API.Target[]} mine
 * @param {API.Config} theirs The config as it is now.
 * @param {API.ConfigRevision} entry Of the history: who made it so.
 * @param {(targets: API.Target[] | null) => void} again Goes on from what they made: with these, or with theirs.
 */
export function conflictView(base, mine, theirs, entry, again) {
  const {targets, clashes} = merged(base.targets, mine, theirs.targets);
  const rows = [];
  const names = [...new Set([...base.targets, ...theirs.targets].map(target => target.name))];
  for (const name of names) {
    const find = (/** @type {API.Target[]} */ list) => list.find(target => target.name === name);
    const [begun, their, my, both] = [find(base.targets), find(theirs.targets), find(mine), find(targets)];
    for (const field of /** @type {const} */ (["weight", "tier", "enabled"])) {
      const values = [begun, their, my].map(target => (target ? target[field] : null));
      if (values.every(value => value === values[0])) continue;
      const isClash = clashes.some(one => one.name === name && one.field === field);
      rows.push(
        h(
          isClash ? "tr.clash" : "tr",
          {},
          h("th", {scope: "row"}, `${name} ${term("field", field)}`),
          [...values, both ? both[field] : null].map(value => h("td", {}, shown(value))),
        ),
      );
    }
  }
  const heads = ["", "conflict.base", "conflict.theirs", "conflict.mine", "conflict.both"];
  return h(
    "section.card.conflict",
    {"aria-label": t("conflict.title"), tabindex: -1},
    h("h2", {}, t("conflict.title")),
    h(
      "p.wrap",
      {},
      t("conflict.who", {actor: entry.actor, revision: entry.revision, when: time(entry.made_at)}),
      entry.reason && h("q", {}, ` ${entry.reason}`),
    ),
    rows.length > 0
      ? table("table.three", heads, h("tbody", {}, rows))
      : h("p", {}, t("conflict.elsewhere")),
    clashes.length > 0 && h("p.hint", {}, t("conflict.clash")),
    h(
      "div.actions",
      {},
      h("button", {onclick: () => again(null)}, t("conflict.take-theirs")),
      h("button.primary", {onclick: () => again(targets)}, t("conflict.take-both")),
    ),
  );
}

/** @param {any} value */
function shown(value) {
  if (value === null || value === undefined) return "–";
  return typeof value === "boolean" ? t(value ? "on" : "off") : String(value);
}
