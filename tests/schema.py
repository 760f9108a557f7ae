"""Makes the JSON Schema of the file of configs and rules, from the OpenAPI document: `python -m tests.schema`."""

import json
from pathlib import Path
from typing import Any

from tests.openapi import nodes, served

Json = dict[str, Any]

ROOT = Path(__file__).parents[1]

PLACES = (
    ROOT / "docs" / "balancer.schema.json",
    ROOT / "src" / "balancer" / "cli" / "declared" / "balancer.schema.json",
)
"""Where it is published, and where the command line reads it."""

_COMPONENTS, _DEFINED = "#/components/schemas/", "#/$defs/"

_WHICH = {
    "id": {"type": "integer", "description": "Which config, by its id; where its name does not say it."},
    "default": {"type": "boolean", "description": "True for the default config, whichever id it has."},
}


def schema(document: Json) -> Json:
    """Return the schema of the file.

    Args:
        document: The OpenAPI document.
    """
    schemas: Json = document["components"]["schemas"]
    config, rule = schemas["ConfigPatch"], schemas["RuleItem"]
    fields = {name: value for name, value in config["properties"].items() if name not in {"id", "reason"}}
    chosen = {
        "anyOf": [{"type": "string"}, {"type": "integer"}],
        "description": "The config that it chooses: its name, in this file or of the service, or its id.",
    }
    renamed = {"config" if name == "config_id" else name: value for name, value in rule["properties"].items()}
    made = {
        "ConfigInFile": {
            "description": "A config. What is not given stays as it is; a new one needs targets.",
            "type": "object",
            "properties": {**_WHICH, **fields},
            "additionalProperties": False,
        },
        "RuleInFile": {**rule, "properties": {**renamed, "config": chosen}, "required": ["name", "config"]},
    }
    used = dict(made)
    while new := {name: schemas[name] for name in _named(used) if name not in used}:
        used |= new
    text = json.dumps(used).replace(_COMPONENTS, _DEFINED)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configs and rules of a video balancer",
        "description": "What `balancer apply` reads and `balancer export` writes.",
        "type": "object",
        "properties": {
            "configs": {
                "type": "array",
                "items": {"$ref": f"{_DEFINED}ConfigInFile"},
                "description": "Configs, each named by `name`, `id` or `default`.",
            },
            "rules": {
                "type": "array",
                "items": {"$ref": f"{_DEFINED}RuleInFile"},
                "description": "All rules, in order; without this field the rules stay as they are.",
            },
        },
        "additionalProperties": False,
        "$defs": dict(sorted(json.loads(text).items())),
    }


def _named(value: Json) -> set[str]:
    references = [node["$ref"] for _, node in nodes(value) if isinstance(node.get("$ref"), str)]
    return {reference.removeprefix(_COMPONENTS) for reference in references}


def text() -> str:
    """Return the schema as it is written."""
    return json.dumps(schema(served(log_level="warning")), indent=2) + "\n"


if __name__ == "__main__":
    made = text()
    for place in PLACES:
        place.write_text(made)
