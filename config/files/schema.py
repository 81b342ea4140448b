"""JSON Schemas of what a person writes, with the docstring of every key as its description.

Owns workspaces/schema.json, by which editors complete and check workspace files; `python -m config.files.schema` writes
it.
"""

from __future__ import annotations

import ast
import functools
import inspect
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from config.workspace import Workspace

FILE = Path(__file__).parents[2] / "workspaces" / "schema.json"


class _Plain(GenerateJsonSchema):
    """Without the titles that repeat every key in capitals."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


@functools.cache
def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a model, described by its docstrings."""
    schema = model.model_json_schema(schema_generator=_Plain)
    docs: dict[str, dict[str, str]] = {}
    for module in ("config.fields", "config.providers", "config.stack", "config.workspace"):
        docs |= _docstrings(sys.modules[module]) if module in sys.modules else {}
    for name, part in [(model.__name__, schema), *schema.get("$defs", {}).items()]:
        for key, field in part.get("properties", {}).items():
            if text := docs.get(name, {}).get(key, "Which kind it is." if "const" in field else None):
                field["description"] = text
    return schema


def _docstrings(module: Any) -> dict[str, dict[str, str]]:
    """Class name -> attribute -> the docstring below it, the attributes of base classes in the module included."""
    found: dict[str, dict[str, str]] = {}
    for cls in ast.parse(inspect.getsource(module)).body:
        if isinstance(cls, ast.ClassDef):
            own: dict[str, str] = {}
            for base in cls.bases:
                own |= found.get(base.id, {}) if isinstance(base, ast.Name) else {}
            for above, below in zip(cls.body, cls.body[1:], strict=False):
                named = isinstance(above, ast.AnnAssign) and isinstance(above.target, ast.Name)
                if named and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                    own[above.target.id] = inspect.cleandoc(str(below.value.value))  # type: ignore[attr-defined]
            found[cls.name] = own
    return found


def workspace_schema() -> str:
    """The text of workspaces/schema.json."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema_of(Workspace)}
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(workspace_schema())
