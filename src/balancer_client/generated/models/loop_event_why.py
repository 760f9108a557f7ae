from enum import StrEnum


class LoopEventWhy(StrEnum):
    BOUNDS = "bounds"
    ERRORS = "errors"
    NO_BETTER = "no-better"
    START_UP = "start-up"
    STARVATION = "starvation"
    WAY_BACK = "way-back"

    def __str__(self) -> str:
        return str(self.value)
