"""The console in a real browser, on a real service."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from balancer.core.access.keys import Role
from balancer.core.configs.documents import PolicyName
from balancer.core.health.fallbacks import Fallback
from balancer.core.refusals import RefusalReason
from balancer.core.routing.reasons import RoutingReason, SkipReason
from tests.console.browser import DESK, KEY, PAGES, PHONE, Visit, visiting
from tests.console.conftest import TARGETS, package
from tests.console.provider import CLIENT, SigningIn
from tests.factories import KEY as ADMIN
from tests.factories import VIDEO
from tests.faults.proxy import Mode, Proxy
from tests.processes import Balancer, wait_for
from tests.unit.tokens import AUDIENCE

pytestmark = pytest.mark.timed

SIZE = 150 * 1024
"""Bytes that the console may have in all, as its files are."""

FIRST_PAINT = 300
"""Milliseconds until something is seen."""

BUSY = 4
"""How many times as long that may take on a machine that does other things as well."""


@pytest.fixture
def visit(browser: Browser, balancer: Balancer, config: int) -> Iterator[Visit]:
    """Return an admin's visit to a service that is as it begins."""
    assert config
    with visiting(browser, balancer.url, ADMIN) as visit:
        yield visit


def weight_of(page: Page, target: str) -> str:
    """Return what stands in the field of a target's weight."""
    return page.get_by_label(f"{target}: weight", exact=True).input_value()


def set_weight(page: Page, target: str, weight: float) -> None:
    """Write a weight into its field."""
    page.get_by_label(f"{target}: weight", exact=True).fill(str(weight))


def weights(admin: httpx.Client) -> dict[str, int]:
    """Return the weights on record."""
    return {target["name"]: target["weight"] for target in admin.get("/config").json()["targets"]}


# Who is there.


def test_signing_in_and_out(browser: Browser, balancer: Balancer) -> None:
    """A wrong key is told so; a right one leads to the overview, survives a reload, and is in this tab alone."""
    with visiting(browser, balancer.url) as visit:
        page = visit.page
        page.goto(f"{visit.url}/console")
        page.get_by_label("API key").fill("vbk_wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".fault")).to_have_text("This key is not known, has expired or is revoked.")
        page.get_by_label("API key").fill(ADMIN)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        page.reload()
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        assert [] == visit.cookies
        assert [] == [asked for asked in visit.asked if ADMIN in asked]
        assert ADMIN not in page.evaluate("JSON.stringify(localStorage)")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("API key")).to_have_value("")
        assert page.evaluate(f"sessionStorage.getItem({KEY!r})") is None


def test_signing_in_at_the_provider(browser: Browser, tmp_path: Path) -> None:
    """Who comes back from the provider is signed in with its token, by PKCE, and nothing is left in the address."""
    provider = SigningIn(tmp_path, "operator")
    settings = {
        "JWT_ISSUER": provider.url,
        "JWT_AUDIENCE": AUDIENCE,
        "JWT_JWKS": provider.keys.path,
        "JWT_CLIENT_ID": CLIENT,
    }
    with provider.serving(), Balancer(tmp_path, None, **settings) as balancer:
        visit = Visit(browser, balancer.url, None)
        visit.page.goto(f"{visit.url}/console")
        visit.page.get_by_role("button", name=f"Sign in with {urlsplit(provider.url).netloc}").click()
        expect(visit.page.locator(".who")).to_have_text(re.compile("alice.*Operator"))
        assert f"{visit.url}/console" == visit.page.url.partition("#")[0]
        assert [("S256", AUDIENCE, "code")] == [
            (asked["code_challenge_method"], asked["audience"], asked["response_type"]) for asked in provider.asked
        ]
        assert [] == visit.faults
        visit.close()


@pytest.mark.parametrize(
    ("role", "hidden"),
    [
        (Role.VIEWER, {"change", "keys", "settings"}),
        (Role.OPERATOR, {"keys", "settings"}),
        (Role.ADMIN, set()),
    ],
)
@pytest.mark.usefixtures("config")
def test_roles(browser: Browser, balancer: Balancer, keys: dict[Role, str], role: Role, hidden: set[str]) -> None:
    """Each role is shown the pages and buttons of what it may do."""
    with visiting(browser, balancer.url, keys[role]) as visit:
        page = visit.open()
        links = page.locator("nav a").evaluate_all("all => all.map(one => one.hash.slice(2))")
        assert [name for name in PAGES if name not in hidden] == links
        may_change = role >= Role.OPERATOR
        assert may_change == bool(page.locator("main a", has_text="Change").count())
        visit.open("history")
        expect(page.locator(".revision").first).to_be_visible()
        assert may_change == bool(page.get_by_role("button", name="Roll back to this").count())
        visit.open("rules")
        assert may_change == bool(page.get_by_role("button", name="Add a rule").count())
        # Whatever stands in the address.
        page.goto(f"{visit.url}/console#/keys")
        expect(page.get_by_role("heading", level=1)).to_have_text("Keys" if role is Role.ADMIN else "Overview")


def test_a_revoked_key_ends_the_visit(browser: Browser, balancer: Balancer, admin: httpx.Client) -> None:
    """When the key is revoked, what was live ends, and the page asks for another one."""
    made = admin.post("/keys", json={"name": "short", "role": "viewer"}).json()
    with visiting(browser, balancer.url, made["key"]) as visit:
        page = visit.open()
        admin.delete(f"/key?id={made['id']}")
        expect(page.locator(".fault")).to_have_text("Your key does not work any more. Sign in again.")
        assert page.evaluate(f"sessionStorage.getItem({KEY!r})") is None


# What is seen.


def test_live_numbers_are_those_of_the_statistics(visit: Visit, admin: httpx.Client, balancer: Balancer) -> None:
    """The page shows what `/stats` says, whichever worker has served and whichever streams; and the line at once."""
    for _ in range(20):
        with httpx.Client(base_url=balancer.url) as player:
            player.get(f"/?video={VIDEO}")
    page = visit.open()
    assert page.locator(".plot path.line[d^=M]").count()

    def shown() -> dict[str, int]:
        rows = page.locator("[data-config='1'] tbody tr")
        found: dict[str, int] = rows.evaluate_all(
            "all => Object.fromEntries(all.map(row => [row.dataset.target,"
            " Number(row.querySelector('[data-value=redirects]').textContent)]))"
        )
        return found

    def told() -> dict[str, int]:
        (config,) = admin.get("/stats").json()["configs"]
        counts = {target["target"]: target["redirects"] for target in config["targets"]}
        return {name: counts.get(name, 0) for name in shown()}

    wait_for(lambda: shown() == told(), 15)
    assert sum(told().values()) >= 20


def test_configured_shares_and_those_in_force(visit: Visit, admin: httpx.Client, balancer: Balancer) -> None:
    """A target that has failed keeps its configured share on the page, with the one that it has now beside it."""
    page = visit.open()
    cell = page.locator("[data-config='1'] [data-target=cdn-b] [data-value=configured]")
    now = page.get_by_role("img", name=re.compile("^In force: "))
    expect(cell).to_have_text("30%")
    expect(now).to_have_count(0)
    # Were all to fail, it could be the prober's own network.
    paths = {"cdn-a": "health/live", "cdn-b": "no-such-page"}
    checks = {
        name: {"check": {"url": f"{balancer.url}/{path}", "interval": 1, "timeout": 1}} for name, path in paths.items()
    }
    failing = [{**target, **checks.get(str(target["name"]), {})} for target in TARGETS]
    assert 200 == admin.patch("/config", json={"id": 1, "targets": failing}).status_code
    expect(cell).to_have_text("30% now 0%")
    expect(page.get_by_role("img", name="Configured: origin 10%, cdn-a 60%, cdn-b 30%")).to_be_visible()
    expect(now).to_have_attribute("aria-label", "In force: origin 14.3%, cdn-a 85.7%")


def test_a_target_has_one_colour(visit: Visit, admin: httpx.Client) -> None:
    """A target has the same colour in each config and on each page, and another one than those beside it."""
    other = {"name": "Live", "policy": "sticky", "targets": [TARGETS[2], TARGETS[1]]}
    made = admin.post("/configs", json=other).json()["id"]
    rule = {"name": "live", "config_id": made, "when": {"paths": ["/live/"]}}
    assert 200 == admin.put("/rules", json={"rules": [rule]}).status_code

    def colours(place: str) -> dict[str, str]:
        found: dict[str, str] = page.locator(f"{place} [data-target]").evaluate_all(
            "all => Object.fromEntries(all.map(one => [one.dataset.target, one.querySelector('.dot').className]))"
        )
        return found

    try:
        page = visit.open()
        page.locator(f"[data-config='{made}']").wait_for()
        first = colours("[data-config='1']")
        assert len(TARGETS) == len(set(first.values()))
        assert {name: first[name] for name in ("cdn-a", "cdn-b")} == colours(f"[data-config='{made}']")
        visit.open("change", f"?id={made}")
        assert {name: first[name] for name in ("cdn-a", "cdn-b")} == colours(".changing")
        page.reload()
        page.locator(".changing").wait_for()
        assert {name: first[name] for name in ("cdn-a", "cdn-b")} == colours(".changing")
    finally:
        admin.put("/rules", json={"rules": []})
        admin.delete(f"/config?id={made}")


@pytest.mark.usefixtures("config")
def test_a_lost_connection_comes_back(browser: Browser, balancer: Balancer) -> None:
    """When the stream breaks, the page says so and keeps what it showed; when the service is back, so is the stream."""
    with Proxy(urlsplit(balancer.url).port or 0) as proxy:
        visit = Visit(browser, f"http://127.0.0.1:{proxy.port}", ADMIN)
        page = visit.open()
        pulse = page.locator(".pulse")
        expect(pulse).to_have_text("Live")
        proxy.behave(Mode.REFUSING)
        expect(pulse).to_have_text("Connection lost – trying again")
        expect(page.locator("[data-config='1']")).to_be_visible()
        proxy.behave(Mode.PASSING)
        expect(pulse).to_have_text("Live")
        visit.close()


@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_use_it(visit: Visit, name: str) -> None:
    """On no page, in no colours, axe-core finds anything serious; and on a phone nothing is wider than the screen."""
    script = (package("axe-core") / "axe.min.js").read_text()
    page = visit.open(name)
    for theme, size in (("light", DESK), ("dark", PHONE)):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # one of its words
        page.set_viewport_size(size)  # type: ignore[arg-type]  # as above
        page.evaluate(script)
        found = page.evaluate("axe.run({resultTypes: ['violations']}).then(found => found.violations)")
        bad = [one for one in found if one["impact"] in {"serious", "critical"}]
        assert [] == [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in bad]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_languages(browser: Browser, balancer: Balancer) -> None:
    """The page speaks the browser's language, and another one when asked to; each message is there in both."""
    with visiting(browser, balancer.url, ADMIN, locale="ru-RU") as visit:
        page = visit.open()
        expect(page.get_by_role("heading", level=1)).to_have_text("Обзор")
        page.get_by_role("button", name="EN, English").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        assert "en" == page.evaluate("document.documentElement.lang")
        messages = page.evaluate("import('./console/messages.js').then(found => found.MESSAGES)")
    # Examples of values are the same everywhere.
    examples = {key for key in messages if key.startswith("when.") and key.endswith("-hint")}
    assert examples == {key for key, texts in messages.items() if len(texts) == 1}
    assert {1, 2} == {len(texts) for texts in messages.values()}


def test_words_of_the_service(browser: Browser, balancer: Balancer, config: int) -> None:
    """In Russian, each word of a closed vocabulary is Russian; the service's own sentences are marked as English."""
    assert config
    with visiting(browser, balancer.url, ADMIN, locale="ru-RU") as visit:
        page = visit.open("change")
        page.get_by_label("cdn-a: вес", exact=True).fill("20000")
        expect(page.locator("[data-target=cdn-a] .fault [lang=en]")).to_contain_text("must be")
        expect(page.locator("[data-words] .fault [lang=en]")).to_be_visible()
        visit.open("explain")
        page.get_by_label("Видео", exact=True).fill(VIDEO)
        page.get_by_label("Адрес плеера").fill("not an address")
        page.get_by_role("button", name="Объяснить").click()
        expect(page.locator(".fault:visible [lang=en]")).to_contain_text("must be an IP address")
        page.get_by_label("Адрес плеера").fill("192.0.2.7")
        page.get_by_role("button", name="Объяснить").click()
        expect(page.locator(".steps li > span:not([lang=en])")).to_have_count(0)
        messages = page.evaluate("import('./console/messages.js').then(found => found.MESSAGES)")
    steps = ("config", "video", "host", "rule", "loop", "ticket", "key", "target", "location")
    words = {
        "reason": RoutingReason,
        "skipped": SkipReason,
        "refusal": RefusalReason,
        "fallback": Fallback,
        "policy": PolicyName,
        "step": steps,
    }
    assert [] == [
        f"{group}.{word}" for group, all_ in words.items() for word in all_ if f"{group}.{word}" not in messages
    ]


def test_colours(visit: Visit) -> None:
    """The page has the colours of the system, until others are chosen; the choice is kept."""
    page = visit.open()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert light != dark
    page.get_by_role("button", name="Colours: as the system").click()
    assert light == page.evaluate(ground)
    page.reload()
    page.get_by_role("button", name="Colours: light").wait_for()
    assert light == page.evaluate(ground)


def test_size_and_first_paint(browser: Browser, balancer: Balancer) -> None:
    """All that the console is made of is small, and something is seen soon after it is asked for."""
    with visiting(browser, balancer.url) as visit:
        paints = []
        for _ in range(3):
            visit.page.goto(f"{visit.url}/console")
            visit.page.get_by_label("API key").wait_for()
            paints.append(
                visit.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0")
            )
        files = {urlsplit(asked).path for asked in visit.asked} - {"/console/sign-in"}
    folder = Path(__file__).parents[2] / "src/balancer/api/console/page"
    assert files - {"/console"} <= {f"/console/{path.name}" for path in folder.iterdir()}
    assert sum(path.stat().st_size for path in folder.iterdir()) < SIZE
    assert min(paints) < FIRST_PAINT * BUSY


# What is changed.


def test_a_change_its_preview_and_its_undoing(visit: Visit, admin: httpx.Client) -> None:
    """Ten per cent of the traffic move by two clicks: what it would do is told first, and one button undoes it."""
    page = visit.open("change")
    page.get_by_label("Percent of the traffic").fill("10")
    page.get_by_label("From").select_option("cdn-a")
    page.get_by_label("To", exact=True).select_option("cdn-b")
    page.get_by_role("button", name="Set weights").click()
    assert ("5", "4") == (weight_of(page, "cdn-a"), weight_of(page, "cdn-b"))
    words = page.locator("[data-words]")
    expect(words).to_contain_text("Of 1,000 requests:")
    expect(words).to_contain_text("100 more to cdn-b")
    expect(words).to_contain_text("100 fewer to cdn-a")
    expect(page.get_by_role("img", name="Then: origin 10%, cdn-a 50%, cdn-b 40%")).to_be_visible()
    page.get_by_label("Reason").fill("The evening begins.")
    page.get_by_role("button", name="Make the change").click()
    expect(page.get_by_text("You have made revision")).to_be_visible()
    assert {"origin": 1, "cdn-a": 5, "cdn-b": 4, "cdn-c": 1} == weights(admin)
    (last,) = admin.get("/config/history?limit=1").json()["items"]
    assert "The evening begins." == last["reason"]
    page.reload()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone.")).to_be_visible()
    assert {"origin": 1, "cdn-a": 6, "cdn-b": 3, "cdn-c": 1} == weights(admin)
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)


def test_what_cannot_be_undone_any_more(visit: Visit, admin: httpx.Client) -> None:
    """Once somebody else has changed anything, there is no button that would undo that as well."""
    page = visit.open("change")
    set_weight(page, "cdn-b", 4)
    page.get_by_role("button", name="Make the change").click()
    page.get_by_role("button", name="Undo").wait_for()
    admin.patch("/config/target", json={"id": 1, "name": "origin", "weight": 2})
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)


def test_moving_most_of_the_traffic(visit: Visit, admin: httpx.Client) -> None:
    """A change that moves more than half of the traffic asks once more, and is not made when that is called off."""
    page = visit.open("change")
    page.get_by_text("drained").nth(1).scroll_into_view_if_needed()
    page.get_by_label("cdn-a: drained").check(force=True)
    assert "0" == weight_of(page, "cdn-a")
    expect(page.locator("[data-words]")).to_contain_text("600 fewer to cdn-a")
    page.get_by_role("button", name="Make the change").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("60% of all requests")
    dialog.get_by_role("button", name="Cancel").click()
    assert 6 == weights(admin)["cdn-a"]
    page.get_by_role("button", name="Make the change").click()
    dialog.get_by_role("button", name="Make the change").click()
    expect(page.get_by_text("You have made revision")).to_be_visible()
    assert 0 == weights(admin)["cdn-a"]


def test_tiers_by_keys(visit: Visit, admin: httpx.Client) -> None:
    """A target goes to another tier by Alt and an arrow, and keeps the focus; what it would do is told."""
    page = visit.open("change")
    page.get_by_label("cdn-b: weight", exact=True).focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("[data-words]")).to_contain_text("cdn-b tier 0 → 1")
    assert page.evaluate("document.activeElement.closest('[data-target]').dataset.target") == "cdn-b"
    page.get_by_role("button", name="Make the change").click()
    expect(page.get_by_text("You have made revision")).to_be_visible()
    assert [0, 0, 1, 1] == [target["tier"] for target in admin.get("/config").json()["targets"]]


def test_tiers_by_dragging(visit: Visit) -> None:
    """The same by dragging it there."""
    page = visit.open("change")
    page.locator("[data-target=cdn-b] .grip").drag_to(page.locator(".tier").nth(1))
    expect(page.locator("[data-words]")).to_contain_text("cdn-b tier 0 → 1")


def test_what_cannot_be_is_told_at_its_target(visit: Visit) -> None:
    """What the service refuses is told at the target that it is about, and cannot be sent."""
    page = visit.open("change")
    set_weight(page, "cdn-a", 20_000)
    expect(page.locator("[data-target=cdn-a] .fault")).to_contain_text("weight must be")
    set_weight(page, "cdn-a", 1.5)
    expect(page.locator("[data-target=cdn-a] .fault")).to_contain_text("weight must be `int`")
    expect(page.get_by_role("button", name="Make the change")).to_be_disabled()


def test_a_conflict(visit: Visit, admin: httpx.Client) -> None:
    """When another admin was faster, the page shows all three states, and goes on with what both have changed."""
    page = visit.open("change")
    set_weight(page, "cdn-a", 5)
    page.get_by_role("button", name="Make the change").wait_for()
    expect(page.get_by_role("button", name="Make the change")).to_be_enabled()
    admin.patch("/config/target", json={"id": 1, "name": "cdn-b", "weight": 9, "reason": "More for b."})
    page.get_by_role("button", name="Make the change").click()
    conflict = page.get_by_label("Another admin was faster")
    expect(conflict).to_contain_text("More for b.")
    # The frame, which stays on top, does not cover it.
    tops = "['section.card', '#app > header'].map(one => document.querySelector(one).getBoundingClientRect())"
    assert page.evaluate(f"(([card, frame]) => card.top >= frame.bottom)({tops})")
    assert [["cdn-a weight", "6", "6", "5", "5"], ["cdn-b weight", "3", "9", "3", "9"]] == conflict.locator(
        "tbody tr"
    ).evaluate_all("all => all.map(row => [...row.children].map(cell => cell.textContent))")
    conflict.get_by_role("button", name="Go on with both").click()
    assert ("5", "9") == (weight_of(page, "cdn-a"), weight_of(page, "cdn-b"))
    page.get_by_role("button", name="Make the change").click()
    expect(page.get_by_text("You have made revision")).to_be_visible()
    assert {"origin": 1, "cdn-a": 5, "cdn-b": 9, "cdn-c": 1} == weights(admin)


def test_rolling_back(visit: Visit, admin: httpx.Client) -> None:
    """The history tells who, why and what; and leads back, with what that would do told first."""
    revision = admin.get("/config").json()["revision"]
    admin.patch("/config/target", json={"id": 1, "name": "cdn-b", "weight": 9, "reason": "Too much."})
    page = visit.open("history")
    newest = page.locator(f"[data-revision='{revision + 1}']")
    for told in ("Too much.", "key:1 first", "cdn-b weight 3 → 9", "in force"):
        expect(newest).to_contain_text(told)
    page.locator(f"[data-revision='{revision}']").get_by_role("button", name="Roll back to this").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("263 fewer to cdn-b")
    dialog.get_by_label("Reason").fill("It was too much.")
    dialog.get_by_role("button", name="Roll back to this").click()
    expect(page.locator(f"[data-revision='{revision + 2}']")).to_contain_text("It was too much.")
    assert 3 == weights(admin)["cdn-b"]


def test_explaining(visit: Visit) -> None:
    """A URL leads to its target with the steps to it; what is wrong with one is told."""
    page = visit.open("explain")
    page.get_by_label("Video", exact=True).fill(VIDEO)
    page.get_by_label("Player's address").fill("not an address")
    page.get_by_role("button", name="Explain").click()
    expect(page.locator(".fault:visible")).to_contain_text("must be an IP address")
    page.get_by_label("Player's address").fill("192.0.2.7")
    page.get_by_role("button", name="Explain").click()
    expect(page.locator(".result")).to_contain_text("Goes to")
    assert page.locator(".steps li").count() >= 5
    page.get_by_label("Video", exact=True).fill("http://example.com/a")
    page.get_by_role("button", name="Explain").click()
    expect(page.locator(".result.refused")).to_contain_text("origin that is not allowed")


def test_rules(visit: Visit, admin: httpx.Client) -> None:
    """Rules are made and put in order; a fault is told at its field, and what would differ before it is saved."""
    admin.put("/rules", json={"rules": [{"name": "one", "config_id": 1, "when": {"paths": ["/one/"]}}]})
    page = visit.open("rules")
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_label("Name", exact=True).fill("office")
    row = page.locator("[data-rule=office]")
    expect(row.locator(".rule-text")).to_have_text("office → Main audienceevery request")
    expect(row.get_by_role("button", name="office: Remove")).to_be_visible()
    page.get_by_label("Networks").fill("192.0.2.0/24, x")
    expect(row.locator(".rule-text")).to_contain_text("Networks: 192.0.2.0/24, x")
    expect(page.locator("[data-field=networks] .fault")).to_contain_text("'x' does not")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    page.get_by_label("Networks").fill("192.0.2.0/24")
    page.locator("[data-move='-1']").nth(1).click()
    expect(page.get_by_text("office position nothing → 1")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_text("of the rules is in force")).to_be_visible()
    assert ["office", "one"] == [rule["name"] for rule in admin.get("/rules").json()["rules"]]
    page.get_by_role("button", name="JSON").click()
    page.get_by_label("JSON").fill("[]")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_text("There are no rules")).to_be_visible()
    assert [] == admin.get("/rules").json()["rules"]


def test_keys_and_settings(visit: Visit, admin: httpx.Client) -> None:
    """A new key is shown once and can be revoked; the settings are listed without their secrets."""
    page = visit.open("keys")
    page.get_by_label("Name").fill("Kim's laptop")
    page.get_by_label("Role").select_option("operator")
    page.get_by_role("button", name="Create").click()
    secret = page.locator("[data-secret]").inner_text()
    theirs = {"authorization": f"Bearer {secret}"}
    assert "operator" == httpx.get(f"{visit.url}/identity", headers=theirs).json()["role"]
    row = page.locator("[data-key]", has_text="Kim's laptop")
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("revoked")
    assert 401 == httpx.get(f"{visit.url}/identity", headers=theirs).status_code
    visit.open("settings")
    expect(page.locator("[data-setting=BALANCER_BOOTSTRAP_API_KEY]")).to_contain_text("******")
    expect(page.locator("[data-setting=BALANCER_WORKERS]")).to_contain_text("2")
    assert ADMIN not in page.content()
    assert admin.get("/settings").is_success


def test_health(visit: Visit) -> None:
    """The page of health has each store, and says whether the service is well."""
    page = visit.open("health")
    expect(page.get_by_role("heading", name="All is well.")).to_be_visible()
    expect(page.locator("[data-store=database]")).to_contain_text("up")


def test_the_page_for_people(browser: Browser, balancer: Balancer) -> None:
    """Who opens the service in a browser is told what it is, and finds the console."""
    with visiting(browser, balancer.url) as visit:
        visit.page.goto(balancer.url)
        visit.page.get_by_role("link", name="Console").click()
        expect(visit.page.get_by_label("API key")).to_be_visible()
