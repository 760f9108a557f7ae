"""The document of a config: what targets and policies can be, the simple view of it, and how two of them differ."""

from dataclasses import replace
from typing import Any

import ada_url
import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.core.configs.checks import Check
from balancer.core.configs.differences import differences, target_differences
from balancer.core.configs.documents import MAX_CYCLE, ConfigDocument, PolicyName
from balancer.core.configs.edits import ConfigChange, TargetChange
from balancer.core.configs.simple import SimpleView, simple_document, simple_view, with_simple
from balancer.core.configs.targets import Kind, Scheme, Target, fault_in_template
from balancer.core.errors import InvalidInput, NotSimple, TargetNotFound
from balancer.core.refusals import Refusal
from balancer.core.routing.locations import ends_of
from balancer.core.urls.videos import parse_video, tail_of
from tests.factories import cdn, origins, targets

ORIGIN = Target("origin", Kind.ORIGIN)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({"name": ""}, "targets.name", id="no name"),
        pytest.param({"name": "CDN"}, "targets.name", id="name in capitals"),
        pytest.param({"name": "a" * 33}, "targets.name", id="long name"),
        pytest.param({"name": "a b"}, "targets.name", id="name with a space"),
        pytest.param({"host": None}, "targets.cdn.host", id="no host"),
        pytest.param({"weight": -1}, "targets.cdn.weight", id="weight below"),
        pytest.param({"tier": -1}, "targets.cdn.tier", id="tier below"),
        pytest.param({"tier": 64}, "targets.cdn.tier", id="tier above"),
        pytest.param({"path": "{path}"}, "targets.cdn.path", id="path without a slash"),
        pytest.param({"kind": Kind.ORIGIN}, "targets.cdn.host", id="origin with a host"),
        pytest.param(
            {"kind": Kind.ORIGIN, "host": None, "path": "/{path}"}, "targets.cdn.path", id="origin with a path"
        ),
        pytest.param(
            {"kind": Kind.ORIGIN, "host": None, "scheme": Scheme.HTTPS}, "targets.cdn.scheme", id="origin with a scheme"
        ),
    ],
)
def test_targets_that_cannot_be(fields: dict[str, Any], field: str) -> None:
    """A value that a target cannot have is refused by the name of the target and the field."""
    with pytest.raises(InvalidInput) as caught:
        Target(**{"name": "cdn", "kind": Kind.CDN, "host": "cdn.example.com", **fields})
    assert field == caught.value.field


@pytest.mark.parametrize(
    ("template", "is_sound"),
    [
        ("/{server}{path}", True), ("{path}", False), ("/vod{path}", True), ("/{host}{path}", True),
        ("/a/{server}/b{path}", True), ("/{path}", False), ("/x", False), ("/{path}{path}", False),
        ("/{server}//x{path}", False), ("/..{path}", False), ("/.{path}", False), ("/..;x{path}", False),
        ("/.{server}{path}", True), ("/a?b={path}", False), ("/a#{path}", False), ("/%2e%2e{path}", False),
        ("/{video}{path}", False), ("/a b{path}", False), ("/a\\b{path}", False), ("//evil.example{path}", False),
        ("/" + "a" * 200 + "{path}", False), ("/v{path}/index.m3u8", True),
    ],
)  # fmt: skip
def test_templates(template: str, is_sound: bool) -> None:
    """A template leads to a sound path with every video, or it is refused."""
    assert is_sound == (fault_in_template(template) is None)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({"url": "health"}, "check.url", id="relative path"),
        pytest.param({"url": "ftp://a/"}, "check.url", id="another scheme"),
        pytest.param({"url": "/a b"}, "check.url", id="space"),
        pytest.param({"method": "POST"}, "check.method", id="method that changes something"),
        pytest.param({"statuses": ()}, "check.statuses", id="no status"),
        pytest.param({"statuses": (99,)}, "check.statuses", id="no such status"),
        pytest.param({"contains": "ok", "method": "HEAD"}, "check.contains", id="text without a body"),
        pytest.param({"interval": 0.1}, "check.interval", id="interval below"),
        pytest.param({"interval": 4000.0}, "check.interval", id="interval above"),
        pytest.param({"timeout": 6.0}, "check.timeout", id="timeout above the interval"),
        pytest.param({"timeout": 0.0}, "check.timeout", id="no time"),
        pytest.param({"rise": 0}, "check.rise", id="rise below"),
        pytest.param({"fall": 101}, "check.fall", id="fall above"),
        pytest.param({"expiry_warning": 366}, "check.expiry_warning", id="warning above"),
        pytest.param({"host": "a b"}, "check.host", id="host with a space"),
    ],
)
def test_checks_that_cannot_be(fields: dict[str, Any], field: str) -> None:
    """A value that a check cannot have is refused by its name."""
    with pytest.raises(InvalidInput) as caught:
        Check(**fields)
    assert field == caught.value.field


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({"targets": ()}, "targets", id="no target"),
        pytest.param({"targets": tuple(cdn(f"c{n}") for n in range(65))}, "targets", id="too many targets"),
        pytest.param({"targets": (cdn("a"), cdn("a"))}, "targets", id="a name twice"),
        pytest.param({"targets": (cdn("a", 0), cdn("b", enabled=False))}, "targets", id="none that serves"),
        pytest.param({"targets": (cdn("a", 10_001), cdn("b"))}, "targets.a.weight", id="weight above"),
        pytest.param({"targets": (cdn("a", 9_999), cdn("b", 9_998), cdn("c", 9_997))}, "targets", id="cycle above"),
        pytest.param({"sticky_key": "session"}, "sticky_key", id="no such key"),
        pytest.param({"sticky_key": "query:"}, "sticky_key", id="no parameter"),
        pytest.param({"sticky_key": "query:video"}, "sticky_key", id="the video by another name"),
        pytest.param({"panic_threshold": 101}, "panic_threshold", id="threshold above"),
        pytest.param({"panic_threshold": -1}, "panic_threshold", id="threshold below"),
        pytest.param({"slow_start": -1.0}, "slow_start", id="slow start below"),
        pytest.param({"slow_start": 3601.0}, "slow_start", id="slow start above"),
        pytest.param({"name": ""}, "name", id="empty name"),
    ],
)
def test_documents_that_cannot_be(fields: dict[str, Any], field: str) -> None:
    """A value that a config cannot have is refused by its name."""
    with pytest.raises(InvalidInput) as caught:
        ConfigDocument(**{"targets": (cdn("a"),), **fields})
    assert field == caught.value.field


def test_limits_of_weights_hold_for_what_is_reduced() -> None:
    """Weights are limited by tier, and after dividing by their greatest common divisor."""
    ConfigDocument((cdn("a", 10_000), cdn("b", 10_000), cdn("c", 10_000)))
    ConfigDocument((cdn("a", 10_000), cdn("b", 9_999), cdn("c", 9_998, tier=1), cdn("d", 7, tier=1)))
    assert MAX_CYCLE >= 10_000 + 9_999


RATES = st.one_of(st.integers(0, 30), st.integers(0, 1_000_000))


@given(RATES, st.one_of(st.none(), st.just("night")))
def test_simple_view_is_what_was_said(rate: int, name: str | None) -> None:
    """A config that was made by a host and a rate is seen as these, and with another rate as that."""
    document = simple_document("cdn.example.com", rate, name)
    assert SimpleView("cdn.example.com", rate) == simple_view(document)
    other = with_simple(document, cdn_host="b.example", distribution_rate=7)
    assert other == simple_document("b.example", 7, name)


TARGETS = st.lists(
    st.builds(
        lambda kind, weight, tier, enabled: (kind, weight, tier, enabled),
        st.sampled_from(Kind),
        st.sampled_from([0, 1, 2, 9, 18]),
        st.sampled_from([0, 0, 1]),
        st.sampled_from([True, True, False]),
    ),
    min_size=1,
    max_size=3,
)


@given(TARGETS, st.sampled_from(PolicyName))
def test_simple_view_never_says_what_is_not_so(parts: list[tuple[Kind, int, int, bool]], policy: PolicyName) -> None:
    """Where there is a simple view, a config made of it alone has the same shares; else there is none."""
    made = tuple(
        Target(
            f"t{number}", kind, None if kind is Kind.ORIGIN else "a.example", weight=weight, tier=tier, enabled=enabled
        )
        for number, (kind, weight, tier, enabled) in enumerate(parts)
    )
    try:
        document = ConfigDocument(made, policy)
    except InvalidInput:
        return
    view = simple_view(document)
    weights = {kind: sum(target.weight for target in made if target.kind is kind) for kind in Kind}
    is_plain = policy is PolicyName.EXACT and all(target.enabled for target in made) and len(made) == 2
    is_plain = is_plain and len({target.tier for target in made}) == 1 and len({target.kind for target in made}) == 2
    rare, often = weights[Kind.ORIGIN], weights[Kind.CDN]
    if not is_plain or (rare and often % rare):
        assert view is None
        return
    assert view is not None
    again = simple_document(*view)
    assert [target.weight * (rare + often) for target in again.targets] == [
        weight * sum(target.weight for target in again.targets) for weight in (rare, often)
    ]


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(ConfigDocument((ORIGIN, cdn("a"), cdn("b"))), id="two CDNs"),
        pytest.param(ConfigDocument((replace(ORIGIN, weight=2), cdn("a", 3))), id="two of five"),
        pytest.param(ConfigDocument((ORIGIN, replace(cdn("a"), path="/vod{path}"))), id="another path"),
        pytest.param(ConfigDocument((ORIGIN, replace(cdn("a"), scheme=Scheme.HTTPS))), id="another scheme"),
        pytest.param(ConfigDocument((ORIGIN, cdn("a", tier=1))), id="two tiers"),
        pytest.param(ConfigDocument((ORIGIN, cdn("a")), PolicyName.STICKY), id="another policy"),
    ],
)
def test_what_the_simple_view_cannot_say(document: ConfigDocument) -> None:
    """A rate cannot be changed where it would say something else than the targets do."""
    assert simple_view(document) is None
    with pytest.raises(NotSimple, match="PATCH /config/target"):
        ConfigChange(distribution_rate=5).applied_to(document)


def test_change_of_one_target() -> None:
    """A change of one target leaves the others, the order and all else as they are."""
    document = ConfigDocument(targets(origin=1, cdn_a=6, cdn_b=3), PolicyName.STICKY, name="night")
    changed = TargetChange("cdn-a", weight=0, check=Check("/health")).applied_to(document)
    assert [1, 0, 3] == [target.weight for target in changed.targets]
    assert document == TargetChange("cdn-a", weight=6, check=None).applied_to(changed)
    with pytest.raises(TargetNotFound):
        TargetChange("cdn-c", weight=0).applied_to(document)
    with pytest.raises(InvalidInput, match="nothing to change"):
        TargetChange("cdn-a")


def test_targets_are_given_once() -> None:
    """The targets and the simple view of them are not changed by the same call."""
    with pytest.raises(InvalidInput, match="together"):
        ConfigChange(targets=(cdn("a"),), distribution_rate=3)


def test_differences_name_the_target_and_the_field() -> None:
    """What differs is told by target and field; what is new or gone, by what it has beside its defaults."""
    before = ConfigDocument(targets(origin=1, cdn_a=6, cdn_b=3))
    checked = replace(before.targets[1], weight=5, check=Check("/health", statuses=(200, 204)))
    after = ConfigDocument((checked, before.targets[0], cdn("cdn-c", 2)), PolicyName.STICKY, slow_start=30.0)
    assert [("policy", "exact", "sticky"), ("slow_start", 0.0, 30.0)] == differences(before, after)
    found = target_differences(before, after)
    assert ("cdn-a", "weight", 6, 5) in found
    assert ("cdn-a", "check.url", None, "/health") in found
    assert ("cdn-a", "check.statuses", None, "200, 204") in found
    assert [("cdn-b", "kind", "cdn", None), ("cdn-b", "host", "cdn-b.example", None), ("cdn-b", "weight", 3, None)] == [
        difference for difference in found if difference.target == "cdn-b"
    ]
    assert {"kind", "host", "weight"} == {difference.field for difference in found if difference.target == "cdn-c"}
    assert [] == [difference for difference in found if difference.target == "origin"]
    moved = replace(before, targets=before.targets[::-1])
    assert [("order", "origin, cdn-a, cdn-b", "cdn-b, cdn-a, origin")] == differences(before, moved)
    assert [] == target_differences(before, moved)


TEMPLATES = st.text("/{}pathserv.;~-_a?#%\\ @:", min_size=1, max_size=24).map(lambda text: f"/{text}{{path}}")
VIDEOS = st.sampled_from(
    [
        "http://s1.origin-cluster/video/1488/a.m3u8", "https://s2.origin-cluster/b?x=1&y", "http://s-_1.origin-cluster//a/@b",
        "http://s1.origin-cluster/%D0%B2/a;b", "http://s1.origin-cluster/@evil.example/", "http://s1.origin-cluster/:80/a",
    ]
)  # fmt: skip


@given(TEMPLATES, st.sampled_from(Scheme), VIDEOS, st.sampled_from([b"", b"a=1", b"@evil.example/"]))
def test_the_host_of_a_location_is_the_target_s(template: str, scheme: Scheme, text: str, carried: bytes) -> None:
    """Whatever a template and a video say, a browser reads the target's host and scheme, and no path climbs."""
    try:
        target = Target("cdn", Kind.CDN, "cdn.example.com:8080", scheme=scheme, path=template)
    except InvalidInput:
        return
    try:
        video = parse_video(text.encode(), origins())
    except Refusal:
        return
    ends = ends_of(target, video.origin)
    location = (ends.before + video.path + ends.after + tail_of(video.query, carried)).decode("ascii")
    read = ada_url.URL(location)
    assert ("cdn.example.com", "8080", "", "") == (read.hostname, read.port, read.username, read.password)
    assert (video.origin.scheme if scheme is Scheme.KEEP else scheme.value) == read.protocol.rstrip(":")
    assert video.path.decode() in read.pathname
    assert location.split("?")[0].endswith(read.pathname)
