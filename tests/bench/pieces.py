"""What one redirect costs in this program, piece by piece, without a socket."""

import timeit

from balancer.core.redirects import Redirects
from balancer.core.schedules import lay_out
from balancer.core.snapshots import CdnTarget, Snapshot
from balancer.core.tickets import TicketBook
from balancer.web.heads import HeadRecognizer
from tests.bench.load import FIELDS
from tests.factories import ConfigFactory, origins

QUERY = b"video=http%3A%2F%2Fs1.origin-cluster%2Fvideo%2F1488%2Fxcg2djHckad.m3u8"
HEAD = b"GET /?" + QUERY + b" HTTP/1.1\r\n" + "\r\n".join([*FIELDS, "", ""]).encode()

REPEATS = 5


def microseconds(call: object, number: int = 50_000) -> float:
    """Return what a call costs, the best of some repeats."""
    assert callable(call)
    return min(timeit.repeat(call, number=number, repeat=REPEATS)) / number * 1e6


def pieces() -> dict[str, float]:
    """Return the pieces of a redirect, in microseconds."""
    book = TicketBook()
    redirects = Redirects(origins(), book)
    redirects.use(ConfigFactory.build())
    two = Snapshot.of(ConfigFactory.build())
    many = Snapshot(two.config, tuple(CdnTarget(f"c{number}.example") for number in range(2_000)), lay_out([3] * 2_000))
    heads = HeadRecognizer()
    decided = redirects.redirect(QUERY)
    head = "HTTP/1.1 301 Moved Permanently\r\ndate: Mon, 23 Nov 2026 23:48:39 GMT\r\ncache-control: no-store\r\n"

    def first_of_a_connection() -> None:
        HeadRecognizer().query_of(HEAD)

    return {
        "recognise the head (first request of a connection)": microseconds(first_of_a_connection),
        "recognise the head (later requests)": microseconds(lambda: heads.query_of(HEAD)),
        "decide: read the query, take a ticket, look up the target, write the location": microseconds(
            lambda: redirects.redirect(QUERY)
        ),
        "of that, the ticket": microseconds(book.take),
        "of that, the target of 2": microseconds(lambda: two.targets[two.place_of(12_345)]),
        "of that, the target of 2,000": microseconds(lambda: many.targets[many.place_of(12_345)]),
        "make the bytes of the answer": microseconds(lambda: (head + decided.location + "\r\n\r\n").encode("latin-1")),
    }
