"""Traces: what goes wrong where, and when."""

from collections.abc import Callable
from typing import NamedTuple

CALM = 0.002
"""Part of the reports that tell of starvation where all is well: 3 % of the sessions in five minutes."""

BAD = 0.08
"""The same where a CDN is bad: two of three sessions in five minutes."""

VICTIM = "cdn-a"
"""The CDN that gets into trouble."""


class Trace(NamedTuple):
    """One course of events.

    Attributes:
        name: For tables.
        begin: Minute in which the trouble begins, None where there is none.
        end: Minute in which it is over.
        starving: By minute, target and country, the part of the reports that tell of starvation.
    """

    name: str
    begin: float | None
    end: float | None
    starving: Callable[[float, str, str], float]


def _one_country(minute: float, target: str, country: str) -> float:
    return BAD if target == VICTIM and country == "DE" and 20 <= minute < 70 else CALM


def _suddenly(minute: float, target: str, _country: str) -> float:
    return BAD if target == VICTIM and 20 <= minute < 70 else CALM


def _slowly(minute: float, target: str, _country: str) -> float:
    if target != VICTIM or not 20 <= minute < 70:
        return CALM
    return CALM + (BAD - CALM) * min(1.0, (minute - 20) / 30)


def _flapping(minute: float, target: str, _country: str) -> float:
    return BAD if target == VICTIM and 20 <= minute < 80 and minute % 12 >= 8 else CALM


def _never(_minute: float, _target: str, _country: str) -> float:
    return CALM


TRACES = (
    Trace("bad in one country", 20, 70, _one_country),
    Trace("bad everywhere, suddenly", 20, 70, _suddenly),
    Trace("bad everywhere, slowly", 20, 70, _slowly),
    Trace("flapping", 20, 80, _flapping),
    Trace("nothing but noise", None, None, _never),
)
