"""Changing a config, and knowing which one is in force when stores are down."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import timedelta

from balancer.core.clocks import Clock
from balancer.core.configs.documents import CdnConfig, ConfigChange, ConfigDocument
from balancer.core.configs.ports import CdnConfigs, ConfigCopies, ConfigHistory, ConfigNotices
from balancer.core.configs.revisions import Signature, Standing
from balancer.core.errors import (
    ConfigNotFound,
    DefaultConfigKept,
    InvalidInput,
    StaleRevision,
    StoreUnavailable,
)
from balancer.core.routing.redirects import Redirects

Expected = Collection[int] | None
"""Numbers of the revisions that a config may be at for a change to be made; None allows any."""

FIRST_START = "first-start"
"""Signs the config that a first start makes."""

COPY_LIFETIME = timedelta(seconds=30)
"""After this time a copy is written again: the store may have lost it."""


class ConfigInForce:
    """Keeps what this process serves by in step with the record, and with copies of it while the record is away.

    Args:
        configs: The record.
        copies: Copies outside of the database.
        redirects: What this process serves by.
        clock: Tells when the copies were last written.
        first: What an empty record is given.

    Attributes:
        confirmed_at: When the record last said what is in force; the beginning before it ever did.
        is_confirmed: Whether it ever did.
        on_change: Called when another config is in force, and copies of it are due. Must not block.
    """

    def __init__(
        self,
        configs: CdnConfigs,
        copies: Sequence[ConfigCopies],
        redirects: Redirects,
        clock: Clock,
        first: CdnConfig,
    ) -> None:
        self._configs = configs
        self._copies = copies
        self._redirects = redirects
        self._clock = clock
        self._first = first
        self._copied: dict[int, CdnConfig] = {}
        self._copied_all_at = self.confirmed_at = clock()
        self.is_confirmed = False
        self._is_copying = False
        self.on_change: Callable[[], None] | None = None

    async def begin(self) -> bool:
        """Put a config in force for the first time: the one on record, or the newest copy while the record is away.

        With neither there is none yet; players are told so until the record answers.

        Returns:
            Whether the record answered.
        """
        try:
            await self.refresh()
        except StoreUnavailable:
            if copy := await self._newest_copy():
                self._redirects.use(copy)
            return False
        return True

    async def refresh(self) -> None:
        """Read the record, put what it says in force if that is another config, and bring the copies up to date.

        Raises:
            StoreUnavailable: When the record is away; what was in force stays so.
        """
        before = self._redirects.config
        try:
            if not self.is_confirmed:
                await self._configs.create_first(self._first, Signature(FIRST_START, self._clock()))
            config = await self._configs.default()
        except StoreUnavailable:
            # Copies are needed now, and may be behind.
            await self.copy()
            raise
        # Whatever came in force while the record was being read is younger than the reading.
        if self._redirects.config is before and config != before:
            self._redirects.use(config)
        self.is_confirmed, self.confirmed_at = True, self._clock()
        await self.copy()

    def hear(self, config: CdnConfig) -> bool:
        """Put a config in force if it is newer than the present one, and return whether it is."""
        if not config.is_newer_than(self._redirects.config):
            return False
        self._redirects.use(config)
        if self.on_change:
            self.on_change()
        return True

    async def copy(self) -> None:
        """Bring the copies up to what is in force.

        One writing is under way at a time, so that no older config overtakes a newer one on its way to a slow store.
        """
        if self._is_copying:
            return  # Whoever copies looks again at its end.
        self._is_copying = True
        try:
            config = None
            while config is not self._redirects.config:
                config = self._redirects.config
                await self._copy(config)
        finally:
            self._is_copying = False

    async def _copy(self, config: CdnConfig | None) -> None:
        if config is None:
            return
        now = self._clock()
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

    async def _newest_copy(self) -> CdnConfig | None:
        newest: CdnConfig | None = None
        for copies in self._copies:
            try:
                found = await copies.load()
            except StoreUnavailable:
                continue
            if found and (newest is None or found.revision > newest.revision):
                newest = found
        return newest


class ConfigChanges:
    """Changes configs and puts the result in force, here at once and elsewhere by notice.

    Args:
        configs: The record.
        history: Its revisions.
        in_force: What this process serves by.
        notices: How the others learn of it.

    Attributes:
        on_change: Called when there is something to tell the others. Must not block.
    """

    def __init__(
        self, configs: CdnConfigs, history: ConfigHistory, in_force: ConfigInForce, notices: ConfigNotices
    ) -> None:
        self._configs = configs
        self._history = history
        self._in_force = in_force
        self._notices = notices
        self._untold: CdnConfig | None = None
        self.on_change: Callable[[], None] | None = None

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

        return self._put_in_force(await self._configs.edit(config_id, edit, signature), config_id)

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
        return self._put_in_force(config, config_id)

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

    async def tell(self) -> None:
        """Tell the other processes of the last change, if they have not been told."""
        config, self._untold = self._untold, None
        if config:
            # A process that hears no notice finds the change on record within the polling interval.
            with suppress(StoreUnavailable):
                await self._notices.publish(config)

    def _put_in_force(self, config: CdnConfig | None, config_id: int) -> CdnConfig:
        """Follow a change that is on record: from here on nothing can fail."""
        if config is None:
            raise ConfigNotFound(config_id)
        if self._in_force.hear(config):
            self._untold = config
            if self.on_change:
                self.on_change()
        return config


def _check_expected(standing: Standing, expected: Expected) -> None:
    if expected is not None and standing.revision not in expected:
        raise StaleRevision(standing.config_id, standing.revision)


def _expected_document(standing: Standing, expected: Expected) -> ConfigDocument:
    if standing.document is None:
        raise ConfigNotFound(standing.config_id)
    _check_expected(standing, expected)
    return standing.document
