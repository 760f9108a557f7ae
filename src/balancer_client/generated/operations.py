"""What an admin can ask: a method for each operation of the OpenAPI document."""

from balancer_client.answers import Answers, AsyncAnswers
from balancer_client.generated.api.config import change_config as _change_config
from balancer_client.generated.api.config import change_target as _change_target
from balancer_client.generated.api.config import create_config as _create_config
from balancer_client.generated.api.config import delete_config as _delete_config
from balancer_client.generated.api.config import list_configs as _list_configs
from balancer_client.generated.api.config import read_config as _read_config
from balancer_client.generated.api.explain import explain as _explain
from balancer_client.generated.api.explain import preview_config as _preview_config
from balancer_client.generated.api.health import live as _live
from balancer_client.generated.api.health import read_settings as _read_settings
from balancer_client.generated.api.health import ready as _ready
from balancer_client.generated.api.history import compare_revisions as _compare_revisions
from balancer_client.generated.api.history import read_history as _read_history
from balancer_client.generated.api.history import read_revision as _read_revision
from balancer_client.generated.api.history import roll_back_config as _roll_back_config
from balancer_client.generated.api.keys import create_key as _create_key
from balancer_client.generated.api.keys import list_keys as _list_keys
from balancer_client.generated.api.keys import read_identity as _read_identity
from balancer_client.generated.api.keys import revoke_key as _revoke_key
from balancer_client.generated.api.rules import compare_rules as _compare_rules
from balancer_client.generated.api.rules import preview_rules as _preview_rules
from balancer_client.generated.api.rules import read_rules as _read_rules
from balancer_client.generated.api.rules import read_rules_history as _read_rules_history
from balancer_client.generated.api.rules import read_rules_revision as _read_rules_revision
from balancer_client.generated.api.rules import replace_rules as _replace_rules
from balancer_client.generated.api.rules import roll_back_rules as _roll_back_rules
from balancer_client.generated.api.stats import read_quality as _read_quality
from balancer_client.generated.api.stats import read_stats as _read_stats
from balancer_client.generated.api.targets import read_loop as _read_loop
from balancer_client.generated.api.targets import read_targets as _read_targets
from balancer_client.generated.models.config import Config
from balancer_client.generated.models.config_diff import ConfigDiff
from balancer_client.generated.models.config_page import ConfigPage
from balancer_client.generated.models.config_patch import ConfigPatch
from balancer_client.generated.models.config_revision import ConfigRevision
from balancer_client.generated.models.explained import Explained
from balancer_client.generated.models.health import Health
from balancer_client.generated.models.key_page import KeyPage
from balancer_client.generated.models.key_request import KeyRequest
from balancer_client.generated.models.loop_answer import LoopAnswer
from balancer_client.generated.models.new_config import NewConfig
from balancer_client.generated.models.new_key import NewKey
from balancer_client.generated.models.new_rules import NewRules
from balancer_client.generated.models.preview import Preview
from balancer_client.generated.models.preview_request import PreviewRequest
from balancer_client.generated.models.quality_answer import QualityAnswer
from balancer_client.generated.models.read_quality_window import ReadQualityWindow
from balancer_client.generated.models.readiness import Readiness
from balancer_client.generated.models.revision_page import RevisionPage
from balancer_client.generated.models.rollback import Rollback
from balancer_client.generated.models.rule_list import RuleList
from balancer_client.generated.models.rules_diff import RulesDiff
from balancer_client.generated.models.rules_page import RulesPage
from balancer_client.generated.models.rules_preview import RulesPreview
from balancer_client.generated.models.rules_preview_request import RulesPreviewRequest
from balancer_client.generated.models.rules_revision import RulesRevision
from balancer_client.generated.models.rules_rollback import RulesRollback
from balancer_client.generated.models.setting_list import SettingList
from balancer_client.generated.models.stats_answer import StatsAnswer
from balancer_client.generated.models.target_list import TargetList
from balancer_client.generated.models.target_patch import TargetPatch
from balancer_client.generated.models.visitor import Visitor
from balancer_client.generated.types import UNSET, Unset


class Operations(Answers):
    """The operations."""

    def change_config(
        self, body: ConfigPatch, *, if_match: str | Unset = UNSET, idempotency_key: str | Unset = UNSET
    ) -> Config:
        """Change a config.

        Fields that are not given stay as they are. The next redirect of this process follows the change; other
        processes follow within a second. A change that changes nothing makes no revision.

        Args:
            body: What to change, and why. Fields that are not given stay as they are; at least one must change.
            if_match: The entity tag that the config was read with, such as `"1-7"`: with another revision, 412.
            idempotency_key: A key that you choose for this change, such as a UUID in quotes. Sent again with the same
                key, the request changes nothing and returns what it made the first time.
        """
        return self._one(
            Config,
            lambda: _change_config.sync_detailed(
                client=self._client, body=body, if_match=if_match, idempotency_key=self._key(idempotency_key)
            ),
        )

    def change_target(
        self, body: TargetPatch, *, if_match: str | Unset = UNSET, idempotency_key: str | Unset = UNSET
    ) -> Config:
        """Change one target of a config.

        The other targets, and fields that are not given, stay as they are. `"enabled": false` takes a target out for
        maintenance and keeps its weight; `"weight": 0` drains it but keeps it as a standby. The last target that is
        enabled and has a weight cannot be taken out.

        Args:
            body: What to change in one target of a config, and why.
            if_match: The entity tag that the config was read with, such as `"1-7"`: with another revision, 412.
            idempotency_key: A key that you choose for this change, such as a UUID in quotes. Sent again with the same
                key, the request changes nothing and returns what it made the first time.
        """
        return self._one(
            Config,
            lambda: _change_target.sync_detailed(
                client=self._client, body=body, if_match=if_match, idempotency_key=self._key(idempotency_key)
            ),
        )

    def create_config(self, body: NewConfig, *, idempotency_key: str | Unset = UNSET) -> Config:
        """Create a config.

        No player gets it until a rule names it.

        Args:
            body: A config to create, and why. Give either `targets`, or `cdn_host` and `distribution_rate`.
            idempotency_key: A key that you choose for this change, such as a UUID in quotes. Sent again with the same
                key, the request changes nothing and returns what it made the first time.
        """
        return self._one(
            Config,
            lambda: _create_config.sync_detailed(
                client=self._client, body=body, idempotency_key=self._key(idempotency_key)
            ),
        )

    def delete_config(
        self,
        *,
        id: int,
        reason: str | Unset = UNSET,
        if_match: str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> None:
        """Delete a config.

        The default config, and a config that a rule names, cannot be deleted. The history of a deleted config stays,
        and a rollback brings it back.

        Args:
            id: Which config.
            reason: One line for the history.
            if_match: The entity tag that the config was read with, such as `"1-7"`: with another revision, 412.
            idempotency_key: A key that you choose for this change, such as a UUID in quotes. Sent again with the same
                key, the request changes nothing and returns what it made the first time.
        """
        self._nothing(
            lambda: _delete_config.sync_detailed(
                client=self._client, id=id, reason=reason, if_match=if_match, idempotency_key=self._key(idempotency_key)
            )
        )

    def list_configs(self, *, limit: int | Unset = UNSET, cursor: str | Unset = UNSET) -> ConfigPage:
        """List configs.

        They come by id, so the default config comes first.

        Args:
            limit: Items on a page at most.
            cursor: Which page: `next` of the page before it; the first one without it.
        """
        return self._one(
            ConfigPage, lambda: _list_configs.sync_detailed(client=self._client, limit=limit, cursor=cursor)
        )

    def read_config(self, *, id: int | Unset = UNSET) -> Config:
        """Read a config.

        Without `id` it is the default one, which has the lowest id and serves where no rule chooses another. The
        `ETag` names the revision; send it as `If-Match` with a later change.

        Args:
            id: Which config; without it the default one, by which players are redirected.
        """
        return self._one(Config, lambda: _read_config.sync_detailed(client=self._client, id=id))

    def explain(self, *, video: str | Unset = UNSET, x_explain_client: str | Unset = UNSET) -> Explained:
        """Explain what a player would be answered.

        Shows what this process would answer next to `GET /` with the same query, and step by step why. The same code
        decides as for players, but no ticket is taken. Where rules or `sticky` look at the client, give its address
        in `X-Explain-Client`; the other headers of this request count as the player's.

        Args:
            video: The video's URL at its origin, as a player would send it. Parameters beside it count as well.
            x_explain_client: IP address of the player whose request is explained; without it the player has no
                address.
        """
        return self._one(
            Explained,
            lambda: _explain.sync_detailed(client=self._client, video=video, x_explain_client=x_explain_client),
        )

    def preview_config(self, body: PreviewRequest) -> Preview:
        """Preview a change.

        Shows what a change would do to the shares of the targets and to videos, and changes nothing.

        Args:
            body: A change as for `PATCH /config` or `PATCH /config/target`, and what to show of it.
        """
        return self._one(Preview, lambda: _preview_config.sync_detailed(client=self._client, body=body))

    def live(self) -> Health:
        """Tell that the process answers; asks no store."""
        return self._one(Health, lambda: _live.sync_detailed(client=self._client))

    def read_settings(self) -> SettingList:
        """Read the settings that this process runs by.

        Secrets are masked: only whether there is one can be told.
        """
        return self._one(SettingList, lambda: _read_settings.sync_detailed(client=self._client))

    def ready(self) -> Readiness:
        """Tell whether the process can serve, and how each store was when it was last probed; a degraded one serves."""
        return self._one(Readiness, lambda: _ready.sync_detailed(client=self._client))

    def compare_revisions(self, *, id: int | Unset = UNSET, from_: int, to: int) -> ConfigDiff:
        """Compare two revisions of a config.

        They need not follow each other, and either may be the later one.

        Args:
            id: Which config; without it the default one, by which players are redirected.
            from_: Number of a revision.
            to: Number of another.
        """
        return self._one(
            ConfigDiff, lambda: _compare_revisions.sync_detailed(client=self._client, id=id, from_=from_, to=to)
        )

    def read_history(
        self,
        *,
        id: int | Unset = UNSET,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        before: int | Unset = UNSET,
    ) -> RevisionPage:
        """List the revisions of a config.

        The newest come first, each with its differences from the one before. A deleted config has a history too.

        Args:
            id: Which config; without it the default one, by which players are redirected.
            limit: Items on a page at most.
            cursor: Which page: `next` of the page before it; the first one without it.
            before: Earlier name of `cursor`.
        """
        return self._one(
            RevisionPage,
            lambda: _read_history.sync_detailed(client=self._client, id=id, limit=limit, cursor=cursor, before=before),
        )

    def read_revision(self, *, id: int | Unset = UNSET, revision: int) -> ConfigRevision:
        """Read one revision of a config.

        It has the whole document of that time, and its differences from the revision before.

        Args:
            id: Which config; without it the default one, by which players are redirected.
            revision: Its number.
        """
        return self._one(
            ConfigRevision, lambda: _read_revision.sync_detailed(client=self._client, id=id, revision=revision)
        )

    def roll_back_config(
        self, body: Rollback, *, if_match: str | Unset = UNSET, idempotency_key: str | Unset = UNSET
    ) -> Config:
        """Roll a config back.

        The config gets the document of an earlier revision, as a new revision, which can be rolled back in turn. A
        deleted config comes back.

        Args:
            body: Which revision to go back to, and why.
            if_match: The entity tag that the config was read with, such as `"1-7"`: with another revision, 412.
            idempotency_key: A key that you choose for this change, such as a UUID in quotes. Sent again with the same
                key, the request changes nothing and returns what it made the first time.
        """
        return self._one(
            Config,
            lambda: _roll_back_config.sync_detailed(
                client=self._client, body=body, if_match=if_match, idempotency_key=self._key(idempotency_key)
            ),
        )

    def create_key(self, body: KeyRequest) -> NewKey:
        """Create an API key.

        The answer is the only place where its secret is ever shown.

        Args:
            body: A key to create.
        """
        return self._one(NewKey, lambda: _create_key.sync_detailed(client=self._client, body=body))

    def list_keys(self, *, limit: int | Unset = UNSET, cursor: str | Unset = UNSET) -> KeyPage:
        """List API keys.

        By id, expired and revoked ones too.

        Args:
            limit: Items on a page at most.
            cursor: Which page: `next` of the page before it; the first one without it.
        """
        return self._one(KeyPage, lambda: _list_keys.sync_detailed(client=self._client, limit=limit, cursor=cursor))

    def read_identity(self) -> Visitor:
        """Read who you are, and what you may do.

        By the credentials of the request: an API key, or a token of the identity provider.
        """
        return self._one(Visitor, lambda: _read_identity.sync_detailed(client=self._client))

    def revoke_key(self, *, id: int) -> None:
        """Revoke an API key.

        It stops working at once, everywhere, and stays in the list. The last admin's key is kept.

        Args:
            id: Which key.
        """
        self._nothing(lambda: _revoke_key.sync_detailed(client=self._client, id=id))

    def compare_rules(self, *, from_: int, to: int) -> RulesDiff:
        """Compare two revisions of the rules.

        They need not follow each other, and either may be the later one; revision 0 is no rules.

        Args:
            from_: Number of a revision.
            to: Number of another.
        """
        return self._one(RulesDiff, lambda: _compare_rules.sync_detailed(client=self._client, from_=from_, to=to))

    def preview_rules(self, body: RulesPreviewRequest) -> RulesPreview:
        """Preview the rules.

        Tells which rule and which config requests get by the present rules and by those given, and changes nothing.

        Args:
            body: Rules to look at, and the requests to show them with.
        """
        return self._one(RulesPreview, lambda: _preview_rules.sync_detailed(client=self._client, body=body))

    def read_rules(self) -> RuleList:
        """Read the rules.

        They say which config a request gets: that of the first rule that it matches, or the default config where none
        matches. The answer's `ETag` names the revision, for `If-Match` of a later change.
        """
        return self._one(RuleList, lambda: _read_rules.sync_detailed(client=self._client))

    def read_rules_history(self, *, limit: int | Unset = UNSET, cursor: str | Unset = UNSET) -> RulesPage:
        """List the revisions of the rules.

        The newest first, without the rules themselves, which may be many.

        Args:
            limit: Items on a page at most.
            cursor: Which page: `next` of the page before it; the first one without it.
        """
        return self._one(
            RulesPage, lambda: _read_rules_history.sync_detailed(client=self._client, limit=limit, cursor=cursor)
        )

    def read_rules_revision(self, *, revision: int) -> RulesRevision:
        """Read one revision of the rules.

        It has all rules of that time, and how they differ from the revision before.

        Args:
            revision: Its number.
        """
        return self._one(
            RulesRevision, lambda: _read_rules_revision.sync_detailed(client=self._client, revision=revision)
        )

    def replace_rules(
        self, body: NewRules, *, if_match: str | Unset = UNSET, idempotency_key: str | Unset = UNSET
    ) -> RuleList:
        """Replace the rules.

        All of them at once, by one revision. The next redirect of this process follows the change, other processes
        follow within a second. A change that changes nothing makes no revision.

        Args:
            body: All rules as they are to be, and why.
            if_match: The entity tag that the rules were read with, such as `"rules-7"`: with another revision, 412.
            idempotency_key: A key that you choose for this change, such as a UUID in quotes. Sent again with the same
                key, the request changes nothing and returns what it made the first time.
        """
        return self._one(
            RuleList,
            lambda: _replace_rules.sync_detailed(
                client=self._client, body=body, if_match=if_match, idempotency_key=self._key(idempotency_key)
            ),
        )

    def roll_back_rules(
        self, body: RulesRollback, *, if_match: str | Unset = UNSET, idempotency_key: str | Unset = UNSET
    ) -> RuleList:
        """Roll the rules back.

        They become what they were at an earlier revision, by a new revision, which can be rolled back in turn.

        Args:
            body: Which revision to go back to, and why.
            if_match: The entity tag that the rules were read with, such as `"rules-7"`: with another revision, 412.
            idempotency_key: A key that you choose for this change, such as a UUID in quotes. Sent again with the same
                key, the request changes nothing and returns what it made the first time.
        """
        return self._one(
            RuleList,
            lambda: _roll_back_rules.sync_detailed(
                client=self._client, body=body, if_match=if_match, idempotency_key=self._key(idempotency_key)
            ),
        )

    def read_quality(self, *, window: ReadQualityWindow | Unset = UNSET, config: int | Unset = UNSET) -> QualityAnswer:
        """Read how players fared over the last minutes, as they have reported it.

        By target, network and country: for all workers of this host, or for all hosts that share a Redis. Targets of
        the same name in several configs are one.

        Args:
            window: How many minutes back: 1, 5 or 60.
            config: The id of a config: its targets alone.
        """
        return self._one(
            QualityAnswer, lambda: _read_quality.sync_detailed(client=self._client, window=window, config=config)
        )

    def read_stats(self, *, window: str | Unset = UNSET) -> StatsAnswer:
        """Read what was served over the last minutes.

        By config and target: for all workers of this host, and for all hosts that share a Redis.

        Args:
            window: How long back: `30s`, `5m`, `1h`; from ten seconds to an hour, in whole steps of ten seconds.
        """
        return self._one(StatsAnswer, lambda: _read_stats.sync_detailed(client=self._client, window=window))

    def read_loop(self) -> LoopAnswer:
        """Read what the loop does.

        For every config in use that has bounds: the shares that it gives, why it moves nothing, and what it has
        moved.
        """
        return self._one(LoopAnswer, lambda: _read_loop.sync_detailed(client=self._client))

    def read_targets(self) -> TargetList:
        """Read how every target of every config in use is: its verdict, since when, and what the last probe found."""
        return self._one(TargetList, lambda: _read_targets.sync_detailed(client=self._client))


class AsyncOperations(AsyncAnswers):
    """The operations, awaited."""

    async def change_config(
        self, body: ConfigPatch, *, if_match: str | Unset = UNSET, idempotency_key: str | Unset = UNSET
    ) -> Config:
        """Change a config.

        Fields that are not given stay as they are. The next redirect of this process follows the change; other
        processes follow within a second. A change that changes nothing makes no revision.

        Args:
            body: What to change, and why. Fields that are not given stay as they are; at least one must change.
            if_match: The entity tag that the config was read with, such as `"1-7"`: with another revision, 412.
            idempotency_key: A key that you choose for this change, such as a UUID in quotes. Sent again with the same
                key, the request changes nothing and returns what it made the first time.
        """
        return await self._one(
            Config,
            lambda: _change_config.asyncio_detailed(
                client=self._client, body=body, if_match=if_match, idempotency_key=self._key(idempotency_key)
            ),
        )

    async def change_target(
        self, body: TargetPatch, *, if_match: str | Unset = UNSET, idempotency_key: str | Unset = UNSET
    ) -> Config:
        """Change one target of a config.

        The other targets, and fields that are not given, stay as they are. `"enabled": false` takes a target out for
        maintenance and keeps its weight; `"weight": 0` drains it but keeps it as a standby. The last target that is
        enabled and has a weight cannot be taken out.

        Args:
            body: What to change in one target of a config, and why.
            if_match: The entity tag that the config was read with, such as `"1-7"`: with another revision, 412.
            idempotency_key: A key that you choose for this change, such as a UUID in quotes. Sent again with the same
                key, the request changes nothing and returns what it made the first time.
        """
        return await self._one(
            Config,
            lambda: _change_target.asyncio_detailed(
                client=self._client, body=body, if_match=if_match, idempotency_key=self._key(idempotency_key)
            ),
        )

    async def create_config(self, body: NewConfig, *, idempotency_key: str | Unset = UNSET) -> Config:
        """Create a config.

        No player gets it until a rule names it.

        Args:
            body: A config to create, and why. Give either `targets`, or `cdn_host` and `distribution_rate`.
            idempotency_key: A key that you choose for this change, such as a UUID in quotes. Sent again with the same
                key, the request changes nothing and returns what it made the first time.
        """
        return await self._one(
            Config,
            lambda: _create_config.asyncio_detailed(
                client=self._client, body=body, idempotency_key=self._key(idempotency_key)
            ),
        )

    async def delete_config(
        self,
        *,
        id: int,
        reason: str | Unset = UNSET,
        if_match: str | Unset = UNSET,
        idempotency_key: str | Unset = UNSET,
    ) -> None:
        """Delete a config.

        The default config, and a config that a rule names, cannot be deleted. The history of a deleted config stays,
        and a rollback brings it back.

        Args:
            id: Which config.
            reason: One line for the history.
            if_match: The entity tag that the config was read with, such as `"1-7"`: with another revision, 412.
            idempotency_key: A key that you choose for this change, such as a UUID in quotes. Sent again with the same
                key, the request changes nothing and returns what it made the first time.
        """
        await self._nothing(
            lambda: _delete_config.asyncio_detailed(
                client=self._client, id=id, reason=reason, if_match=if_match, idempotency_key=self._key(idempotency_key)
            )
        )

    async def list_configs(self, *, limit: int | Unset = UNSET, cursor: str | Unset = UNSET) -> ConfigPage:
        """List configs.

        They come by id, so the default config comes first.

        Args:
            limit: Items on a page at most.
            cursor: Which page: `next` of the page before it; the first one without it.
        """
        return await self._one(
            ConfigPage, lambda: _list_configs.asyncio_detailed(client=self._client, limit=limit, cursor=cursor)
        )

    async def read_config(self, *, id: int | Unset = UNSET) -> Config:
        """Read a config.

        Without `id` it is the default one, which has the lowest id and serves where no rule chooses another. The
        `ETag` names the revision; send it as `If-Match` with a later change.

        Args:
            id: Which config; without it the default one, by which players are redirected.
        """
        return await self._one(Config, lambda: _read_config.asyncio_detailed(client=self._client, id=id))

    async def explain(self, *, video: str | Unset = UNSET, x_explain_client: str | Unset = UNSET) -> Explained:
        """Explain what a player would be answered.

        Shows what this process would answer next to `GET /` with the same query, and step by step why. The same code
        decides as for players, but no ticket is taken. Where rules or `sticky` look at the client, give its address
        in `X-Explain-Client`; the other headers of this request count as the player's.

        Args:
            video: The video's URL at its origin, as a player would send it. Parameters beside it count as well.
            x_explain_client: IP address of the player whose request is explained; without it the player has no
                address.
        """
        return await self._one(
            Explained,
            lambda: _explain.asyncio_detailed(client=self._client, video=video, x_explain_client=x_explain_client),
        )

    async def preview_config(self, body: PreviewRequest) -> Preview:
        """Preview a change.

        Shows what a change would do to the shares of the targets and to videos, and changes nothing.

        Args:
            body: A change as for `PATCH /config` or `PATCH /config/target`, and what to show of it.
        """
        return await self._one(Preview, lambda: _preview_config.asyncio_detailed(client=self._client, body=body))

    async def live(self) -> Health:
        """Tell that the process answers; asks no store."""
        return await self._one(Health, lambda: _live.asyncio_detailed(client=self._client))

    async def read_settings(self) -> SettingList:
        """Read the settings that this process runs by.

        Secrets are masked: only whether there is one can be told.
        """
        return await self._one(SettingList, lambda: _read_settings.asyncio_detailed(client=self._client))

    async def ready(self) -> Readiness:
        """Tell whether the process can serve, and how each store was when it was last probed; a degraded one serves."""
        return await self._one(Readiness, lambda: _ready.asyncio_detailed(client=self._client))

    async def compare_revisions(self, *, id: int | Unset = UNSET, from_: int, to: int) -> ConfigDiff:
        """Compare two revisions of a config.

        They need not follow each other, and either may be the later one.

        Args:
            id: Which config; without it the default one, by which players are redirected.
            from_: Number of a revision.
            to: Number of another.
        """
        return await self._one(
            ConfigDiff, lambda: _compare_revisions.asyncio_detailed(client=self._client, id=id, from_=from_, to=to)
        )

    async def read_history(
        self,
        *,
        id: int | Unset = UNSET,
        limit: int | Unset = UNSET,
        cursor: str | Unset = UNSET,
        before: int | Unset = UNSET,
    ) -> RevisionPage:
        """List the revisions of a config.

        The newest come first, each with its differences from the one before. A deleted config has a history too.

        Args:
            id: Which config; without it the default one, by which players are redirected.
            limit: Items on a page at most.
            cursor: Which page: `next` of the page before it; the first one without it.
            before: Earlier name of `cursor`.
        """
        return await self._one(
            RevisionPage,
            lambda: _read_history.asyncio_detailed(
                client=self._client, id=id, limit=limit, cursor=cursor, before=before
            ),
        )

    async def read_revision(self, *, id: int | Unset = UNSET, revision: int) -> ConfigRevision:
        """Read one revision of a config.

        It has the whole document of that time, and its differences from the revision before.

        Args:
            id: Which config; without it the default one, by which players are redirected.
            revision: Its number.
        """
        return await self._one(
            ConfigRevision, lambda: _read_revision.asyncio_detailed(client=self._client, id=id, revision=revision)
        )

    async def roll_back_config(
        self, body: Rollback, *, if_match: str | Unset = UNSET, idempotency_key: str | Unset = UNSET
    ) -> Config:
        """Roll a config back.

        The config gets the document of an earlier revision, as a new revision, which can be rolled back in turn. A
        deleted config comes back.

        Args:
            body: Which revision to go back to, and why.
            if_match: The entity tag that the config was read with, such as `"1-7"`: with another revision, 412.
            idempotency_key: A key that you choose for this change, such as a UUID in quotes. Sent again with the same
                key, the request changes nothing and returns what it made the first time.
        """
        return await self._one(
            Config,
            lambda: _roll_back_config.asyncio_detailed(
                client=self._client, body=body, if_match=if_match, idempotency_key=self._key(idempotency_key)
            ),
        )

    async def create_key(self, body: KeyRequest) -> NewKey:
        """Create an API key.

        The answer is the only place where its secret is ever shown.

        Args:
            body: A key to create.
        """
        return await self._one(NewKey, lambda: _create_key.asyncio_detailed(client=self._client, body=body))

    async def list_keys(self, *, limit: int | Unset = UNSET, cursor: str | Unset = UNSET) -> KeyPage:
        """List API keys.

        By id, expired and revoked ones too.

        Args:
            limit: Items on a page at most.
            cursor: Which page: `next` of the page before it; the first one without it.
        """
        return await self._one(
            KeyPage, lambda: _list_keys.asyncio_detailed(client=self._client, limit=limit, cursor=cursor)
        )

    async def read_identity(self) -> Visitor:
        """Read who you are, and what you may do.

        By the credentials of the request: an API key, or a token of the identity provider.
        """
        return await self._one(Visitor, lambda: _read_identity.asyncio_detailed(client=self._client))

    async def revoke_key(self, *, id: int) -> None:
        """Revoke an API key.

        It stops working at once, everywhere, and stays in the list. The last admin's key is kept.

        Args:
            id: Which key.
        """
        await self._nothing(lambda: _revoke_key.asyncio_detailed(client=self._client, id=id))

    async def compare_rules(self, *, from_: int, to: int) -> RulesDiff:
        """Compare two revisions of the rules.

        They need not follow each other, and either may be the later one; revision 0 is no rules.

        Args:
            from_: Number of a revision.
            to: Number of another.
        """
        return await self._one(
            RulesDiff, lambda: _compare_rules.asyncio_detailed(client=self._client, from_=from_, to=to)
        )

    async def preview_rules(self, body: RulesPreviewRequest) -> RulesPreview:
        """Preview the rules.

        Tells which rule and which config requests get by the present rules and by those given, and changes nothing.

        Args:
            body: Rules to look at, and the requests to show them with.
        """
        return await self._one(RulesPreview, lambda: _preview_rules.asyncio_detailed(client=self._client, body=body))

    async def read_rules(self) -> RuleList:
        """Read the rules.

        They say which config a request gets: that of the first rule that it matches, or the default config where none
        matches. The answer's `ETag` names the revision, for `If-Match` of a later change.
        """
        return await self._one(RuleList, lambda: _read_rules.asyncio_detailed(client=self._client))

    async def read_rules_history(self, *, limit: int | Unset = UNSET, cursor: str | Unset = UNSET) -> RulesPage:
        """List the revisions of the rules.

        The newest first, without the rules themselves, which may be many.

        Args:
            limit: Items on a page at most.
            cursor: Which page: `next` of the page before it; the first one without it.
        """
        return await self._one(
            RulesPage, lambda: _read_rules_history.asyncio_detailed(client=self._client, limit=limit, cursor=cursor)
        )

    async def read_rules_revision(self, *, revision: int) -> RulesRevision:
        """Read one revision of the rules.

        It has all rules of that time, and how they differ from the revision before.

        Args:
            revision: Its number.
        """
        return await self._one(
            RulesRevision, lambda: _read_rules_revision.asyncio_detailed(client=self._client, revision=revision)
        )

    async def replace_rules(
        self, body: NewRules, *, if_match: str | Unset = UNSET, idempotency_key: str | Unset = UNSET
    ) -> RuleList:
        """Replace the rules.

        All of them at once, by one revision. The next redirect of this process follows the change, other processes
        follow within a second. A change that changes nothing makes no revision.

        Args:
            body: All rules as they are to be, and why.
            if_match: The entity tag that the rules were read with, such as `"rules-7"`: with another revision, 412.
            idempotency_key: A key that you choose for this change, such as a UUID in quotes. Sent again with the same
                key, the request changes nothing and returns what it made the first time.
        """
        return await self._one(
            RuleList,
            lambda: _replace_rules.asyncio_detailed(
                client=self._client, body=body, if_match=if_match, idempotency_key=self._key(idempotency_key)
            ),
        )

    async def roll_back_rules(
        self, body: RulesRollback, *, if_match: str | Unset = UNSET, idempotency_key: str | Unset = UNSET
    ) -> RuleList:
        """Roll the rules back.

        They become what they were at an earlier revision, by a new revision, which can be rolled back in turn.

        Args:
            body: Which revision to go back to, and why.
            if_match: The entity tag that the rules were read with, such as `"rules-7"`: with another revision, 412.
            idempotency_key: A key that you choose for this change, such as a UUID in quotes. Sent again with the same
                key, the request changes nothing and returns what it made the first time.
        """
        return await self._one(
            RuleList,
            lambda: _roll_back_rules.asyncio_detailed(
                client=self._client, body=body, if_match=if_match, idempotency_key=self._key(idempotency_key)
            ),
        )

    async def read_quality(
        self, *, window: ReadQualityWindow | Unset = UNSET, config: int | Unset = UNSET
    ) -> QualityAnswer:
        """Read how players fared over the last minutes, as they have reported it.

        By target, network and country: for all workers of this host, or for all hosts that share a Redis. Targets of
        the same name in several configs are one.

        Args:
            window: How many minutes back: 1, 5 or 60.
            config: The id of a config: its targets alone.
        """
        return await self._one(
            QualityAnswer, lambda: _read_quality.asyncio_detailed(client=self._client, window=window, config=config)
        )

    async def read_stats(self, *, window: str | Unset = UNSET) -> StatsAnswer:
        """Read what was served over the last minutes.

        By config and target: for all workers of this host, and for all hosts that share a Redis.

        Args:
            window: How long back: `30s`, `5m`, `1h`; from ten seconds to an hour, in whole steps of ten seconds.
        """
        return await self._one(StatsAnswer, lambda: _read_stats.asyncio_detailed(client=self._client, window=window))

    async def read_loop(self) -> LoopAnswer:
        """Read what the loop does.

        For every config in use that has bounds: the shares that it gives, why it moves nothing, and what it has
        moved.
        """
        return await self._one(LoopAnswer, lambda: _read_loop.asyncio_detailed(client=self._client))

    async def read_targets(self) -> TargetList:
        """Read how every target of every config in use is: its verdict, since when, and what the last probe found."""
        return await self._one(TargetList, lambda: _read_targets.asyncio_detailed(client=self._client))
