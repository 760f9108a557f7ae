"""What serving by the record needs of the outside. Every call may raise StoreUnavailable."""

from collections.abc import AsyncGenerator
from typing import NamedTuple, Protocol

from balancer.core.configs.documents import CdnConfig
from balancer.core.configs.ports import CdnConfigs
from balancer.core.routing.planner import Blueprint
from balancer.core.rules.ports import RuleRecord


class Record(NamedTuple):
    """What is on record."""

    configs: CdnConfigs
    rules: RuleRecord


class RulesChanged(NamedTuple):
    """Word that the rules are at another revision, which is on record.

    Attributes:
        number: Of the revision.
    """

    number: int


class PlanCopies(Protocol):
    """A copy of what is in force outside of the database, to start from while the database is down."""

    async def load(self) -> Blueprint | None:
        """Return the copy, None when there is none that can be read."""
        ...

    async def save(self, blueprint: Blueprint) -> None:
        """Replace the copy. Atomic."""
        ...


class ConfigNotices(Protocol):
    """Word of changes, from the process that made one to all others. Some may be lost."""

    async def publish(self, changed: CdnConfig | RulesChanged) -> None:
        """Tell the others that a config is now this, or that the rules have changed."""
        ...

    def listen(self) -> AsyncGenerator[CdnConfig | RulesChanged | None, None]:
        """Yield whatever another process, or this one, has published. Never ends by itself.

        None says that it listens: at the beginning, and from time to time.
        """
        ...
