"""Following the config in force."""

import asyncio
from collections.abc import Awaitable, Callable

from balancer.core.access.authentication import KeyRing
from balancer.core.clocks import Clock
from balancer.core.configs.revisions import Signature
from balancer.core.control.in_force import FIRST_START, ConfigInForce
from balancer.core.control.ports import ConfigNotices, RulesChanged
from balancer.core.storage.ports import Schema


class Preparing:
    """Makes the record ready where it was away when the service started.

    Args:
        schema: Of the record.
        ring: Where the first admin's key goes.
        clock: Dates it.
        first_key: The secret of that key, None where the operator has chosen none.
    """

    def __init__(self, schema: Schema, ring: KeyRing, clock: Clock, first_key: str | None) -> None:
        self._schema = schema
        self._ring = ring
        self._clock = clock
        self._first_key = first_key

    async def prepare(self) -> None:
        """Check the schema, or bring an embedded database up to date, and make the key.

        Raises:
            StoreUnavailable: While the record is away.
            SchemaMismatch: When it does not fit this program.
        """
        await self._schema.make_ready()
        if self._first_key:
            await self._ring.create_first(self._first_key, Signature(FIRST_START, self._clock()))


class Following:
    """Keeps the config in force in step with the record.

    Args:
        in_force: What is to follow.
        notices: Bring changes sooner.
        poll_interval: Seconds between two looks at the record.
        prepare: Makes the record ready where the start could not.

    Attributes:
        on_listening: Called when notices are heard. Must not block.
    """

    def __init__(
        self,
        in_force: ConfigInForce,
        notices: ConfigNotices,
        poll_interval: float,
        prepare: Callable[[], Awaitable[None]],
    ) -> None:
        self.on_listening: Callable[[], None] | None = None
        self._prepare = prepare
        self._is_prepared = False
        self._in_force = in_force
        self._notices = notices
        self._poll_interval = poll_interval

    async def poll(self) -> None:
        """Wait, and look at the record.

        Raises:
            StoreUnavailable: When it does not answer.
            SchemaMismatch: When a record that was away at the start does not fit this program.
            UnknownFormat: When a newer release has written there what this one does not know.
        """
        await asyncio.sleep(self._poll_interval)
        if not (self._in_force.is_confirmed or self._is_prepared):
            await self._prepare()
            self._is_prepared = True
        await self._in_force.refresh()

    async def listen(self) -> None:
        """Hear notices for as long as there are any.

        Raises:
            StoreUnavailable: When there are none any more.
            UnknownFormat: When changed rules lead to a record that this release cannot read.
        """
        async for changed in self._notices.listen():
            if isinstance(changed, RulesChanged):
                await self._in_force.hear_rules(changed.number)
            elif changed is not None:
                await self._in_force.hear(changed)
            elif self.on_listening:
                self.on_listening()
