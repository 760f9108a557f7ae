"""The list of rules: one document, in order; the first rule that matches decides."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from balancer.core.errors import InvalidInput
from balancer.core.rules.conditions import Conditions, HeaderCondition, QueryCondition
from balancer.core.rules.paths import Glob, is_glob

FORMAT = 1
"""Of a document as it is stored."""

MAX_RULES = 10_000
MAX_ALL_VALUES = 30_000
"""Values in the conditions of all rules together: each takes memory in every process."""

MAX_NAMES = 32
"""Different parameters, and different header fields, that all rules together ask for."""

MAX_GLOBS = 50
"""Different globs that begin with the same segments: these are tried one after the other."""

MAX_TEXTS = 250
"""Different texts that are searched for in one header field: these are tried one after the other."""

MAX_CONFIG_ID = 2**31 - 1

_NAME = re.compile(r"[a-z0-9-]{1,64}")

Test = TypeVar("Test", QueryCondition, HeaderCondition)


@dataclass(frozen=True, slots=True)
class Rule:
    """Says which config the requests get that match.

    Attributes:
        name: `live-germany`, 1 to 64 of a to z, 0 to 9 and `-`; unique in its list.
        when: The conditions, which must all hold.
        config_id: Which config.
        enabled: Whether it is asked at all.

    Raises:
        InvalidInput: When a value is one that a rule cannot have; names the field.
    """

    name: str
    when: Conditions
    config_id: int
    enabled: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidInput("name", "must be 1 to 64 characters of a to z, 0 to 9 and '-'")
        if not 1 <= self.config_id <= MAX_CONFIG_ID:
            raise InvalidInput("config_id", "must be the id of a config")


@dataclass(frozen=True, slots=True)
class RuleList:
    """All rules, in order.

    Attributes:
        rules: At most 10,000.

    Raises:
        InvalidInput: When they cannot stand together; names `rules.live-germany.…`.
    """

    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        if len(self.rules) > MAX_RULES:
            raise InvalidInput("rules", f"must be at most {MAX_RULES}, not {len(self.rules)}")
        seen = set()
        for index, rule in enumerate(self.rules):
            if rule.name in seen:
                raise InvalidInput(f"rules[{index}].name", f"is '{rule.name}', which another rule has already")
            seen.add(rule.name)
        self._check_order()
        self._check_cost()

    @property
    def config_ids(self) -> frozenset[int]:
        """The configs that rules name, also those that are not enabled."""
        return frozenset(rule.config_id for rule in self.rules)

    def rule_of(self, config_id: int) -> Rule | None:
        """Return the first rule that names a config, None when none does."""
        return next((rule for rule in self.rules if rule.config_id == config_id), None)

    def _check_order(self) -> None:
        """See that no rule stands where it can never be asked."""
        enabled = [rule for rule in self.rules if rule.enabled]
        for rule in enabled[:-1]:
            if rule.when.is_always:
                fault = "has no conditions, so it matches every request and no rule after it is ever asked; put it last"
                raise InvalidInput(f"rules.{rule.name}.when", fault)

    def _check_cost(self) -> None:
        """See that what cannot be looked up, and is tried one by one, is not too much."""
        values = sum(rule.when.values for rule in self.rules)
        if values > MAX_ALL_VALUES:
            raise InvalidInput("rules", f"must have at most {MAX_ALL_VALUES} values in all conditions, not {values}")
        for kind in ("query", "headers"):
            names = {test.name for rule in self.rules for test in getattr(rule.when, kind)}
            if len(names) > MAX_NAMES:
                raise InvalidInput("rules", f"must have at most {MAX_NAMES} different names in '{kind}'")
        globs = {path for rule in self.rules for path in rule.when.paths if is_glob(path)}
        texts = {(test.name, text) for rule in self.rules for test in rule.when.headers for text in test.contains}
        for head, count in Counter(Glob(path).head for path in globs).items():
            if count > MAX_GLOBS:
                raise InvalidInput("rules", f"must have at most {MAX_GLOBS} different globs that begin with {head}")
        for name, count in Counter(name for name, _ in texts).items():
            if count > MAX_TEXTS:
                raise InvalidInput("rules", f"must have at most {MAX_TEXTS} different texts in 'contains' for {name}")


def rules_from(items: Iterable[Mapping[str, Any]]) -> RuleList:
    """Return the rules that JSON has, which is of the right shape already.

    Args:
        items: `{"name": "live", "when": {"paths": ["/live/"]}, "config_id": 2}`, …

    Raises:
        InvalidInput: When a value cannot be had; names `rules.live.when.paths`, or `rules[0].name`.
    """
    return RuleList(tuple(_rule(index, item) for index, item in enumerate(items)))


def _rule(index: int, item: Mapping[str, Any]) -> Rule:
    place = f"rules.{item['name']}" if _NAME.fullmatch(item["name"]) else f"rules[{index}]"
    given = item.get("when", {})
    when: dict[str, Any] = {field: tuple(values) for field, values in given.items()}
    try:
        for field, kind in (("query", QueryCondition), ("headers", HeaderCondition)):
            if field in when:
                when[field] = _tests(kind, f"when.{field}", when[field])
        return Rule(item["name"], _conditions(when), item["config_id"], item.get("enabled", True))
    except InvalidInput as error:
        raise InvalidInput(f"{place}.{error.field}", error.fault) from None


def _conditions(when: Mapping[str, Any]) -> Conditions:
    try:
        return Conditions(**when)
    except InvalidInput as error:
        raise InvalidInput(f"when.{error.field}", error.fault) from None


def _tests(kind: Callable[..., Test], place: str, given: Iterable[Mapping[str, Any]]) -> tuple[Test, ...]:
    found = []
    for index, test in enumerate(given):
        try:
            found.append(kind(**{name: value if name == "name" else tuple(value) for name, value in test.items()}))
        except InvalidInput as error:
            raise InvalidInput(f"{place}[{index}].{error.field}", error.fault) from None
    return tuple(found)


def as_items(rules: RuleList) -> list[dict[str, Any]]:
    """Return rules as JSON has them, without what says nothing."""
    return [
        {"name": rule.name, "when": _told(rule.when), "config_id": rule.config_id}
        | ({} if rule.enabled else {"enabled": False})
        for rule in rules.rules
    ]


def _told(part: object) -> dict[str, Any]:
    """Return a part of a rule as JSON has it."""
    found = {}
    for field in fields(part):  # type: ignore[arg-type]  # a dataclass
        if value := getattr(part, field.name):
            is_plain = field.name not in {"query", "headers"}
            found[field.name] = value if isinstance(value, str) else list(value if is_plain else map(_told, value))
    return found
