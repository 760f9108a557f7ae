"""Revisions of the rules: every list that there has been, who made it, when and why. They are never rewritten."""

from collections.abc import Callable
from dataclasses import dataclass

from balancer.core.configs.revisions import Signature
from balancer.core.rules.documents import RuleList


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """A revision in the history, without its rules, which may be many.

    Attributes:
        number: 1 for the first one, one more with every change.
        signed: Who made it, when and why.
        restored: The number of the revision that a rollback went back to, None for any other change.
    """

    number: int
    signed: Signature
    restored: int | None = None


@dataclass(frozen=True, slots=True)
class RuleRevision:
    """The rules as one change left them.

    Attributes:
        number: As in the history; 0 while there never was a rule.
        rules: All of them.
        entry: Its entry in the history; None for number 0.
    """

    number: int
    rules: RuleList
    entry: RuleEntry | None = None


NO_RULES = RuleRevision(0, RuleList())
"""Before the first rule."""

RuleEdit = Callable[[RuleRevision], RuleList]
"""Decides what the rules become, by the latest revision. Pure; may raise a domain error."""
