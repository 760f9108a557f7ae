// The rules that choose a config for a request: their order, what they ask, and what a change would do.

import {ask, refused, toast} from "./dialogs.js";
import {debounced, english, field, fill, h, toggle} from "./dom.js";
import {ruleForm, summary} from "./rule_form.js";
import {rulesHistory} from "./rules_history.js";
import {step, textOf} from "./telling.js";
import {t, term} from "./words.js";

/** @import {App} from "./app.js" */
/** @typedef {API.RuleItem} Rule */

/** @param {App} app */
export async function page(app) {
  const element = h("div");
  await show(app, element);
  return element;
}

/**
 * @param {App} app
 * @param {HTMLElement} element
 */
async function show(app, element) {
  const [configs, {body: rules, etag}] = await Promise.all([
    app.api.ask("GET /configs", {query: {limit: 200}}),
    app.api.ask("GET /rules"),
  ]);
  const editor = new Editor(app, configs.body.items, rules, etag, () => show(app, element));
  fill(element, editor.view(), await rulesHistory(app, rules, etag, () => show(app, element)));
}

class Editor {
  /**
   * @param {App} app
   * @param {API.Config[]} configs
   * @param {API.Rules} read The rules as they are.
   * @param {string | undefined} etag
   * @param {() => Promise<void>} onDone
   */
  constructor(app, configs, read, etag, onDone) {
    this.app = app;
    this.configs = configs;
    this.read = read;
    this.etag = etag;
    this.onDone = onDone;
    this.mayEdit = app.may("operator");
    /** @type {Rule[]} */
    this.rules = structuredClone(read.rules);
    /** @type {Rule | null} The one whose form is open. */
    this.open = null;
    /** @type {Rule | null} */
    this.dragged = null;
    this.asJson = false;
    /** @type {{rule: number, name: string, reason: string} | null} */
    this.faulty = null;
    this.list = h("div");
    this.told = h("div", {"aria-live": "polite"});
    this.save = h("button.primary", {disabled: true, onclick: () => this.send()}, t("save"));
    this.drop = h(
      "button",
      {
        disabled: true,
        onclick: () => {
          this.rules = structuredClone(this.read.rules);
          this.open = null;
          this.refresh();
        },
      },
      t("change.drop"),
    );
    this.video = field(
      t("step.video"),
      h("input", {
        spellcheck: false,
        placeholder: "http://s1.origin-cluster/live/1.m3u8",
        oninput: () => this.askPreview(),
      }),
    );
    this.client = field(
      t("explain.client"),
      h("input", {spellcheck: false, placeholder: "192.0.2.7", oninput: () => this.askPreview()}),
    );
    this.askPreview = debounced(() => void this.lookAhead());
  }

  view() {
    this.refresh();
    const tab = (/** @type {boolean} */ asJson, /** @type {string} */ key) =>
      h(
        "button",
        {"aria-pressed": String(asJson === this.asJson), "data-tab": key, onclick: () => this.turn(asJson)},
        t(key),
      );
    this.tabs = h("div.tabs", {}, tab(false, "rules.as-form"), tab(true, "rules.as-json"));
    return h(
      "div",
      {},
      h(
        "section.card",
        {},
        h(
          "header.card-head",
          {},
          h("div", {}, h("h2", {}, t("rules.title")), h("p.hint", {}, t("rules.lead"))),
          h(
            "div.card-actions",
            {},
            this.tabs,
            this.mayEdit && h("button", {onclick: () => this.add()}, t("rules.add")),
          ),
        ),
        this.list,
      ),
      h(
        "section.card.stack",
        {},
        h("h2", {}, t("rules.try")),
        h("div.columns", {}, this.video, this.client),
        this.told,
        this.mayEdit && h("div.actions", {}, this.drop, this.save),
      ),
    );
  }

  /** @param {boolean} asJson */
  turn(asJson) {
    this.asJson = asJson;
    for (const tab of this.tabs.children)
      tab.setAttribute("aria-pressed", String((tab.dataset.tab === "rules.as-json") === asJson));
    this.refresh();
  }

  add() {
    if (this.asJson) this.turn(false);
    const rule = {name: `rule-${this.rules.length + 1}`, config_id: this.configs[0].id, when: {}, enabled: false};
    this.rules.push(rule);
    this.open = rule;
    this.refresh();
  }

  get isChanged() {
    return JSON.stringify(this.rules) !== JSON.stringify(this.read.rules);
  }

  refresh() {
    fill(
      this.list,
      this.asJson ? this.json() : this.rules.map((rule, index) => this.row(rule, index)),
      !this.asJson && this.rules.length === 0 && h("p.none", {}, t("rules.none")),
    );
    this.edited();
  }

  edited() {
    this.drop.disabled = !this.isChanged;
    this.save.disabled = true;
    this.askPreview();
  }

  json() {
    const area = h("textarea", {
      spellcheck: false,
      rows: 18,
      "aria-label": t("rules.as-json"),
      disabled: !this.mayEdit,
      value: JSON.stringify(this.rules, null, 2),
    });
    const fault = h("p.fault", {role: "alert"});
    area.addEventListener("input", () => {
      try {
        const found = JSON.parse(area.value);
        if (!Array.isArray(found)) throw new Error(t("rules.no-list"));
        this.rules = found;
        fault.textContent = "";
        this.edited();
      } catch (error) {
        fill(fault, error instanceof SyntaxError ? english(error.message) : error.message);
        this.save.disabled = true;
      }
    });
    return [area, fault];
  }

  /**
   * @param {Rule} rule
   * @param {number} index
   */
  row(rule, index) {
    const isOn = rule.enabled !== false;
    const move = (/** @type {number} */ step) => {
      this.rules.splice(index, 1);
      this.rules.splice(index + step, 0, rule);
      this.refresh();
      /** @type {HTMLElement | null} */ (
        this.list.querySelector(`[data-rule="${CSS.escape(rule.name)}"] [data-move="${step}"]`)
      )?.focus();
    };
    const arrow = (/** @type {number} */ step) =>
      h(
        "button.plain",
        {
          "data-move": step,
          "aria-label": `${rule.name}: ${t(step < 0 ? "rules.up" : "rules.down")}`,
          disabled: !this.rules[index + step],
          onclick: () => move(step),
        },
        step < 0 ? "↑" : "↓",
      );
    const buttons = () =>
      this.mayEdit &&
      h(
        "div.actions",
        {},
        toggle(`${rule.name}: ${t("field.enabled")}`, isOn, on => {
          rule.enabled = on;
          this.refresh();
        }),
        arrow(-1),
        arrow(1),
        h(
          "button",
          {
            "aria-expanded": String(this.open === rule),
            onclick: () => {
              this.open = this.open === rule ? null : rule;
              this.refresh();
            },
          },
          t("rules.edit"),
        ),
        h(
          "button.plain",
          {
            "aria-label": `${rule.name}: ${t("rules.remove")}`,
            title: t("rules.remove"),
            onclick: () => {
              this.rules.splice(index, 1);
              this.refresh();
            },
          },
          "×",
        ),
      );
    const grip = h("span.grip", {"aria-hidden": "true", draggable: String(this.mayEdit)}, this.mayEdit && "⠿");
    const element = h(isOn ? "div.rule" : "div.rule.off");
    // What is told of the rule follows its form, which stays as it is so as to keep the focus.
    const tell = () => {
      const config = this.configs.find(one => one.id === rule.config_id);
      element.dataset.rule = rule.name;
      for (const one of [...element.children]) if (one !== form) one.remove();
      element.prepend(
        grip,
        h("span.number", {}, index + 1),
        h(
          "div.rule-text",
          {},
          h("div", {}, h("b", {}, rule.name), " → ", config?.name || t("config", {id: rule.config_id})),
          h("small", {}, summary(rule.when || {}) || t("rules.every")),
        ),
        buttons() || "",
      );
    };
    const edited = () => {
      tell();
      this.edited();
    };
    const form =
      this.open === rule && ruleForm(rule, this.configs, edited, this.faulty?.rule === index ? this.faulty : null);
    element.append(form || "");
    tell();
    grip.addEventListener("dragstart", (/** @type {DragEvent} */ event) => {
      this.dragged = rule;
      event.dataTransfer?.setDragImage(element, 0, 0);
    });
    element.addEventListener("dragover", (/** @type {Event} */ event) => {
      event.preventDefault();
      element.classList.add("over");
    });
    element.addEventListener("dragleave", () => element.classList.remove("over"));
    element.addEventListener("drop", (/** @type {Event} */ event) => {
      event.preventDefault();
      if (!this.dragged || this.dragged === rule) return element.classList.remove("over");
      this.rules.splice(this.rules.indexOf(this.dragged), 1);
      this.rules.splice(this.rules.indexOf(rule), 0, this.dragged);
      this.refresh();
    });
    return element;
  }

  /** Ask the service what the draft would do. */
  async lookAhead() {
    const asked = JSON.stringify(this.rules);
    const video = this.video.input.value.trim();
    const requests = video ? [{video, client: this.client.input.value.trim()}] : [];
    try {
      const {body} = await this.app.api.ask("POST /rules/preview", {body: {rules: this.rules, requests}});
      if (asked !== JSON.stringify(this.rules)) return;
      this.blame(null);
      const [tried] = body.requests;
      const shown = chosen =>
        chosen ? `${t("config", {id: chosen.config_id})}, ${chosen.rule || t("rules.by-default")}` : "–";
      fill(
        this.told,
        tried &&
          h(
            "div",
            {class: tried.refusal ? "result refused" : "result"},
            tried.refusal
              ? term("refusal", tried.refusal)
              : [
                  h("p", {}, `${t("change.now")}: ${shown(tried.before)}`),
                  h("p", {}, `${t("change.then")}: ${shown(tried.after)}`),
                ],
          ),
        body.changes.length > 0 && h("div.stack", {}, h("h3", {}, t("change.preview")), changeList(body.changes)),
      );
      this.save.disabled = !this.isChanged;
    } catch (error) {
      if (asked === JSON.stringify(this.rules)) this.blame(error);
    }
  }

  /**
   * Show what is wrong at the field that it is about, and below.
   * @param {any} error
   */
  blame(error) {
    const fault = error?.errors?.[0];
    const found = fault && /^rules(?:\[(\d+)\]|\.([^.]+))\.?(.*)$/.exec(fault.field);
    const rule = found ? (found[1] ? Number(found[1]) : this.rules.findIndex(one => one.name === found[2])) : -1;
    this.faulty =
      found && rule >= 0
        ? {
            rule,
            name: found[3].split(/[.[]/).filter((/** @type {string} */ part) => part !== "when")[0],
            reason: fault.reason,
          }
        : null;
    const fields = this.list.querySelectorAll("form [data-field]");
    for (const one of fields)
      /** @type {any} */ (one).fault(
        this.faulty && this.rules[rule] === this.open && one.dataset.field === this.faulty.name && english(fault.reason),
      );
    fill(this.told, error && h("p.fault", {role: "alert"}, textOf(error)));
  }

  async send() {
    const reason = await ask(t("rules.save-title"), h("p", {}, t("rules.save-text")), {yes: t("save")});
    if (reason === null) return;
    try {
      const {body: made} = await this.app.api.ask("PUT /rules", {
        body: {rules: this.rules, ...(reason && {reason})},
        headers: {"If-Match": this.etag},
      });
      await this.onDone();
      toast(t("rules.saved", {revision: made.revision}));
    } catch (error) {
      if (error.status === 412) refused(error);
      else this.blame(error);
    }
  }
}

/** @param {API.RuleChange[]} changes */
export function changeList(changes) {
  return h("ul.words", {}, changes.map(one => h("li", {}, h("b", {}, one.rule), " ", step(one))));
}
