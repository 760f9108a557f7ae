// Signing in: with an API key, or at an identity provider by authorization code with PKCE (RFC 6749 §4.1, RFC 7636).

import {Problem} from "./client.js";
import {english, field, h} from "./dom.js";
import {t} from "./words.js";

/** @typedef {{issuer: string, client_id: string, audience: string, scope: string, authorize_url: string | null, token_url: string | null}} Provider */

// Session storage is this tab's alone: it survives a reload, no other tab reads it, and it is gone with the tab.
const KEY = "video-balancer.key";
const ATTEMPT = "video-balancer.attempt";

export function keptKey() {
  return sessionStorage.getItem(KEY);
}

export function forgetKey() {
  sessionStorage.removeItem(KEY);
}

/**
 * @param {(key: string) => Promise<void>} signIn
 * @param {Node | string} [message] Why nobody is signed in.
 */
export function signInPage(signIn, message) {
  const key = field(
    t("sign-in.key"),
    h("input", {type: "password", autocomplete: "current-password", required: true, spellcheck: false}),
    t("sign-in.hint"),
  );
  key.fault(message);
  const button = h("button.primary", {}, t("sign-in"));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const given = key.input.value.trim();
    if (!given) return key.fault(t("sign-in.empty"));
    button.disabled = true;
    try {
      await signIn(given);
    } catch (error) {
      key.fault(faultOf(error));
      key.input.focus();
    }
    button.disabled = false;
  };
  const other = h("div.provider");
  void offerProvider(other, key);
  return h(
    "main.sign-in.card",
    {},
    h("img", {src: "console/icon.svg", alt: "", width: 48, height: 48}),
    h("h1", {}, t("title")),
    h("p.lead", {}, t("sign-in.lead")),
    h("form", {onsubmit: submit}, key, button),
    other,
  );
}

/** @param {unknown} error */
function faultOf(error) {
  if (!(error instanceof Problem) || error.status === 0) return t("unreachable");
  return error.status === 401 ? t("sign-in.wrong") : english(error.message);
}

/**
 * @param {any} place
 * @param {any} key
 */
async function offerProvider(place, key) {
  const answer = await fetch("console/sign-in").catch(() => null);
  /** @type {Provider | null} */
  const provider = answer?.ok ? await answer.json() : null;
  if (!provider) return;
  const name = URL.canParse(provider.issuer) ? new URL(provider.issuer).host : provider.issuer;
  const begin = () => beginSignIn(provider).catch((/** @type {Error} */ error) => key.fault(error.message));
  place.append(h("p.or", {}, t("sign-in.or")), h("button", {onclick: begin}, t("sign-in.provider", {name})));
}

/** @param {Provider} provider */
async function beginSignIn(provider) {
  // Browsers have what this needs on secure origins alone.
  if (!crypto.subtle) throw new Error(t("sign-in.insecure"));
  const {authorize, token} = await endpointsOf(provider);
  const attempt = {
    state: randomText(16),
    verifier: randomText(32),
    token,
    client: provider.client_id,
    issuer: provider.issuer,
  };
  sessionStorage.setItem(ATTEMPT, JSON.stringify(attempt));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(attempt.verifier));
  const challenge = btoa(String.fromCharCode(...new Uint8Array(digest)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
  const url = new URL(authorize);
  if (!["https:", "http:"].includes(url.protocol)) throw new Error(t("sign-in.no-metadata"));
  const given = {
    response_type: "code",
    client_id: provider.client_id,
    redirect_uri: here(),
    scope: provider.scope,
    state: attempt.state,
    code_challenge: challenge,
    code_challenge_method: "S256",
    audience: provider.audience,
  };
  for (const [name, value] of Object.entries(given)) url.searchParams.set(name, value);
  location.assign(url);
}

/**
 * @param {Provider} provider
 * @returns {Promise<{authorize: string, token: string}>}
 */
async function endpointsOf(provider) {
  if (provider.authorize_url && provider.token_url)
    return {authorize: provider.authorize_url, token: provider.token_url};
  const answer = await fetch(`${provider.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, {
    credentials: "omit",
  });
  if (!answer.ok) throw new Error(t("sign-in.no-metadata"));
  const found = await answer.json();
  return {authorize: found.authorization_endpoint, token: found.token_endpoint};
}

/**
 * Return text that cannot be guessed.
 * @param {number} bytes
 */
function randomText(bytes) {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), byte => byte.toString(16).padStart(2, "0")).join("");
}

function here() {
  return location.origin + location.pathname;
}

/**
 * Make a token of the code that a provider has sent somebody back with; null where nobody was.
 * @returns {Promise<string | null>}
 */
export async function finishSignIn() {
  const answer = new URLSearchParams(location.search);
  const kept = sessionStorage.getItem(ATTEMPT);
  if (!kept || !answer.has("state")) return null;
  sessionStorage.removeItem(ATTEMPT);
  // A code counts once, and belongs in no history.
  history.replaceState(null, "", location.pathname + location.hash);
  const attempt = JSON.parse(kept);
  const issuer = answer.get("iss");
  // RFC 9207: the answer of another provider is none.
  if (answer.get("state") !== attempt.state || (issuer && issuer !== attempt.issuer))
    throw new Error(t("sign-in.mixed-up"));
  const code = answer.get("code");
  if (!code) throw new Error(answer.get("error_description") || answer.get("error") || t("sign-in.mixed-up"));
  const body = new URLSearchParams({
    grant_type: "authorization_code",
    code,
    redirect_uri: here(),
    client_id: attempt.client,
    code_verifier: attempt.verifier,
  });
  const found = await fetch(attempt.token, {method: "POST", body, credentials: "omit"});
  if (!found.ok) throw new Error(t("sign-in.no-token"));
  return (await found.json()).access_token;
}
