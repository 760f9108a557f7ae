"""Figures for people and for decisions, read off aggregates."""

from collections.abc import Mapping
from typing import NamedTuple

from balancer.core.quality import distinct
from balancer.core.quality.aggregates import Quality
from balancer.core.quality.histograms import quantile


class Figures(NamedTuple):
    """How the players of a group fared. Counts of sessions are estimates, within some 5 %; so are quantiles.

    Attributes:
        reports: How many reports came.
        sessions: How many sessions sent them.
        starved: In how many of these the buffer ran empty.
        starved_share: Which part of the sessions that is, from 0 to 1; None without any.
        starved_seconds: For how long, all in all.
        start_ms_median: Time to start; None when nobody told it.
        start_ms_p95: The same, which 5 % of the starts exceed.
        throughput_kbps_median: Throughput; None when nobody told it.
        throughput_kbps_p5: The same, below which 5 % of the sessions are.
        errors: How many sessions reported each error, added up over steps.
    """

    reports: int
    sessions: int
    starved: int
    starved_share: float | None
    starved_seconds: float
    start_ms_median: float | None
    start_ms_p95: float | None
    throughput_kbps_median: float | None
    throughput_kbps_p5: float | None
    errors: Mapping[str, int]


def figures(quality: Quality) -> Figures:
    """Return the figures of an aggregate."""
    sessions, starved = distinct.count(quality.sessions), distinct.count(quality.starved)
    return Figures(
        quality.reports,
        round(sessions),
        round(starved),
        # Both are estimates.
        min(starved / sessions, 1.0) if sessions else None,
        quality.starved_ms / 1000,
        quantile(quality.start_ms, 0.5),
        quantile(quality.start_ms, 0.95),
        quantile(quality.throughput_kbps, 0.5),
        quantile(quality.throughput_kbps, 0.05),
        quality.errors,
    )
