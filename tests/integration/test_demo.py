"""A real player plays a real stream through the balancer: what `make demo` shows, as facts."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.demo.__main__ import is_as_the_rate_says, report
from tests.demo.outage import FIRST, INTERVAL, SECOND, Outage, report_outage, run_outage
from tests.demo.scenario import AT_BALANCER, AT_CDN, AT_ORIGIN, Demo, Playback, run_demo
from tests.demo.servers import CDN, ORIGIN

pytestmark = pytest.mark.long

NINE_TO_CDN_ONE_TO_ORIGIN = [CDN] * 9 + [ORIGIN]

SEGMENTS = [f"segment{number}.ts" for number in range(6)]


@pytest.fixture(scope="module")
def demo() -> Demo:
    """Run the demonstration once for all facts."""
    return run_demo()


def test_the_stream_is_what_was_encoded(demo: Demo) -> None:
    """Six seconds of 25 pictures each stand in six segments, with two playlists for them."""
    assert ("balanced.m3u8", "relative.m3u8", *SEGMENTS) == demo.names
    assert len(demo.decoded.pictures) == 150
    assert len(set(demo.decoded.pictures)) == 150


def test_every_playback_decodes_every_frame(demo: Demo) -> None:
    """Whatever way the files took, the player decodes the pictures and the sound that the files hold."""
    playbacks = demo.balanced.playbacks + demo.relative.playbacks

    assert len(playbacks) == 20
    assert [demo.decoded] * 20 == [playback.decoded for playback in playbacks]


def test_every_tenth_request_of_a_stream_goes_to_the_origin(demo: Demo) -> None:
    """With every segment balanced, exactly each tenth request in order leads to the origin, all others to the CDN."""
    assert NINE_TO_CDN_ONE_TO_ORIGIN * 7 == demo.balanced.chosen
    assert {ORIGIN: 7, CDN: 63} == demo.balanced.files_from


def test_the_player_does_what_it_is_told(demo: Demo) -> None:
    """Each file is asked of the balancer once and then of the server that the redirect names, and of no other."""
    assert [_answers(playback) for playback in demo.balanced.playbacks] == [
        [
            answer
            for name, host in zip(["balanced.m3u8", *SEGMENTS], playback.chosen, strict=True)
            for answer in ((AT_BALANCER + name, 301), (_base(host) + name, 200))
        ]
        for playback in demo.balanced.playbacks
    ]


def test_each_file_of_a_balanced_stream_comes_from_the_origin_in_turn(demo: Demo) -> None:
    """Ten rounds of seven files, with every tenth request at the origin, take each of the files from there once."""
    from_origin = Counter(
        exchange.url for playback in demo.balanced.playbacks for exchange in playback.served if exchange.host == ORIGIN
    )

    assert {AT_ORIGIN + name: 1 for name in ("balanced.m3u8", *SEGMENTS)} == from_origin


def test_every_tenth_playback_goes_to_the_origin(demo: Demo) -> None:
    """With relative segments only the playlist is balanced, so one whole playback of ten is at the origin."""
    assert NINE_TO_CDN_ONE_TO_ORIGIN == demo.relative.chosen
    assert {ORIGIN: 7, CDN: 63} == demo.relative.files_from


def test_relative_segments_stay_on_the_server_of_their_playlist(demo: Demo) -> None:
    """The player resolves them against the URL that it was redirected to, at the origin as at the CDN."""
    assert [_answers(playback) for playback in demo.relative.playbacks] == [
        [(AT_BALANCER + "relative.m3u8", 301), *((_base(host) + name, 200) for name in ("relative.m3u8", *SEGMENTS))]
        for host in NINE_TO_CDN_ONE_TO_ORIGIN
    ]


def test_the_demonstration_says_what_it_saw(demo: Demo) -> None:
    """The printed table holds the counts of both playlists, and the verdict is that they are as the rate says."""
    rows = dict(line.split("  ", 1) for line in report(demo).splitlines() if line.startswith("playlist"))
    frames = [1500, 10 * len(demo.decoded.sounds)]

    assert is_as_the_rate_says(demo)
    assert {
        "playlist and segments balanced": [70, 7, 63, 7, 63, *frames],
        "playlist balanced, segments relative": [10, 1, 9, 7, 63, *frames],
    } == {what: [int(cell) for cell in cells.split()] for what, cells in rows.items()}


def _base(host: str) -> str:
    return {ORIGIN: AT_ORIGIN, CDN: AT_CDN}[host]


def _answers(playback: Playback) -> list[tuple[str, int]]:
    return [(exchange.url, exchange.status) for exchange in playback.exchanges]


@pytest.fixture(scope="module")
def outage() -> Outage:
    """Run the second part once for all facts."""
    return run_outage()


def test_three_targets_get_exact_shares_through_an_outage(outage: Outage) -> None:
    """Over an origin and two CDNs the shares are exact before one goes down, while it is down, and when it is back."""
    assert {ORIGIN: 7, FIRST: 42, SECOND: 21} == outage.before.chosen
    assert {ORIGIN: 7, SECOND: 21} == outage.during.chosen
    assert {ORIGIN: 7, FIRST: 42, SECOND: 21} == outage.again.chosen


def test_an_outage_is_noticed_in_time_and_loses_no_frame(outage: Outage) -> None:
    """Nobody is sent to a dead CDN two probe intervals after it went down, and whatever is played has every frame."""
    assert outage.noticed < 2 * INTERVAL
    played = [*outage.before.decoded, *outage.during.decoded, *outage.again.decoded]
    assert [outage.decoded] * 24 == played
    assert outage.is_as_promised


def test_the_report_tells_what_was_seen(outage: Outage) -> None:
    """The report has a line for each phase, and says so when the shares are not exact."""
    assert "cdn-a down, after two probe intervals             28           7           0          21" in report_outage(
        outage
    )
    wrong = replace(outage, during=replace(outage.during, chosen=Counter({ORIGIN: 7, SECOND: 20, FIRST: 1})))
    assert "NOT as the weights say" in report_outage(wrong)
