"""`make faults`: let everything go wrong under load, and write what players and admins got to docs/reliability.md."""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.attacks.attackers import ATTACKS, Victim, attacking, play
from tests.factories import AT_CDN, VIDEO
from tests.faults.players import Players, Seen
from tests.faults.stores import FAULTS, Row, Service, measure
from tests.processes import Balancer, wait_for

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"

_HEAD = """# Reliability

Written by `make faults` on {date}, on {cores} cores; each fault lasted {seconds:g} seconds. A service of two workers over PostgreSQL and
Redis (Valkey) stands behind small TCP proxies that misbehave, while players ask all the time: some keep their connection, some
make one for each request. *Right* is a redirect to the origin or to the CDN as configured; *share* is the origin's part, of which 10.0 % is
configured; *recovery* is the time from the end of the fault until stores, tickets and changes are as before.

## When stores fail

"""

_PROCESSES = """
## When processes fail

The same players, and a service of two workers on the embedded database. Whoever is connected to a process that is killed loses that
connection; a new one is answered by the others. Whoever is connected to a worker that is stopped waits until it goes on.

"""

_ATTACKS = """
## When one client attacks

A player asks on one connection of a process with the default limits, alone and beside each attack from one address. What is answered by
`429` or `400` is refused at the door; requests for videos are limited by `BALANCER_PLAYER_RATE`, which is off by default.

"""


def table(rows: list[list[str]]) -> str:
    """Return a table in Markdown; the first row is its head."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines) + "\n"


def store_row(row: Row) -> list[str]:
    """Return what a fault of a store did."""
    got: dict[str, list[str]] = {}
    for asked in row.asked:
        got.setdefault(asked.what, []).append(str(asked.status))
    slowest = max((asked.seconds for asked in row.asked if "health" not in asked.what), default=0.0)
    admins = "; ".join(
        f"{what.removesuffix('/config').strip()}: {', '.join(sorted(set(statuses)))}"
        for what, statuses in got.items()
        if "health" not in what
    )
    return [
        row.fault,
        *_counts(row.seen),
        f"{row.share:.1%}",
        f"{row.recovery:.1f} s",
        f"{admins}; {slowest:.1f} s at most",
    ]


def _counts(seen: Seen) -> list[str]:
    numbers = (seen.sent, seen.right.total(), seen.wrong, seen.failed)
    return [*(f"{number:,}" for number in numbers), f"{seen.slowest * 1000:.0f} ms"]


def kill_worker(balancer: Balancer) -> None:
    """Kill one worker as a crash would."""
    balancer.workers()[0].kill()
    wait_for(lambda: balancer.starts == 3, 60)


def restart(balancer: Balancer) -> None:
    """Replace the workers."""
    before = set(balancer.workers())
    balancer.process.send_signal(signal.SIGHUP)
    wait_for(lambda: not before & set(balancer.workers()), 60)


def stop_worker(balancer: Balancer) -> None:
    """Stop one worker for three seconds without ending it."""
    worker = balancer.workers()[0]
    worker.suspend()
    time.sleep(3)
    worker.resume()


PROCESS_FAULTS: dict[str, Callable[[Balancer], None]] = {
    "kill -9 of a worker": kill_worker,
    "SIGHUP: workers are replaced": restart,
    "SIGSTOP of a worker for three seconds": stop_worker,
}


@contextmanager
def running() -> Generator[Balancer, None, None]:
    """Run a service of two workers."""
    with tempfile.TemporaryDirectory() as folder, Balancer(Path(folder), None, WORKERS=2) as balancer:
        yield balancer


def process_row(name: str, fault: Callable[[Balancer], None]) -> list[str]:
    """Let a process fail under load, and return what players got."""
    with running() as balancer:
        players = Players(balancer.url, {VIDEO, AT_CDN}, each=4)
        time.sleep(1)
        fault(balancer)
        time.sleep(1)
        return [name, *_counts(players.stop())]


def attack_row(name: str, alone: Victim, seconds: float, balancer: Balancer) -> list[str]:
    """Return how a player fared beside an attack."""
    with attacking(balancer.url, name) as attack:
        victim = play(balancer.url, seconds)
    answers = ", ".join(f"{status or 'none'}: {count:,}" for status, count in attack.statuses.most_common(3))
    return [
        name,
        f"{alone.p99 * 1000:.2f} ms",
        f"{victim.p99 * 1000:.2f} ms",
        f"{victim.slowest * 1000:.1f} ms",
        answers,
    ]


def main() -> None:
    """Measure everything, and write the page."""
    seconds = float(os.environ.get("FAULTS_SECONDS", "5"))
    stores = [["Fault", "Sent", "Right", "Wrong", "Failed", "Slowest", "Share", "Recovery", "Admins got"]]
    with tempfile.TemporaryDirectory() as folder, Service(Path(folder)) as service:
        for fault in FAULTS:
            stores.append(store_row(measure(service, fault, seconds)))
            print(*stores[-1], sep=" | ", flush=True)
    processes = [["Fault", "Sent", "Right", "Wrong", "Failed", "Slowest"]]
    for name, fail in PROCESS_FAULTS.items():
        processes.append(process_row(name, fail))
        print(*processes[-1], sep=" | ", flush=True)
    attacks = [["Attack", "p99 alone", "p99 beside it", "Slowest", "The attacker got"]]
    with tempfile.TemporaryDirectory() as folder, Balancer(Path(folder)) as balancer:
        play(balancer.url, 1)
        alone = play(balancer.url, seconds)
        for name in ATTACKS:
            attacks.append(attack_row(name, alone, seconds, balancer))
            print(*attacks[-1], sep=" | ", flush=True)
    head = _HEAD.format(date=f"{datetime.now(UTC):%Y-%m-%d}", cores=os.cpu_count(), seconds=seconds)
    PAGE.write_text(head + table(stores) + _PROCESSES + table(processes) + _ATTACKS + table(attacks))
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
