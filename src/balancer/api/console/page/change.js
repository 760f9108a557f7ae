// Changing a config: see what it would do, do it, and undo it.

import {bar} from "./charts.js";
import {conflictView} from "./conflict.js";
import {ask, refused, toast} from "./dialogs.js";
import {debounced, english, field, fill, h} from "./dom.js";
import {given, movedPart, movedWeights, serving, sharesOf} from "./shares.js";
import {targetRows} from "./target_rows.js";
import {REQUESTS, configSelect, differences, sentence, textOf} from "./telling.js";
import {percent, t} from "./words.js";

/** @import {App} from "./app.js" */

/** Above this part of all requests a change is asked about once more. */
const MUCH = 0.5;

// What this tab has changed last, by config, so that undoing it survives a reload.
const DONE = "video-balancer.done";

/** @param {App} app */
export async function page(app) {
  const element = h("div");
  await show(app, element, app.query.get("id"));
  return element;
}

/**
 * @param {App} app
 * @param {HTMLElement} element
 * @param {string | number | null} id
 */
async function show(app, element, id) {
  const {configs, config, etag} = await app.api.readConfigs(id);
  fill(
    element,
    configSelect(configs, config.id, chosen => app.go(`#/change?id=${chosen}`)),
    new Draft(app, element, config, etag).view(),
  );
}

/** A change that is being made up, and what it would do. */
class Draft {
  /**
   * @param {App} app
   * @param {HTMLElement} place
   * @param {API.Config} config As it was read.
   * @param {string | undefined} etag
   */
  constructor(app, place, config, etag) {
    this.app = app;
    this.place = place;
    this.config = config;
    this.etag = etag;
    /** @type {API.Target[]} */
    this.targets = structuredClone(config.targets);
    /** @type {API.Preview | null} What the service says that the draft would do. */
    this.preview = null;
    this.names = this.targets.map(target => target.name);
    this.before = bar(t("change.now"), this.names, sharesOf(config.targets, config.policy));
    this.after = bar(t("change.then"), this.names, sharesOf(config.targets, config.policy));
    this.words = h("div", {"aria-live": "polite", "data-words": ""});
    this.reason = field(t("reason"), h("input", {maxlength: 500}), t("reason.hint"));
    this.send = h("button.primary", {disabled: true, onclick: () => this.apply()}, t("change.apply"));
    this.drop = h("button", {disabled: true, onclick: () => this.reset()}, t("change.drop"));
    this.banner = h("div");
    this.conflict = h("div");
    this.rows = targetRows(this.targets, config.policy, () => this.edited());
    this.askPreview = debounced(() => void this.lookAhead());
    /** @type {HTMLElement | null} */
    this.root = null;
  }

  view() {
    this.showUndo();
    this.app.onLeave(this.app.live.follow(() => this.watch()));
    return (this.root = h(
      "div",
      {},
      this.banner,
      this.conflict,
      h(
        "div.changing",
        {},
        h(
          "section.card",
          {},
          h("h2", {}, this.config.name || t("config", {id: this.config.id})),
          this.mover(),
          this.rows.element,
        ),
        h(
          "section.card.preview",
          {},
          h("h2", {}, t("change.preview")),
          h("div.bars", {}, this.before, this.after),
          this.words,
          this.reason,
          h("div.actions", {}, this.drop, this.send),
        ),
      ),
    ));
  }

  /** Offer to move a part of the traffic from one target to another. */
  mover() {
    const able = serving(this.targets);
    if (this.config.policy === "failover" || this.targets.length < 2 || able.length === 0) return null;
    const options = (/** @type {API.Target[]} */ targets, /** @type {number} */ chosen) =>
      targets.map((target, index) => h("option", {value: target.name, selected: index === chosen}, target.name));
    const percents = h("input", {
      type: "number",
      min: 0.1,
      max: 100,
      step: 0.1,
      value: 10,
      "aria-label": t("change.percents"),
    });
    const [from, to] = [
      h("select", {"aria-label": t("change.from")}, options(able, 0)),
      h("select", {"aria-label": t("change.to")}, options(this.targets, 1)),
    ];
    const largest = able.reduce((one, other) => (other.weight > one.weight ? other : one));
    from.value = largest.name;
    const others = this.targets.filter(target => target !== largest && target.enabled && target.tier === largest.tier);
    to.value =
      others.reduce((one, other) => (!one || other.weight > one.weight ? other : one), others[0])?.name || largest.name;
    const move = () => {
      const found = movedWeights(this.targets, from.value, to.value, Number(percents.value));
      if (!found) return toast(t("change.cannot-move"), "bad");
      for (const target of this.targets) target.weight = found[target.name] ?? target.weight;
      this.rows.refresh();
      this.edited();
    };
    return h(
      "div.mover",
      {},
      h("span", {}, t("change.move")),
      percents,
      h("span", {}, t("change.percent-from")),
      from,
      h("span", {}, t("change.percent-to")),
      to,
      h("button", {onclick: move}, t("change.move-it")),
    );
  }

  get isChanged() {
    return JSON.stringify(this.targets) !== JSON.stringify(this.config.targets);
  }

  edited() {
    this.preview = null;
    this.after.update(sharesOf(this.targets, this.config.policy));
    this.drop.disabled = !this.isChanged;
    this.send.disabled = true;
    if (this.isChanged) this.askPreview();
    else fill(this.words);
  }

  /** Ask the service what the draft would do: it decides, this page only draws. */
  async lookAhead() {
    const asked = JSON.stringify(this.targets);
    try {
      const body = {id: this.config.id, targets: given(this.targets), requests: REQUESTS};
      const {body: preview} = await this.app.api.ask("POST /config/preview", {body});
      if (asked !== JSON.stringify(this.targets)) return;
      this.preview = preview;
      this.rows.fault({});
      const [before, after] = [sharesIn(preview.before), sharesIn(preview.after)];
      this.before.update(before);
      this.after.update(after);
      fill(this.words, sentence(preview), differences(preview.target_changes, preview.changes));
      this.send.disabled = !this.isChanged;
    } catch (error) {
      if (asked === JSON.stringify(this.targets)) this.blame(error);
    }
  }

  /** @param {import("./client.js").Problem} error */
  blame(error) {
    /** @type {Record<string, Node>} */
    const faults = {};
    for (const {field: name, reason} of error.errors || []) {
      const target = this.names.find(
        (one, index) => name.startsWith(`targets.${one}.`) || name.startsWith(`targets[${index}].`),
      );
      if (target) faults[target] = english(`${name.split(".").pop()} ${reason}`);
    }
    this.rows.fault(faults);
    fill(this.words, h("p.fault", {role: "alert"}, textOf(error)));
  }

  async apply() {
    const {preview} = this;
    if (!preview) return;
    const moved = movedPart(sharesIn(preview.before), sharesIn(preview.after));
    if (moved > MUCH) {
      const sure = await ask(
        t("change.much"),
        [h("p", {}, t("change.much-text", {part: percent(moved)})), sentence(preview)],
        {yes: t("change.apply"), isDangerous: true},
      );
      if (sure === null) return;
    }
    this.send.disabled = true;
    const reason = this.reason.input.value.trim();
    try {
      const {body: made} = await this.app.api.ask("PATCH /config", {
        body: {id: this.config.id, targets: given(this.targets), ...(reason && {reason})},
        headers: {"If-Match": this.etag},
      });
      sessionStorage.setItem(DONE, JSON.stringify({id: made.id, revision: made.revision}));
      toast(t("change.done", {revision: made.revision}));
      await show(this.app, this.place, this.config.id);
    } catch (error) {
      this.send.disabled = false;
      if (error.status === 412) await this.clash();
      else this.blame(error);
    }
  }

  reset() {
    for (const [index, target] of this.config.targets.entries()) Object.assign(this.targets[index], target);
    this.rows.refresh();
    this.edited();
  }

  /** Show what another admin has done since the config was read. */
  async clash() {
    const {id} = this.config;
    const theirs = await this.app.api.ask("GET /config", {query: {id}});
    const history = await this.app.api.ask("GET /config/history", {query: {id, limit: 1}});
    const again = (/** @type {API.Target[] | null} */ targets) => {
      const draft = new Draft(this.app, this.place, theirs.body, theirs.etag);
      this.place.lastElementChild?.replaceWith(draft.view());
      if (!targets) return;
      draft.targets.splice(0, draft.targets.length, ...targets);
      draft.reason.input.value = this.reason.input.value;
      draft.rows.refresh();
      draft.edited();
    };
    fill(this.conflict, conflictView(this.config, this.targets, theirs.body, history.body.items[0], again));
    this.conflict.scrollIntoView({block: "start"});
    this.send.disabled = true;
  }

  /** Offer to undo what this tab has done, for as long as nobody has changed anything since. */
  showUndo() {
    const done = JSON.parse(sessionStorage.getItem(DONE) || "null");
    const isLast = done && done.id === this.config.id && done.revision === this.config.revision && done.revision > 1;
    const undo = async () => {
      try {
        const body = {
          id: this.config.id,
          revision: done.revision - 1,
          reason: t("change.undo-reason", {revision: done.revision}),
        };
        await this.app.api.ask("POST /config/rollback", {body, headers: {"If-Match": this.etag}});
        sessionStorage.removeItem(DONE);
        toast(t("change.undone"));
      } catch (error) {
        refused(error, t("change.undo-late"));
      }
      await show(this.app, this.place, this.config.id);
    };
    fill(
      this.banner,
      isLast &&
        h(
          "div.card.undo",
          {},
          h("span", {}, t("change.made", {revision: done.revision})),
          h("button", {onclick: undo}, t("change.undo")),
        ),
    );
  }

  /** Say so when somebody else changes the config meanwhile. */
  watch() {
    // A draft that is not shown any more has nothing to say.
    if (!this.root?.isConnected) return;
    const now = this.app.live.now?.configs.find(one => one.id === this.config.id);
    if (!now || now.revision <= this.config.revision || this.conflict.childElementCount) return;
    if (this.isChanged)
      fill(this.banner, h("div.card.warning", {role: "status"}, t("change.meanwhile", {revision: now.revision})));
    else {
      this.root = null;
      void show(this.app, this.place, this.config.id);
    }
  }
}

/** @param {API.Outcome} outcome */
export function sharesIn(outcome) {
  return Object.fromEntries(outcome.shares.map(one => [one.target, one.share]));
}
