"""Changing a config, and knowing which one is in force when stores are down."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from balancer.core.configs import CdnConfig, ConfigChange, ConfigDocument
from balancer.core.errors import (
    ConfigNotFound,
    DefaultConfigKept,
    InvalidInput,
    NoConfig,
    StaleRevision,
    StoreUnavailable,
)
from balancer.core.ports import CdnConfigs, Clock, ConfigCopies, ConfigHistory, ConfigNotices
from balancer.core.redirects import Redirects
from balancer.core.revisions import Signature, Standing

Expected = Collection[int] | None
"""Numbers of the revisions that a config may be at for a change to be made; None allows any."""

FIRST_START = "first-start"
"""Signs the config that a first start makes."""

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

    Attributes:
        confirmed_at: When the record last said what is in force; the beginning before it ever did.
    """

    def __init__(self, configs: CdnConfigs, copies: Sequence[ConfigCopies], redirects: Redirects, clock: Clock) -> None:
        self._configs = configs
        self._copies = copies
        self._redirects = redirects
        self._clock = clock
        self._copied: dict[int, CdnConfig] = {}
        self._copied_at: datetime | None = None
        self._copied_all_at = self.confirmed_at = clock()

    async def begin(self, first: CdnConfig) -> bool:
        """Put a config in force for the first time: the one on record, or `first` on an empty record, or a copy.

        Returns:
            Whether it came from the record.

        Raises:
            NoConfig: When the record is away and there is no copy.
        """
        try:
            await self._configs.create_first(first, Signature(FIRST_START, self._clock()))
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
        self.confirmed_at = self._clock()
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
        history: Its revisions.
        in_force: What this process serves by.
        notices: How the others learn of it.
    """

    def __init__(
        self, configs: CdnConfigs, history: ConfigHistory, in_force: ConfigInForce, notices: ConfigNotices
    ) -> None:
        self._configs = configs
        self._history = history
        self._in_force = in_force
        self._notices = notices

    async def create(self, document: ConfigDocument, signature: Signature) -> CdnConfig:
        """Make a config and return it.

        Raises:
            StoreUnavailable: When it could not be recorded.
        """
        return await self._configs.create(document, signature)

    async def apply(
        self, config_id: int, change: ConfigChange, signature: Signature, expected: Expected = None
    ) -> CdnConfig:
        """Change one config and return it whole.

        Raises:
            ConfigNotFound: When there is none with that id.
            StaleRevision: When it is at another revision than those expected.
            InvalidInput: When a value is one that a config cannot have.
            StoreUnavailable: When the change could not be recorded; nothing has changed then.
        """

        def edit(standing: Standing) -> ConfigDocument:
            return change.applied_to(_expected_document(standing, expected))

        return await self._put_in_force(await self._configs.edit(config_id, edit, signature), config_id)

    async def roll_back(
        self, config_id: int, revision: int, signature: Signature, expected: Expected = None
    ) -> CdnConfig:
        """Give a config the document that it had at an earlier revision, by a new one; also when it is deleted.

        Raises:
            ConfigNotFound: When there never was one with that id.
            RevisionNotFound: When it has no such revision.
            InvalidInput: When that revision deleted it.
            StaleRevision: When it is at another revision than those expected.
            StoreUnavailable: When the change could not be recorded; nothing has changed then.
        """
        earlier = await self._history.get(config_id, revision)
        if earlier.document is None:
            raise InvalidInput("revision", f"must not be {revision}, which deleted the config")

        def edit(standing: Standing) -> ConfigDocument | None:
            _check_expected(standing, expected)
            return earlier.document

        config = await self._configs.edit(config_id, edit, signature, restored=revision)
        return await self._put_in_force(config, config_id)

    async def delete(self, config_id: int, signature: Signature, expected: Expected = None) -> None:
        """Delete a config; its history stays, and it can be rolled back to.

        Raises:
            ConfigNotFound: When there is none with that id.
            DefaultConfigKept: When the redirect uses it.
            StaleRevision: When it is at another revision than those expected.
            StoreUnavailable: When that could not be recorded; nothing has changed then.
        """

        def edit(standing: Standing) -> None:
            _expected_document(standing, expected)
            if standing.is_default:
                raise DefaultConfigKept(config_id)

        await self._configs.edit(config_id, edit, signature)

    async def _put_in_force(self, config: CdnConfig | None, config_id: int) -> CdnConfig:
        if config is None:
            raise ConfigNotFound(config_id)
        # The change is on record, and whatever goes wrong from here on does not undo it. A process that hears no notice
        # finds it there within the polling interval.
        with suppress(Exception):
            if await self._in_force.hear(config):
                await self._notices.publish(config)
        return config


def _check_expected(standing: Standing, expected: Expected) -> None:
    if expected is not None and standing.revision not in expected:
        raise StaleRevision(standing.config_id, standing.revision)


def _expected_document(standing: Standing, expected: Expected) -> ConfigDocument:
    if standing.document is None:
        raise ConfigNotFound(standing.config_id)
    _check_expected(standing, expected)
    return standing.document
