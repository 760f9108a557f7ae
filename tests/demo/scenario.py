"""What is played, and what came of it as plain data."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from tests.demo.servers import BALANCER, CDN, ORIGIN, Exchange, Network, running_balancer
from tests.demo.stream import BALANCED, RELATIVE, Decoded, encode, play

PLAYS = 10
"""Times that each playlist is played: with one request or seven each time, whole cycles of the default rate."""

AT_ORIGIN = f"http://{ORIGIN}/video/demo/"
AT_CDN = f"http://{CDN}/s1/video/demo/"
AT_BALANCER = f"http://{BALANCER}/?video={AT_ORIGIN}"


@dataclass(frozen=True, slots=True)
class Playback:
    """One playlist played once.

    Attributes:
        decoded: What the player got out of it.
        exchanges: The requests that it made for that, in order.
    """

    decoded: Decoded
    exchanges: tuple[Exchange, ...]

    @property
    def chosen(self) -> list[str]:
        """The server that each redirect led to, in the order of the redirects."""
        return [urlsplit(answer.location).netloc for answer in self.exchanges if answer.location]

    @property
    def served(self) -> list[Exchange]:
        """The requests for files, in order."""
        return [exchange for exchange in self.exchanges if exchange.host != BALANCER]


@dataclass(frozen=True, slots=True)
class Showing:
    """One playlist played `PLAYS` times, one after another."""

    playbacks: tuple[Playback, ...]

    @property
    def chosen(self) -> list[str]:
        """The server that each redirect led to, in the order of the redirects."""
        return [host for playback in self.playbacks for host in playback.chosen]

    @property
    def files_from(self) -> Counter[str]:
        """How many files each server gave."""
        return Counter(exchange.host for playback in self.playbacks for exchange in playback.served)


@dataclass(frozen=True, slots=True)
class Demo:
    """Everything that was seen.

    Attributes:
        names: The files of the stream.
        decoded: What a player gets out of the files themselves, with no server between.
        balanced: The playlist whose segments are each asked of the balancer, played first.
        relative: The playlist whose segments come from the server that the playlist came from, played afterwards.
    """

    names: tuple[str, ...]
    decoded: Decoded
    balanced: Showing
    relative: Showing


def run_demo() -> Demo:
    """Encode the stream, start all servers, play both playlists through them, and stop everything."""
    with TemporaryDirectory() as temporary:
        stream, balancer = Path(temporary, "stream"), Path(temporary, "balancer")
        stream.mkdir()
        balancer.mkdir()
        encode(stream, AT_BALANCER)
        files = {path.name: path.read_bytes() for path in sorted(stream.iterdir())}
        urls = {base + name: content for base in (AT_ORIGIN, AT_CDN) for name, content in files.items()}
        with running_balancer(balancer) as port, Network(urls, port).serving() as network:
            return Demo(tuple(files), play(stream / RELATIVE), _show(BALANCED, network), _show(RELATIVE, network))


def _show(playlist: str, network: Network) -> Showing:
    playbacks = []
    for _ in range(PLAYS):
        first = len(network.exchanges)
        decoded = play(AT_BALANCER + playlist, proxy=network.url)
        playbacks.append(Playback(decoded, tuple(network.exchanges[first:])))
    return Showing(tuple(playbacks))
