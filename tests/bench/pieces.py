"""What one redirect costs in this program, piece by piece, without a socket."""

import timeit

from balancer.core.configs.documents import ConfigDocument
from balancer.core.routing.decisions import Asked, decide
from balancer.core.routing.popular import Popular
from balancer.core.routing.routes import NOBODY
from balancer.core.rules.documents import rules_from
from balancer.core.rules.matching import RuleBook
from balancer.edge.heads import VERSION, recognize_rest
from balancer.edge.parser import HeadParser
from tests.bench.load import FIELDS
from tests.bench.rules import rules
from tests.factories import ConfigFactory, planner, route, targets

QUERY = b"video=http%3A%2F%2Fs1.origin-cluster%2Fvideo%2F1488%2Fxcg2djHckad.m3u8"
HEAD = b"GET /?" + QUERY + b" HTTP/1.1\r\n" + "\r\n".join([*FIELDS, "", ""]).encode()

REPEATS = 5


def microseconds(call: object, number: int = 50_000) -> float:
    """Return what a call costs, the best of some repeats."""
    assert callable(call)
    return min(timeit.repeat(call, number=number, repeat=REPEATS)) / number * 1e6


def pieces() -> dict[str, float]:
    """Return the pieces of a redirect, in microseconds."""
    drawing = planner()
    redirects, book = drawing.redirects, drawing.books.of(1)
    drawing.use(ConfigFactory.build())
    two = route(ConfigFactory.build()).policy
    many = route(
        ConfigFactory.build(document=ConfigDocument(targets(**{f"c{n}": 3 + n % 2 for n in range(64)})))
    ).policy
    found = redirects.find(QUERY)
    rest = HEAD[HEAD.find(VERSION) :]
    parser = HeadParser()
    known: Popular[Asked] = Popular(100)
    known.offer(QUERY, found)
    known.offer(QUERY, found)
    head = b"HTTP/1.1 301 Moved Permanently\r\ndate: Mon, 23 Nov 2026 23:48:39 GMT\r\ncache-control: no-store\r\n"
    location = found.location(1)
    ruled = RuleBook(rules_from(rules()))
    reading = ruled.read("s1.origin-cluster", "/video/1488/xcg2djHckad.m3u8", b"")
    return {
        "recognise a head that is not known": microseconds(lambda: recognize_rest(rest)),
        "parse it instead": microseconds(lambda: parser.parse(HEAD)),
        "read a query that is not known": microseconds(lambda: redirects.find(QUERY)),
        "look up one that is": microseconds(lambda: known.get(QUERY)),
        "decide: take a ticket, look up its target": microseconds(lambda: decide(found, NOBODY)),
        "of that, the ticket": microseconds(book.take),
        "of that, the target of 2": microseconds(lambda: two.choose(b"", 12_345)),
        "of that, the target of 64": microseconds(lambda: many.choose(b"", 12_345)),
        "find the rule among 10,000, of a URL that is not known": microseconds(
            lambda: ruled.read("s1.origin-cluster", "/video/1488/xcg2djHckad.m3u8", b"")
        ),
        "find it for a URL that is known": microseconds(lambda: ruled.choose(reading, "127.0.0.1", NOBODY.header)),
        "make the bytes of the answer": microseconds(lambda: head + location + b"\r\n\r\n"),
    }
