"""Runs the balancer where the laboratory's origin has an address: `python resolving.py python -m balancer serve`.

The balancer asks the origin for manifests by its name, which no resolver knows.
"""

import runpy
import sys
from typing import Any

import uvloop

ORIGIN = "s1.origin-cluster"

_resolve = uvloop.Loop.getaddrinfo


async def _getaddrinfo(loop: uvloop.Loop, host: Any, *arguments: Any, **options: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    return await _resolve(loop, "127.0.0.1" if name == ORIGIN else host, *arguments, **options)


if __name__ == "__main__":
    uvloop.Loop.getaddrinfo = _getaddrinfo  # type: ignore[method-assign, assignment]
    # Without this file, the interpreter and `-m`.
    sys.argv = sys.argv[3:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
