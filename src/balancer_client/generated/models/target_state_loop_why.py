from enum import StrEnum


class TargetStateLoopWhy(StrEnum):
    ALIKE = "alike"
    ALONE = "alone"
    AT_BOUNDS = "at-bounds"
    BOUNDS = "bounds"
    ERRORS = "errors"
    FAILOVER = "failover"
    FEW_NETWORKS = "few-networks"
    FEW_SESSIONS = "few-sessions"
    FROZEN = "frozen"
    NO_BETTER = "no-better"
    NO_CMCD = "no-cmcd"
    NO_REPORTS = "no-reports"
    PANIC = "panic"
    START_UP = "start-up"
    STARVATION = "starvation"
    UNTOLD = "untold"
    WAITING = "waiting"
    WAY_BACK = "way-back"

    def __str__(self) -> str:
        return str(self.value)
