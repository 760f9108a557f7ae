"""What one process tells all others, and for how long that counts for whoever hears it."""

from datetime import datetime
from typing import Generic, Protocol, TypeVar

from balancer.core.clocks import Clock, Stopwatch


class Told(Protocol):
    """What is told: the whole of it each time."""

    @property
    def at(self) -> datetime:
        """When it was told; aware, in UTC."""
        ...

    @property
    def by(self) -> str:
        """The name of the process that tells it."""
        ...


News = TypeVar("News", bound=Told)


class Heard(Generic[News]):
    """What this process was told last.

    Args:
        clock: Tells how old the first news are that are heard.
        stopwatch: Tells for how long nothing new was heard: clocks of other hosts may be off.
        max_age: Seconds without anything new after which nothing counts any more.

    Attributes:
        latest: What was told last, None when that is nothing.
    """

    def __init__(self, clock: Clock, stopwatch: Stopwatch, max_age: float) -> None:
        self.latest: News | None = None
        self._clock = clock
        self._stopwatch = stopwatch
        self._max_age = max_age
        self._heard_at: float | None = None
        # What was told last, also where it did not count.
        self._told: News | None = None

    def hear(self, news: News | None) -> None:
        """Take in what is told now; None, and what was told already, is nothing new.

        What somebody else tells than before may have been left behind long ago, and counts only when its time says
        that it was not, or when it changes.
        """
        now = self._stopwatch()
        if self._heard_at is None:
            self._heard_at = now
        if news is None or news == self._told:
            return
        is_going_on = self._told is not None and self._told.by == news.by
        self._told = news
        if is_going_on or (self._clock() - news.at).total_seconds() <= self._max_age:
            self.latest, self._heard_at = news, now

    def forget(self) -> None:
        """There is nothing to hear any more."""
        self.latest = self._heard_at = self._told = None

    @property
    def age(self) -> float | None:
        """Seconds since anything new was heard, or since there is anything to hear; None when there is nothing."""
        return None if self._heard_at is None else max(0.0, self._stopwatch() - self._heard_at)

    @property
    def current(self) -> News | None:
        """What counts: None when it is too old, or when there is nothing."""
        age = self.age
        return self.latest if age is not None and age <= self._max_age else None
