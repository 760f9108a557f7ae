"""The machine itself: its limit on open files, and the data folder."""

import resource
import shutil
from pathlib import Path

from balancer.cli.doctor.findings import Finding, Level
from balancer.cli.program import unknown_settings
from balancer.edge.descriptors import connections_within
from balancer.settings import Settings

GIB = 1024**3

LITTLE, TOO_LITTLE = GIB, GIB // 20
"""Bytes free in the data folder, below which there is a warning or a failure."""


def settings_found() -> list[Finding]:
    """Return what is to be said of settings that can be read."""
    return [Finding(Level.OK, "settings", "all can be used")] + [
        Finding(
            Level.WARN,
            "settings",
            f"{name} is no setting and has no effect",
            f"Did you mean {nearest}?" if nearest else "Take it away.",
        )
        for name, nearest in unknown_settings()
    ]


def open_files(settings: Settings) -> Finding:
    """Compare the limit on open files with the connections that are wanted; the service raises the soft one itself."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        return Finding(Level.OK, "open files", "are not limited")
    room = connections_within(hard)
    if room >= settings.connections:
        return Finding(Level.OK, "open files", f"{hard} allow {room} connections; {settings.connections} are wanted")
    return Finding(
        Level.WARN,
        "open files",
        f"{hard} allow {room} connections for each worker; {settings.connections} are wanted",
        "Raise LimitNOFILE or 'ulimit -n', or lower BALANCER_CONNECTIONS.",
    )


def free_space(folder: Path) -> Finding:
    """Return how much room there is in the data folder."""
    place = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    usage = shutil.disk_usage(place)
    level = Level.FAIL if usage.free < TOO_LITTLE else Level.WARN if usage.free < LITTLE else Level.OK
    text = f"{usage.free / GIB:.1f} of {usage.total / GIB:.1f} GiB are free in {folder.absolute()}"
    return Finding(
        level, "free space", text, "Make room, or name another folder by BALANCER_DATA_DIR." if level else ""
    )
