"""Quotas: how many requests one client may make. A token bucket for each, kept as one number (GCRA, ITU-T I.371 §A).

That number is the bucket's *debt*: the time in seconds until it is full again. A request costs one interval of the
quota, and is admitted while the debt leaves room for it in the burst. With a store that processes share, each process
admits by what it knows, tells the store soon what it has admitted, and learns the debt that all have made together.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from balancer.core.errors import RateLimited

UNITS = {"s": 1, "m": 60, "h": 3600}

MAX_CLIENTS = 50_000
"""Clients that a process remembers at least, and half of those that it remembers at most."""

SHARES = 16
"""A process tells the store what it has admitted once that is this part of the burst."""

_QUOTA = re.compile(r"([1-9][0-9]{0,6})/([smh])(?:;burst=([1-9][0-9]{0,6}))?")


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota: `count` requests per `seconds`, in bursts of up to `burst`.

    Attributes:
        count: Requests.
        seconds: Seconds in which a client may make that many.
        burst: Requests that a client may make at once after a pause.
    """

    count: int
    seconds: int
    burst: int

    @classmethod
    def parse(cls, text: str) -> "Quota":
        """Read `50/s`, `10/m` or `50/s;burst=200`; the burst is one second's worth when it is not given.

        Raises:
            ValueError: When it is anything else.
        """
        found = _QUOTA.fullmatch(text.replace(" ", ""))
        if found is None:
            raise ValueError("must be like 50/s, 600/m or 50/s;burst=200")
        count, seconds = int(found[1]), UNITS[found[2]]
        return cls(count, seconds, int(found[3]) if found[3] else max(1, count // seconds))

    def shown(self) -> str:
        """Return the quota as `parse` reads it: `50/s;burst=200`."""
        (unit,) = (name for name, seconds in UNITS.items() if seconds == self.seconds)
        return f"{self.count}/{unit};burst={self.burst}"

    @property
    def interval(self) -> float:
        """Seconds that one request costs."""
        return self.seconds / self.count


class Bucket:
    """What one client has used.

    Attributes:
        full_at: When the bucket will be full, by the process's clock.
        untold: Requests admitted here that the shared store does not know of.
    """

    __slots__ = ("full_at", "untold")

    def __init__(self) -> None:
        self.full_at = 0.0
        self.untold = 0


class Throttle:
    """Admits requests of clients within a quota. Time is given in seconds of any clock that does not run backwards.

    Memory is bounded: of more clients than it remembers, those that have been away longest begin with a full bucket.

    Args:
        name: Of the policy, as clients and the store see it: `player`.
        quota: What each client has.

    Attributes:
        interval: Seconds that one request costs.
        told_at: Requests of one client after which the shared store is to be told.
        young: The buckets in use, by client. One that was found here is its client's as long as this is the same dict.
        most: Seconds of debt that the shared store may hold against a client. It then waits no longer than a whole
            burst takes to come back, however much processes have admitted while they could not tell each other; and
            what they admit in the moment before they hear of each other is still paid back.
        on_due: Called when there is something to tell the shared store. Must not block.
    """

    def __init__(self, name: str, quota: Quota) -> None:
        self.name = name
        self.quota = quota
        self.on_due: Callable[[], None] | None = None
        self.interval = quota.interval
        # And a thousandth of a request, for what is lost in rounding.
        self._room = self.interval * (quota.burst - 1 + 0.001)
        self.told_at = max(1, quota.burst // SHARES)
        self.most = self.interval * (2 * quota.burst - 1)
        self.young: dict[str, Bucket] = {}
        self._old: dict[str, Bucket] = {}
        self._due: dict[str, Bucket] = {}

    def wait(self, client: str, now: float) -> float:
        """Return in how many seconds a request of this client would be admitted, 0 or less for at once."""
        bucket = self.young.get(client) or self._old.get(client)
        return bucket.full_at - now - self._room if bucket else 0.0

    def wait_behind(self, others: int, client: str, now: float) -> float:
        """Return the same as `wait` for a request that stands behind some that are not yet counted.

        Args:
            others: How many: requests of this client whose outcome decides whether they count.
            client: Whose request it is.
            now: The time.
        """
        bucket = self.young.get(client) or self._old.get(client)
        debt = max(bucket.full_at - now, 0.0) if bucket else 0.0
        return min(debt + others * self.interval, self.most) - self._room

    def spend(self, client: str, now: float) -> None:
        """Count a request that was admitted."""
        bucket = self.young.get(client) or self._remember(client)
        bucket.full_at = max(bucket.full_at, now) + self.interval
        if self.on_due:
            bucket.untold += 1
            if bucket.untold >= self.told_at:
                self.tell(client, bucket)

    def charge(self, client: str, now: float) -> float:
        """Count a request and return 0, or return the seconds until it would be admitted; it then costs nothing."""
        bucket = self.young.get(client) or self._remember(client)
        full_at = bucket.full_at
        if full_at > now:
            wait = full_at - now - self._room
            if wait > 0:
                return wait
            bucket.full_at = full_at + self.interval
        else:
            bucket.full_at = now + self.interval
        if self.on_due:
            bucket.untold += 1
            if bucket.untold >= self.told_at:
                self.tell(client, bucket)
        return 0.0

    def admit(self, client: str, now: float) -> None:
        """Count a request, or refuse it.

        Raises:
            RateLimited: When the client has used up what it may; it then costs nothing.
        """
        wait = self.charge(client, now)
        if wait > 0:
            raise self.refusal(wait)

    def check(self, client: str, now: float) -> None:
        """Refuse a request that would not be admitted.

        Raises:
            RateLimited: When the client has used up what it may.
        """
        wait = self.wait(client, now)
        if wait > 0:
            raise self.refusal(wait)

    def refusal(self, wait: float) -> RateLimited:
        """Return the error for a client that has to wait for so many seconds."""
        return RateLimited(self.name, self.quota.count, self.quota.seconds, self.quota.burst, wait)

    def take_due(self) -> dict[str, float]:
        """Return what the shared store is to be told: for clients, how many seconds of debt they have made here."""
        due, self._due = self._due, {}
        told = {}
        for client, bucket in due.items():
            told[client] = min(bucket.untold * self.interval, self.most)
            bucket.untold = 0
        return told

    def learn(self, debts: Mapping[str, float], now: float) -> None:
        """Take over what the shared store says: for clients, their debt in seconds from all processes together."""
        for client, debt in debts.items():
            if bucket := self.young.get(client) or self._old.get(client):
                bucket.full_at = now + min(debt + bucket.untold * self.interval, self.most)

    def tell(self, client: str, bucket: Bucket) -> None:
        """Have the shared store told what a client was admitted."""
        self._due[client] = bucket
        if self.on_due:
            self.on_due()

    def _remember(self, client: str) -> Bucket:
        bucket = self._old.pop(client, None) or Bucket()
        if len(self.young) >= MAX_CLIENTS:
            self._old, self.young = self.young, {}
        self.young[client] = bucket
        return bucket
