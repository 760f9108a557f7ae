// Starts Swagger UI at /docs, so that it is safe beside live traffic.
"use strict";

const AUTHORIZATION = "video-balancer.authorization";

const READS = ["GET", "HEAD", "OPTIONS"];

// A POST that changes nothing.
const PREVIEW = "/config/preview";

// Nothing is changed by the body that the page fills in, unless the reader has seen and confirmed the whole request.
function confirmChange(request) {
  const method = (request.method || "GET").toUpperCase();
  const path = request.url.split(/[?#]/)[0];
  if (request.loadSpec || READS.includes(method) || path.endsWith(PREVIEW)) {
    return request;
  }
  const question = `This changes the running service. Send it?\n\n${method} ${request.url}\n\n${request.body || ""}`;
  if (!window.confirm(question)) {
    // Swagger UI cannot show an interceptor's own error.
    request.userFetch = () => Promise.reject(new Error("Not sent: it was not confirmed."));
  }
  return request;
}

// A browser shows no script where a redirect leads, and this page may ask no other host.
function hidesItsAnswer(path, method) {
  return path === "/" && method === "get";
}

// The key is kept for as long as the tab is open, over reloads; unlike in local storage, no other tab finds it, and it is
// gone when the tab is closed.
const KeepAuthorization = () => ({
  statePlugins: {
    auth: {
      wrapActions: {
        authorize: (original) => (given) => {
          window.sessionStorage.setItem(AUTHORIZATION, JSON.stringify(given));
          return original(given);
        },
        logout: (original) => (names) => {
          window.sessionStorage.removeItem(AUTHORIZATION);
          return original(names);
        },
      },
    },
  },
});

const NoRedirects = () => ({
  statePlugins: {
    spec: {
      wrapSelectors: {
        allowTryItOutFor: (original) => (state, path, method) =>
          !hidesItsAnswer(path, method) && original(state, path, method),
      },
    },
  },
});

const ui = SwaggerUIBundle({
  url: "schema/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  validatorUrl: null,
  plugins: [KeepAuthorization, NoRedirects],
  requestInterceptor: confirmChange,
  onComplete: () => {
    const kept = window.sessionStorage.getItem(AUTHORIZATION);
    if (kept !== null) {
      ui.authActions.authorize(JSON.parse(kept));
    }
  },
});
