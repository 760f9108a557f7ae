from enum import StrEnum


class LoopConfigIdle(StrEnum):
    ALIKE = "alike"
    ALONE = "alone"
    AT_BOUNDS = "at-bounds"
    FAILOVER = "failover"
    FEW_NETWORKS = "few-networks"
    FEW_SESSIONS = "few-sessions"
    FROZEN = "frozen"
    NO_CMCD = "no-cmcd"
    NO_REPORTS = "no-reports"
    PANIC = "panic"
    UNTOLD = "untold"
    WAITING = "waiting"

    def __str__(self) -> str:
        return str(self.value)
