"""JSON Schemas of the models, with the docstring of every key as its description: what refusals and reference read.

Does not own: the files that editors read, which are made from these (`editors`).
"""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import sys
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from config.fields.written import Written, models


class _Plain(GenerateJsonSchema):
    """Without the titles that repeat every key in capitals, and with all that a mapping says of its keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def dict_schema(self, schema: Any) -> dict[str, Any]:
        """Pydantic's own lets every key pass that does not match."""
        made: dict[str, Any] = {"type": "object", "additionalProperties": self.generate_inner(schema["values_schema"])}
        names = self.generate_inner(schema["keys_schema"])
        return made if names == {"type": "string"} else made | {"propertyNames": names}

    def tagged_union_schema(self, schema: Any) -> dict[str, Any]:
        """With our words for a value that is none of the kinds."""
        made = super().tagged_union_schema(schema)
        words = schema.get("custom_error_message")
        return made | {"errorMessage": words} if words else made


@functools.cache
def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a model, described by its docstrings."""
    schema = model.model_json_schema(schema_generator=_Plain)
    docs = {
        each.__name__: {
            key: text
            for base in reversed(each.__mro__)
            if issubclass(base, Written)
            for key, text in _docstrings(base.__module__)[base.__name__].items()
        }
        for each in models()
    }
    for name, part in [(model.__name__, schema), *schema.get("$defs", {}).items()]:
        for key, field in part.get("properties", {}).items():
            if text := docs.get(name, {}).get(key, "Which kind it is." if "const" in field else None):
                field["description"] = text
    return schema


@functools.cache
def _docstrings(module: str) -> dict[str, dict[str, str]]:
    """Class name -> attribute -> the docstring below it."""
    found: dict[str, dict[str, str]] = {}
    for cls in ast.parse(inspect.getsource(sys.modules[module])).body:
        if isinstance(cls, ast.ClassDef):
            own = found.setdefault(cls.name, {})
            for above, below in itertools.pairwise(cls.body):
                named = isinstance(above, ast.AnnAssign) and isinstance(above.target, ast.Name)
                if named and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                    own[above.target.id] = inspect.cleandoc(str(below.value.value))  # type: ignore[attr-defined]
    return found
