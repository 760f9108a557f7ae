"""`make fuzz`: send broken and odd bytes to both lanes of the edge, and compare what they answer.

python -m tests.attacks.fuzz [seconds] [seed]
"""

import json
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.factories import VIDEO
from tests.processes import Balancer

UNSTABLE = {b"date", b"x-request-id", b"connection"}
"""Fields that differ by chance: an answer says that the connection is closed if the client's end was seen before it."""

SETTINGS: dict[str, object] = {
    "DISTRIBUTION_RATE": 0,
    "OPEN_METRICS": "off",
    "OPEN_RATE": "off",
    "ORIGIN_HOSTS": "*.origin-cluster,*.origin-cluster:8610",
}
"""Every answer is then the same each time."""

_LINES = [
    *(b"Host: a", b"Host:", b"host: a, b", b"Host : a", b" Host: a", b"Host: a:b", b"Range: bytes=0-", b"Origin: null"),
    *(b"Content-Length: 0", b"Content-Length: 5", b"Content-Length: +5", b"Content-Length: 5, 5", b"Content-Length:"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding : chunked"),
    *(b"Connection: close", b"Connection: keep-alive, close", b"Connection: upgrade", b"Upgrade: h2c", b"TE: trailers"),
    *(b"Expect: 100-continue", b"X-Request-Id: a b", b"X-Forwarded-For: 192.0.2.1"),
    *(b"\x00: a", b"A: \xff", b"A:\tb", b"A: b\x0bc", b"A", b":"),
]  # fmt: skip

_BYTES = b"\x00\t\n\r\x0b\x0c !\"#%&'()*+,/:;<=>?@[\\]^`{|}~\x7f\x80\xc3\xff"


class Difference(NamedTuple):
    """Bytes that the lanes do not answer alike, with both answers."""

    sent: bytes
    fast: list[object]
    plain: list[object]


class Fuzzer:
    """Makes odd bytes of sound requests.

    Args:
        seed: The same one makes the same bytes.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        rows = json.loads((Path(__file__).parents[1] / "data" / "heads.json").read_text())
        self._heads = [row["raw_head"].encode("latin-1") for row in rows]

    def streams(self) -> Iterator[bytes]:
        """Yield what clients send on one connection each, without end."""
        while True:
            count = self._random.choice([1, 1, 1, 2, 3])
            yield b"".join(self._request() for _ in range(count))

    def _request(self) -> bytes:
        chance = self._random
        head: bytes = chance.choice(self._heads)
        if chance.random() < 0.5:
            _, _, rest = head.partition(b"\r\n")
            method = chance.choice([b"GET", b"HEAD", b"OPTIONS", b"POST", b"get", b"PUT", b"CONNECT", b"G\xc3\xa9T"])
            target = chance.choice(
                [f"/?video={VIDEO}".encode(), b"/", b"/?", b"//", b"/nope", b"*", b"http://a/?video=x"]
            )
            version = chance.choice(
                [b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.10", b"http/1.1", b""]
            )
            head = b"%b %b %b\r\n%b" % (method, target, version, rest)
        for _ in range(chance.choice([0, 0, 1, 2, 4])):
            head = chance.choice([self._with_line, self._without_line, self._with_byte, self._with_end])(head)
        return head

    def _with_line(self, head: bytes) -> bytes:
        lines = head.split(b"\r\n")
        lines.insert(self._random.randint(1, max(1, len(lines) - 2)), self._random.choice(_LINES))
        return b"\r\n".join(lines)

    def _without_line(self, head: bytes) -> bytes:
        lines = head.split(b"\r\n")
        del lines[self._random.randrange(len(lines))]
        return b"\r\n".join(lines)

    def _with_byte(self, head: bytes) -> bytes:
        place = self._random.randrange(len(head) + 1)
        byte = bytes([self._random.choice(_BYTES)])
        return head[:place] + byte + head[place + self._random.randint(0, 1) :]

    def _with_end(self, head: bytes) -> bytes:
        old, new = self._random.choice([(b"\r\n", b"\n"), (b"\r\n", b"\r"), (b"\r\n\r\n", b"\r\n"), (b": ", b":")])
        return head.replace(old, new, self._random.choice([-1, 1]))


def exchange(address: tuple[str, int], sent: bytes) -> list[object]:
    """Send bytes on a connection, say that they are all, and return the answers without what no two have in common."""
    data = b""
    with socket.create_connection(address, timeout=20) as connection:
        try:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while more := connection.recv(65536):
                data += more
        except ConnectionError:
            data += b"reset"
    return list(_answers(data))


def _answers(data: bytes) -> Iterator[object]:
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        fields = [line.partition(b": ")[::2] for line in lines[1:]]
        known = {name.lower(): value for name, value in fields}
        yield lines[0], sorted(field for field in fields if field[0].lower() not in UNSTABLE)
        # The answer to HEAD has a length and no body: what comes next shows it.
        length = int(known.get(b"content-length", b"0")) if end else 0
        if not data.startswith(b"HTTP/1.1 "):
            yield data[:length]
            data = data[length:]


def _alike(sent: bytes, ours: list[object], theirs: list[object]) -> bool:
    """Tell whether both lanes say the same.

    The edge answers without waiting for a body that it does not need; where that never comes, it alone has answered.
    """
    has_body = b"content-length" in sent.lower() or b"transfer-encoding" in sent.lower()
    return ours == theirs or (has_body and ours[: len(theirs)] == theirs)


def compare(fast: Balancer, plain: Balancer, streams: Iterator[bytes]) -> Iterator[Difference | Counter[bytes]]:
    """Send each stream to both lanes, and yield the statuses, or the difference."""
    addresses = [(str(urlsplit(one.url).hostname), int(urlsplit(one.url).port or 0)) for one in (fast, plain)]
    for sent in streams:
        ours, theirs = (exchange(address, sent) for address in addresses)
        if not _alike(sent, ours, theirs):
            yield Difference(sent, ours, theirs)
        else:
            yield Counter(answer[0] for answer in ours if isinstance(answer, tuple))


def main() -> None:
    """Compare for so many seconds, and report."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    seen: Counter[bytes] = Counter()
    differences: list[Difference] = []
    sent = 0
    with ExitStack() as running:
        folders = [Path(running.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)]
        fast = running.enter_context(Balancer(folders[0], None, **SETTINGS))
        plain = running.enter_context(Balancer(folders[1], None, FAST_LANE="off", **SETTINGS))
        end = time.monotonic() + seconds
        for found in compare(fast, plain, Fuzzer(seed).streams()):
            sent += 1
            if isinstance(found, Difference):
                differences.append(found)
                print(*found, sep="\n", end="\n\n")
            else:
                seen += found
            if time.monotonic() > end:
                break
    print(f"seed {seed}: {sent} connections, {len(differences)} differences")
    for status, count in seen.most_common():
        print(f"{count:8d}  {status.decode('latin-1')}")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
