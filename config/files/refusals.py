"""What pydantic refuses, in words for the person who wrote it: where, what, and the fix, and never the value.

Loaded only when there is something to refuse, because it needs the JSON schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from config.files import elsewhere
from config.files.schema import schema_of
from config.mistakes import Document, KeyPath, Mistake, nearest
from config.workspace import Workspace

Schema = dict[str, Any]

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "float_type": "a number",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
}
_CALLED = {str: "text", bool: "true or false", int: "a number", dict: "a mapping", list: "a list"}
MANY = 8
"""More keys than this are not listed when one of them is near."""


def mistakes_of(model: type[BaseModel], document: Document, refused: ValidationError) -> list[Mistake]:
    """One mistake for each thing that `model` refuses in the document."""
    if model is Workspace and (words := elsewhere.whole(document.data)):
        return [document.mistake((), words)]
    errors = [
        (_written(document.data, error["loc"], error["type"]), error) for error in refused.errors(include_url=False)
    ]
    unknown = [path for path, error in errors if error["type"] == "extra_forbidden"]
    found = []
    for path, error in errors:
        if error["type"] == "missing" and any(
            path[:-1] == other[:-1] and _means(model, other, str(path[-1])) for other in unknown
        ):
            continue  # a slip of the pen, or another system's word: the unknown key is the one that is missing
        if error["type"] == "too_short" and _at(document.data, path):
            continue  # pydantic counts only the items it liked, and each of the others has its own mistake
        found.append(document.mistake(path, _words(model, document, path, error)))
    return found


def _means(model: type[BaseModel], path: KeyPath, key: str) -> bool:
    row = _row(model, path)
    return row[0] == key if row else bool(nearest(path[-1], [key]))


def _row(model: type[BaseModel], path: KeyPath) -> elsewhere.Row | None:
    if model is Workspace:
        return elsewhere.row_of(path[:-1], str(path[-1]))
    words = elsewhere.STACK.get(path)
    return ("", words) if words else None


def _at(data: Any, path: KeyPath) -> Any:
    for part in path:
        data = data[part]
    return data


def _written(data: Any, loc: tuple[str | int, ...], kind: str) -> KeyPath:
    """The YAML path of a pydantic location, which also names union members that nobody wrote."""
    path: list[str | int] = []
    for i, part in enumerate(loc):
        missing = kind == "missing" and i == len(loc) - 1
        if isinstance(data, dict) and isinstance(part, str) and (part in data or missing):
            data = data.get(part)
            path.append(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
            path.append(part)
    return tuple(path)


def _words(model: type[BaseModel], document: Document, path: KeyPath, error: Any) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        return _not_a_key(model, document, path)
    if kind == "missing":
        return _missing(str(path[-1]), _keys_at(schema_of(model), document.data, path[:-1]).get(str(path[-1]), {}))
    if kind in _EXPECTED:
        return _not_of_the_type(path, kind, error["input"])
    if words := _WORDS.get(kind):
        return words({**error.get("ctx", {}), "input": error["input"]})
    return str(error["msg"]).removeprefix("Value error, ")


def _not_a_key(model: type[BaseModel], document: Document, path: KeyPath) -> str:
    if row := _row(model, path):
        return f"is not a key here; {row[1]}"
    taken = _at(document.data, path[:-1])
    known = _keys_at(schema_of(model), document.data, path[:-1]).keys()
    return _unknown(str(path[-1]), sorted(known - set(taken)), sorted(known))


def _not_of_the_type(path: KeyPath, kind: str, value: Any) -> str:
    if value is None:
        return f"is empty; it must be {_EXPECTED[kind]}"
    got = _got(kind, value)
    if shape := elsewhere.shape_of(path, got.partition(";")[0]):
        got = f"{got.partition(';')[0]}; {shape}"
    return f"must be {_EXPECTED[kind]}, not {got}"


def _literal(context: Mapping[str, Any]) -> str:
    choice = _choice(context["expected"], context["input"])
    return f"is not one of {choice}" if "," in choice else f"must be {choice}"


_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "literal_error": _literal,
    "union_tag_invalid": lambda context: (
        f"has a type that is not one of {_choice(context['expected_tags'], context['tag'])}"
    ),
    "union_tag_not_found": lambda _: "has no type; say which kind of provider it is, such as type: microsoft",
    "greater_than_equal": lambda context: f"must be at least {context['ge']}",
    "less_than_equal": lambda context: f"must be at most {context['le']}",
    "too_short": lambda _: "must not be empty; list at least one",
}
"""What pydantic calls a mistake -> our words, from what it says of it and the value."""


def _choice(expected: str, got: Any) -> str:
    """Pydantic's list of choices as plain words, with the nearest one. `[True]` is not said as Python says it."""
    choices = expected.replace(" or ", ", ").replace("'", "").replace("True", "true").split(", ")
    return f"{', '.join(choices)}{nearest(got, choices)}"


def _got(kind: str, value: Any) -> str:
    got = "a fraction" if isinstance(value, float) else _CALLED[type(value)]
    if kind == "string_type" and isinstance(value, int | float):
        return f"{got}; write it in quotes"
    if kind in ("int_type", "bool_type") and isinstance(value, str) and (value.isdigit() or value in ("true", "false")):
        return f"{got}; take the quotes off"
    return got


def _unknown(key: str, allowed: list[str], known: list[str]) -> str:
    # Pulumi.yaml's defaults stand for keys that nobody wrote, so what is there may still be what is meant.
    near = nearest(key, allowed) or nearest(key, known)
    keys = f"; it takes {', '.join(allowed)}" if allowed and (not near or len(allowed) <= MANY) else ""
    return f"is not a key here{near}{keys}"


def _missing(key: str, schema: Schema) -> str:
    about = str(schema.get("description", "")).replace("\n", " ").split(". ")[0].rstrip(".")
    return f"is missing; add {key}: {about[:1].lower()}{about[1:]}" if about else f"is missing; add {key}"


def _keys_at(schema: Schema, data: Any, path: KeyPath) -> dict[str, Schema]:
    """The keys that a JSON schema allows at `path`, following what the data says it is in every union."""
    definitions = schema.get("$defs", {})

    def branches(node: Schema, value: Any) -> Iterator[Schema]:
        if "$ref" in node:
            yield from branches(definitions[node["$ref"].rsplit("/", 1)[1]], value)
        elif "discriminator" in node and isinstance(value, dict):
            target = node["discriminator"]["mapping"].get(value.get(node["discriminator"]["propertyName"]))
            yield from branches({"$ref": target}, value) if target else ()
        elif "anyOf" in node or "oneOf" in node:
            for option in [*node.get("anyOf", []), *node.get("oneOf", [])]:
                yield from branches(option, value)
        else:
            yield node

    nodes = list(branches(schema, data))
    for part in path:
        data = data[part]
        steps = [_step(node, part) for node in nodes]
        nodes = [branch for step in steps if isinstance(step, dict) for branch in branches(step, data)]
    return {name: field for node in nodes for name, field in node.get("properties", {}).items()}


def _step(node: Schema, part: str | int) -> Any:
    """The schema one step below: of an item, of a key, or of any key of a mapping with names of its own."""
    if isinstance(part, int):
        return node.get("items")
    any_name = next(iter(node.get("patternProperties", {}).values()), node.get("additionalProperties"))
    return node.get("properties", {}).get(part, any_name)
