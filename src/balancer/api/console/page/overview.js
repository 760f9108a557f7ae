// What is happening: each config with its shares, and how the service fares.

import {bar, colour, lines} from "./charts.js";
import {fill, h} from "./dom.js";
import {movedPart, sharesOf} from "./shares.js";
import {table} from "./telling.js";
import {currentLanguage, milliseconds, number, percent, short, t, term} from "./words.js";

/** @typedef {((now: API.Live) => void)[]} Updates What is done with each event. */

/** Parts of the requests that are told apart. */
const LEAST = 0.0005;

/** @param {import("./app.js").App} app */
export async function page(app) {
  // All of them, for the colours.
  await app.api.readConfigs(null);
  const element = h("div.overview", {}, h("p.loading", {}, t("loading")));
  let shape = "";
  /** @type {Updates} */
  let updates = [];
  const update = () => {
    const now = app.live.now;
    if (!now) return;
    element.classList.toggle("stale", app.live.isLost);
    const next = JSON.stringify([
      now.configs.map(one => [one.id, one.revision, one.name]),
      now.targets.map(one => [one.config, one.name]),
    ]);
    if (next !== shape) {
      shape = next;
      updates = [];
      fill(
        element,
        warnings(updates),
        figures(updates),
        now.configs.map(one => configCard(app, now, one, updates)),
        refusals(updates),
      );
    }
    for (const one of updates) one(now);
  };
  app.onLeave(app.live.follow(update));
  return element;
}

/** @param {Updates} updates */
function warnings(updates) {
  const element = h("div.card.warning", {role: "status", hidden: true});
  let told = "";
  updates.push(now => {
    const ways = Object.keys(now.fallbacks);
    // What is told again each second would be read out again each second.
    if (told === now.status + ways) return;
    told = now.status + ways;
    element.hidden = now.status === "ok" && ways.length === 0;
    fill(element, h("b", {}, t(`status.${now.status}`)), " ", ways.map(name => h("p", {}, term("fallback", name))));
  });
  return element;
}

/** @param {Updates} updates */
function figures(updates) {
  /** @type {[string, (now: API.Live) => string, string?][]} */
  const shown = [
    ["redirects", now => short(now.redirects_per_second)],
    ["refusals", now => short(now.refusals_per_second)],
    ["p50", now => milliseconds(now.p50_ms)],
    ["p99", now => milliseconds(now.p99_ms)],
    ["workers", now => number(now.workers)],
    ["hosts", now => number(now.stats.hosts)],
  ];
  const cells = shown.map(([name, read]) => {
    const value = h("dd", {"data-figure": name});
    updates.push(now => {
      value.textContent = read(now);
    });
    return h("div.figure", {}, h("dt", {}, t(`figure.${name}`)), value);
  });
  return h("dl.figures", {}, cells);
}

/**
 * @param {import("./app.js").App} app
 * @param {API.Live} now
 * @param {API.LiveConfig} config
 * @param {Updates} updates
 */
function configCard(app, now, config, updates) {
  const targets = now.targets.filter(one => one.config === config.id);
  const names = targets.map(one => one.name);
  const [wanted, due, served] = ["column.configured", "overview.due", "overview.served"].map(key => bar(t(key), names, {}));
  const chart = lines(names);
  const rate = h("span.rate");
  const why = h("span.chip");
  const rows = targets.map(target => row(target, updates));
  updates.push(next => {
    const found = next.configs.find(one => one.id === config.id);
    if (!found) return;
    const stats = next.stats.configs.find(one => one.id === config.id);
    const had = Object.fromEntries((stats?.targets || []).map(one => [one.target, one.share]));
    const configured = configuredShares(next, found);
    wanted.update(configured);
    due.update(found.shares);
    due.hidden = movedPart(configured, found.shares) < LEAST;
    served.update(had);
    chart.update(app.live.steps, config.id, found.shares, Date.parse(next.at) / 1000);
    rate.textContent = t("overview.rate", {rate: short(found.redirects_per_second)});
    why.textContent = term("reason", found.reason);
    why.hidden = ["schedule", "sticky", "failover"].includes(found.reason);
  });
  const chips = [
    config.id === now.default && h("span.chip.strong", {}, t("default")),
    h("span.chip", {}, term("policy", config.policy)),
    h("a.chip", {href: `#/history?id=${config.id}`}, t("revision", {number: config.revision})),
    why,
  ];
  const change = app.may("operator") && h("a.button.primary", {href: `#/change?id=${config.id}`}, t("nav.change"));
  const head = h(
    "header.card-head",
    {},
    h("div", {}, h("h2", {}, config.name || t("config", {id: config.id})), h("p.chips", {}, chips)),
    h("div.card-actions", {}, rate, change),
  );
  const columns = ["step.target", "nav.health", "column.configured", "column.served", "column.redirects"];
  return h(
    "section.card.config",
    {"data-config": config.id},
    head,
    h("div.halves", {}, h("div", {}, h("div.bars", {}, wanted, due, served), table("table.targets", columns, h("tbody", {}, rows))), chart),
  );
}

/**
 * Return the shares by weights alone: health, slow start and the loop make others of them.
 * @param {API.Live} now
 * @param {API.LiveConfig} config
 */
function configuredShares(now, config) {
  return sharesOf(now.targets.filter(one => one.config === config.id), config.policy);
}

/**
 * @param {API.TargetState} target
 * @param {Updates} updates
 */
function row(target, updates) {
  const {name, config} = target;
  const cells = ["health", "configured", "served", "redirects"].map(kind => h("td", {"data-value": kind}));
  const state = h("span.chip");
  updates.push(now => {
    const health = now.targets.find(one => one.config === config && one.name === name);
    const found = now.configs.find(one => one.id === config);
    const stats = now.stats.configs.find(one => one.id === config);
    const had = stats?.targets.find(one => one.target === name);
    if (!health || !found) return;
    const configured = configuredShares(now, found)[name];
    const due = found.shares[name] ?? 0;
    state.hidden = health.enabled && health.weight > 0;
    state.textContent = health.enabled ? t("drained") : t("disabled");
    fill(cells[0], healthBadge(health));
    const isOther = Math.abs(configured - due) >= LEAST;
    fill(cells[1], percent(configured), isOther && h("small", {}, ` ${t("overview.now")} ${percent(due)}`));
    cells[2].textContent = percent(had?.share ?? 0);
    cells[3].textContent = number(had?.redirects ?? 0);
  });
  return h("tr", {"data-target": name}, h("th", {scope: "row"}, targetName(target, state)), cells);
}

/**
 * Return how a target is named everywhere: its colour, its name and its host.
 * @param {{name: string, host?: string | null}} target
 * @param {import("./dom.js").Children} [more]
 */
export function targetName(target, more) {
  return h(
    "span.target-name",
    {},
    h(`i.dot.${colour(target.name)}`, {"aria-hidden": "true"}),
    h(
      "span.name",
      {},
      h("span", {title: target.name}, target.name),
      h("small", {title: target.host || ""}, target.host || t("origin")),
    ),
    more,
  );
}

/** @param {API.TargetState} health */
function healthBadge(health) {
  const unwatched = health.url === null;
  const kind = unwatched ? "unwatched" : health.verdict;
  const latency =
    health.latency_ms === null || health.verdict !== "healthy" ? "" : ` ${milliseconds(health.latency_ms)}`;
  return h(
    `span.health.${kind}`,
    {title: health.why, lang: "en"},
    h("i", {"aria-hidden": "true"}),
    h("span", {lang: currentLanguage()}, t(`health.${kind}`) + latency),
  );
}

/** @param {Updates} updates */
function refusals(updates) {
  const list = h("dl.reasons");
  const none = h("p.none", {}, t("overview.no-refusals"));
  updates.push(now => {
    const found = [
      ...Object.entries(now.stats.refusals),
      ...Object.entries(now.stats.rate_limited).map(([name, count]) => [`limited-${name}`, count]),
    ];
    const most = Math.max(1, ...found.map(([, count]) => Number(count)));
    fill(
      list,
      found
        .sort((one, other) => Number(other[1]) - Number(one[1]))
        .map(([name, count]) =>
          h(
            "div.reason",
            {},
            h("dt", {}, term("refusal", String(name))),
            h(
              "dd",
              {},
              h("i.meter", {"aria-hidden": "true", style: {width: `${(100 * Number(count)) / most}%`}}),
              h("span", {}, number(Number(count))),
            ),
          ),
        ),
    );
    none.hidden = found.length > 0;
  });
  return h("section.card", {}, h("h2", {}, t("overview.refusals")), list, none);
}
