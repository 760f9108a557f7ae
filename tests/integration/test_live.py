"""The live stream and the page for people, on real processes."""

import httpx
import pytest

from tests.factories import BEARER
from tests.integration.conftest import Start
from tests.processes import wait_for

BROWSER = {"accept": "text/html,*/*;q=0.8"}

FRESH = {"date", "x-request-id"}
"""Fields that differ from answer to answer."""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_ends_streams(start: Start, workers: int) -> None:
    """A stream that would go on for ever ends when the service stops, in whole events and at once."""
    balancer = start(WORKERS=workers, SHUTDOWN_TIMEOUT=30)
    with httpx.stream("GET", f"{balancer.url}/live", headers=BEARER, timeout=30) as answer:
        pieces = answer.iter_text()
        told = next(pieces)
        balancer.process.terminate()
        told += "".join(pieces)
    assert told.endswith("\n\n")
    assert wait_for(lambda: balancer.process.poll() is not None, 20) < 20
    assert not balancer.has_said(level="error")


def test_a_client_that_leaves_makes_room(start: Start) -> None:
    """Streams whose clients are gone are counted no more."""
    balancer = start(ADMIN_RATE="off")
    for _ in range(40):
        with httpx.stream("GET", f"{balancer.url}/live", headers=BEARER, timeout=30) as answer:
            if answer.status_code == 503:
                # The ones before have not been missed yet.
                continue
            next(answer.iter_text())

    def begins() -> bool:
        return httpx.get(f"{balancer.url}/live?events=1", headers=BEARER, timeout=30).status_code == 200

    wait_for(begins, 10)


def test_lanes_show_people_the_same_page(start: Start) -> None:
    """The page for people is the same by the edge and by the application, as are the problems of players beside it."""

    def answers(url: str) -> list[tuple[int, str, dict[str, str]]]:
        found = []
        for method in ("GET", "HEAD"):
            for headers in (BROWSER, {"accept": "*/*"}):
                answer = httpx.request(method, url, headers=headers)
                fields = {name: value for name, value in answer.headers.items() if name not in FRESH}
                found.append((answer.status_code, answer.text, fields))
        return found

    edge, application = (answers(start(FAST_LANE=fast).url) for fast in ("on", "off"))
    assert [200, 422, 200, 422] == [status for status, _, _ in edge]
    assert edge == application


def test_a_port_for_admins_alone_shows_the_page(start: Start) -> None:
    """Where no players are served, people find the console at `/`, and whoever else asks finds nothing, as before."""
    url = start(ROLE="admin").url
    assert 'href="console"' in httpx.get(url, headers=BROWSER).text
    assert 404 == httpx.get(url).status_code
    assert 404 == httpx.get(f"{url}/?video=http://s1.origin-cluster/a.ts").status_code
