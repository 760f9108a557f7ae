// Where a video would go, and why.

import {field, fill, h} from "./dom.js";
import {reasonOf} from "./telling.js";
import {t, term} from "./words.js";

/** @param {import("./app.js").App} app */
export async function page(app) {
  const video = field(
    t("step.video"),
    h("input", {
      required: true,
      placeholder: "http://s1.origin-cluster/video/1488/xcg2djHckad.m3u8",
      spellcheck: false,
      autocapitalize: "off",
    }),
  );
  const client = field(
    t("explain.client"),
    h("input", {placeholder: "192.0.2.7", spellcheck: false}),
    t("explain.client-hint"),
  );
  const result = h("section.card", {"aria-live": "polite", hidden: true});
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    video.fault("");
    client.fault("");
    const query = {video: video.input.value.trim()};
    const headers = {"X-Explain-Client": client.input.value.trim() || undefined};
    try {
      const {body: found} = await app.api.ask("GET /explain", {query, headers});
      result.hidden = false;
      fill(result, answer(found));
    } catch (error) {
      const problem = /** @type {import("./client.js").Problem} */ (error);
      const place = problem.errors.some(one => one.field === "X-Explain-Client") ? client : video;
      place.fault(reasonOf(problem));
      place.input.focus();
    }
  };
  const form = h(
    "form.stack",
    {onsubmit: submit},
    h("p.hint", {}, t("explain.lead")),
    video,
    client,
    h("div.actions", {}, h("button.primary", {}, t("nav.explain"))),
  );
  return h("div", {}, h("section.card", {}, form), result);
}

/** @param {API.Explained} found */
function answer(found) {
  const {status, location, target, config_id, revision} = found;
  const [isSent, why] = [location !== null, found.reason ?? ""];
  const where = [t("config", {id: config_id}), t("revision", {number: revision}), term("reason", why)];
  const skipped = Object.entries(found.skipped);
  return h(
    "div.stack",
    {},
    h(
      isSent ? "div.result" : "div.result.refused",
      {},
      h("h2", {}, isSent ? t("explain.goes-to", {target}) : t("explain.refused", {status})),
      h("code", {}, location ?? term("refusal", why)),
      isSent && h("small", {}, where.join(" · ")),
    ),
    h(
      "ol.steps",
      {},
      found.steps.map(one =>
        h("li", {}, h("b", {}, term("step", one.step)), h("span.wrap", {lang: "en"}, one.finding)),
      ),
    ),
    skipped.length > 0 &&
      h(
        "div",
        {},
        h("h3", {}, t("explain.others")),
        h(
          "ul.words",
          {},
          skipped.map(([name, why]) => h("li", {}, h("b", {}, name), " ", term("skipped", String(why)))),
        ),
      ),
  );
}
