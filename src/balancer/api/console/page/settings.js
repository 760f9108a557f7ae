// The settings that this process runs by.

import {field, fill, h, toggle} from "./dom.js";
import {table} from "./telling.js";
import {t} from "./words.js";

/** @param {import("./app.js").App} app */
export async function page(app) {
  const {body: {settings}} = await app.api.ask("GET /settings");
  const body = h("tbody");
  const show = () => {
    const wanted = filter.input.value.trim().toLowerCase();
    const found = settings.filter(one => one.name.toLowerCase().includes(wanted) && (!onlyOwn || !one.default));
    fill(
      body,
      found.map(one =>
        h(
          "tr",
          {"data-setting": one.name},
          h("td", {}, h("code", {class: one.default ? "" : "set"}, one.name)),
          h(
            "td",
            {},
            one.value === "" ? h("small", {}, t("settings.none")) : h("code", {}, one.value),
            " ",
            one.secret && one.value && h("span.chip", {}, t("settings.secret")),
            " ",
            one.default && one.value && h("small", {}, t("default")),
          ),
        ),
      ),
      found.length === 0 && h("tr", {}, h("td.none", {colspan: 2}, t("settings.nothing"))),
    );
  };
  const filter = field(t("settings.filter"), h("input", {oninput: show, spellcheck: false}));
  let onlyOwn = false;
  const choose = (/** @type {boolean} */ isOn) => {
    onlyOwn = isOn;
    show();
  };
  show();
  return h(
    "section.card",
    {},
    h("p.hint", {}, t("settings.lead")),
    h("div.filters", {}, filter, toggle(t("settings.own"), false, choose, true)),
    table("table.settings", ["settings.name", "settings.value"], body),
  );
}
