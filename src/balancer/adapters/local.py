"""What one host has without any server: a file, and no notices."""

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

from typing_extensions import override

from balancer.adapters import config_json
from balancer.adapters.causes import fault_of
from balancer.core.configs import CdnConfig
from balancer.core.errors import StoreUnavailable
from balancer.core.ports import ConfigCopies, ConfigNotices


class FileConfigCopies(ConfigCopies):
    """The copy of the default config in a file, for the processes of one host.

    Args:
        path: The file; its folder is made when the first copy is saved.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @override
    async def load(self) -> CdnConfig | None:
        try:
            return config_json.load(await asyncio.to_thread(self._path.read_bytes))
        except OSError:
            return None

    @override
    async def save(self, config: CdnConfig) -> None:
        try:
            await asyncio.to_thread(self._replace, config_json.dump(config))
        except OSError as error:
            raise StoreUnavailable("file", fault_of(error)) from error

    def _replace(self, data: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            Path(name).replace(self._path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


class NoConfigNotices(ConfigNotices):
    """No notices at all: other processes find a change by polling the record."""

    @override
    async def publish(self, config: CdnConfig) -> None:
        return

    @override
    async def listen(self) -> AsyncGenerator[CdnConfig | None, None]:
        yield None
        await asyncio.Event().wait()
