"""Runs several worker processes as one service: starts, watches and replaces them."""

import logging
import pickle
from collections import deque
from dataclasses import dataclass, field
from functools import cached_property
from time import monotonic

import uvicorn
from typing_extensions import override
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from balancer.edge.beats import Beats
from balancer.edge.listening import Edge, EdgeServer

MAX_DELAY = 30.0
"""Seconds to wait at most before a worker that keeps failing is started again."""

FIRST_DELAY = 0.5
"""Seconds to wait after the first failure; twice as long after each further one."""

logger = logging.getLogger("uvicorn.error")


@dataclass(frozen=True)
class Patience:
    """How long the supervisor waits for a worker.

    Attributes:
        start: Seconds from the start of the process until it serves.
        silence: Seconds without a turn of its event loop; longer than `start`.
    """

    start: float
    silence: float


class Worker(Process):
    """A process that serves.

    Args:
        config: uvicorn's configuration.
        edge: What its server is to be.
        number: Its place among the workers, from 0.

    Attributes:
        alive_at: When its event loop last turned, by the monotonic clock; None before it serves.
    """

    def __init__(self, config: uvicorn.Config, edge: Edge, number: int) -> None:
        self._edge = edge
        self._number = number
        self._started_at = monotonic()
        self._is_asked = False
        self.alive_at: float | None = None
        super().__init__(config, [])

    @cached_property
    @override
    def server(self) -> EdgeServer:
        """The server, created in the worker's own process."""
        return EdgeServer(self.config, self._edge, self._number)

    @override
    def pong(self) -> None:
        """Answer the supervisor, in a thread of the worker's process, with when the event loop last turned."""
        self.child_conn.recv()
        self.child_conn.send(self.server.alive_at)

    def look(self) -> None:
        """Take the worker's answer if it has come, and ask again; never waits."""
        try:
            if not self._is_asked:
                self.parent_conn.send(b"ping")
                self._is_asked = True
            if self.parent_conn.poll():
                self.alive_at = self.parent_conn.recv()
                self._is_asked = False
        except (OSError, EOFError, pickle.UnpicklingError):
            pass  # It has ended, which its exit code tells.

    def fault(self, patience: Patience) -> str | None:
        """Return what is wrong with the worker, None when nothing is."""
        if self.exitcode is not None:
            return f"ended with exit code {self.exitcode}"
        now = monotonic()
        if self.alive_at is None:
            return (
                f"did not start within {patience.start:g} seconds" if now - self._started_at > patience.start else None
            )
        return f"was silent for {patience.silence:g} seconds" if now - self.alive_at > patience.silence else None

    def discard(self) -> None:
        """End the process at once and wait for that."""
        self.kill()
        self.process.join()


@dataclass
class Place:
    """One of the workers of a service, whichever process it is at the moment.

    Attributes:
        number: From 0.
        worker: None while it waits to be started again.
        failures: How often in a row it ended before it served.
        start_at: When it is started again, by the monotonic clock.
    """

    number: int
    worker: Worker | None = None
    failures: int = 0
    start_at: float = 0.0


@dataclass
class Replacement:
    """A restart under way: each worker retires when its successor serves.

    Attributes:
        waiting: Places that still have their old worker.
        successor: Of the first of them, None before it is started.
    """

    waiting: deque[Place] = field(default_factory=deque)
    successor: Worker | None = None


class Supervisor(Multiprocess):
    """uvicorn's supervisor, with sockets per worker, and one that never waits: signals are obeyed within half a second.

    A worker that fails is started again, sooner or later after each failure in a row. The service ends only when told
    to, or when no worker has ever served and one cannot start.

    Args:
        config: uvicorn's configuration, with the number of workers.
        edge: What each server is to be.
        patience: With the workers.

    Attributes:
        has_failed: Whether the service ended because its workers cannot start.
    """

    def __init__(self, config: uvicorn.Config, edge: Edge, patience: Patience) -> None:
        super().__init__(config, [])
        self._edge = edge
        self._patience = patience
        edge.beats = Beats(config.workers)
        self._places = [Place(number) for number in range(config.workers)]
        self._restart = Replacement()
        # Told to end, and still answering what was under way.
        self._retired: list[Worker] = []
        self._has_served = False
        self.has_failed = False

    @override
    def init_processes(self) -> None:
        for place in self._places:
            place.worker = self._start(place.number)

    @override
    def keep_subprocess_alive(self) -> None:
        self._retired = [worker for worker in self._retired if worker.exitcode is None]
        for place in self._places:
            if self.should_exit.is_set():
                return
            self._look_after(place)
        self._go_on_replacing()

    @override
    def terminate_all(self) -> None:
        # Nobody may be left who takes connections for workers that take no more.
        self._edge.hold_off()
        self._edge.close()
        for worker in self._living():
            worker.terminate()

    @override
    def join_all(self) -> None:
        for worker in [*self._living(), *self._retired]:
            worker.join()

    @override
    def handle_hup(self) -> None:
        """Replace each worker when its successor serves."""
        logger.info("Received SIGHUP, restarting processes.")
        self._restart.waiting = deque(self._places)

    @override
    def handle_ttin(self) -> None:
        """Keep the number of workers: each has its socket."""

    @override
    def handle_ttou(self) -> None:
        """Keep the number of workers: each has its socket."""

    def _start(self, number: int) -> Worker:
        worker = Worker(self.config, self._edge, number)
        worker.start()
        return worker

    def _living(self) -> list[Worker]:
        return [worker for worker in [self._restart.successor, *(place.worker for place in self._places)] if worker]

    def _look_after(self, place: Place) -> None:
        worker = place.worker
        if worker is None:
            if monotonic() >= place.start_at:
                place.worker = self._start(place.number)
            return
        worker.look()
        if worker.alive_at is not None:
            self._has_served = True
            place.failures = 0
        fault = worker.fault(self._patience)
        if fault is None:
            return
        worker.discard()
        place.worker = None
        if (worker.exitcode or 0) > 0 and not self._has_served:
            logger.error("worker %d cannot start: the service ends", worker.pid)
            self.has_failed = True
            self.should_exit.set()
            return
        delay = 0.0
        if worker.alive_at is None:
            delay = min(FIRST_DELAY * 2**place.failures, MAX_DELAY)
            place.failures += 1
        place.start_at = monotonic() + delay
        logger.warning("worker %d %s; it is started again in %g seconds", worker.pid, fault, delay)
        self._look_after(place)

    def _go_on_replacing(self) -> None:
        restart = self._restart
        if not restart.waiting:
            return
        if restart.successor is None:
            restart.successor = self._start(restart.waiting[0].number)
            return
        successor = restart.successor
        successor.look()
        if successor.alive_at is not None:
            place = restart.waiting.popleft()
            if place.worker:
                place.worker.terminate()
                self._retired.append(place.worker)
            place.worker, restart.successor = successor, None
        elif fault := successor.fault(self._patience):
            successor.discard()
            logger.error("worker %d %s: the restart is given up", successor.pid, fault)
            self._restart = Replacement()
