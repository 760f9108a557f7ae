"""What was heard from the players of a group: sums of bounded size, which add up over steps, processes and hosts.

`merged` is associative and commutative, so it does not matter who adds up what first. Nothing here is about one player:
sessions are counted by keyed hashes, and not even these can be read from the registers.
"""

import heapq
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from balancer.core.quality import distinct
from balancer.core.quality.histograms import Histogram, added

MAX_GROUPS = 500
"""Groups that are told apart in one step of one process, and in one window."""

MAX_ERRORS = 16
"""Error codes that are told apart in a group; the others are counted together."""

OTHER = "other"
"""The network of groups that are counted together, and the remaining errors."""


class Group(NamedTuple):
    """Players whose quality is judged together.

    Attributes:
        target: Name of the target that serves them; empty for one that is not configured.
        network: `AS64496`, `192.0.2.0/24`, `2001:db8:1::/48`, `unknown` or `other`.
        country: ISO code, `DE`; empty when it is not known.
    """

    target: str
    network: str
    country: str


REST = Group("", OTHER, "")
"""The group of what has no room even in the remaining groups of its target."""


class Quality(NamedTuple):
    """What the players of one group have reported in some time.

    One session counts once for a step of a process, however often it reports, but for `reports`.

    Attributes:
        reports: How many reports came.
        sessions: From how many sessions, as registers of `distinct`.
        starved: How many of these had an empty buffer, as registers.
        starved_ms: How long: for each session and step, the longest time that was told.
        start_ms: Histogram of the time that playback took to start: for each session and step, the longest.
        throughput_kbps: Histogram of the throughput: for each session and step, what was told last.
        errors: In how many sessions, added up over steps, each error was told: `http 503`, `http 0` for no response,
            `player` with a code of the player's own, or `other`.
        failed: How many sessions told any error, as registers.
        late: How many sessions took long to start, as registers.
    """

    reports: int
    sessions: bytes
    starved: bytes
    starved_ms: int
    start_ms: Histogram
    throughput_kbps: Histogram
    errors: Mapping[str, int]
    failed: bytes
    late: bytes


NOTHING = Quality(0, distinct.NOBODY, distinct.NOBODY, 0, {}, {}, {}, distinct.NOBODY, distinct.NOBODY)
"""What a group has said that has said nothing."""


Qualities = Mapping[Group, Quality]
"""The quality of each group in some time."""


def merged(one: Quality, other: Quality) -> Quality:
    """Return what two aggregates of the same group say together."""
    return Quality(
        one.reports + other.reports,
        distinct.united(one.sessions, other.sessions),
        distinct.united(one.starved, other.starved),
        one.starved_ms + other.starved_ms,
        added(one.start_ms, other.start_ms),
        added(one.throughput_kbps, other.throughput_kbps),
        bounded_errors(one.errors, other.errors),
        distinct.united(one.failed, other.failed),
        distinct.united(one.late, other.late),
    )


def bounded_errors(*counts: Mapping[str, int]) -> Mapping[str, int]:
    """Add up counts of errors, and keep the first codes in order of their names, HTTP's before the players' own.

    Not the most frequent ones: what is kept would then depend on the order in which counts are added up. A client that
    makes up codes can hide those of others among `other`, and no more.
    """
    total: dict[str, int] = {}
    for errors in counts:
        for code, number in errors.items():
            total[code] = total.get(code, 0) + number
    if len(total) <= MAX_ERRORS:
        return total
    rest = total.pop(OTHER, 0)
    kept = {code: total[code] for code in heapq.nsmallest(MAX_ERRORS, total)}
    rest += sum(total.values()) - sum(kept.values())
    return {**kept, OTHER: rest} if rest else kept


def merge(many: Iterable[Qualities]) -> dict[Group, Quality]:
    """Return what several steps or processes say together, group by group."""
    total: dict[Group, Quality] = {}
    for qualities in many:
        for group, quality in qualities.items():
            known = total.get(group)
            total[group] = merged(known, quality) if known else quality
    return total


def largest(qualities: Qualities, most: int = MAX_GROUPS) -> Qualities:
    """Return the groups with the most sessions as they are, and the others of each target together, as network `other`.

    With `most` groups of either kind the rest is `REST`.
    """
    if len(qualities) <= most:
        return qualities
    # As registers only grow, their sum tells which set is larger, and is had sooner than the size.
    found = heapq.nlargest(most, qualities, key=lambda group: sum(qualities[group].sessions))
    kept = {group for group in found if group.network != OTHER}
    total: dict[Group, Quality] = {group: qualities[group] for group in kept}
    for group, quality in qualities.items():
        if group not in kept:
            rest = Group(group.target, OTHER, "")
            if rest not in total and len(total) >= 2 * most:
                rest = REST
            total[rest] = merged(total.get(rest, NOTHING), quality)
    return total
