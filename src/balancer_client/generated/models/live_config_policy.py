from enum import StrEnum


class LiveConfigPolicy(StrEnum):
    EXACT = "exact"
    FAILOVER = "failover"
    STICKY = "sticky"

    def __str__(self) -> str:
        return str(self.value)
