"""The command `balancer`, also as `python -m balancer`."""

import gc
from importlib import import_module


def start() -> None:
    """Run the command. What is imported for it lives as long as it does: not to look for garbage in it saves time."""
    gc.disable()
    command = import_module("balancer.cli").main
    gc.freeze()
    gc.enable()
    command()


if __name__ == "__main__":
    start()
