"""Hearing reports: what one process gathers within a step, before it becomes aggregates."""

from collections.abc import Callable, Iterable

from balancer.core.cmcd.reports import Report
from balancer.core.quality import distinct
from balancer.core.quality.aggregates import MAX_GROUPS, OTHER, REST, Group, Qualities, Quality, bounded_errors
from balancer.core.quality.histograms import bucket_of
from balancer.core.quality.sessions import session_hash

MAX_SESSIONS = 20_000
"""Sessions of which a process knows in a step what they said. Those that come later are only counted."""

MAX_TARGETS = 100
"""Targets whose remaining groups are counted together for each of them."""

MAX_WAITING = 6
"""Steps that wait to be taken; of more, the oldest are lost."""

MAX_STARVED_MS = 60_000
"""What one session can add to the time of starvation in a step."""

MAX_CODES = 4
"""Errors that one session can add in a step."""

LATE_MS = 5_000
"""Time to start from which a session counts as late."""

FIRST_ERROR = 400
"""HTTP statuses from here on are errors, and so is 0: no response."""


class _Session:
    """What one session has said in the open step."""

    __slots__ = ("errors", "start_ms", "starved", "starved_ms", "throughput_kbps")

    def __init__(self) -> None:
        self.starved = False
        self.starved_ms = 0
        self.start_ms: int | None = None
        self.throughput_kbps: int | None = None
        self.errors: set[str] | None = None

    def hear(self, report: Report) -> None:
        """Take in what the session says."""
        if report.throughput_kbps is not None:
            self.throughput_kbps = report.throughput_kbps
        if report.start_ms is not None:
            self.start_ms = max(report.start_ms, self.start_ms or 0)
        # Not the state `r`: some players are in it whenever they start.
        if report.starved or report.starvation_ms:
            self.starved = True
            self.starved_ms = min(max(report.starvation_ms or 0, self.starved_ms), MAX_STARVED_MS)
        if report.errors:
            for code in report.errors:
                self._fail(f"player {code}")
        if _is_error(report.status):
            self._fail(f"http {report.status}")

    def _fail(self, error: str) -> None:
        self.errors = self.errors or set()
        if len(self.errors) < MAX_CODES:
            self.errors.add(error)


class _Gathered:
    """What one group has said in the open step.

    Attributes:
        reports: How many came.
        sessions: What each has said, by its hash.
        crowds: Registers of the sessions for which there was no room: of all, and of those that starved, failed and
            were late.
    """

    __slots__ = ("crowds", "reports", "sessions")

    def __init__(self) -> None:
        self.reports = 0
        self.sessions: dict[int, _Session] = {}
        self.crowds = [bytearray() for _ in range(4)]

    def count(self, session: int, report: Report) -> None:
        """Take in that there is a session, without a record of it."""
        is_starved = bool(report.starved or report.starvation_ms)
        has_failed = bool(report.errors) or _is_error(report.status)
        _note(self.crowds, session, is_starved, has_failed, _is_late(report.start_ms))

    def quality(self) -> Quality:
        """Return the aggregate of it all."""
        registers = [bytearray(crowd) for crowd in self.crowds]
        starved_ms = 0
        start_ms: dict[int, int] = {}
        throughput: dict[int, int] = {}
        errors: dict[str, int] = {}
        for session, said in self.sessions.items():
            _note(registers, session, said.starved, bool(said.errors), _is_late(said.start_ms))
            starved_ms += said.starved_ms
            for value, histogram in ((said.start_ms, start_ms), (said.throughput_kbps, throughput)):
                if value is not None:
                    bucket = bucket_of(value)
                    histogram[bucket] = histogram.get(bucket, 0) + 1
            for error in said.errors or ():
                errors[error] = errors.get(error, 0) + 1
        sessions, starved, failed, late = map(bytes, registers)
        counted = bounded_errors(errors)
        return Quality(self.reports, sessions, starved, starved_ms, start_ms, throughput, counted, failed, late)


def _note(registers: list[bytearray], session: int, *troubles: bool) -> None:
    """Add a session to the registers of all, and to those of each trouble that it has."""
    for place, is_so in enumerate((True, *troubles)):
        if is_so:
            registers[place] = registers[place] or bytearray(distinct.REGISTERS)
            distinct.note(registers[place], session)


def _is_error(status: int | None) -> bool:
    return status is not None and (status >= FIRST_ERROR or status == 0)


def _is_late(start_ms: int | None) -> bool:
    return start_ms is not None and start_ms >= LATE_MS


class Closed:
    """A step that is over, as it was heard; nothing of it changes any more.

    Args:
        number: Of the step.
        groups: What each group has said.
    """

    def __init__(self, number: int, groups: dict[Group, _Gathered]) -> None:
        self.number = number
        self._groups = groups

    def qualities(self) -> Qualities:
        """Add it all up, which may take some ten milliseconds."""
        return {group: gathered.quality() for group, gathered in self._groups.items()}


class Recorder:
    """Gathers the reports that one process receives, and hands them on by the step.

    Its memory is bounded by the constants of this module, whatever clients send. A session counts once for each step:
    of its values, the last throughput and the longest times are taken, so that many reports weigh no more than one. A
    report without a session counts as a report alone.
    """

    def __init__(self) -> None:
        self._step = 0
        self._sessions = 0
        self._groups: dict[Group, _Gathered] = {}
        self._closed: list[Closed] = []

    def hear(self, step: int, reports: Iterable[Report], group_of: Callable[[Report], Group], key: bytes) -> None:
        """Take in the reports of one request.

        Args:
            step: The present one; of a clock that was put back, what comes counts for the step that is open.
            reports: In the order in which they were sent.
            group_of: Returns the group of a report.
            key: Of the hashes of sessions.
        """
        if step > self._step:
            self._turn(step)
        hashes: dict[str, int] = {}
        for report in reports:
            group = group_of(report)
            gathered = self._groups.get(group) or self._gathered(group)
            gathered.reports += 1
            name = report.session
            if name is None:
                continue
            session = hashes.get(name)
            if session is None:
                session = hashes[name] = session_hash(name, key)
            said = gathered.sessions.get(session) or self._admit(gathered, session)
            if said:
                said.hear(report)
            else:
                gathered.count(session, report)

    def take(self, step: int) -> list[Closed]:
        """Return the steps before this one that were not taken yet, in order."""
        if step > self._step:
            self._turn(step)
        taken, self._closed = self._closed, []
        return taken

    def _turn(self, step: int) -> None:
        if self._groups:
            self._closed = [*self._closed, Closed(self._step, self._groups)][-MAX_WAITING:]
        self._step, self._groups, self._sessions = step, {}, 0

    def _gathered(self, group: Group) -> _Gathered:
        """Return where a group is gathered: where there are too many, with others of its target."""
        groups = self._groups
        if group not in groups and len(groups) >= MAX_GROUPS:
            group = Group(group.target, OTHER, "")
            if group not in groups and len(groups) >= MAX_GROUPS + MAX_TARGETS:
                group = REST
        if group not in groups:
            groups[group] = _Gathered()
        return groups[group]

    def _admit(self, gathered: _Gathered, session: int) -> _Session | None:
        if self._sessions >= MAX_SESSIONS:
            return None
        self._sessions += 1
        said = gathered.sessions[session] = _Session()
        return said
