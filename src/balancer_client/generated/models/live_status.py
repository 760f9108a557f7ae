from enum import StrEnum


class LiveStatus(StrEnum):
    DEGRADED = "degraded"
    OK = "ok"
    UNABLE = "unable"

    def __str__(self) -> str:
        return str(self.value)
