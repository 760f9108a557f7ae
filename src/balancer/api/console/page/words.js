// Words and numbers in the reader's language.

import {LANGUAGES, MESSAGES} from "./messages.js";

const CHOICE = "video-balancer.language";

let language = chosen();

function chosen() {
  const kept = localStorage.getItem(CHOICE);
  if (kept && LANGUAGES.includes(kept)) return kept;
  const wanted = navigator.languages.map(name => name.slice(0, 2).toLowerCase());
  return wanted.find(name => LANGUAGES.includes(name)) || LANGUAGES[0];
}

export function currentLanguage() {
  return language;
}

/** @param {string} name */
export function setLanguage(name) {
  language = name;
  localStorage.setItem(CHOICE, name);
  document.documentElement.lang = name;
}

/**
 * Return a message; `{name}` stands for a value.
 * @param {string} key
 * @param {Record<string, string | number | null>} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  const found = MESSAGES[key] ?? [key];
  return (found[LANGUAGES.indexOf(language)] ?? found[0]).replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "number" ? number(value) : String(value ?? "");
  });
}

/**
 * Return the message of a key if there is one, and the word itself where there is none.
 * @param {string} group
 * @param {string} word
 */
export function term(group, word) {
  const key = `${group}.${word}`;
  return key in MESSAGES ? t(key) : word;
}

/**
 * @param {number} value
 * @param {number} [digits] Behind the point, at most.
 */
export function number(value, digits = 0) {
  return new Intl.NumberFormat(language, {maximumFractionDigits: digits}).format(value);
}

/**
 * Return a rate or a big number in few characters: `12.3`, `1,234`, `1.2M`.
 * @param {number} value
 */
export function short(value) {
  if (value >= 100000)
    return new Intl.NumberFormat(language, {notation: "compact", maximumFractionDigits: 1}).format(value);
  return number(value, value < 100 ? 1 : 0);
}

/** @param {number | null | undefined} share From 0 to 1. */
export function percent(share) {
  if (share === null || share === undefined) return "–";
  const digits = share > 0 && share < 0.01 ? 2 : 1;
  return new Intl.NumberFormat(language, {style: "percent", maximumFractionDigits: digits}).format(share);
}

/** @param {number | null | undefined} ms */
export function milliseconds(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1) return `${number(ms * 1000)} ${t("unit.us")}`;
  return ms < 1000 ? `${number(ms, ms < 10 ? 1 : 0)} ${t("unit.ms")}` : `${number(ms / 1000, 1)} ${t("unit.s")}`;
}

/** @param {string | null} text RFC 3339. */
export function time(text) {
  if (!text) return "–";
  return new Intl.DateTimeFormat(language, {dateStyle: "medium", timeStyle: "medium"}).format(new Date(text));
}

/** @param {string} text RFC 3339. */
export function ago(text) {
  const passed = (Date.parse(text) - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat(language, {numeric: "auto"});
  /** @type {[number, Intl.RelativeTimeFormatUnit][]} */
  const units = [[86400, "day"], [3600, "hour"], [60, "minute"]];
  const [size, unit] = units.find(([least]) => Math.abs(passed) >= least) || [1, "second"];
  return format.format(Math.round(passed / size), /** @type {Intl.RelativeTimeFormatUnit} */ (unit));
}
