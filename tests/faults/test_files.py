"""What is kept on disk: who may read it, and what is done where it cannot be written or is damaged."""

import shutil
import stat
import subprocess
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.factories import AT_CDN, BEARER, VIDEO
from tests.processes import Balancer, wait_for

pytestmark = pytest.mark.long

QUERY = f"/?video={VIDEO}"


class OpenHanded(Balancer):
    """A balancer whose new files everybody could read."""

    through = ("sh", "-c", 'umask 022; exec "$@"', "sh")


def modes(folder: Path) -> dict[str, str]:
    """Return the modes of a folder and of the files in it."""
    found = {file.name: file for file in folder.iterdir()} | {"": folder}
    return {name: oct(stat.S_IMODE(file.stat().st_mode)) for name, file in found.items()}


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    """The data folder, the database with its log and the copy of the config are their owner's alone."""
    with OpenHanded(tmp_path) as balancer:
        assert 200 == httpx.patch(f"{balancer.url}/config", json={"id": 1, "name": "a"}, headers=BEARER).status_code
        found = modes(tmp_path / "data")
    assert "0o700" == found.pop("")
    assert {"balancer.db", "balancer.db-wal", "balancer.db-shm", "in-force.json", "steering.key"} == set(found)
    assert {"0o600"} == set(found.values())


def test_files_of_an_earlier_release_are_closed(tmp_path: Path) -> None:
    """A database that everybody could read is its owner's alone after the next start."""
    with Balancer(tmp_path):
        pass
    (tmp_path / "data" / "balancer.db").chmod(0o644)
    with OpenHanded(tmp_path):
        found = modes(tmp_path / "data")
    assert {"0o600"} == {found["balancer.db"], found["balancer.db-wal"], found["balancer.db-shm"]}


class OnSmallDisk(Balancer):
    """A balancer whose data folder is a disk of a megabyte, in a namespace of its own (unshare(1))."""

    through = ("unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=1m tmpfs data && exec "$@"', "sh")


def can_mount() -> bool:
    """Return whether this user may have a namespace with mounts of its own."""
    program = shutil.which("unshare")
    return program is not None and subprocess.run([program, "-rm", "true"], check=False, timeout=10).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="no namespaces for users here, in which a small disk could be mounted")
def test_a_full_disk_stops_no_player(tmp_path: Path) -> None:
    """On a full disk players are redirected and admins are told; when there is room again, changes are made again."""
    (tmp_path / "data").mkdir()
    change = {"id": 1, "distribution_rate": 3}
    with OnSmallDisk(tmp_path) as balancer, httpx.Client(base_url=balancer.url, headers=BEARER, timeout=10) as client:
        filler = Path(f"/proc/{balancer.process.pid}/root{tmp_path}/data/filler")
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        assert {301} == {client.get(QUERY).status_code for _ in range(20)}
        answer = client.patch("/config", json=change)
        assert (503, "application/problem+json") == (answer.status_code, answer.headers["content-type"])
        wait_for(lambda: client.get("/health/ready").json()["status"] == "degraded", 15)
        filler.unlink()
        wait_for(lambda: client.patch("/config", json=change).status_code == 200, 5)


@pytest.mark.parametrize(
    "copy",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"id":1', id="truncated"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param(
            b'{"id":1,"cdn_host":"cdn.example.com","distribution_rate":-5,"revision":9,'
            b'"created_at":"2026-05-04T12:30:00Z","updated_at":null,"name":null}',
            id="out of range",
        ),
    ],
)
def test_a_damaged_copy_is_not_served(tmp_path: Path, copy: bytes) -> None:
    """Without a database a copy that cannot be trusted is refused with a line, and players get 503 rather than that."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "config.json").write_bytes(copy)
    with Balancer(tmp_path, None, DATABASE_URL="postgresql://u:p@127.0.0.1:1/d") as balancer:
        assert 503 == httpx.get(balancer.url + QUERY).status_code
        assert balancer.has_said(event="a copy of the config is refused", source="file")


def test_a_sound_copy_is_served(tmp_path: Path) -> None:
    """Without a database the copy that an earlier process has left is served."""
    with Balancer(tmp_path, None, DISTRIBUTION_RATE=0):
        pass
    with Balancer(tmp_path, None, DATABASE_URL="postgresql://u:p@127.0.0.1:1/d") as balancer:
        assert AT_CDN == httpx.get(balancer.url + QUERY).headers["location"]
