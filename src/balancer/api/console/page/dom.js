// Elements by short calls. Text is only ever text: nothing here makes markup of it.

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Child | Child[]} Children */

/**
 * Return an element.
 * @param {string} tag Its name, with classes behind dots: `div.card.wide`.
 * @param {Record<string, any>} [given] Attributes; `on…` are listeners, `style` are properties, `value`, `checked`,
 *   `disabled` and `hidden` are set as they are now.
 * @param {...Children} children What is in it; null, undefined and false are left out.
 * @returns {any} The element: what it is follows from its tag.
 */
export function h(tag, given = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length > 0) element.classList.add(...classes);
  assign(element, given);
  element.append(...kept(children));
  return element;
}

/**
 * Return what the service says: its sentences are English, whichever language the page speaks.
 * @param {string} text
 */
export function english(text) {
  return h("span", {lang: "en"}, text);
}

/**
 * Return an element of a drawing.
 * @param {string} name
 * @param {Record<string, any>} [given]
 * @param {...Children} children
 * @returns {SVGElement}
 */
export function s(name, given = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  assign(element, given);
  element.append(...kept(children));
  return element;
}

/**
 * Put other children into an element.
 * @param {Element} element
 * @param {...Children} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...kept(children));
}

/**
 * @param {Children[]} children
 * @returns {(Node | string)[]}
 */
function kept(children) {
  const found = children.flat().filter(child => child !== null && child !== undefined && child !== false);
  return found.map(child => (child instanceof Node ? child : String(child)));
}

/**
 * @param {any} element
 * @param {Record<string, any>} given
 */
function assign(element, given) {
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else if (name === "style") {
      // The policy of the page forbids the attribute, and not this.
      for (const [property, wanted] of Object.entries(value)) element.style.setProperty(property, wanted);
    } else if (["value", "checked", "disabled", "hidden"].includes(name)) {
      element[name] = value;
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
}

let last = 0;

/** Return an id that no other element has. */
export function freshId() {
  last += 1;
  return `e${last}`;
}

/**
 * Return a field with its label, a hint, and a place for what is wrong with it.
 * @param {string} label
 * @param {any} input
 * @param {string} [hint]
 * @returns {any} With `fault(told)`, which shows what is wrong, or nothing.
 */
export function field(label, input, hint) {
  const fault = h("p.fault", {id: freshId()});
  input.id = input.id || freshId();
  input.setAttribute("aria-describedby", fault.id);
  const element = h("div.field", {}, h("label", {for: input.id}, label), input, hint && h("p.hint", {}, hint), fault);
  element.input = input;
  element.fault = (/** @type {Child} */ told) => {
    fill(fault, told);
    if (told) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  return element;
}

/**
 * Return a switch.
 * @param {string} label Read out; shown only where `isShown` says so.
 * @param {boolean} isOn
 * @param {(isOn: boolean) => void} onChange
 * @param {boolean} [isShown]
 */
export function toggle(label, isOn, onChange, isShown = false) {
  const input = h("input", {
    type: "checkbox",
    role: "switch",
    checked: isOn,
    onchange: () => onChange(input.checked),
  });
  return h(
    "label.switch",
    {},
    input,
    h("span.track", {"aria-hidden": "true"}),
    h(isShown ? "span" : "span.unseen", {}, label),
  );
}

/**
 * Wait for a pause in what happens, then call.
 * @param {() => void} call
 */
export function debounced(call) {
  /** @type {number | undefined} */
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(call, 250);
  };
}
