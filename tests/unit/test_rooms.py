"""The core stays pure."""

import ast
from pathlib import Path

import balancer.core

PURE = {
    "array", "balancer", "base64", "collections", "contextlib", "dataclasses", "datetime", "enum", "fractions",
    "functools", "hashlib", "heapq", "hmac", "ipaddress", "itertools", "math", "re", "typing", "urllib",
}  # fmt: skip


def test_core_imports_only_pure_parts_of_the_standard_library() -> None:
    """The core imports nothing that does input or output, tells the time or comes from a third party."""
    found = set()
    for path in Path(balancer.core.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            found |= {name.partition(".")[0] for name in names}
    assert set() == found - PURE
