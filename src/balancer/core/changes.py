"""Changing a config, and knowing which one is in force when stores are down."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from balancer.core.configs import CdnConfig, ConfigChange
from balancer.core.errors import NoConfig, StoreUnavailable
from balancer.core.ports import CdnConfigs, Clock, ConfigCopies, ConfigNotices
from balancer.core.redirects import Redirects

COPY_LIFETIME = timedelta(seconds=30)
"""After this time a copy is written again: the store may have lost it."""

COPY_INTERVAL = timedelta(seconds=0.1)
"""When changes follow one another faster, copies skip some of them; the next look at the record brings the last one."""


class ConfigInForce:
    """Keeps what this process serves by in step with the record, and with a copy of it while the record is away.

    Args:
        configs: The record.
        copies: Copies outside of the database, the freshest first.
        redirects: What this process serves by.
        clock: Tells when the copies were last written.
    """

    def __init__(self, configs: CdnConfigs, copies: Sequence[ConfigCopies], redirects: Redirects, clock: Clock) -> None:
        self._configs = configs
        self._copies = copies
        self._redirects = redirects
        self._clock = clock
        self._copied: dict[int, CdnConfig] = {}
        self._copied_at: datetime | None = None
        self._copied_all_at = clock()

    async def begin(self, first: CdnConfig) -> bool:
        """Put a config in force for the first time: the one on record, or `first` on an empty record, or a copy.

        Returns:
            Whether it came from the record.

        Raises:
            NoConfig: When the record is away and there is no copy.
        """
        try:
            await self._configs.create_first(first)
            await self.refresh()
        except StoreUnavailable:
            self._redirects.use(await self._from_copies())
            return False
        return True

    async def refresh(self) -> None:
        """Read the record, put what it says in force if that is another config, and bring the copies up to date.

        Raises:
            StoreUnavailable: When the record is away; what was in force stays so.
        """
        before = self._redirects.config
        try:
            config = await self._configs.default()
        except StoreUnavailable:
            # A change that came in a burst may not have been copied yet, and now the copies are needed.
            if before is not None:
                await self._copy(before)
            raise
        # Whatever came in force while the record was being read is younger than the reading.
        if self._redirects.config is before and config != before:
            self._redirects.use(config)
        await self._copy(config)

    async def hear(self, config: CdnConfig) -> bool:
        """Put a config in force if it is newer than the present one, and return whether it is."""
        if not config.is_newer_than(self._redirects.config):
            return False
        self._redirects.use(config)
        if self._copied_at is None or self._clock() - self._copied_at >= COPY_INTERVAL:
            await self._copy(config)
        return True

    async def _copy(self, config: CdnConfig) -> None:
        self._copied_at = now = self._clock()
        if now - self._copied_all_at >= COPY_LIFETIME:
            self._copied_all_at = now
            self._copied.clear()
        for number, copies in enumerate(self._copies):
            if self._copied.get(number) != config:
                try:
                    await copies.save(config)
                except StoreUnavailable:
                    continue  # The copy is behind; the next refresh tries again.
                self._copied[number] = config

    async def _from_copies(self) -> CdnConfig:
        for copies in self._copies:
            try:
                config = await copies.load()
            except StoreUnavailable:
                continue
            if config is not None:
                return config
        raise NoConfig


class ConfigChanges:
    """Changes configs and puts the result in force, here at once and elsewhere by notice.

    Args:
        configs: The record.
        in_force: What this process serves by.
        notices: How the others learn of it.
        clock: Dates the change.
    """

    def __init__(self, configs: CdnConfigs, in_force: ConfigInForce, notices: ConfigNotices, clock: Clock) -> None:
        self._configs = configs
        self._in_force = in_force
        self._notices = notices
        self._clock = clock

    async def apply(self, config_id: int, change: ConfigChange) -> CdnConfig:
        """Change one config and return it whole.

        Raises:
            ConfigNotFound: When there is none with that id.
            StoreUnavailable: When the change could not be recorded; nothing has changed then.
        """
        config = await self._configs.change(config_id, change, self._clock())
        if await self._in_force.hear(config):
            # The change is on record; a process that hears no notice finds it there within the polling interval.
            with suppress(StoreUnavailable):
                await self._notices.publish(config)
        return config
