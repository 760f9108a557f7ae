"""Who probes for the processes of one host, what it found, and which shares it gives, in the data folder."""

import asyncio
import fcntl
import os
from pathlib import Path

from typing_extensions import override

from balancer.adapters import loop_json, verdict_json
from balancer.adapters.asking import asking
from balancer.adapters.files.local import PRIVATE, replace_file
from balancer.core.health.ports import Leadership, SharedVerdicts
from balancer.core.health.verdicts import Verdicts
from balancer.core.loop.ports import SharedLoops
from balancer.core.loop.telling import Loops

STORE = "file"
"""The name of the store in errors."""

PRIVATE_FILE = 0o600
"""Mode of the lock: nobody else can hold it."""


class FileLeadership(Leadership):
    """The lead is a lock on a file, which the system takes from a process that ends, however that ends.

    Args:
        path: The file; its folder is made with it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    @override
    async def lead(self) -> bool:
        with asking(STORE):
            return await asyncio.to_thread(self._take)

    @override
    async def leave(self) -> None:
        with asking(STORE):
            await asyncio.to_thread(self._release)

    def _take(self) -> bool:
        if self._file is not None:
            if self._is_there(self._file):
                return True
            # Somebody has deleted the file, and others may have locked the one that came after it.
            self._release()
        self._path.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        except OSError:
            os.close(file)
            raise
        self._file = file
        return True

    def _release(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _is_there(self, file: int) -> bool:
        try:
            return os.path.samestat(os.fstat(file), self._path.stat())
        except FileNotFoundError:
            return False


class _Watched:
    """A file that is replaced as a whole, and read when it is another one than before.

    Args:
        path: The file; its folder is made when something is first saved.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._data: bytes | None = None

    async def save(self, data: bytes) -> None:
        with asking(STORE):
            await asyncio.to_thread(replace_file, self._path, data)

    async def load(self) -> bytes | None:
        with asking(STORE):
            return await asyncio.to_thread(self._load)

    def _load(self) -> bytes | None:
        try:
            found = self._path.stat()
            seen = (found.st_ino, found.st_mtime_ns, found.st_size)
            if seen != self._seen:
                self._data = self._path.read_bytes()
                self._seen = seen
        except FileNotFoundError:
            self._seen = self._data = None
        return self._data


class FileSharedVerdicts(SharedVerdicts):
    """Verdicts in a file.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._file = _Watched(path)
        self._reader = verdict_json.Reader(STORE)

    @override
    async def save(self, verdicts: Verdicts) -> None:
        await self._file.save(verdict_json.dump(verdicts))

    @override
    async def load(self) -> Verdicts | None:
        return self._reader.read(await self._file.load())


class FileSharedLoops(SharedLoops):
    """Loops in a file.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._file = _Watched(path)
        self._reader = loop_json.Reader(STORE)

    @override
    async def save(self, loops: Loops) -> None:
        await self._file.save(loop_json.dump(loops))

    @override
    async def load(self) -> Loops | None:
        return self._reader.read(await self._file.load())
