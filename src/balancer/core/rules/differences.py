"""How two lists of rules differ, rule by rule."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, NamedTuple

from balancer.core.rules.documents import RuleList, as_items


class RuleDifference(NamedTuple):
    """One field in which a rule differs from the one of its name in another list.

    A rule that only one of the lists has differs in every field that it has. `position` counts from 1, and is told of a
    rule only where it has moved among those that both lists have.

    Attributes:
        rule: Its name.
        field: `config_id`, `enabled`, `when.hosts`, … or `position`.
        before: None where there is no such rule, or it does not ask.
        after: The same.
    """

    rule: str
    field: str
    before: Any
    after: Any


def rule_differences(before: RuleList, after: RuleList) -> list[RuleDifference]:
    """Return how two lists of rules differ, the rules of the later one first and in its order."""
    old, new = _facts(before), _facts(after)
    moved = _moved([name for name in old if name in new], [name for name in new if name in old])
    found = []
    for name in {**new, **old}:
        was, is_now = old.get(name, {}), new.get(name, {})
        for field in {**is_now, **was}:
            is_told = was.get(field) != is_now.get(field)
            if field == "position" and name in old and name in new:
                is_told = name in moved
            if is_told:
                found.append(RuleDifference(name, field, was.get(field), is_now.get(field)))
    return found


def _facts(rules: RuleList) -> dict[str, dict[str, Any]]:
    return {
        item["name"]: {"position": position, "config_id": item["config_id"], "enabled": item.get("enabled", True)}
        | {f"when.{field}": value for field, value in item["when"].items()}
        for position, item in enumerate(as_items(rules), 1)
    }


def _moved(before: Sequence[str], after: Sequence[str]) -> set[str]:
    """Return the fewest names that must move for one order to become the other."""
    places = {name: place for place, name in enumerate(before)}
    # The longest run of names that is in order stays (patience sorting).
    ends: list[int] = []
    run: list[str] = []
    earlier: dict[str, str | None] = {}
    for name in after:
        length = bisect_left(ends, places[name])
        ends[length:] = [places[name], *ends[length + 1 :]]
        run[length:] = [name, *run[length + 1 :]]
        earlier[name] = run[length - 1] if length else None
    staying = set()
    last = run[-1] if run else None
    while last is not None:
        staying.add(last)
        last = earlier[last]
    return places.keys() - staying
