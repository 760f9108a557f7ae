"""Whatever the stores do, players are redirected rightly, and admins get an answer soon."""

from collections.abc import Iterator

import pytest

from tests.faults.stores import FAULTS, Service, measure

SECONDS = 0.4
"""How long each fault lasts here; `make faults` lets it last longer."""

SHORT = {
    *("database refuses connections", "database hangs", "database is read-only", "database loses its answers"),
    *("Redis hangs", "Redis resets connections", "Redis is out of memory", "Redis restarts empty"),
    "both stores: each hangs",
}
"""Those that `make test` tries; all of them are tried by `make faults`."""

ANSWERS = {
    "GET /config": {200, 503},
    "PATCH /config": {200, 503},
    "GET /health/ready": {200},
}


def limit_of(fault: str, what: str) -> float:
    """Return within how many seconds an admin must have an answer."""
    if "ready" in what:
        return 0.5
    if "Redis" in fault:
        return 1.0
    # A slow one may answer for who asks just in time, and not for what is asked.
    return 4.5 if "slow" in fault else 2.5


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service over stores that can misbehave."""
    with Service(tmp_path_factory.mktemp("faults")) as service:
        yield service


@pytest.mark.timed
@pytest.mark.long
@pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=[] if fault in SHORT else pytest.mark.long) for fault in FAULTS]
)
def test_faults_of_stores(service: Service, fault: str) -> None:
    """No redirect fails or is wrong, shares stay, admins are answered in time, and all is well again soon after."""
    row = measure(service, fault, SECONDS)
    assert {} == dict(row.seen.faults)
    assert row.seen.right.total() > 100
    assert abs(row.share - 0.1) < 0.02
    for asked in row.asked:
        assert asked.status in ANSWERS[asked.what], asked
        assert asked.seconds < limit_of(fault, asked.what), asked
