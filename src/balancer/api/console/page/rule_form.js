// One rule as a form.

import {english, field, h} from "./dom.js";
import {t} from "./words.js";

const LISTS = ["hosts", "paths", "networks", "countries", "asns"];
const OBJECTS = ["query", "headers"];

/**
 * @param {import("./rules.js").Rule} rule It is changed in place.
 * @param {API.Config[]} configs
 * @param {() => void} onEdit
 * @param {{name: string, reason: string} | null} fault
 */
export function ruleForm(rule, configs, onEdit, fault) {
  const when = (rule.when ??= {});
  const put = (/** @type {string} */ name, /** @type {any[]} */ values) => {
    if (values.length > 0) when[name] = values;
    else delete when[name];
    onEdit();
  };
  const name = field(t("keys.name"), h("input", {value: rule.name, spellcheck: false}));
  name.input.addEventListener("input", () => {
    rule.name = name.input.value;
    onEdit();
  });
  const config = field(
    t("step.config"),
    h(
      "select",
      {},
      configs.map(one =>
        h("option", {value: one.id, selected: one.id === rule.config_id}, one.name || t("config", {id: one.id})),
      ),
    ),
  );
  config.input.addEventListener("change", () => {
    rule.config_id = Number(config.input.value);
    onEdit();
  });
  const lists = LISTS.map(kind => {
    const one = field(
      t(`when.${kind}`),
      h("input", {value: (when[kind] || []).join(", "), spellcheck: false, autocapitalize: "off"}),
      t(`when.${kind}-hint`),
    );
    one.dataset.field = kind;
    one.input.addEventListener("input", () => {
      const parts = one.input.value
        .split(",")
        .map((/** @type {string} */ part) => part.trim())
        .filter(Boolean);
      put(
        kind,
        kind === "asns" ? parts.map((/** @type {string} */ part) => (/^\d+$/.test(part) ? Number(part) : part)) : parts,
      );
    });
    return one;
  });
  const objects = OBJECTS.map(kind => {
    const one = field(
      t(`when.${kind}`),
      h("input", {value: when[kind] ? JSON.stringify(when[kind]) : "", spellcheck: false, class: "mono"}),
      t(`when.${kind}-hint`),
    );
    one.dataset.field = kind;
    one.input.addEventListener("input", () => {
      try {
        put(kind, JSON.parse(one.input.value || "[]"));
        one.fault("");
      } catch {
        one.fault(t("rules.no-json"));
      }
    });
    return one;
  });
  name.dataset.field = "name";
  config.dataset.field = "config_id";
  const all = [name, config, ...lists, ...objects];
  for (const one of all) if (fault && one.dataset.field === fault.name) one.fault(english(fault.reason));
  return h(
    "form",
    {onsubmit: (/** @type {Event} */ event) => event.preventDefault()},
    h("p.hint", {}, t("rules.form-lead")),
    h("div.columns", {}, all),
  );
}

/**
 * Return what a rule asks of a request, on one line; empty where it asks nothing.
 * @param {NonNullable<API.RuleItem["when"]>} when
 */
export function summary(when) {
  const parts = Object.entries(when).filter(([, values]) => Array.isArray(values) && values.length > 0);
  return parts
    .map(([kind, values]) => {
      const shown = values.map(value =>
        typeof value === "object" && value ? objectText(value) : String(value),
      );
      return `${t(`when.${kind}`)}: ${shown.slice(0, 6).join(", ")}${shown.length > 6 ? " …" : ""}`;
    })
    .join(" · ");
}

/** @param {any} value */
function objectText(value) {
  const texts = [
    ...(value.values || []),
    ...(value.equals || []),
    ...(value.contains || []).map((/** @type {string} */ one) => `…${one}…`),
  ];
  return texts.length > 0 ? `${value.name} = ${texts.join(" | ")}` : value.name;
}
