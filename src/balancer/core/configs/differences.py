"""How two documents of a config differ, field by field."""

from dataclasses import fields
from typing import Any, NamedTuple

from balancer.core.configs.bounds import Bounds
from balancer.core.configs.checks import Check
from balancer.core.configs.documents import ConfigDocument
from balancer.core.configs.simple import simple_view
from balancer.core.configs.targets import PATH, Kind, Scheme, Target

Fact = str | int | float | bool | None
"""The value of one field, as JSON has it."""


class Difference(NamedTuple):
    """One field that two documents do not have in common; None where there is no document, or no such value."""

    field: str
    before: Fact
    after: Fact


class TargetDifference(NamedTuple):
    """One field that a target has not in common with the one of its name in another document.

    A target that only one of the documents has differs in every field that is not at its default. Fields of its check
    have names like `check.interval`.
    """

    target: str
    field: str
    before: Fact
    after: Fact


def differences(before: ConfigDocument | None, after: ConfigDocument | None) -> list[Difference]:
    """Return how two documents differ outside of their targets; None stands for a config that is not there.

    Fields of the loop have names like `loop.slope` and `loop.targets.cdn-a.max`.

    The simple view counts as two of the fields where each of the documents has one, and `order` names the targets where
    only their order differs.
    """
    both = (before, after)
    facts = [_facts(document) if document else {} for document in both]
    views = [simple_view(document) if document else None for document in both]
    if all(view or document is None for view, document in zip(views, both, strict=True)):
        facts = [(view._asdict() if view else {}) | found for found, view in zip(facts, views, strict=True)]
    if before and after:
        orders = [[target.name for target in document.targets] for document in (before, after)]
        if sorted(orders[0]) == sorted(orders[1]):
            facts = [found | {"order": ", ".join(names)} for found, names in zip(facts, orders, strict=True)]
    return [Difference(*difference) for difference in _differing(*facts)]


def target_differences(before: ConfigDocument | None, after: ConfigDocument | None) -> list[TargetDifference]:
    """Return how the targets of two documents differ, each against the one of its name."""
    old, new = (
        {target.name: target for target in document.targets} if document else {} for document in (before, after)
    )
    found = []
    for name in {**old, **new}:
        facts = [_target_facts(one) if one else {} for one in (old.get(name), new.get(name))]
        found += [TargetDifference(name, *difference) for difference in _differing(*facts)]
    return found


def _differing(was: dict[str, Fact], is_now: dict[str, Fact]) -> list[tuple[str, Fact, Fact]]:
    """Return what differs; where one of them is empty, what the other one has but its defaults."""
    if not was or not is_now:
        was, is_now = (
            {name: value for name, value in one.items() if value != _DEFAULTS.get(name)} for one in (was, is_now)
        )
    names = {**is_now, **was}
    return [(name, was.get(name), is_now.get(name)) for name in names if was.get(name) != is_now.get(name)]


def _facts(document: ConfigDocument) -> dict[str, Fact]:
    return _fields_of(document, "targets", "loop") | (_loop_facts(document.loop) if document.loop else {})


def _loop_facts(bounds: Bounds) -> dict[str, Fact]:
    facts = {f"loop.{name}": value for name, value in _fields_of(bounds, "targets").items()}
    for target in bounds.targets:
        facts |= {f"loop.targets.{target.name}.{name}": value for name, value in _fields_of(target, "name").items()}
    return facts


def _target_facts(target: Target) -> dict[str, Fact]:
    check = _fields_of(target.check) if target.check else {}
    return _fields_of(target, "name", "check") | {f"check.{name}": value for name, value in check.items()}


def _fields_of(part: Any, *skipped: str) -> dict[str, Fact]:
    found = {field.name: getattr(part, field.name) for field in fields(part) if field.name not in skipped}
    return {name: ", ".join(map(str, value)) if isinstance(value, tuple) else value for name, value in found.items()}


_DEFAULTS = {
    **_facts(ConfigDocument((Target("any", Kind.ORIGIN),))),
    "enabled": True,
    "tier": 0,
    "scheme": Scheme.KEEP,
    "path": PATH,
    **{f"check.{name}": value for name, value in _fields_of(Check()).items() if name != "url"},
}
"""What is not worth a line where a config or a target is new."""
