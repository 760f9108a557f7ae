// Bars of shares, and lines of them over time.

import {h, s} from "./dom.js";
import {percent, t} from "./words.js";

const COLOURS = 8;

/** @type {Map<string, number>} By name of a target. */
const colours = new Map();

/**
 * Give each target the same colour everywhere, and targets of one config different ones, for as long as there are any.
 * @param {API.Config[]} configs All.
 */
export function paint(configs) {
  colours.clear();
  const sorted = [...configs].sort((one, other) => one.id - other.id);
  const groups = sorted.map(one => one.targets.map(target => target.name));
  for (const name of groups.flat()) {
    if (colours.has(name)) continue;
    const near = groups.filter(names => names.includes(name)).flat();
    const taken = near.map(other => colours.get(other));
    const wanted = [...Array(COLOURS).keys()].map(step => (colours.size + step) % COLOURS);
    colours.set(name, wanted.find(one => !taken.includes(one)) ?? wanted[0]);
  }
}

/** @param {string} name Of a target. */
export function colour(name) {
  if (!colours.has(name)) colours.set(name, colours.size % COLOURS);
  return `c${colours.get(name)}`;
}

/**
 * Return a bar of the shares of targets. What it shows stands beside it as text as well.
 * @param {string} label
 * @param {string[]} names Of the targets, in order.
 * @param {Record<string, number>} shares
 * @returns {any} With `update(shares)`.
 */
export function bar(label, names, shares) {
  const parts = names.map(name => h(`i.${colour(name)}`));
  // What targets had that are not there any more.
  const others = h("i.others", {hidden: true});
  const track = h("div.bar", {role: "img"}, parts, others);
  const element = h("div.barred", {}, h("span.bar-label", {"aria-hidden": "true"}, label), track);
  element.update = (/** @type {Record<string, number>} */ next) => {
    for (const [index, name] of names.entries()) {
      const share = next[name] || 0;
      parts[index].style.setProperty("flex-grow", String(share));
      parts[index].title = `${name} ${percent(share)}`;
      parts[index].textContent = share >= 0.15 ? percent(share) : "";
      parts[index].hidden = share <= 0;
    }
    const known = names.reduce((sum, name) => sum + (next[name] || 0), 0);
    const rest = Object.values(next).reduce((sum, share) => sum + share, 0) - known;
    others.hidden = rest < 0.0005;
    others.style.setProperty("flex-grow", String(rest));
    others.title = `${t("others")} ${percent(rest)}`;
    others.textContent = rest >= 0.15 ? percent(rest) : "";
    const told = names.filter(name => next[name] > 0).map(name => `${name} ${percent(next[name])}`);
    if (!others.hidden) told.push(others.title);
    track.setAttribute("aria-label", `${label}: ${told.join(", ") || t("nothing")}`);
    element.classList.toggle("empty", told.length === 0);
  };
  element.update(shares);
  return element;
}

const WIDTH = 600,
  HEIGHT = 200,
  SPAN = 600;

/**
 * Return lines of the shares that targets had over ten minutes, with those that they were to have behind them.
 * @param {string[]} names
 * @returns {any} With `update(steps, config, shares, now)`.
 */
export function lines(names) {
  const served = names.map(name => s("path", {class: `line ${colour(name)}`}));
  const wanted = names.map(name => s("line", {class: `wanted ${colour(name)}`, x1: 0, x2: WIDTH}));
  const grid = [0, 50, 100].map(part => s("line", {class: "grid", x1: 0, x2: WIDTH, y1: 2 * part, y2: 2 * part}));
  const drawing = s(
    "svg",
    {viewBox: `0 -4 ${WIDTH} ${HEIGHT + 8}`, preserveAspectRatio: "none", "aria-hidden": "true"},
    grid,
    wanted,
    served,
  );
  const none = h("p.none", {}, t("overview.no-traffic"));
  const element = h(
    "figure.lines",
    {"aria-label": t("overview.over-time")},
    h(
      "div.scale",
      {"aria-hidden": "true"},
      h("span", {}, percent(1)),
      h("span", {}, percent(0.5)),
      h("span", {}, percent(0)),
    ),
    h("div.plot", {}, drawing, none),
    h(
      "div.when",
      {"aria-hidden": "true"},
      h("span", {}, t("overview.ten-minutes-ago")),
      h("span", {}, t("overview.now")),
    ),
  );
  element.update = (
    /** @type {Map<number, API.LiveStep>} */ steps,
    /** @type {number} */ config,
    /** @type {Record<string, number>} */ shares,
    /** @type {number} */ now,
  ) => {
    const known = settled([...steps.values()].sort((one, other) => one.begin - other.begin));
    let any = false;
    for (const [index, name] of names.entries()) {
      let path = "";
      let isDown = false;
      for (const step of known) {
        const counts = step.redirects[config] || {};
        const whole = Object.values(counts).reduce((sum, count) => sum + count, 0);
        if (!whole) {
          isDown = false;
          continue;
        }
        any = true;
        const x = WIDTH - ((now - Math.min(now, step.begin + 10)) / SPAN) * WIDTH;
        const y = HEIGHT * (1 - (counts[name] || 0) / whole);
        // One step alone is a short line.
        path += isDown
          ? `L${x.toFixed(1)} ${y.toFixed(1)}`
          : `M${(x - WIDTH / 60).toFixed(1)} ${y.toFixed(1)}L${x.toFixed(1)} ${y.toFixed(1)}`;
        isDown = true;
      }
      served[index].setAttribute("d", path);
      const height = String(HEIGHT * (1 - (shares[name] || 0)));
      wanted[index].setAttribute("y1", height);
      wanted[index].setAttribute("y2", height);
    }
    none.hidden = any;
  };
  return element;
}

/**
 * Return the steps with the last one, which has only begun, put to the one before it.
 * @param {API.LiveStep[]} steps
 */
function settled(steps) {
  const [before, last] = steps.slice(-2);
  if (!last) return steps;
  /** @type {Record<string, Record<string, number>>} */
  const redirects = structuredClone(before.redirects);
  for (const [config, counts] of Object.entries(last.redirects)) {
    const found = (redirects[config] ??= {});
    for (const [name, count] of Object.entries(counts)) found[name] = (found[name] || 0) + count;
  }
  return [...steps.slice(0, -2), {...last, redirects}];
}
