from enum import StrEnum


class Scheme(StrEnum):
    HTTP = "http"
    HTTPS = "https"
    KEEP = "keep"

    def __str__(self) -> str:
        return str(self.value)
