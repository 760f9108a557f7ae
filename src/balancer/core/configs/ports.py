"""What changing configs needs of the outside. Every call may raise StoreUnavailable."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from balancer.core.configs.documents import CdnConfig, ConfigDocument
from balancer.core.configs.revisions import Edit, Revision, Signature


class CdnConfigs(Protocol):
    """The configs as they are on record. Every change of one records a revision with it, both or none.

    A change whose signature has an attempt that is on record already is not made again: what it made is returned.
    """

    async def create_first(self, config: CdnConfig, signature: Signature) -> None:
        """Record `config`, whose id is 1, unless there is one already. Atomic."""
        ...

    async def create(self, document: ConfigDocument, signature: Signature) -> CdnConfig:
        """Record a new config and return it; its id is greater than any before. Atomic.

        Raises:
            IdempotencyKeyReused: When the attempt's key is that of another request.
            OutcomeUnknown: When it may have been recorded or not.
        """
        ...

    async def default(self) -> CdnConfig:
        """Return the config with the lowest id.

        Raises:
            NoConfig: When there is none at all.
        """
        ...

    async def get(self, config_id: int) -> CdnConfig:
        """Return one config.

        Raises:
            ConfigNotFound: When there is none with that id.
        """
        ...

    async def several(self, ids: Collection[int]) -> Mapping[int, CdnConfig]:
        """Return those of the configs that there are, by id."""
        ...

    async def page(self, after: int, limit: int) -> Sequence[CdnConfig]:
        """Return at most `limit` configs with ids above `after`, by id."""
        ...

    async def edit(
        self, config_id: int, edit: Edit, signature: Signature, restored: int | None = None
    ) -> CdnConfig | None:
        """Let `edit` decide by the config as it is at that moment, record that, and return it. Atomic.

        A decision that leaves the document as it was makes no revision. What `edit` raises comes out, and nothing has
        changed then.

        Args:
            config_id: Which config; also a deleted one.
            edit: Decides.
            signature: Signs the revision.
            restored: Number of the revision that this goes back to.

        Returns:
            The config, None when it is deleted.

        Raises:
            ConfigNotFound: When there never was one with that id.
            ConfigInUse: When it is to be deleted, and a rule names it.
            IdempotencyKeyReused: When the attempt's key is that of another request.
            OutcomeUnknown: When it may have been recorded or not.
        """
        ...


class ConfigHistory(Protocol):
    """The revisions of all configs, also of deleted ones."""

    async def page(self, config_id: int, before: int | None, limit: int) -> Sequence[Revision]:
        """Return at most `limit` revisions with numbers below `before` (None: from the latest), the newest first.

        Raises:
            ConfigNotFound: When there never was a config with that id.
        """
        ...

    async def get(self, config_id: int, number: int) -> Revision:
        """Return one revision.

        Raises:
            RevisionNotFound: When the config has none of that number.
            ConfigNotFound: When there never was a config with that id.
        """
        ...
