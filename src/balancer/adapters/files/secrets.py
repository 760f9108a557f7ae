"""A secret that the processes of one host share, made by the first of them."""

import os
from pathlib import Path

from balancer.adapters.asking import asking
from balancer.adapters.files.local import PRIVATE


def shared_secret(path: Path, fresh: bytes) -> bytes:
    """Return the secret in a file that only this user can read.

    Args:
        path: The file; it is made, with its folder, when it is not there.
        fresh: What a new file gets, with all of it or nothing, however many processes begin at once.

    Raises:
        StoreUnavailable: When the file can neither be read nor made.
    """
    with asking("file"):
        path.parent.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        own = path.with_name(f"{path.name}.{os.getpid()}")
        own.unlink(missing_ok=True)
        descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(fresh)
        try:
            # A link is there as a whole or not at all, and never replaces the file of another process.
            path.hardlink_to(own)
        except FileExistsError:
            return path.read_bytes()
        finally:
            own.unlink()
        return fresh
