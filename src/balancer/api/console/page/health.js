// Whether this process can serve, from what, and how it goes on without.

import {fill, h} from "./dom.js";
import {milliseconds, number, t, term} from "./words.js";

const INTERVAL = 2000;

/** @param {import("./app.js").App} app */
export async function page(app) {
  const element = h("div");
  const update = async () => {
    // A process that cannot serve says so by its status, in the same shape.
    const answer = await fetch("health/ready", {cache: "no-store", credentials: "omit"}).catch(() => null);
    const found = answer && (await answer.json().catch(() => null));
    fill(element, found ? view(found, app.live.now) : h("div.card.error", {role: "alert"}, t("unreachable")));
  };
  await update();
  const timer = setInterval(update, INTERVAL);
  app.onLeave(() => clearInterval(timer));
  return element;
}

/**
 * @param {API.Readiness} found
 * @param {API.Live | null} now
 */
function view(found, now) {
  return [
    h(
      `section.card${found.status === "ok" ? "" : ".warning"}`,
      {},
      h("h2", {}, t(`status.${found.status}`)),
      found.fallbacks.length > 0 &&
        h("ul.words", {}, found.fallbacks.map(name => h("li", {}, term("fallback", name)))),
    ),
    h("section.card.stack", {}, h("h2", {}, t("health.stores")), h("div.stores", {}, found.dependencies.map(store))),
    h(
      "dl.figures",
      {},
      [
        ["health.revision", found.config ? number(found.config.revision) : "–"],
        ["health.age", found.config ? milliseconds(1000 * found.config.age_seconds) : "–"],
        ["figure.workers", now ? number(now.workers) : "–"],
        ["figure.hosts", now ? number(now.stats.hosts) : "–"],
      ].map(([key, value]) => h("div.figure", {}, h("dt", {}, t(key)), h("dd", {}, value))),
    ),
  ];
}

/** @param {API.DependencyHealth} one */
function store(one) {
  const kind = {ok: "healthy", down: "unhealthy", unknown: "unknown"}[one.status];
  return h(
    "div.store",
    {"data-store": one.name},
    h("h3", {}, term("store", one.name)),
    h(`span.health.${kind}`, {}, h("i", {"aria-hidden": "true"}), t(`store.${one.status}`)),
    one.status === "ok" && one.latency_ms !== null && h("small", {}, t("health.answered", {time: milliseconds(one.latency_ms)})),
    one.fallback && h("p.hint", {lang: "en"}, one.fallback),
  );
}
