"""What one redirect costs in this program, piece by piece, without a socket."""

import timeit

from balancer.core.routing.popular import Popular
from balancer.core.routing.redirects import Destinations, Redirects
from balancer.core.routing.schedules import lay_out
from balancer.core.routing.snapshots import CdnTarget, Snapshot
from balancer.core.routing.tickets import TicketBook
from balancer.edge.heads import VERSION, recognize_rest
from balancer.edge.parser import HeadParser
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
    found = redirects.find(QUERY)
    rest = HEAD[HEAD.find(VERSION) :]
    parser = HeadParser()
    known: Popular[Destinations] = Popular(100)
    known.offer(QUERY, found)
    known.offer(QUERY, found)
    head = b"HTTP/1.1 301 Moved Permanently\r\ndate: Mon, 23 Nov 2026 23:48:39 GMT\r\ncache-control: no-store\r\n"
    location = found.location(1)
    return {
        "recognise a head that is not known": microseconds(lambda: recognize_rest(rest)),
        "parse it instead": microseconds(lambda: parser.parse(HEAD)),
        "read a query that is not known": microseconds(lambda: redirects.find(QUERY)),
        "look up one that is": microseconds(lambda: known.get(QUERY)),
        "decide: take a ticket, look up its target": microseconds(lambda: redirects.decide(found)),
        "of that, the ticket": microseconds(book.take),
        "of that, the target of 2": microseconds(lambda: two.targets[two.place_of(12_345)]),
        "of that, the target of 2,000": microseconds(lambda: many.targets[many.place_of(12_345)]),
        "make the bytes of the answer": microseconds(lambda: head + location + b"\r\n\r\n"),
    }
