"""Shows the console in docs/console/: a service with traffic, seen by an admin. Run by `make screenshots`."""

import random
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from playwright.sync_api import Browser

from tests.console.browser import DESK, PHONE, Visit, chromium, running_browser
from tests.console.conftest import TARGETS
from tests.factories import BEARER, KEY
from tests.processes import Balancer

FOLDER = Path(__file__).parents[2] / "docs" / "console"

SECONDS = 45.0
"""How long players ask before anything is shown."""


class Shot(NamedTuple):
    """A picture.

    Attributes:
        name: Of its file.
        page: Of the console.
        given: What the browser is.
    """

    name: str
    page: str
    given: dict[str, Any]


SHOTS = (
    Shot("overview-light", "overview", {"viewport": DESK}),
    Shot("overview-dark", "overview", {"viewport": DESK, "color_scheme": "dark"}),
    Shot("overview-phone", "overview", {"viewport": PHONE}),
    Shot("change-light", "change", {"viewport": DESK}),
    Shot("history-dark", "history", {"viewport": DESK, "color_scheme": "dark"}),
    Shot("change-phone-ru", "change", {"viewport": PHONE, "color_scheme": "dark", "locale": "ru-RU"}),
)


def prepare(admin: httpx.Client, url: str) -> None:
    """Make configs and rules that are worth a look."""
    check = {"url": f"{url}/health/live", "interval": 2}
    targets = [{**target, "check": check} if target["name"] in {"cdn-a", "cdn-b"} else target for target in TARGETS]
    first = {"id": 1, "name": "Main audience", "targets": targets, "reason": "Two CDNs, and one in reserve."}
    live = {"name": "Live", "policy": "sticky", "targets": [targets[1], targets[2]]}
    admin.patch("/config", json=first).raise_for_status()
    made = admin.post("/configs", json=live).raise_for_status().json()
    rule = {"name": "live", "config_id": made["id"], "when": {"paths": ["/live/"]}}
    admin.put("/rules", json={"rules": [rule], "reason": "Live streams keep their CDN."}).raise_for_status()
    for weight, reason in ((4, "cdn-b has more room in the evening."), (3, "Back to the day.")):
        admin.patch("/config/target", json={"id": 1, "name": "cdn-b", "weight": weight, "reason": reason})


@contextmanager
def playing(url: str) -> Generator[None, None, None]:
    """Let players ask for the block."""
    over = threading.Event()

    def play() -> None:
        chance = random.Random(1)
        with httpx.Client(base_url=url) as player:
            while not over.wait(0.05):
                player.get("/?video=http://s1.origin-cluster/video/1488/xcg2djHckad.m3u8")
                player.get("/?video=http://s1.origin-cluster/video/1488/xcg2djHckad.m3u8")
                player.get(f"/?video=http://s1.origin-cluster/live/{chance.randint(1, 2000)}.m3u8")
                if chance.random() < 0.02:
                    player.get("/?video=http://example.com/a.m3u8")

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def show(browser: Browser, url: str, shot: Shot) -> None:
    """Write one picture."""
    visit = Visit(browser, url, KEY, **shot.given)
    page = visit.open(shot.page)
    if shot.page == "change":
        page.locator(".mover button").click()
        page.locator("[data-words] li").first.wait_for()
    page.screenshot(path=FOLDER / f"{shot.name}.png", full_page=shot.given["viewport"] == DESK)
    visit.close()


def main() -> None:
    """Write all pictures."""
    if chromium() is None:
        sys.exit("no Chromium here (Debian: apt install chromium)")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Balancer(Path(folder), None, WORKERS=2, ADMIN_RATE="off") as balancer:
        with httpx.Client(base_url=balancer.url, headers=BEARER) as admin:
            prepare(admin, balancer.url)
        with playing(balancer.url), running_browser() as browser:
            print(f"Players ask for {SECONDS:g} seconds.")
            threading.Event().wait(SECONDS)
            for shot in SHOTS:
                show(browser, balancer.url, shot)
                print(f"docs/console/{shot.name}.png")


if __name__ == "__main__":
    main()
