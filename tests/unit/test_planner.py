"""How plans are drawn, and which of them is in force."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from balancer.core.configs.documents import CdnConfig, ConfigDocument, PolicyName
from balancer.core.routing.decisions import Plan
from balancer.core.routing.planner import Blueprint, Drawing, Planner
from balancer.core.routing.redirects import Redirects
from balancer.core.routing.routes import NOBODY, Client
from balancer.core.routing.tickets import TicketBooks
from balancer.core.rules.conditions import Conditions
from balancer.core.rules.documents import Rule, RuleList
from balancer.core.rules.revisions import RuleRevision
from tests.factories import VIDEO, ConfigFactory, cdn, origins, targets
from tests.factories import planner as at_once

pytestmark = pytest.mark.anyio

QUERY = f"video={VIDEO}".encode()
LONG = (cdn("a", 5_000), cdn("b", 4_999))


class Aside:
    """Draws aside what it is given when it is let; counts how often it is asked."""

    def __init__(self) -> None:
        self.gates: list[asyncio.Event] = []

    async def __call__(self, drawing: Drawing) -> Plan:
        """Wait for the gate of this drawing."""
        gate = asyncio.Event()
        self.gates.append(gate)
        plan = drawing()
        await gate.wait()
        return plan


def make() -> tuple[Planner, Aside]:
    """Return a planner, and what draws aside for it."""
    aside = Aside()
    return Planner(Redirects(origins()), TicketBooks(), aside), aside


def config(revision: int = 1, **fields: Any) -> CdnConfig:
    """Return a revision of the default config."""
    return ConfigFactory.build(revision=revision, **fields)


def many(revision: int = 1, **fields: Any) -> CdnConfig:
    """Return a config whose schedule takes long to lay out."""
    return config(revision, document=ConfigDocument(LONG, **fields))


def chosen(planner: Planner, requests: int, client: Client = NOBODY) -> Counter[str]:
    """Return how many of so many requests went to each target."""
    return Counter(planner.redirects.redirect(QUERY, client).target.name for _ in range(requests))


async def test_what_is_short_is_drawn_at_once() -> None:
    """A plan that is drawn quickly is in force before anything else happens."""
    planner, aside = make()
    await planner.follow(Blueprint(config()))
    assert (1, []) == (planner.redirects.plan and planner.redirects.plan.default.config.revision, aside.gates)


@pytest.mark.parametrize("fields", [{}, {"policy": PolicyName.STICKY}])
async def test_what_takes_long_is_drawn_aside(fields: dict[str, Any]) -> None:
    """While a long schedule or a table is laid out, requests are decided by the plan before; then by the new one."""
    planner, aside = make()
    planner.use(config())
    following = asyncio.ensure_future(planner.follow(Blueprint(many(2, **fields))))
    await asyncio.sleep(0)
    assert {"cdn": 9, "origin": 1} == chosen(planner, 10)
    assert planner.config == many(2, **fields)
    aside.gates[0].set()
    await following
    assert {"a", "b"} == set(chosen(planner, 200)) | {"a", "b"}
    assert planner.redirects.plan
    assert 2 == planner.redirects.plan.default.config.revision


async def test_the_newest_plan_stays() -> None:
    """A plan that was wanted earlier and is drawn later does not undo a newer one."""
    planner, aside = make()
    first = asyncio.ensure_future(planner.follow(Blueprint(many(2))))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(planner.follow(Blueprint(many(3))))
    await asyncio.sleep(0)
    aside.gates[1].set()
    await second
    aside.gates[0].set()
    await first
    assert planner.redirects.plan
    assert 3 == planner.redirects.plan.default.config.revision


async def test_what_fits_stays() -> None:
    """A change of one config leaves the routes of the others as they are, with what they have laid out and counted."""
    planner, aside = make()
    others = {5: ConfigFactory.build(id=5, document=ConfigDocument(LONG))}
    rules = RuleRevision(1, RuleList((Rule("all", Conditions(), 5),)))
    following = asyncio.ensure_future(planner.follow(Blueprint(config(), others, rules)))
    await asyncio.sleep(0)
    aside.gates[0].set()
    await following
    assert planner.redirects.plan
    before = planner.redirects.plan.routes[5]
    await planner.follow(Blueprint(config(2), others, rules))
    assert before is planner.redirects.plan.routes[5]
    assert 1 == len(aside.gates)


async def test_an_older_revision_is_not_heard() -> None:
    """Of each config in use a newer revision is followed, an older one and one of another config are not."""
    planner = at_once()
    rules = RuleRevision(1, RuleList((Rule("some", Conditions(paths=("/live/",)), 5),)))
    await planner.follow(Blueprint(config(3), {5: ConfigFactory.build(id=5, revision=3)}, rules))
    heard = [
        await planner.hear(one)
        for one in (config(2), config(4), ConfigFactory.build(id=5, revision=2), ConfigFactory.build(id=5, revision=7))
    ]
    assert [False, True, False, True] == heard
    assert not await planner.hear(ConfigFactory.build(id=6, revision=9))
    assert planner.wanted
    assert (4, 7) == (planner.wanted.default.revision, planner.wanted.others[5].revision)


async def test_each_config_has_its_own_tickets() -> None:
    """The shares of each config are exact on their own, however requests of both alternate."""
    planner = at_once()
    five = ConfigFactory.build(id=5, document=ConfigDocument(targets(cdn_a=6, cdn_b=3)))
    rules = RuleRevision(1, RuleList((Rule("office", Conditions(networks=("192.0.2.0/24",)), 5),)))
    await planner.follow(Blueprint(config(), {5: five}, rules))
    office, home = Client("192.0.2.7", NOBODY.header), Client("198.51.100.7", NOBODY.header)
    found: Counter[str] = Counter()
    for number in range(90):
        found += chosen(planner, 1, office)
        if number % 3 == 0:
            found += chosen(planner, 1, home)
    assert {"cdn-a": 60, "cdn-b": 30, "cdn": 27, "origin": 3} == found


async def test_health_is_heeded_with_exact_shares() -> None:
    """From one verdict to the next each usable target has its exact part of the requests, and others have none."""
    planner = at_once()
    await planner.follow(Blueprint(ConfigFactory.build(document=ConfigDocument(targets(origin=1, cdn_a=6, cdn_b=3)))))
    assert {"origin": 1, "cdn-a": 6, "cdn-b": 3} == chosen(planner, 10)
    chosen(planner, 7)
    await planner.heed({(1, "cdn-a"): 0.0, (9, "cdn-b"): 0.0})
    assert {"origin": 10, "cdn-b": 30} == chosen(planner, 40)
    before = planner.redirects.plan
    await planner.heed({(1, "cdn-a"): 0.0})
    assert before is planner.redirects.plan
    await planner.heed({})
    assert {"origin": 10, "cdn-a": 60, "cdn-b": 30} == chosen(planner, 100)


async def test_a_config_that_a_copy_lacks_is_the_default_one() -> None:
    """Where a rule names a config that is not there, the default one decides, rather than nobody."""
    planner = at_once()
    rules = RuleRevision(1, RuleList((Rule("all", Conditions(), 5),)))
    await planner.follow(Blueprint(config(), {}, rules))
    assert {"cdn": 9, "origin": 1} == chosen(planner, 10)
