"""What one host has without any server: a file, and no notices."""

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

from typing_extensions import override

from balancer.adapters import config_json, plan_json
from balancer.adapters.asking import asking
from balancer.core.configs.documents import CdnConfig
from balancer.core.control.ports import ConfigNotices, PlanCopies, RulesChanged
from balancer.core.health.ports import LocalFolder
from balancer.core.routing.planner import Blueprint

PRIVATE = 0o700
"""Mode of the data folder: what is in it is nobody else's."""


def replace_file(path: Path, data: bytes) -> None:
    """Write a file that only this user can read, as a whole or not at all; make its folder when there is none."""
    path.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


class FilePlanCopies(PlanCopies):
    """The copy of what is in force in a file, for the processes of one host.

    Args:
        folder: Where the file is; it is made when the first copy is saved.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "in-force.json"
        # That of the last release, which is read where there is no other yet.
        self._last = folder / "config.json"

    @override
    async def load(self) -> Blueprint | None:
        with asking("file"):
            data = await asyncio.to_thread(_read, self._path)
            last = await asyncio.to_thread(_read, self._last) if data is None else None
        config = config_json.load(last, "file")
        return Blueprint(config) if config else plan_json.load(data, "file")

    @override
    async def save(self, blueprint: Blueprint) -> None:
        with asking("file"):
            await asyncio.to_thread(replace_file, self._path, plan_json.dump(blueprint))


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


class DataFolder(LocalFolder):
    """The folder of this host's copy of the config, and of an embedded database.

    Args:
        path: The folder; made when it is not there.
    """

    name = "data folder"
    fallback = "the config is not copied to this host: a start while the stores are away has to wait for them"
    interval = 10.0

    def __init__(self, path: Path) -> None:
        self._path = path

    @override
    async def ping(self) -> None:
        with asking(self.name):
            await asyncio.to_thread(self._write)

    def _write(self) -> None:
        """Write and delete a small file: permissions alone say nothing of a full disk or a read-only one."""
        self._path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self._path) as file:
            file.write(bytes(4096))
            file.flush()


class NoConfigNotices(ConfigNotices):
    """No notices at all: other processes find a change by polling the record."""

    @override
    async def publish(self, changed: CdnConfig | RulesChanged) -> None:
        return

    @override
    async def listen(self) -> AsyncGenerator[CdnConfig | RulesChanged | None, None]:
        yield None
        await asyncio.Event().wait()
