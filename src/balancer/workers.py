"""Several processes that serve as one: who starts them, looks after them, and replaces those that end."""

import logging
from functools import cached_property

import uvicorn
from typing_extensions import override
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from balancer.edge.beats import Beats
from balancer.edge.listening import Edge, EdgeServer

logger = logging.getLogger("uvicorn.error")


class Worker(Process):
    """A process that serves.

    Args:
        config: uvicorn's configuration.
        edge: What its server is to be.
        number: Its place among the workers, from 0.
    """

    def __init__(self, config: uvicorn.Config, edge: Edge, number: int) -> None:
        self._edge = edge
        self._number = number
        super().__init__(config, [])

    @cached_property
    @override
    def server(self) -> EdgeServer:
        """The server, made where it runs."""
        return EdgeServer(self.config, self._edge, self._number)


class Supervisor(Multiprocess):
    """uvicorn's supervisor with workers that know their number, as each has a socket of its own.

    Args:
        config: uvicorn's configuration, with the number of workers.
        edge: What each server is to be.
    """

    def __init__(self, config: uvicorn.Config, edge: Edge) -> None:
        super().__init__(config, [])
        self._edge = edge
        edge.beats = Beats(config.workers)

    @override
    def init_processes(self) -> None:
        self.processes = [self._start(number) for number in range(self.processes_num)]

    @override
    def terminate_all(self) -> None:
        # Nobody may be left who takes connections for workers that take no more.
        self._edge.close()
        super().terminate_all()

    @override
    def restart_all(self) -> None:
        """Replace each worker when its replacement serves."""
        for number, old in enumerate(self.processes):
            new = self._start(number)
            if not new.wait_until_ready(self.config.timeout_worker_healthcheck, self.should_exit):
                new.kill()
                new.join()
                logger.error("worker %d did not start in time: the restart is given up", new.pid)
                return
            old.terminate()
            old.join()
            self.processes[number] = new

    @override
    def keep_subprocess_alive(self) -> None:
        for number, worker in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            if worker.is_alive(self.config.timeout_worker_healthcheck):
                continue
            worker.kill()
            worker.join()
            if worker.exitcode == STARTUP_FAILURE:
                logger.error("worker %d cannot start: the service ends", worker.pid)
                self.should_exit.set()
                return
            logger.info("Child process [%d] died", worker.pid)
            self.processes[number] = self._start(number)

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
