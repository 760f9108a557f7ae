"""The list of rules: what it may say, how it is stored, and how two of them differ."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.core.errors import InvalidInput
from balancer.core.rules.differences import RuleDifference, rule_differences
from balancer.core.rules.documents import MAX_GLOBS, MAX_RULES, MAX_TEXTS, RuleList, as_items, rules_from
from balancer.core.rules.paths import Glob, normal_path


def item(name: str = "a", config_id: int = 2, **when: Any) -> dict[str, Any]:
    """Return a rule as JSON has it."""
    return {"name": name, "when": when or {"paths": ["/live/"]}, "config_id": config_id}


def test_a_list_comes_back_from_json_as_it_was() -> None:
    """What is stored of a list makes the same list."""
    rules = rules_from(
        [
            item(
                hosts=["*.origin-cluster"],
                paths=["/live/", "/vod/**/*.m3u8"],
                networks=["192.0.2.0/24", "2001:db8::/32"],
                countries=["DE"],
                asns=[64496],
                query=[{"name": "region", "values": ["eu", ""]}, {"name": "debug"}],
                headers=[{"name": "user-agent", "contains": ["Tizen"], "equals": ["x"]}],
            ),
            {**item("b"), "enabled": False},
            {"name": "rest", "config_id": 3},
        ]
    )
    assert rules == rules_from(as_items(rules))
    assert [False, True] == [rules.rules[index].enabled for index in (1, 2)]
    assert {2, 3} == rules.config_ids


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        pytest.param("hosts", ["*.Origin-Cluster:8080"], ("*.origin-cluster:8080",), id="host in lower case"),
        pytest.param("networks", ["192.0.2.7", "192.0.2.7/32"], ("192.0.2.7/32",), id="address as a network, once"),
        pytest.param("networks", ["2001:DB8:0::/32"], ("2001:db8::/32",), id="IPv6 in its one spelling"),
        pytest.param("countries", ["de"], ("DE",), id="country in upper case"),
        pytest.param("paths", ["/live/**"], ("/live/",), id="glob that is a prefix"),
        pytest.param("paths", ["/**"], ("/",), id="glob of everything"),
        pytest.param("paths", ["/live/*/"], ("/live/*/**",), id="glob of a folder"),
        pytest.param("paths", ["/%7e/%c3%bc/é"], ("/~/%C3%BC/%C3%A9",), id="escapes in one spelling"),
    ],
)
def test_values_are_kept_in_one_spelling(field: str, given: list[str], kept: tuple[str, ...]) -> None:
    """However a value is written, a list holds it as it is compared."""
    (rule,) = rules_from([{**item(), "when": {field: given}}]).rules
    assert kept == getattr(rule.when, field)


@pytest.mark.parametrize(
    ("items", "field"),
    [
        pytest.param([item("Live")], "rules[0].name", id="name with a capital"),
        pytest.param([item(), item("b"), item()], "rules[2].name", id="name twice"),
        pytest.param([item(config_id=0)], "rules.a.config_id", id="no config's id"),
        pytest.param([item(hosts=["s1"])], "rules.a.when.hosts", id="host of one label"),
        pytest.param([item(hosts=["s*.origin"])], "rules.a.when.hosts", id="wildcard within a label"),
        pytest.param([item(hosts=["bücher.example"])], "rules.a.when.hosts", id="host that is not ASCII"),
        pytest.param([item(paths=["live/"])], "rules.a.when.paths", id="path without a slash"),
        pytest.param([item(paths=["/a b"])], "rules.a.when.paths", id="path with a space"),
        pytest.param([item(paths=["/a?b=1"])], "rules.a.when.paths", id="path with a query"),
        pytest.param([item(paths=["/a/../b"])], "rules.a.when.paths", id="dot segment"),
        pytest.param([item(paths=["/a/%2e%2E/b"])], "rules.a.when.paths", id="escaped dot segment"),
        pytest.param([item(paths=["/%zz"])], "rules.a.when.paths", id="broken escape"),
        pytest.param([item(paths=["/a**b"])], "rules.a.when.paths", id="double wildcard within a segment"),
        pytest.param([item(paths=["/*" * 17])], "rules.a.when.paths", id="glob too long"),
        pytest.param([item(paths=["/" + "a" * 500])], "rules.a.when.paths", id="path too long"),
        pytest.param([item(networks=["192.0.2.7/24"])], "rules.a.when.networks", id="host bits"),
        pytest.param([item(networks=["::ffff:10.0.0.0/104"])], "rules.a.when.networks", id="mapped network"),
        pytest.param([item(networks=["here"])], "rules.a.when.networks", id="no network"),
        pytest.param([item(countries=["DEU"])], "rules.a.when.countries", id="three letters"),
        pytest.param([item(asns=[0])], "rules.a.when.asns", id="ASN 0"),
        pytest.param([item(asns=[2**32])], "rules.a.when.asns", id="ASN too great"),
        pytest.param([item(asns=list(range(1, 102)))], "rules.a.when.asns", id="too many values"),
        pytest.param([item(query=[{"name": "video"}])], "rules.a.when.query[0].name", id="the video itself"),
        pytest.param([item(query=[{"name": "a"}, {"name": "a"}])], "rules.a.when.query", id="parameter twice"),
        pytest.param(
            [item(query=[{"name": "a", "values": ["\n"]}])], "rules.a.when.query[0].values", id="control character"
        ),
        pytest.param([item(headers=[{"name": "x"}])], "rules.a.when.headers[0].contains", id="header without a text"),
        pytest.param(
            [item(headers=[{"name": "x y", "contains": ["a"]}])], "rules.a.when.headers[0].name", id="no header's name"
        ),
        pytest.param(
            [item(headers=[{"name": "x", "contains": [""]}])], "rules.a.when.headers[0].contains", id="empty text"
        ),
        pytest.param(
            [item(headers=[{"name": str(number), "contains": ["a"]} for number in range(9)])],
            "rules.a.when.headers",
            id="too many headers",
        ),
        pytest.param([{"name": "all", "config_id": 1}, item()], "rules.all.when", id="a rule that hides others"),
        pytest.param([item(f"r{number}") for number in range(MAX_RULES + 1)], "rules", id="too many rules"),
        pytest.param(
            [item(f"r{number}", asns=list(range(1, 101))) for number in range(301)],
            "rules",
            id="too many values in all",
        ),
        pytest.param(
            [item(f"r{number}", paths=[f"/a/*{number}"]) for number in range(MAX_GLOBS + 1)],
            "rules",
            id="too many globs",
        ),
        pytest.param(
            [item(f"r{number}", query=[{"name": f"n{number}"}]) for number in range(33)], "rules", id="too many names"
        ),
        pytest.param(
            [item(f"r{n}", headers=[{"name": "x", "contains": [f"t{n}"]}]) for n in range(MAX_TEXTS + 1)],
            "rules",
            id="too many texts",
        ),
    ],
)
def test_wrong_rules_are_refused_by_name(items: list[dict[str, Any]], field: str) -> None:
    """What a list cannot have is refused, and the error names the rule and the field."""
    with pytest.raises(InvalidInput) as caught:
        rules_from(items)
    assert field == caught.value.field


def test_a_rule_without_conditions_stands_last() -> None:
    """A rule for all requests may stand behind all others, and anywhere while it is not enabled."""
    last = {"name": "all", "config_id": 1}
    assert 2 == len(rules_from([item(), last]).rules)
    assert 2 == len(rules_from([{**last, "enabled": False}, item()]).rules)
    assert 2 == len(rules_from([last, {**item(), "enabled": False}]).rules)


def test_the_first_rule_of_a_config_is_named() -> None:
    """Whoever wants to delete a config is told a rule that names it, enabled or not."""
    rules = rules_from([item("a", 2), {**item("b", 3), "enabled": False}, item("c", 3)])
    found = rules.rule_of(3)
    assert found is not None
    assert "b" == found.name
    assert rules.rule_of(4) is None


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("/live/*.m3u8", "/live/a.m3u8", True),
        ("/live/*.m3u8", "/live/a/b.m3u8", False),
        ("/live/*.m3u8", "/live/.m3u8", True),
        ("/live/*.m3u8", "/vod/a.m3u8", False),
        ("/live/**/*.m3u8", "/live/a.m3u8", True),
        ("/live/**/*.m3u8", "/live/a/b/c.m3u8", True),
        ("/live/**/*.m3u8", "/live/a/b/c.ts", False),
        ("/**/hd/**/x", "/a/hd/x", True),
        ("/**/hd/**/x", "/hd/b/c/x", True),
        ("/**/hd/**/x", "/hd", False),
        ("/**/hd/", "/a/b/hd/c", True),
        ("/**/hd/", "/a/b/hd", False),
        ("/**/a/b/**/b/c", "/a/b/c", False),
        ("/**/a/b/**/b/c", "/a/a/b/b/c", True),
        ("/a*b*c", "/abbc", True),
        ("/a*b*c", "/ac", False),
        ("/a*bc*c", "/abc", False),
        ("/*/", "/a/", True),
        ("/*/", "/a", False),
    ],
)
def test_globs(glob: str, path: str, expected: bool) -> None:
    """A wildcard stays within its segment, and a double one stands for any number of segments."""
    found = Glob(normal_path(glob))
    assert expected == (path.startswith(found.head) and found.matches(path))


def test_differences_name_rules_and_fields() -> None:
    """A difference says which rule, which field, and what was and is there; what was only pushed aside has none."""
    before = rules_from([item("a"), item("b", hosts=["*.origin"]), item("c"), item("d")])
    after = rules_from([item("d"), item("new", 7), item("a"), {**item("c", 9, hosts=["*.b"]), "enabled": False}])
    assert {
        RuleDifference("d", "position", 4, 1),
        RuleDifference("new", "position", None, 2),
        RuleDifference("new", "config_id", None, 7),
        RuleDifference("new", "enabled", None, True),
        RuleDifference("c", "config_id", 2, 9),
        RuleDifference("c", "enabled", True, False),
        RuleDifference("b", "position", 2, None),
        RuleDifference("b", "config_id", 2, None),
        RuleDifference("b", "enabled", True, None),
    } == {found for found in rule_differences(before, after) if not found.field.startswith("when.")}
    assert {
        RuleDifference("new", "when.paths", None, "/live/"),
        RuleDifference("c", "when.hosts", None, "*.b"),
        RuleDifference("c", "when.paths", "/live/", None),
        RuleDifference("b", "when.hosts", "*.origin", None),
    } == {found for found in rule_differences(before, after) if found.field.startswith("when.")}


def test_differences_tell_values_as_text() -> None:
    """All values of a condition stand in one text, in the order in which they were given."""
    conditions = {
        "asns": [2, 1],
        "query": [{"name": "region", "values": ["eu", "us"]}, {"name": "debug"}],
        "headers": [{"name": "X", "contains": ["tv"], "equals": ["a", "b"]}],
    }
    found = rule_differences(RuleList(), rules_from([{"name": "a", "when": conditions, "config_id": 2}]))
    assert {
        "when.asns": "2, 1",
        "when.query": "region=eu|us, debug",
        "when.headers": "x ~'tv' ='a' ='b'",
    } == {field: after for _, field, _, after in found if field.startswith("when.")}


@given(st.lists(st.sampled_from("abcdefgh"), unique=True), st.lists(st.sampled_from("abcdefgh"), unique=True))
def test_moves_lead_from_one_order_to_the_other(before: list[str], after: list[str]) -> None:
    """The rules that are not told to have moved stand in the same order before and after."""
    found = rule_differences(*(RuleList(rules_from(map(item, names)).rules) for names in (before, after)))
    moved = {difference.rule for difference in found if difference.field == "position"}
    assert [name for name in before if name not in moved] == [name for name in after if name not in moved]
    assert (before == after) == (not found)
