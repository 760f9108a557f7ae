"""Changes whose confirmation is lost, and processes that are killed while they make some."""

import signal
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from balancer.adapters.sql.engines import make_engine
from balancer.adapters.sql.migrations import AlembicSchema
from tests.factories import BEARER
from tests.faults.proxy import Mode
from tests.faults.stores import Service
from tests.processes import Balancer, wait_for

KILLS = 2
"""How often a service is killed."""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Return a service over stores that can misbehave."""
    with Service(tmp_path) as service:
        yield service


def test_a_lost_confirmation_can_be_asked_for_again(service: Service) -> None:
    """When the answer to a commit is lost that is said, and the same request again returns what it made."""
    change = {"id": 1, "distribution_rate": 3}
    headers = {"idempotency-key": f'"{uuid.uuid4()}"'}
    service.database.behave(Mode.LOSING_COMMITS)
    lost = service.admin.patch("/config", json=change, headers=headers)
    service.database.behave(Mode.PASSING)
    assert (503, "urn:video-balancer:problem:outcome-unknown") == (lost.status_code, lost.json()["type"])
    assert "Idempotency-Key" in lost.json()["detail"]
    wait_for(lambda: service.admin.get("/config").status_code == 200, 10)
    again = service.admin.patch("/config", json=change, headers=headers)
    assert (200, 2, 3) == (again.status_code, again.json()["revision"], again.json()["distribution_rate"])
    assert 2 == service.admin.get("/config").json()["revision"]


class Changer:
    """An admin who makes one change after another, and remembers those that were confirmed.

    Args:
        url: Of the service.
    """

    def __init__(self, url: str) -> None:
        self.confirmed: list[tuple[int, str]] = []
        self._url = url
        self._thread = threading.Thread(target=self._change, daemon=True)
        self._thread.start()

    def wait_for(self, count: int) -> None:
        """Return when so many changes were confirmed."""
        wait_for(lambda: len(self.confirmed) >= count, 20)

    def join(self) -> None:
        """Wait until the service was lost."""
        self._thread.join(30)

    def _change(self) -> None:
        with httpx.Client(base_url=self._url, headers=BEARER, timeout=10) as client:
            while True:
                name = uuid.uuid4().hex
                try:
                    answer = client.patch("/config", json={"id": 1, "name": name})
                except httpx.HTTPError:
                    return
                self.confirmed.append((answer.json()["revision"], name))


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.long)])
@pytest.mark.long
def test_confirmed_changes_survive_kills(request: pytest.FixtureRequest, tmp_path: Path, database: str) -> None:
    """Whenever a process is killed, every change that it has confirmed is on record, under its number."""
    settings: dict[str, object] = {"ADMIN_RATE": "off"}
    if database == "postgres":
        url = str(request.getfixturevalue("postgres_url"))
        schema = AlembicSchema(url, make_engine(url))
        schema.upgrade()
        schema.downgrade("base")
        schema.upgrade()
        settings["DATABASE_URL"] = url
    confirmed: list[tuple[int, str]] = []
    for number in range(KILLS):
        with Balancer(tmp_path, None, **settings) as balancer:
            changer = Changer(balancer.url)
            changer.wait_for(5 + 10 * number)
            balancer.process.send_signal(signal.SIGKILL)
            changer.join()
        confirmed += changer.confirmed
    with (
        Balancer(tmp_path, None, **settings) as balancer,
        httpx.Client(base_url=balancer.url, headers=BEARER) as client,
    ):
        for revision, name in confirmed:
            found = client.get("/config/revision", params={"id": 1, "revision": revision}).json()
            assert name == found["document"]["name"]
