"""Hearing players: whatever way a report comes in, it is read, attributed and gathered here."""

from collections.abc import Callable, Sequence

from balancer.core.cmcd.reading import from_event_lines, from_fields, from_query
from balancer.core.cmcd.reports import Events, Report
from balancer.core.quality.aggregates import Group
from balancer.core.quality.hosts import ELSEWHERE, TargetHosts
from balancer.core.quality.networks import network_of
from balancer.core.quality.recording import Closed, Recorder
from balancer.core.quality.sessions import DAY, key_of
from balancer.core.quality.windows import STEP
from balancer.core.rules.ports import ClientPlaces

MAX_PLACES = 20_000
"""Addresses whose network and country are remembered, in memory alone."""

MAX_KNOWN = 40_000
"""Sessions of which it is remembered where they are."""

PARAMETER = b"CMCD="
"""Begins the parameter of a query that is a report."""


class Hearing:
    """Takes in what the players of one process report.

    Events of a player's state name no host. They count for the target that their session named last, or was sent to
    last, as far as this process knows.

    Args:
        targets: Find the target by the host that a report names.
        places: Know where clients are.
        secret: What the keys of sessions' hashes are derived from.

    Attributes:
        heard: Reports that were read.
        malformed: Those that could not be, and those beyond the limits of a body.
    """

    def __init__(self, targets: TargetHosts, places: ClientPlaces, secret: bytes) -> None:
        self._recorder = Recorder()
        self._targets = targets
        self._places = places
        self._secret = secret
        self._day = -1
        self._key = b""
        self._edition = places.edition
        self._found: dict[str, tuple[str, str]] = {}
        self._sessions = _Whereabouts()
        self.heard = self.malformed = 0

    def hear_events(self, body: bytes, address: str, now: int) -> Events:
        """Take in a body of events, and return what was read of it.

        Args:
            body: A line for each event.
            address: Of the client; only its network and country are kept.
            now: Seconds since 1970.
        """
        events = from_event_lines(body)
        self.heard += len(events.reports)
        self.malformed += events.malformed + events.dropped
        if events.reports:
            self._learn(events.reports)
            self._gather(events.reports, self._target_of, address, now)
        return events

    def hear_request(self, query: bytes, fields: Sequence[bytes], target: str, address: str, now: int) -> None:
        """Take in the report that goes with a request, if it has one.

        Args:
            query: The raw query string; its parameter `CMCD` goes before the fields.
            fields: The values of the header fields of CMCD.
            target: Name of the one that the player is sent to.
            address: Of the client; only its network and country are kept.
            now: Seconds since 1970.
        """
        value = next((part[len(PARAMETER) :] for part in query.split(b"&") if part.startswith(PARAMETER)), None)
        if value is None and not fields:
            return
        report = from_fields(fields) if value is None else from_query(value)
        if report is None:
            self.malformed += 1
            return
        self.heard += 1
        if report.session is not None:
            self._sessions.put(report.session, target)
        self._gather([report], lambda _report: target, address, now)

    def take(self, now: int) -> list[Closed]:
        """Return the steps that are over and were not taken yet."""
        return self._recorder.take(now // STEP)

    def _gather(self, reports: Sequence[Report], target_of: Callable[[Report], str], address: str, now: int) -> None:
        if now // DAY != self._day:
            self._day, self._key = now // DAY, key_of(self._secret, now)
        network, country = self._place_of(address)
        groups: dict[str, Group] = {}

        def group_of(report: Report) -> Group:
            target = target_of(report)
            return groups.get(target) or groups.setdefault(target, Group(target, network, country))

        self._recorder.hear(now // STEP, reports, group_of, self._key)

    def _learn(self, reports: Sequence[Report]) -> None:
        """Note where sessions are, before it is asked: the first events of a body may be those that name no host."""
        told: dict[str, str] = {}
        for report in reports:
            if report.host is not None and report.session is not None and (name := self._targets.name_of(report.host)):
                told[report.session] = name
        for session, name in told.items():
            self._sessions.put(session, name)

    def _target_of(self, report: Report) -> str:
        if report.host is not None:
            return self._targets.name_of(report.host)
        return self._sessions.get(report.session) if report.session is not None else ELSEWHERE

    def _place_of(self, address: str) -> tuple[str, str]:
        places = self._places
        if places.edition != self._edition or len(self._found) >= MAX_PLACES:
            self._edition = places.edition
            self._found.clear()
        found = self._found.get(address)
        if found is None:
            network = network_of(address, places.asn(address) if places.has_asns else None)
            country = places.country(address) if places.has_countries else None
            found = self._found[address] = network, country or ""
        return found


class _Whereabouts:
    """By session, the name of the target where it was last. Of many, those that were not heard of for long are lost.

    Sessions are told apart by the hash that a dictionary would use, which is another one in each process.
    """

    def __init__(self) -> None:
        self._young: dict[int, str] = {}
        self._old: dict[int, str] = {}

    def put(self, session: str, target: str) -> None:
        """Note where a session is."""
        if len(self._young) >= MAX_KNOWN // 2:
            self._old, self._young = self._young, {}
        self._young[hash(session)] = target

    def get(self, session: str) -> str:
        """Return where a session is, `ELSEWHERE` where that is not known."""
        number = hash(session)
        return self._young.get(number) or self._old.get(number) or ELSEWHERE
