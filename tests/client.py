"""Makes the Python client from the OpenAPI document, for `make client`: `python -m tests.client [FOLDER]`."""

import ast
import json
import keyword
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.openapi import nodes, operations, served

Json = dict[str, Any]

GENERATED = Path(__file__).parents[1] / "src" / "balancer_client" / "generated"

LEFT_OUT = {"player"}
"""Tags of operations that are no admin's business."""

STREAM = "text/event-stream"
"""What never ends is read event by event, which the generator knows nothing of."""

SCHEMAS = "#/components/schemas/"

_NAMES = {
    # A class whose field has its name would lose its type.
    "Rules": "RuleList",
    # These have a number because null may stand in their place.
    "ExplainedReasonType0": "ExplainedReason",
    "ExplainedSkippedAdditionalProperty": "SkippedReason",
    "LoopConfigIdleType0": "LoopConfigIdle",
    "TargetStateLoopWhyType0": "TargetStateLoopWhy",
    "TargetStatsVerdictType0": "TargetStatsVerdict",
}
"""Classes that get another name than the generator's."""

# The configuration of the checkout leaves generated code alone; what is made elsewhere must be the same.
_TIDY = (
    ["check", "--fix-only", "--select=F401,F811,I001,W", "--config=lint.isort.known-first-party=['balancer_client']"],
    ["format"],
)
_STYLE = ["--isolated", "--quiet", "--no-cache", "--target-version=py311", "--line-length=120"]

_WIDE = textwrap.TextWrapper(110)
_DEEP = textwrap.TextWrapper(110, subsequent_indent="        ")

_HEAD = '''"""What an admin can ask: a method for each operation of the OpenAPI document."""

from balancer_client.answers import Answers, AsyncAnswers
from balancer_client.generated.types import UNSET
'''


def for_admins(document: Json) -> Json:
    """Return a document without operations that are left out or never end, and without what only they use."""
    paths: Json = {}
    for path, item in document["paths"].items():
        kept = {
            method: one
            for method, one in item.items()
            if not (
                LEFT_OUT.intersection(one["tags"])
                or STREAM in one.get("responses", {}).get("200", {}).get("content", {})
            )
        }
        if kept:
            paths[path] = kept
    schemas = document["components"]["schemas"]
    used: set[str] = set()
    new = set(_named(paths))
    while new:
        used |= new
        new = {name for one in new for name in _named(schemas[one])} - used
    kept_schemas = {name: schema for name, schema in schemas.items() if name in used}
    return {**document, "paths": paths, "components": {**document["components"], "schemas": kept_schemas}}


def _named(value: Any) -> Iterator[str]:
    for _, node in nodes(value):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith(SCHEMAS):
            yield reference.removeprefix(SCHEMAS)


def generate(folder: Path) -> None:
    """Make the generated part of the client.

    Args:
        folder: Where its modules are put; what is there is deleted.

    Raises:
        RuntimeError: With the generator's words, when there is something in the document that it leaves out.
    """
    with tempfile.TemporaryDirectory() as made:
        new = Path(made) / "generated"
        source, options = Path(made) / "openapi.json", Path(made) / "options.json"
        document = for_admins(served(log_level="warning"))
        source.write_text(json.dumps(document))
        names = {old: {"class_name": new, "module_name": _snake(new)} for old, new in _NAMES.items()}
        settings = {"class_overrides": names, "docstrings_on_attributes": True, "post_hooks": []}
        options.write_text(json.dumps(settings))
        given = ["--path", source, "--config", options, "--output-path", new, "--meta=none", "--fail-on-warning"]
        done = _run("openapi_python_client", "generate", *map(str, given))
        if done.returncode:
            raise RuntimeError(f"The generator failed:\n{done.stdout}{done.stderr}")
        (new / "operations.py").write_text(_operations(new / "api", document))
        for step in _TIDY:
            _run("ruff", *step, *_STYLE, str(new)).check_returncode()
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(new, folder)


def _run(module: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


class Operation(NamedTuple):
    """One operation, as the generator has written it.

    Attributes:
        module: Its module in the package `api`: `config.change_config`.
        name: That of the method.
        arguments: With their types and defaults; the body first.
        answer: The type of the answer, None where there is none.
        doc: What it does.
        imports: Lines that its types need.
    """

    module: str
    name: str
    arguments: tuple[ast.arg, ...]
    answer: str | None
    doc: str
    imports: frozenset[str]


def _operations(folder: Path, document: Json) -> str:
    """Return the source of the classes whose methods are the operations."""
    docs = {_snake(one["operationId"]): _doc(one, document) for _, one in operations(document)}
    found = [_read(path, docs) for path in sorted(folder.glob("*/[a-z]*.py"))]
    lines = [_HEAD, *sorted({line for one in found for line in one.imports})]
    for group, _, module in sorted(one.module.partition(".") for one in found):
        lines.append(f"from balancer_client.generated.api.{group} import {module} as _{module}")
    for is_async in (False, True):
        lines += _class(found, is_async=is_async)
    return "\n".join(lines) + "\n"


def _snake(name: str) -> str:
    """Return a name as Python has it: `read_config` for `readConfig`, `if_match` for `If-Match`, `from_` for `from`."""
    made = re.sub(r"(?<=[a-z])(?=[A-Z])|-", "_", name).lower()
    return f"{made}_" if keyword.iskeyword(made) else made


def _doc(operation: Json, document: Json) -> str:
    """Return a docstring, as the document describes an operation."""
    told = {_snake(one["name"]): one["description"] for one in operation.get("parameters", [])}
    for media in operation.get("requestBody", {}).get("content", {}).values():
        schema = document["components"]["schemas"][media["schema"]["$ref"].removeprefix(SCHEMAS)]
        told = {"body": schema["description"], **told}
    parts = [operation["summary"] + "."]
    if operation["description"] != parts[0]:
        parts += [_WIDE.fill(each) for each in operation["description"].split("\n\n")]
    if told:
        arguments = (_DEEP.fill(f"    {name}: {text}") for name, text in told.items())
        parts.append("\n".join(["Args:", *arguments]))
    return "\n\n".join(parts)


def _read(path: Path, docs: Mapping[str, str]) -> Operation:
    tree = ast.parse(path.read_text())
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "sync_detailed")
    given = [argument for argument in function.args.kwonlyargs if argument.arg != "client"]
    given.sort(key=lambda argument: argument.arg != "body")
    assert isinstance(function.returns, ast.Subscript)
    kinds = ast.unparse(function.returns.slice).split(" | ")
    answers = [kind for kind in kinds if kind not in {"Any", "None", "Problem"}]
    names = {
        node.id for one in given if one.annotation for node in ast.walk(one.annotation) if isinstance(node, ast.Name)
    }
    return Operation(
        f"{path.parent.name}.{path.stem}",
        path.stem,
        tuple(given),
        answers[0] if answers else None,
        docs[path.stem],
        frozenset(_imports(tree, {*names, *answers})),
    )


def _imports(tree: ast.Module, names: set[str]) -> Iterator[str]:
    """Yield the imports that bring some names, from the top of the package."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            module = f"balancer_client.generated.{node.module}" if node.level else node.module
            yield from (f"from {module} import {alias.name}" for alias in node.names if alias.name in names)


def _class(found: list[Operation], *, is_async: bool) -> list[str]:
    prefix, awaited, call = ("async ", "await ", "asyncio_detailed") if is_async else ("", "", "sync_detailed")
    kind = "Async" if is_async else ""
    lines = ["", "", f"class {kind}Operations({kind}Answers):", f'    """The operations{", awaited" * is_async}."""']
    for one in found:
        given = [_argument(argument) for argument in one.arguments]
        if given and not given[0].startswith("body:"):
            given.insert(0, "*")
        elif len(given) > 1:
            given.insert(1, "*")
        passed = "".join(f", {argument.arg}={_passed(argument.arg)}" for argument in one.arguments)
        request = f"lambda: _{one.name}.{call}(client=self._client{passed})"
        answer = (
            f"return {awaited}self._one({one.answer}, {request})"
            if one.answer
            else f"{awaited}self._nothing({request})"
        )
        doc = textwrap.indent(one.doc, " " * 8).strip()
        lines += [
            "",
            f"    {prefix}def {one.name}(self{''.join(f', {each}' for each in given)}) -> {one.answer}:",
            f'        """{doc}\n        """',
            f"        {answer}",
        ]
    return lines


def _passed(name: str) -> str:
    return f"self._key({name})" if name == "idempotency_key" else name


def _argument(argument: ast.arg) -> str:
    kind = ast.unparse(argument.annotation) if argument.annotation else "object"
    return f"{argument.arg}: {kind}" + (" = UNSET" if "Unset" in kind else "")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else GENERATED)
