"""The decision: which ticket, which config, which target."""

import pytest

from balancer.core.errors import NoConfig
from balancer.core.refusals import Refusal
from balancer.core.routing.planner import Planner
from balancer.core.routing.redirects import Redirects
from tests.factories import AT_CDN, VIDEO, ConfigFactory, origins, planner, route

QUERY = f"video={VIDEO}".encode()


@pytest.fixture
def drawing() -> Planner:
    """Draws plans; the first is of a config with the default rate of 10."""
    drawing = planner()
    drawing.use(ConfigFactory.build())
    return drawing


@pytest.fixture
def redirects(drawing: Planner) -> Redirects:
    """Redirects by a config with the default rate of 10."""
    return drawing.redirects


def test_each_tenth(redirects: Redirects) -> None:
    """At rate 10 of 1,000 requests each tenth goes to the origin, and no other."""
    locations = [redirects.redirect(QUERY).location for _ in range(1000)]
    assert [VIDEO if ticket % 10 == 0 else AT_CDN for ticket in range(1, 1001)] == locations


@pytest.mark.parametrize(("rate", "names"), [(0, {"cdn"}), (1, {"origin"})])
def test_always_and_never(drawing: Planner, redirects: Redirects, rate: int, names: set[str]) -> None:
    """At rate 0 no request goes to the origin, at rate 1 each of them."""
    drawing.use(ConfigFactory.build(distribution_rate=rate, revision=2))
    assert names == {redirects.redirect(QUERY).target.name for _ in range(100)}


def test_change_takes_effect_at_once(drawing: Planner, redirects: Redirects) -> None:
    """The next request after a change follows it, from the beginning of a cycle on."""
    for _ in range(8):
        redirects.redirect(QUERY)
    drawing.use(ConfigFactory.build(cdn_host="b.example", distribution_rate=5, revision=2))
    decisions = [redirects.redirect(QUERY) for _ in range(3)]
    assert [(11, "cdn"), (12, "cdn"), (13, "cdn")] == [(made.ticket, made.target.name) for made in decisions]
    assert "http://b.example/s1/video/1488/xcg2djHckad.m3u8" == decisions[0].location
    assert 2 == decisions[0].config.revision


def test_refused_requests_take_no_ticket(redirects: Redirects) -> None:
    """A refused request leaves the sequence as it is."""
    for _ in range(9):
        redirects.redirect(QUERY)
    with pytest.raises(Refusal):
        redirects.redirect(b"video=http://example.com/a")
    assert VIDEO == redirects.redirect(QUERY).location


def test_no_config_yet() -> None:
    """Before any config is known there is nothing to decide by, and that is said."""
    with pytest.raises(NoConfig):
        Redirects(origins()).redirect(QUERY)


def test_schedule_of_the_greatest_rate() -> None:
    """At the greatest rate the one ticket in a million goes to the origin."""
    policy = route(ConfigFactory.build(distribution_rate=1_000_000)).policy
    assert [0, 1, 1] == [policy.choose(b"", ticket)[0] for ticket in (2_000_000, 1, 999_999)]
