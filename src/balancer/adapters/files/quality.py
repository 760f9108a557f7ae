"""What players told the processes of one host, in files."""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from typing_extensions import override

from balancer.adapters import quality_msgpack
from balancer.adapters.asking import asking
from balancer.adapters.files.local import PRIVATE, replace_file
from balancer.core.quality.aggregates import Qualities
from balancer.core.quality.ports import SharedQuality

STORE = "file"
"""The name of the store in errors."""

STEPS = 390
"""Steps that are kept: the longest window has 360, and a process that starts reads all of it."""

# The last part keeps a file that is being written, whose name has more behind it, from being read.
_END = ".steps"


class FileSharedQuality(SharedQuality):
    """A file for each step and process, which only this user can read; whoever writes one deletes the old ones.

    Args:
        folder: Where the files are, and nothing else; it is made with the first one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @override
    async def save(self, source: str, step: int, qualities: Qualities) -> None:
        with asking(STORE):
            await asyncio.to_thread(self._save, source, step, qualities)

    @override
    async def load(self, steps: Collection[int]) -> Mapping[int, Sequence[Qualities]]:
        with asking(STORE):
            return await asyncio.to_thread(self._load, steps)

    def _save(self, source: str, step: int, qualities: Qualities) -> None:
        self._folder.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        name = f"{step}-{source.replace('/', '-')}{_END}"
        replace_file(self._folder / name, quality_msgpack.dump(qualities))
        for number, path in self._files():
            # Also those of a clock that was ahead.
            if abs(step - number) > STEPS:
                path.unlink(missing_ok=True)

    def _load(self, steps: Collection[int]) -> Mapping[int, Sequence[Qualities]]:
        wanted = frozenset(steps)
        found: dict[int, list[bytes]] = {}
        for number, path in self._files():
            if number in wanted:
                try:
                    found.setdefault(number, []).append(path.read_bytes())
                except FileNotFoundError:
                    continue  # Another process has just deleted it.
        return quality_msgpack.load_steps(found)

    def _files(self) -> Iterator[tuple[int, Path]]:
        """Yield the files with the numbers of their steps."""
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            number, dash, _ = path.name.partition("-")
            if dash and number.isdecimal() and path.name.endswith(_END):
                yield int(number), path
