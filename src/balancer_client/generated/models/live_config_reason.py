from enum import StrEnum


class LiveConfigReason(StrEnum):
    FAILOVER = "failover"
    ONLY_TARGET = "only-target"
    PANIC = "panic"
    SCHEDULE = "schedule"
    STANDBY = "standby"
    STICKY = "sticky"
    TIER = "tier"

    def __str__(self) -> str:
        return str(self.value)
