"""Knowing which config is in force, also when stores are down or cannot be read."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from balancer.core.clocks import Clock
from balancer.core.configs.documents import CdnConfig
from balancer.core.configs.revisions import Signature
from balancer.core.control.ports import PlanCopies, Record
from balancer.core.errors import StoreUnavailable, UnknownFormat
from balancer.core.routing.planner import Blueprint, Planner

FIRST_START = "first-start"
"""Signs the config that a first start makes."""

COPY_LIFETIME = timedelta(seconds=30)
"""After this time a copy is written again: the store may have lost it."""


class ConfigInForce:
    """Keeps what this process serves by in step with the record, and with copies of it while it cannot be read.

    Args:
        record: The configs and the rules on record.
        copies: Copies outside of the database.
        planner: Draws what this process serves by.
        clock: Tells when the copies were last written.
        first: What an empty record is given.

    Attributes:
        confirmed_at: When the record last said what is in force; the beginning before it ever did.
        is_confirmed: Whether it ever did.
        on_change: Called when another config is in force, and copies of it are due. Must not block.
    """

    def __init__(
        self,
        record: Record,
        copies: Sequence[PlanCopies],
        planner: Planner,
        clock: Clock,
        first: CdnConfig,
    ) -> None:
        self._configs, self._rules = record
        self._copies = copies
        self._planner = planner
        self._clock = clock
        self._first = first
        self._copied: dict[int, Blueprint] = {}
        self._copied_all_at = self.confirmed_at = clock()
        self.is_confirmed = False
        self._is_copying = False
        self.on_change: Callable[[], None] | None = None

    async def begin(self) -> bool:
        """Put a config in force for the first time: the one on record, or the newest copy while that cannot be read.

        With neither there is none yet; players are told so until the record can be read.

        Returns:
            Whether it could: it answered, and no newer release has written there what this one does not know.
        """
        try:
            await self.refresh()
        except (StoreUnavailable, UnknownFormat):
            if copy := await self._newest_copy():
                await self._planner.follow(copy)
            return False
        return True

    async def refresh(self) -> None:
        """Read the record, put what it says in force if that is another config, and bring the copies up to date.

        Raises:
            StoreUnavailable: When the record is away; what was in force stays so.
            UnknownFormat: When a newer release has written what is to be in force; the same.
        """
        before = self._planner.wanted
        try:
            if not self.is_confirmed:
                await self._configs.create_first(self._first, Signature(FIRST_START, self._clock()))
            found = await self._read(before)
        except (StoreUnavailable, UnknownFormat):
            # Copies are needed now, and may be behind.
            await self.copy()
            raise
        # Whatever came in force while the record was being read is younger than the reading.
        if self._planner.wanted is before and found != before:
            await self._planner.follow(found)
        self.is_confirmed, self.confirmed_at = True, self._clock()
        await self.copy()

    async def hear(self, config: CdnConfig) -> bool:
        """Put a config in force if it is newer than the present one, and return whether it is."""
        if not await self._planner.hear(config):
            return False
        if self.on_change:
            self.on_change()
        return True

    async def hear_rules(self, number: int) -> bool:
        """Put the rules on record in force if they are newer than those in force, and return whether they are.

        Raises:
            StoreUnavailable: When the record does not answer.
            UnknownFormat: When a newer release has written what is to be in force.
        """
        if self._planner.wanted and number <= self._planner.wanted.rules.number:
            return False
        await self.refresh()
        return True

    async def _read(self, known: Blueprint | None) -> Blueprint:
        rules = await self._rules.latest(known.rules if known else None)
        default = await self._configs.default()
        named = rules.rules.config_ids - {default.id}
        return Blueprint(default, await self._configs.several(named) if named else {}, rules)

    async def copy(self) -> None:
        """Bring the copies up to what is in force.

        One writing is under way at a time, so that no older config overtakes a newer one on its way to a slow store.
        """
        if self._is_copying:
            return  # Whoever copies looks again at its end.
        self._is_copying = True
        try:
            blueprint = None
            while blueprint is not self._planner.wanted:
                blueprint = self._planner.wanted
                await self._copy(blueprint)
        finally:
            self._is_copying = False

    async def _copy(self, blueprint: Blueprint | None) -> None:
        if blueprint is None:
            return
        now = self._clock()
        if now - self._copied_all_at >= COPY_LIFETIME:
            self._copied_all_at = now
            self._copied.clear()
        for number, copies in enumerate(self._copies):
            if self._copied.get(number) != blueprint:
                try:
                    await copies.save(blueprint)
                except StoreUnavailable:
                    continue  # The copy is behind; the next refresh tries again.
                self._copied[number] = blueprint

    async def _newest_copy(self) -> Blueprint | None:
        newest: Blueprint | None = None
        for copies in self._copies:
            try:
                found = await copies.load()
            except StoreUnavailable:
                continue
            if found and (newest is None or _age(found) > _age(newest)):
                newest = found
        return newest


def _age(blueprint: Blueprint) -> tuple[int, int]:
    """Return what is greater for a later copy."""
    revisions = sum(config.revision for config in blueprint.configs.values())
    return blueprint.rules.number, revisions
