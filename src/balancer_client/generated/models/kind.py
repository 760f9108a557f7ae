from enum import StrEnum


class Kind(StrEnum):
    CDN = "cdn"
    ORIGIN = "origin"

    def __str__(self) -> str:
        return str(self.value)
