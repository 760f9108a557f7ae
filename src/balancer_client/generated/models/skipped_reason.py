from enum import StrEnum


class SkippedReason(StrEnum):
    DISABLED = "disabled"
    DRAINED = "drained"
    LATER_TIER = "later-tier"
    NOT_CHOSEN = "not-chosen"
    UNHEALTHY = "unhealthy"

    def __str__(self) -> str:
        return str(self.value)
