"""How two lists of rules differ, rule by rule."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import fields
from typing import NamedTuple

from balancer.core.rules.conditions import HeaderCondition, QueryCondition
from balancer.core.rules.documents import Rule, RuleList

Fact = str | int | bool | None
"""The value of one field, as JSON has it; several values of a condition stand in one text."""


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
    before: Fact
    after: Fact


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


def _facts(rules: RuleList) -> dict[str, dict[str, Fact]]:
    return {rule.name: _facts_of(rule, position) for position, rule in enumerate(rules.rules, 1)}


def _facts_of(rule: Rule, position: int) -> dict[str, Fact]:
    found: dict[str, Fact] = {"position": position, "config_id": rule.config_id, "enabled": rule.enabled}
    for field in fields(rule.when):
        if values := getattr(rule.when, field.name):
            found[f"when.{field.name}"] = ", ".join(map(_told, values))
    return found


def _told(value: str | int | QueryCondition | HeaderCondition) -> str:
    match value:
        case QueryCondition():
            return f"{value.name}={'|'.join(value.values)}" if value.values else value.name
        case HeaderCondition():
            return " ".join(
                [value.name, *(f"~{text!r}" for text in value.contains), *(f"={text!r}" for text in value.equals)]
            )
        case _:
            return str(value)


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
