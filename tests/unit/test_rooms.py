"""The core stays pure."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import balancer.core

CORE = Path(balancer.core.__file__).parent

PURE = {
    "array", "base64", "bisect", "collections", "collections.abc", "contextlib", "dataclasses", "datetime", "enum",
    "fractions", "fnmatch", "functools", "hashlib", "heapq", "hmac", "ipaddress", "itertools", "math", "operator", "re",
    "struct", "typing", "urllib.parse", "xml.parsers.expat", "zlib",
}  # fmt: skip


def imported(source: str) -> Iterator[str]:
    """Yield the full name of every module that a source imports, in any form."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield "." * node.level + (node.module or "")
        elif isinstance(node, ast.ImportFrom):
            # `from urllib import request` imports a module of the package.
            module = node.module or ""
            yield from (f"{module}.{alias.name}" for alias in node.names) if module == "urllib" else [module]


def impure(source: str) -> set[str]:
    """Return the modules that a source may not import as part of the core."""
    return {name for name in imported(source) if name not in PURE and not name.startswith("balancer.core.")}


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=lambda path: str(path.relative_to(CORE)))
def test_core_imports_only_pure_parts_of_the_standard_library(path: Path) -> None:
    """No file of the core, however deep, imports what does input or output, tells the time or is a third party's."""
    assert set() == impure(path.read_text())


@pytest.mark.parametrize(
    ("source", "found"),
    [
        pytest.param("import urllib.request", {"urllib.request"}, id="a module of a package"),
        pytest.param("from urllib import request", {"urllib.request"}, id="a module from its package"),
        pytest.param("from urllib.request import urlopen", {"urllib.request"}, id="a name of a module"),
        pytest.param("from balancer.adapters.sql import tables", {"balancer.adapters.sql"}, id="another room"),
        pytest.param("from balancer import headers", {"balancer"}, id="the package itself"),
        pytest.param("from . import errors", {"."}, id="a relative import"),
        pytest.param("def f():\n    import os", {"os"}, id="inside a function"),
        pytest.param("from urllib.parse import quote", set(), id="a pure module"),
    ],
)
def test_what_is_impure_is_found(source: str, found: set[str]) -> None:
    """The check above sees an import in every form that Python has."""
    assert found == impure(source)
