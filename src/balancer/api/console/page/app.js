// The frame around the pages: who is signed in, which page is shown, language and colours.

import {Api} from "./service.js";
import {Problem} from "./client.js";
import {toast} from "./dialogs.js";
import {fill, h} from "./dom.js";
import {Live} from "./live.js";
import {LANGUAGES} from "./messages.js";
import {finishSignIn, forgetKey, keptKey, signInPage} from "./sign_in.js";
import {textOf} from "./telling.js";
import {currentLanguage, setLanguage, t, term} from "./words.js";

/**
 * @typedef {object} App What a page is given.
 * @property {Api} api
 * @property {Live} live
 * @property {{actor: string, role: string}} visitor
 * @property {(role: string) => boolean} may Whether the visitor has a role, or a higher one.
 * @property {URLSearchParams} query Of the page.
 * @property {(hash: string) => void} go
 * @property {(end: () => void) => void} onLeave
 */

const ROLES = ["viewer", "operator", "admin"];

/** @type {Record<string, string>} Which role each page needs; its script has its name. */
const PAGES = {
  overview: "viewer",
  change: "operator",
  history: "viewer",
  explain: "viewer",
  rules: "viewer",
  keys: "admin",
  settings: "admin",
  health: "viewer",
};

const THEMES = ["auto", "light", "dark"];
const THEME = "video-balancer.theme";

const root = /** @type {HTMLElement} */ (document.getElementById("app"));

/** @type {Pick<App, "api" | "live" | "visitor"> | null} */
let session = null;

/** @type {(() => void)[]} */
let leaving = [];

let shown = 0;

/** @param {string} role */
function may(role) {
  return session !== null && ROLES.indexOf(session.visitor.role) >= ROLES.indexOf(role);
}

function applyTheme() {
  const theme = localStorage.getItem(THEME) || "auto";
  document.documentElement.classList.toggle("light", theme === "light");
  document.documentElement.classList.toggle("dark", theme === "dark");
}

/** @param {string} [message] */
function signOut(message) {
  if (message && !session) return;
  session?.live.stop();
  session = null;
  forgetKey();
  showSignIn(message);
}

/** @param {Node | string} [message] */
function showSignIn(message) {
  leave();
  document.title = t("title");
  fill(
    root,
    h("div.sign-in-frame", {}, h("div.corner", {}, languageButton(), themeButton()), signInPage(signIn, message)),
  );
}

/**
 * Begin a session, or throw the problem that keeps it from beginning.
 * @param {string} key
 */
async function signIn(key) {
  const api = new Api(key, () => signOut(t("sign-in.over")));
  const {body: visitor} = await api.ask("GET /identity");
  session = {api, visitor, live: new Live(api)};
  sessionStorage.setItem("video-balancer.key", key);
  void session.live.run();
  await showPage();
}

function leave() {
  for (const end of leaving) end();
  leaving = [];
}

/** Show the page that the address names. */
async function showPage() {
  if (!session) return;
  leave();
  shown += 1;
  const number = shown;
  const [name, query] = location.hash.replace(/^#\/?/, "").split("?");
  const chosen = Object.hasOwn(PAGES, name) && may(PAGES[name]) ? name : "overview";
  const main = h("main", {id: "main", tabindex: -1});
  fill(root, frame(chosen), main);
  root.querySelector("nav [aria-current]")?.scrollIntoView({block: "nearest", inline: "center"});
  document.title = `${t(`nav.${chosen}`)} – ${t("title")}`;
  const app = {
    ...session,
    may,
    query: new URLSearchParams(query),
    go: (/** @type {string} */ hash) => {
      location.hash = hash;
    },
    onLeave: (/** @type {() => void} */ end) => leaving.push(end),
  };
  try {
    const {page} = await import(`./${chosen}.js`);
    const content = await page(app);
    if (number !== shown) return;
    fill(main, h("h1", {}, t(`nav.${chosen}`)), content);
  } catch (error) {
    if (number !== shown || !session) return;
    const text = error instanceof Problem ? textOf(error) : t("unreachable");
    fill(
      main,
      h("h1", {}, t(`nav.${chosen}`)),
      h("div.card.error", {role: "alert"}, h("p", {}, text), h("button", {onclick: showPage}, t("retry"))),
    );
  }
}

/** @param {string} current */
function frame(current) {
  const links = Object.keys(PAGES)
    .filter(name => may(PAGES[name]))
    .map(name => h("a", {href: `#/${name}`, "aria-current": name === current && "page"}, t(`nav.${name}`)));
  const nav = h("nav", {"aria-label": t("nav")}, links);
  const brand = h(
    "a.brand",
    {href: "#/overview", "aria-label": t("title")},
    h("img", {src: "console/icon.svg", alt: "", width: 28, height: 28}),
    h("span", {}, t("title")),
  );
  const visitor = session?.visitor;
  const account = h(
    "div.account",
    {},
    pulse(),
    languageButton(),
    themeButton(),
    visitor &&
      h(
        "span.who",
        {title: visitor.actor},
        h("b", {}, visitor.actor.replace(/^\w+:(\d+ )?/, "")),
        h("small", {}, term("role", visitor.role)),
      ),
    h("button", {onclick: () => signOut()}, t("sign-out")),
  );
  return h("header", {}, h("a.skip", {href: "#main", onclick: skip}, t("skip")), brand, account, nav);
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** Show whether what is shown is live. */
function pulse() {
  const element = h("span.pulse", {role: "status"});
  const update = () => {
    if (!session) return;
    const isLost = session.live.isLost;
    if (element.dataset.lost === String(isLost)) return;
    element.dataset.lost = String(isLost);
    element.textContent = t(isLost ? "live.lost" : "live.on");
  };
  if (session) leaving.push(session.live.follow(update));
  return element;
}

function languageButton() {
  const language = currentLanguage();
  const next = LANGUAGES[(LANGUAGES.indexOf(language) + 1) % LANGUAGES.length];
  return h(
    "button.plain",
    {
      lang: next,
      "aria-label": {en: "EN, English", ru: "RU, Русский"}[next],
      onclick: () => {
        setLanguage(next);
        void (session ? showPage() : showSignIn());
      },
    },
    next.toUpperCase(),
  );
}

function themeButton() {
  const theme = localStorage.getItem(THEME) || "auto";
  const label = (/** @type {string} */ name) => `${t("theme")}: ${t(`theme.${name}`)}`;
  const signs = {auto: "◐", light: "☀", dark: "☾"};
  const button = h(
    "button.plain",
    {"aria-label": label(theme), title: label(theme)},
    signs[/** @type {"auto"} */ (theme)],
  );
  button.addEventListener("click", () => {
    localStorage.setItem(THEME, THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]);
    applyTheme();
    const next = themeButton();
    button.replaceWith(next);
    next.focus();
  });
  return button;
}

async function start() {
  applyTheme();
  document.documentElement.lang = currentLanguage();
  window.addEventListener("hashchange", () => {
    // What was said of the last page is no word about this one.
    document.getElementById("toasts")?.replaceChildren();
    void showPage();
  });
  window.addEventListener("unhandledrejection", event => {
    if (event.reason instanceof Problem && session) toast(textOf(event.reason), "bad");
  });
  let message;
  try {
    const key = (await finishSignIn()) || keptKey();
    if (key) return await signIn(key);
  } catch (error) {
    message = error.status === 401 ? t("sign-in.over") : error instanceof Problem ? textOf(error) : error.message;
  }
  showSignIn(message);
}

void start();
