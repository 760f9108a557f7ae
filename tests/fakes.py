"""Hand-written doubles of the ports; the contract suites hold them to the same facts as the real adapters."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from balancer.core.access.keys import ApiKey, Role
from balancer.core.access.ports import ApiKeys
from balancer.core.clients.ports import SharedQuotas
from balancer.core.configs.checks import Check
from balancer.core.configs.documents import CdnConfig, ConfigDocument
from balancer.core.configs.ports import CdnConfigs, ConfigHistory
from balancer.core.configs.revisions import Edit, Revision, Signature, Standing
from balancer.core.control.ports import ConfigNotices, PlanCopies, RulesChanged
from balancer.core.errors import (
    ConfigInUse,
    ConfigNotFound,
    IdempotencyKeyReused,
    InvalidInput,
    KeyNotFound,
    LastAdminKey,
    NoConfig,
    RevisionNotFound,
    RuleRevisionNotFound,
    StoreUnavailable,
    UnknownFormat,
)
from balancer.core.health.ports import Dependency, Leadership, Prober, SharedStats, SharedVerdicts
from balancer.core.health.verdicts import Outcome, Verdicts
from balancer.core.loop.ports import SharedLoops
from balancer.core.loop.telling import Loops
from balancer.core.manifests.ports import Manifest, Manifests
from balancer.core.quality.aggregates import Qualities
from balancer.core.quality.ports import SharedQuality
from balancer.core.routing.planner import Blueprint
from balancer.core.routing.ports import Tickets
from balancer.core.rules.ports import RuleRecord
from balancer.core.rules.revisions import NO_RULES, RuleEdit, RuleEntry, RuleRevision


class FakeCdnConfigs(CdnConfigs):
    """Configs in a dictionary. Set `down` to take the record away, and hold `gate` to stop a reading halfway.

    Set `newer` where a newer release has written what is on record, so that nothing there can be read.
    """

    def __init__(self, *configs: CdnConfig) -> None:
        self.rows = {config.id: config for config in configs}
        signed = Signature("test", configs[0].created_at) if configs else None
        self.revisions = [Revision(row.id, row.revision, row.document, signed) for row in configs if signed]
        self._created: dict[int, datetime] = {}
        self._attempts: dict[tuple[str, str], tuple[str, Revision]] = {}
        self.rules: FakeRuleRecord | None = None
        self.down = self.newer = False
        self.gate = asyncio.Event()
        self.gate.set()

    @override
    async def create_first(self, config: CdnConfig, signature: Signature) -> None:
        self._check()
        if not self.revisions:
            self._record((config.id, config.revision, config.created_at, None), config.document, signature)

    @override
    async def create(self, document: ConfigDocument, signature: Signature) -> CdnConfig:
        self._check()
        if (earlier := self._earlier(signature)) and (made := self._as_of(earlier)):
            return made
        config_id = max((revision.config_id for revision in self.revisions), default=1) + 1
        config = CdnConfig(config_id, document, 1, signature.at, None)
        self._record((config_id, 1, signature.at, None), document, signature)
        return config

    @override
    async def default(self) -> CdnConfig:
        self._check_readable()
        if not self.rows:
            raise NoConfig
        found = self.rows[min(self.rows)]
        await self.gate.wait()
        return found

    @override
    async def get(self, config_id: int) -> CdnConfig:
        self._check_readable()
        if config_id not in self.rows:
            raise ConfigNotFound(config_id)
        return self.rows[config_id]

    @override
    async def several(self, ids: Collection[int]) -> Mapping[int, CdnConfig]:
        self._check_readable()
        return {config_id: self.rows[config_id] for config_id in sorted(ids) if config_id in self.rows}

    @override
    async def page(self, after: int, limit: int) -> Sequence[CdnConfig]:
        self._check_readable()
        return [self.rows[config_id] for config_id in sorted(self.rows) if config_id > after][:limit]

    @override
    async def edit(
        self, config_id: int, edit: Edit, signature: Signature, restored: int | None = None
    ) -> CdnConfig | None:
        self._check_readable()
        latest = max((found for found in self.revisions if found.config_id == config_id), key=_number, default=None)
        if latest is None:
            raise ConfigNotFound(config_id)
        if earlier := self._earlier(signature):
            return self._as_of(earlier)
        after = edit(Standing(config_id, latest.number, latest.document, config_id == min(self.rows)))
        if after is None and self.rules and (rule := self.rules.revisions[-1].rules.rule_of(config_id)):
            raise ConfigInUse(config_id, rule.name)
        if after != latest.document:
            # What is deleted keeps its first date.
            created = self.rows[config_id].created_at if config_id in self.rows else self._created[config_id]
            self._record((config_id, latest.number + 1, created, signature.at), after, signature, restored)
        return self.rows.get(config_id)

    def _earlier(self, signature: Signature) -> Revision | None:
        if signature.attempt is None:
            return None
        known = self._attempts.get((signature.actor, signature.attempt.key))
        if known and known[0] != signature.attempt.digest:
            raise IdempotencyKeyReused
        return known[1] if known else None

    def _as_of(self, revision: Revision) -> CdnConfig | None:
        if revision.document is None:
            return None
        row = self.rows.get(revision.config_id)
        created = row.created_at if row else self._created[revision.config_id]
        updated = revision.signed.at if revision.number > 1 else None
        return CdnConfig(revision.config_id, revision.document, revision.number, created, updated)

    def _record(
        self,
        dated: tuple[int, int, datetime, datetime | None],
        document: ConfigDocument | None,
        signature: Signature,
        restored: int | None = None,
    ) -> None:
        config_id, number, created, updated = dated
        revision = Revision(config_id, number, document, signature._replace(attempt=None), restored)
        self.revisions.append(revision)
        if attempt := signature.attempt:
            self._attempts[signature.actor, attempt.key] = attempt.digest, revision
        if document is None:
            self._created[config_id] = self.rows.pop(config_id).created_at
        else:
            self.rows[config_id] = CdnConfig(config_id, document, number, created, updated)

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable("database")

    def _check_readable(self) -> None:
        self._check()
        if self.newer:
            raise UnknownFormat("config 1", "its format is 99")


class FakeConfigHistory(ConfigHistory):
    """The revisions that a fake record has made; away when that is."""

    def __init__(self, configs: FakeCdnConfigs) -> None:
        self._configs = configs

    @override
    async def page(self, config_id: int, before: int | None, limit: int) -> Sequence[Revision]:
        found = self._of(config_id)
        return sorted((one for one in found if before is None or one.number < before), key=_number, reverse=True)[
            :limit
        ]

    @override
    async def get(self, config_id: int, number: int) -> Revision:
        for found in self._of(config_id):
            if found.number == number:
                return found
        raise RevisionNotFound(config_id, number)

    def _of(self, config_id: int) -> list[Revision]:
        if self._configs.down:
            raise StoreUnavailable("database")
        found = [revision for revision in self._configs.revisions if revision.config_id == config_id]
        if not found:
            raise ConfigNotFound(config_id)
        return found


def _number(revision: Revision) -> int:
    return revision.number


class FakeRuleRecord(RuleRecord):
    """The rules of a fake record of configs, in a list of revisions; away when that is."""

    def __init__(self, configs: FakeCdnConfigs) -> None:
        self.revisions = [NO_RULES]
        self._attempts: dict[tuple[str, str], tuple[str, RuleRevision]] = {}
        self._configs = configs
        configs.rules = self

    @override
    async def latest(self, known: RuleRevision | None = None) -> RuleRevision:
        self._check()
        return self.revisions[-1]

    @override
    async def get(self, number: int) -> RuleRevision:
        self._check()
        if not 0 <= number < len(self.revisions):
            raise RuleRevisionNotFound(number)
        return self.revisions[number]

    @override
    async def page(self, before: int | None, limit: int) -> Sequence[RuleEntry]:
        self._check()
        found = [one.entry for one in reversed(self.revisions) if one.entry]
        return [entry for entry in found if before is None or entry.number < before][:limit]

    @override
    async def edit(self, edit: RuleEdit, signature: Signature, restored: int | None = None) -> RuleRevision:
        self._check()
        attempt = signature.attempt
        if attempt and (known := self._attempts.get((signature.actor, attempt.key))):
            if known[0] != attempt.digest:
                raise IdempotencyKeyReused
            return known[1]
        before = self.revisions[-1]
        after = edit(before)
        if after == before.rules:
            return before
        for rule in after.rules:
            if rule.config_id not in self._configs.rows:
                raise InvalidInput(f"rules.{rule.name}.config_id", "names no config")
        entry = RuleEntry(before.number + 1, signature._replace(attempt=None), restored)
        self.revisions.append(RuleRevision(entry.number, after, entry))
        if attempt:
            self._attempts[signature.actor, attempt.key] = attempt.digest, self.revisions[-1]
        return self.revisions[-1]

    def _check(self) -> None:
        if self._configs.down:
            raise StoreUnavailable("database")


class FakePlanCopies(PlanCopies):
    """One copy in an attribute. Set `down` to take the store away.

    Attributes:
        config: The default config of the copy, to set it alone or look at it.
    """

    def __init__(self, config: CdnConfig | None = None) -> None:
        self.blueprint = Blueprint(config) if config else None
        self.down = False
        self.saves = 0

    @property
    def config(self) -> CdnConfig | None:
        """The default config of the copy."""
        return self.blueprint.default if self.blueprint else None

    @config.setter
    def config(self, config: CdnConfig) -> None:
        self.blueprint = Blueprint(config)

    @override
    async def load(self) -> Blueprint | None:
        self._check()
        return self.blueprint

    @override
    async def save(self, blueprint: Blueprint) -> None:
        self._check()
        self.blueprint = blueprint
        self.saves += 1

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable("redis")


class FakeConfigNotices(ConfigNotices):
    """Notices through queues, one for each listener. Set `down` to lose them."""

    def __init__(self) -> None:
        self.queues: list[asyncio.Queue[CdnConfig | RulesChanged]] = []
        self.down = False

    @override
    async def publish(self, changed: CdnConfig | RulesChanged) -> None:
        if self.down:
            raise StoreUnavailable("redis")
        for queue in self.queues:
            queue.put_nowait(changed)

    @override
    async def listen(self) -> AsyncGenerator[CdnConfig | RulesChanged | None, None]:
        queue: asyncio.Queue[CdnConfig | RulesChanged] = asyncio.Queue()
        self.queues.append(queue)
        yield None
        try:
            while True:
                yield await queue.get()
        finally:
            self.queues.remove(queue)


class FakeTickets(Tickets):
    """Shared sequences in a dictionary. Set `down` to take the counter away."""

    def __init__(self) -> None:
        self.taken: dict[tuple[int, int], int] = {}
        self.leases = 0
        self.down = False

    @override
    async def lease(self, config_id: int, cycle: int, size: int) -> range:
        if self.down:
            raise StoreUnavailable("redis")
        self.leases += 1
        first = self.taken.get((config_id, cycle), 0) + 1
        self.taken[config_id, cycle] = first + size - 1
        return range(first, first + size)


class FakeApiKeys(ApiKeys):
    """Keys in a dictionary. Set `down` to take the store away, or hold `gate` to stop a look-up halfway.

    `looked_up` and `recalled` count what was asked.
    """

    def __init__(self) -> None:
        self.rows: dict[int, ApiKey] = {}
        self.down = False
        self.looked_up = self.recalled = 0
        self.gate = asyncio.Event()
        self.gate.set()

    @override
    async def create_first(self, key: ApiKey) -> bool:
        self._check()
        return self.rows.setdefault(1, key) is key if not self.rows else False

    @override
    async def create(self, key: ApiKey) -> ApiKey:
        self._check()
        made = replace(key, id=max(self.rows, default=1) + 1)
        self.rows[made.id] = made
        return made

    @override
    async def find(self, digest: bytes) -> ApiKey | None:
        self._check()
        self.looked_up += 1
        await self.gate.wait()
        return next((key for key in self.rows.values() if key.digest == digest), None)

    @override
    async def working(self, now: datetime) -> Collection[bytes]:
        self._check()
        self.recalled += 1
        return {key.digest for key in self.rows.values() if key.works_at(now)}

    @override
    async def page(self, after: int, limit: int) -> Sequence[ApiKey]:
        self._check()
        return [self.rows[key_id] for key_id in sorted(self.rows) if key_id > after][:limit]

    @override
    async def revoke(self, key_id: int, signature: Signature, *, even_last: bool = False) -> ApiKey:
        self._check()
        if key_id not in self.rows:
            raise KeyNotFound(key_id)
        admins = [key.id for key in self.rows.values() if key.role is Role.ADMIN and key.works_at(signature.at)]
        if not even_last and admins == [key_id]:
            raise LastAdminKey(key_id)
        key = self.rows[key_id]
        if key.revoked_at is None:
            self.rows[key_id] = replace(key, revoked_at=signature.at, revoked_by=signature.actor)
        return self.rows[key_id]

    @override
    async def use(self, key_id: int, now: datetime) -> None:
        self._check()
        self.rows[key_id] = replace(self.rows[key_id], last_used_at=now)

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable("database")


class FakeSharedQuotas(SharedQuotas):
    """Debts in a dictionary, by a clock that the test turns. Set `down` to take the store away."""

    def __init__(self) -> None:
        self.full_at: dict[tuple[str, str], float] = {}
        self.now = 0.0
        self.down = False

    @override
    async def add(self, policy: str, debts: Mapping[str, float], most: float) -> Mapping[str, float]:
        if self.down:
            raise StoreUnavailable("redis")
        for name, debt in debts.items():
            full_at = max(self.full_at.get((policy, name), 0.0), self.now) + debt
            self.full_at[policy, name] = min(full_at, self.now + most)
        return {name: self.full_at[policy, name] - self.now for name in debts}


class FakeSharedStats(SharedStats):
    """Steps in a dictionary. Set `down` to take the store away."""

    def __init__(self) -> None:
        self.told: dict[int, dict[str, Mapping[str, int]]] = {}
        self.down = False

    @override
    async def save(self, source: str, steps: Mapping[int, Mapping[str, int]]) -> None:
        if self.down:
            raise StoreUnavailable("redis")
        for step, counts in steps.items():
            self.told.setdefault(step, {})[source] = dict(counts)

    @override
    async def load(self, steps: range) -> Mapping[int, Mapping[str, Mapping[str, int]]]:
        if self.down:
            raise StoreUnavailable("redis")
        return {step: self.told[step] for step in steps if step in self.told}


class FakeSharedQuality(SharedQuality):
    """Steps in a dictionary. Set `down` to take the store away; `loaded` has the steps that were asked for."""

    def __init__(self) -> None:
        self.told: dict[int, dict[str, Qualities]] = {}
        self.loaded: list[int] = []
        self.down = False

    @override
    async def save(self, source: str, step: int, qualities: Qualities) -> None:
        if self.down:
            raise StoreUnavailable("redis")
        self.told.setdefault(step, {})[source] = qualities

    @override
    async def load(self, steps: Collection[int]) -> Mapping[int, Sequence[Qualities]]:
        if self.down:
            raise StoreUnavailable("redis")
        self.loaded += steps
        return {step: list(self.told[step].values()) for step in steps if step in self.told}


class FakeDependency(Dependency):
    """A store that answers. Set `down` to take it away, or hold `gate` to keep it from answering."""

    fallback = "the test goes on"

    def __init__(self, name: str = "database") -> None:
        self.name = name
        self.down = False
        self.pings = 0
        self.gate = asyncio.Event()
        self.gate.set()

    @override
    async def ping(self) -> None:
        self.pings += 1
        await self.gate.wait()
        if self.down:
            raise StoreUnavailable(self.name)


class FakeProber(Prober):
    """Finds what `found` says for each URL, by default that it works; `asked` has the URLs in order.

    Hold `gate` to keep probes from ending.
    """

    def __init__(self) -> None:
        self.found: dict[str, Outcome] = {}
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()

    @override
    async def probe(self, check: Check) -> Outcome:
        self.asked.append(check.url)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
        finally:
            self.at_once -= 1
        return self.found.get(check.url, Outcome(None, "answered 200", 0.001, 200))


class FakeLease:
    """What the leaderships of one place share: who has the lead. Set `holder` to None when that one has died."""

    def __init__(self) -> None:
        self.holder: FakeLeadership | None = None


class FakeLeadership(Leadership):
    """A lead that is kept until it is left. Set `down` to take the store away."""

    def __init__(self, lease: FakeLease) -> None:
        self._lease = lease
        self.down = False

    @override
    async def lead(self) -> bool:
        if self.down:
            raise StoreUnavailable("redis")
        self._lease.holder = self._lease.holder or self
        return self._lease.holder is self

    @override
    async def leave(self) -> None:
        if self.down:
            raise StoreUnavailable("redis")
        if self._lease.holder is self:
            self._lease.holder = None


class FakeSharedVerdicts(SharedVerdicts):
    """Verdicts in an attribute. Set `down` to take the store away; `saves` counts what was told."""

    def __init__(self) -> None:
        self.told: Verdicts | None = None
        self.saves = 0
        self.down = False

    @override
    async def save(self, verdicts: Verdicts) -> None:
        if self.down:
            raise StoreUnavailable("redis")
        self.told = verdicts
        self.saves += 1

    @override
    async def load(self) -> Verdicts | None:
        if self.down:
            raise StoreUnavailable("redis")
        return self.told


class FakeSharedLoops(SharedLoops):
    """Loops in an attribute. Set `down` to take the store away."""

    def __init__(self) -> None:
        self.told: Loops | None = None
        self.down = False

    @override
    async def save(self, loops: Loops) -> None:
        if self.down:
            raise StoreUnavailable("redis")
        self.told = loops

    @override
    async def load(self) -> Loops | None:
        if self.down:
            raise StoreUnavailable("redis")
        return self.told


class FakeManifests(Manifests):
    """What origins have.

    Attributes:
        found: By URL without a query, the manifests; change it to have others.
        asked: The URLs that were asked for.
    """

    def __init__(self, **found: bytes) -> None:
        self.found = {url: Manifest(body, "") for url, body in found.items()}
        self.asked: list[str] = []

    @override
    async def fetch(self, url: str) -> Manifest | None:
        self.asked.append(url)
        return self.found.get(url.partition("?")[0])
