"""What a player has said, reduced to what its quality of playback is judged by."""

from typing import NamedTuple


class Report(NamedTuple):
    """One CMCD report: of a request (versions 1 and 2), or of an event (version 2). None is what was not said.

    Neither the content's id nor a URL is kept. Where a value is a list by type of object, this is the greatest in it.

    Attributes:
        session: Id of the session, 1 to 64 characters. To be hashed, never to be kept.
        version: Of CMCD: 1 or 2.
        event: What has happened: `rr` is a response received, `ps` a change of state, `e` an error, `t` the time.
        state: Of the player: `s` starting, `p` playing, `k` seeking, `r` rebuffering, `a` paused, `w` waiting, `e`
            ended, `f` failed, `q` quit, `d` preloading.
        object_type: What was requested: `m` manifest, `a` audio, `v` video, `av` both, `i` initialisation, `c`
            captions, `tt` timed text, `k` key, `o` other.
        stream_type: `v` on demand, `l` live, `ll` live with low latency.
        starved: Whether the buffer ran empty since the last report.
        starvations: How often it has run empty in the session.
        starvation_ms: How long it was empty, told once, when it is over.
        starvation_total_ms: How long it has been empty in the session.
        throughput_kbps: As the player has measured it.
        first_byte_ms: From a request to the first byte of its response.
        last_byte_ms: From a request to the end of its response.
        start_ms: From the order to play to the first picture; told once in a session.
        latency_ms: How far behind live the player is.
        status: HTTP status of a response; 0 where there was none.
        errors: Codes of the player's own.
        dropped_frames: In the session.
        told_at_ms: When it happened, in milliseconds since 1970, by the player's clock.
        host: Whom the player asked: `cdn.example.com`, with `:port` if that is not the default.
    """

    session: str | None = None
    version: int = 1
    event: str | None = None
    state: str | None = None
    object_type: str | None = None
    stream_type: str | None = None
    starved: bool | None = None
    starvations: int | None = None
    starvation_ms: int | None = None
    starvation_total_ms: int | None = None
    throughput_kbps: int | None = None
    first_byte_ms: int | None = None
    last_byte_ms: int | None = None
    start_ms: int | None = None
    latency_ms: int | None = None
    status: int | None = None
    errors: tuple[str, ...] | None = None
    dropped_frames: int | None = None
    told_at_ms: int | None = None
    host: str | None = None


class Events(NamedTuple):
    """What one body of events says.

    Attributes:
        reports: One for each line that could be read.
        malformed: Lines that are no list of keys.
        dropped: Lines beyond the limits, which were not looked at.
    """

    reports: list[Report]
    malformed: int
    dropped: int
