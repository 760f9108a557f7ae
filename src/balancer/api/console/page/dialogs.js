// Questions that wait for an answer, and short notes that do not.

import {field, freshId, h} from "./dom.js";
import {textOf} from "./telling.js";
import {t} from "./words.js";

/**
 * Ask something; the answer is the reason that was given, or null when it was called off.
 * @param {string} title
 * @param {import("./dom.js").Children} content
 * @param {{yes: string, isDangerous?: boolean}} how What is dangerous is asked about once more, for no reason.
 * @returns {Promise<string | null>}
 */
export function ask(title, content, how) {
  return new Promise(resolve => {
    const reason = how.isDangerous ? null : field(t("reason"), h("input", {maxlength: 500}), t("reason.hint"));
    const id = freshId();
    const dialog = h(
      "dialog",
      {"aria-labelledby": id},
      h("h2", {id}, title),
      h("div.dialog-content", {}, content, reason),
      h(
        "div.actions",
        {},
        h("button", {onclick: () => dialog.close()}, t("cancel")),
        h(how.isDangerous ? "button.danger" : "button.primary", {onclick: () => dialog.close("yes")}, how.yes),
      ),
    );
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes" ? reason?.input.value.trim() || "" : null);
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/**
 * Show something that needs no answer.
 * @param {Node | string} text
 * @param {"good" | "bad"} [kind]
 */
export function toast(text, kind = "good") {
  const note = h(
    `div.toast.${kind}`,
    {},
    h("span", {}, text),
    h("button.plain", {"aria-label": t("close"), onclick: () => note.remove()}, "×"),
  );
  document.getElementById("toasts")?.append(note);
  setTimeout(() => note.remove(), kind === "bad" ? 12000 : 6000);
}

/**
 * Say why a change was not made.
 * @param {import("./client.js").Problem} error
 * @param {string} [late] Where somebody was faster.
 */
export function refused(error, late = t("history.stale")) {
  toast(error.status === 412 ? late : textOf(error), "bad");
}
