"""Hand-written doubles of the ports; the contract suites hold them to the same facts as the real adapters."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import datetime

from typing_extensions import override

from balancer.core.configs import CdnConfig, ConfigChange
from balancer.core.errors import ConfigNotFound, NoConfig, StoreUnavailable
from balancer.core.ports import CdnConfigs, ConfigCopies, ConfigNotices, Tickets


class FakeCdnConfigs(CdnConfigs):
    """Configs in a dictionary. Set `down` to take the record away, and hold `gate` to stop a reading halfway."""

    def __init__(self, *configs: CdnConfig) -> None:
        self.rows = {config.id: config for config in configs}
        self.down = False
        self.gate = asyncio.Event()
        self.gate.set()

    @override
    async def create_first(self, config: CdnConfig) -> None:
        self._check()
        if not self.rows:
            self.rows[config.id] = config

    @override
    async def default(self) -> CdnConfig:
        self._check()
        if not self.rows:
            raise NoConfig
        found = self.rows[min(self.rows)]
        await self.gate.wait()
        return found

    @override
    async def get(self, config_id: int) -> CdnConfig:
        self._check()
        if config_id not in self.rows:
            raise ConfigNotFound(config_id)
        return self.rows[config_id]

    @override
    async def change(self, config_id: int, change: ConfigChange, now: datetime) -> CdnConfig:
        old = await self.get(config_id)
        new = replace(
            old,
            cdn_host=old.cdn_host if change.cdn_host is None else change.cdn_host,
            distribution_rate=old.distribution_rate if change.distribution_rate is None else change.distribution_rate,
        )
        if new != old:
            self.rows[config_id] = replace(new, revision=old.revision + 1, updated_at=now)
        return self.rows[config_id]

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable("database")


class FakeConfigCopies(ConfigCopies):
    """One copy in an attribute. Set `down` to take the store away."""

    def __init__(self, config: CdnConfig | None = None) -> None:
        self.config = config
        self.down = False
        self.saves = 0

    @override
    async def load(self) -> CdnConfig | None:
        self._check()
        return self.config

    @override
    async def save(self, config: CdnConfig) -> None:
        self._check()
        self.config = config
        self.saves += 1

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable("redis")


class FakeConfigNotices(ConfigNotices):
    """Notices through queues, one for each listener. Set `down` to lose them."""

    def __init__(self) -> None:
        self.queues: list[asyncio.Queue[CdnConfig]] = []
        self.down = False

    @override
    async def publish(self, config: CdnConfig) -> None:
        if self.down:
            raise StoreUnavailable("redis")
        for queue in self.queues:
            queue.put_nowait(config)

    @override
    async def listen(self) -> AsyncGenerator[CdnConfig, None]:
        queue: asyncio.Queue[CdnConfig] = asyncio.Queue()
        self.queues.append(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self.queues.remove(queue)


class FakeTickets(Tickets):
    """A shared sequence in a dictionary. Set `down` to take the counter away."""

    def __init__(self) -> None:
        self.taken: dict[int, int] = {}
        self.leases = 0
        self.down = False

    @override
    async def lease(self, cycle: int, size: int) -> range:
        if self.down:
            raise StoreUnavailable("redis")
        self.leases += 1
        first = self.taken.get(cycle, 0) + 1
        self.taken[cycle] = first + size - 1
        return range(first, first + size)
