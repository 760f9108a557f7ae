from enum import IntEnum


class ReadQualityWindow(IntEnum):
    VALUE_1 = 1
    VALUE_5 = 5
    VALUE_60 = 60

    def __str__(self) -> str:
        return str(self.value)
