from enum import StrEnum


class StatsAnswerScope(StrEnum):
    FLEET = "fleet"
    HOST = "host"

    def __str__(self) -> str:
        return str(self.value)
