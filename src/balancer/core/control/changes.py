"""Changing configs."""

from collections.abc import Callable, Collection
from contextlib import suppress

from balancer.core.configs.documents import CdnConfig, ConfigDocument
from balancer.core.configs.edits import ConfigChange, TargetChange
from balancer.core.configs.ports import CdnConfigs, ConfigHistory
from balancer.core.configs.revisions import Signature, Standing
from balancer.core.control.in_force import ConfigInForce
from balancer.core.control.ports import ConfigNotices
from balancer.core.errors import (
    ConfigNotFound,
    DefaultConfigKept,
    InvalidInput,
    StaleRevision,
    StoreUnavailable,
)

Expected = Collection[int] | None
"""Numbers of the revisions that a config may be at for a change to be made; None allows any."""


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
        self, config_id: int, change: ConfigChange | TargetChange, signature: Signature, expected: Expected = None
    ) -> CdnConfig:
        """Change one config and return it whole.

        Raises:
            ConfigNotFound: When there is none with that id.
            StaleRevision: When it is at another revision than those expected.
            InvalidInput: When a value is one that a config cannot have.
            NotSimple: When the simple view of a config is to change that has none.
            TargetNotFound: When a target is to change that is not there.
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
            ConfigInUse: When a rule names it.
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

    async def _put_in_force(self, config: CdnConfig | None, config_id: int) -> CdnConfig:
        """Follow a change that is on record: from here on nothing can fail."""
        if config is None:
            raise ConfigNotFound(config_id)
        if await self._in_force.hear(config):
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
