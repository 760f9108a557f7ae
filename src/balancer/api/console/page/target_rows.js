// The targets of a config as rows that can be changed, in their tiers.

import {colour} from "./charts.js";
import {fill, h, toggle} from "./dom.js";
import {targetName} from "./overview.js";
import {MOST, scaleOf, sharesOf} from "./shares.js";
import {percent, t} from "./words.js";

/** Tiers that the API knows. */
const LAST_TIER = 63;

/**
 * @param {API.Target[]} targets They are changed in place.
 * @param {string} policy
 * @param {() => void} onEdit
 */
export function targetRows(targets, policy, onEdit) {
  const element = h("div");
  // What a target had before it was drained.
  const before = new Map(targets.map(target => [target.name, target.weight || 1]));
  /** @type {Record<string, Node>} */
  let faults = {};
  /** @type {Map<string, {share: HTMLElement, fault: HTMLElement}>} */
  let shown = new Map();
  /** @type {API.Target | null} */
  let dragged = null;

  const show = () => {
    const shares = sharesOf(targets, policy);
    for (const [name, {share, fault}] of shown) {
      share.textContent = percent(shares[name]);
      fill(fault, faults[name]);
    }
  };

  const tell = () => {
    show();
    onEdit();
  };

  /**
   * @param {API.Target} target
   * @param {number} tier
   * @param {string} [focus] Which control is to have the focus then.
   */
  const moveTo = (target, tier, focus) => {
    target.tier = Math.max(0, Math.min(LAST_TIER, tier));
    refresh();
    onEdit();
    if (focus)
      /** @type {HTMLElement | null} */ (
        element.querySelector(`[data-target="${target.name}"] [data-move="${focus}"]`)
      )?.focus();
  };

  /** @param {API.Target} target */
  const row = target => {
    const end = scaleOf(targets);
    const label = (/** @type {string} */ what) => `${target.name}: ${what}`;
    const slider = h("input", {
      type: "range",
      min: 0,
      max: end,
      class: colour(target.name),
      value: Math.min(end, target.weight),
      "aria-label": label(t("change.weight-slider")),
    });
    const exact = h("input", {
      type: "number",
      min: 0,
      max: MOST,
      step: 1,
      value: target.weight,
      "aria-label": label(t("field.weight")),
    });
    const take = (/** @type {number} */ weight) => {
      target.weight = weight;
      if (weight > 0) before.set(target.name, weight);
      drain.querySelector("input").checked = weight === 0;
      tell();
    };
    slider.addEventListener("input", () => {
      exact.value = slider.value;
      take(Number(slider.value));
    });
    exact.addEventListener("input", () => {
      slider.value = exact.value;
      take(Number(exact.value));
    });
    const drain = toggle(label(t("drained")), target.weight === 0, isOn => {
      target.weight = isOn ? 0 : before.get(target.name) || 1;
      slider.value = exact.value = String(target.weight);
      tell();
    });
    const enabled = toggle(label(t("field.enabled")), target.enabled, isOn => {
      target.enabled = isOn;
      tell();
    });
    const share = h("output.share", {"aria-label": label(t("change.share"))});
    const fault = h("p.fault.row-fault", {role: "alert"});
    shown.set(target.name, {share, fault});
    const mover = (/** @type {string} */ sign, /** @type {number} */ step, /** @type {string} */ name) =>
      h(
        "button.plain",
        {
          "aria-label": label(t(name)),
          title: t(name),
          "data-move": name,
          disabled: target.tier + step < 0,
          onclick: () => moveTo(target, target.tier + step, name),
        },
        sign,
      );
    const grip = h("span.grip", {"aria-hidden": "true", draggable: "true", title: t("change.drag")}, "⠿");
    const made = h(
      "div.target-row",
      {"data-target": target.name},
      grip,
      targetName(target),
      slider,
      exact,
      share,
      h(
        "div.row-actions",
        {},
        drain,
        h("span", {"aria-hidden": "true"}, t("drained")),
        enabled,
        h("span", {"aria-hidden": "true"}, t("field.enabled")),
        mover("↑", -1, "change.earlier"),
        mover("↓", 1, "change.later"),
      ),
      fault,
    );
    // The grip alone is dragged: a slider within what is dragged could not be moved.
    grip.addEventListener("dragstart", (/** @type {DragEvent} */ event) => {
      dragged = target;
      made.classList.add("dragged");
      event.dataTransfer?.setData("text/plain", target.name);
      event.dataTransfer?.setDragImage(made, 0, 0);
    });
    grip.addEventListener("dragend", () => made.classList.remove("dragged"));
    made.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
      event.preventDefault();
      const isUp = event.key === "ArrowUp";
      moveTo(target, target.tier + (isUp ? -1 : 1), isUp ? "change.earlier" : "change.later");
    });
    return made;
  };

  /** @param {number} tier */
  const group = tier => {
    const members = targets.filter(target => target.tier === tier);
    const made = h(
      "div.tier",
      {role: "group", "aria-label": t("change.tier", {tier})},
      h(
        "h3",
        {},
        t(tier === 0 ? "change.first-tier" : "change.tier", {tier}),
        members.length === 0 && ` – ${t("change.drop-here")}`,
      ),
      members.map(row),
    );
    const drop = (/** @type {DragEvent} */ event) => {
      event.preventDefault();
      made.classList.toggle("over", event.type === "dragover");
      if (event.type === "drop" && dragged) moveTo(dragged, tier);
    };
    for (const kind of ["dragover", "dragleave", "drop"]) made.addEventListener(kind, drop);
    return made;
  };

  const refresh = () => {
    shown = new Map();
    const tiers = [...new Set(targets.map(target => target.tier))].sort((one, other) => one - other);
    const next = Math.min(LAST_TIER, (tiers.at(-1) ?? 0) + 1);
    fill(element, [...tiers, ...(tiers.includes(next) ? [] : [next])].map(group));
    show();
  };

  refresh();
  return {
    element,
    refresh,
    /** @param {Record<string, Node>} found */
    fault(found) {
      faults = found;
      show();
    },
  };
}
