"""Chromium, driven by Playwright: one for all tests, with a context of its own for each visit."""

import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

KEY = "video-balancer.key"
"""Where a tab keeps the key of whoever is signed in there."""

PAGES = ("overview", "change", "history", "explain", "rules", "keys", "settings", "health")

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}

PATIENCE = 15_000
"""Milliseconds that the page may take for anything on a busy machine."""

_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)


def chromium() -> str | None:
    """Return the path of Chromium, or of Chrome."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


@contextmanager
def running_browser() -> Generator[Browser, None, None]:
    """Run a browser for the block, with an empty profile."""
    with sync_playwright() as playwright:
        browser = _launch(playwright)
        yield browser
        browser.close()


def _launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=chromium(), args=_ARGUMENTS)


class Visit:
    """Somebody at the console, in a context of their own.

    Args:
        browser: Shows it.
        url: Of the service.
        key: With which they are signed in already; None where they are not.
        given: What else their browser is: `viewport`, `locale`, `color_scheme`.

    Attributes:
        page: What they look at.
        faults: What the browser has complained about: errors of scripts, and breaches of the page's policy.
    """

    def __init__(self, browser: Browser, url: str, key: str | None, **given: Any) -> None:
        self._context: BrowserContext = browser.new_context(
            **{"viewport": DESK, "locale": "en-GB", "reduced_motion": "reduce", **given}
        )
        self._context.set_default_timeout(PATIENCE)
        if key:
            self._context.add_init_script(
                f"sessionStorage.getItem({KEY!r}) || sessionStorage.setItem({KEY!r}, {key!r})"
            )
        self.url = url
        self.faults: list[str] = []
        self.asked: list[str] = []
        self.page: Page = self._context.new_page()
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", lambda said: self._hear(said.text))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def _hear(self, said: str) -> None:
        if "Content Security Policy" in said or "TrustedHTML" in said:
            self.faults.append(said)

    @property
    def cookies(self) -> list[Any]:
        """All cookies that the browser has."""
        return list(self._context.cookies())

    def open(self, name: str = "overview", query: str = "") -> Page:
        """Open a page of the console, and return it when it has its content."""
        self.page.goto(f"{self.url}/console#/{name}{query}")
        self.page.wait_for_selector("main h1 + *:not(:has(.loading))")
        return self.page

    def close(self) -> None:
        """Leave."""
        self._context.close()


@contextmanager
def visiting(browser: Browser, url: str, key: str | None = None, **given: Any) -> Iterator[Visit]:
    """Visit the console for the block; nothing that the browser complains about is let pass."""
    visit = Visit(browser, url, key, **given)
    try:
        yield visit
        assert [] == visit.faults
        assert {url} == {"/".join(asked.split("/", 3)[:3]) for asked in visit.asked}
    finally:
        visit.close()
