"""The JSON Schemas by which editors complete and check files: `python -m config.files.editors` writes them.

Owns workspaces/schema.json (workspace files) and workspaces/stack-schema.json (`Pulumi.<stack>.yaml`). They say what
the models say (`schema`), in the form that editors make the best messages of:

- A union is told apart by what was written (`if`), so that a mistake inside one kind is told as that, and not as none
  of the kinds being right.
- Every key has at least one example. Where its type has none it is made of the parts'.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.files.schema import schema_of
from config.files.stack_file import CLOUDFLARE, PROVIDERS
from config.stack import Stack
from config.workspace import Workspace

FOLDER = Path(__file__).parents[2] / "workspaces"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_ENCRYPTED = {
    "type": "object",
    "properties": {"secure": {"type": "string", "description": "What Pulumi encrypted.", "examples": ["v1:..."]}},
    "required": ["secure"],
    "additionalProperties": False,
    "description": "A secret, as `pulumi config set --secret` writes it.",
    "errorMessage": "must be encrypted; set it with: pulumi config set --secret --path",
    "examples": [{"secure": "v1:..."}],
}


def workspace_schema() -> Schema:
    """What a workspace file may say."""
    return {"$schema": DIALECT, **_for_editors(schema_of(Workspace))}


def stack_schema() -> Schema:
    """What a stack file may say: the `warren:` keys, and those of Pulumi that matter here.

    Keys without `warren:` before them, and values as JSON in text, are right for the engine and not for editors.
    """
    stack = _for_editors(schema_of(Stack))
    keys = {f"warren:{key}": _from_the_engine(value) for key, value in stack["properties"].items()}
    keys["warren:secrets"] = {
        "type": "object",
        "additionalProperties": _ENCRYPTED,
        "description": "The secrets that workspaces name: pulumi config set --secret --path 'secrets.NAME'",
        "examples": [{"web-db-password": {"secure": "v1:..."}}],
    }
    needed = {f"warren:{key}": stack["properties"][key]["examples"][0] for key in stack["required"]}
    others = "|".join(key.removeprefix("warren:") for key in keys)
    config: Schema = {
        "type": "object",
        "description": "The stack's config.",
        "properties": {
            PROVIDERS: {
                "type": "array",
                "const": ["*"],
                "description": "Without it, a resource that names no provider goes to whatever cluster or account the "
                "machine is signed in to.",
                "errorMessage": 'must be ["*"]: nothing may reach what this machine happens to be signed in to',
                "examples": [["*"]],
            },
            CLOUDFLARE: {**_ENCRYPTED, "description": f"The token: pulumi config set --secret {CLOUDFLARE}"},
            **keys,
        },
        "patternProperties": {f"^warren:(?!({others})$)": False},
        "propertyNames": {
            "pattern": rf"^(warren:|pulumi:|{CLOUDFLARE}$)",
            "errorMessage": f"is read by nobody; Warren reads warren: and {CLOUDFLARE} only",
        },
        "required": [PROVIDERS, *(f"warren:{key}" for key in stack["required"])],
        "examples": [{PROVIDERS: ["*"], **needed}],
    }
    text = {"type": "string"}
    return {
        "$schema": DIALECT,
        "title": "Stack",
        "description": "A stack of Warren: Pulumi.<stack>.yaml.",
        "type": "object",
        "properties": {
            "config": config,
            "encryptionsalt": {
                **text,
                "description": "Pulumi's own: without it no passphrase opens the secrets.",
                "examples": ["v1:..."],
            },
            "encryptedkey": {**text, "description": "Pulumi's own: the key of the secrets.", "examples": ["AQICAH..."]},
            "secretsprovider": {
                **text,
                "description": "Pulumi's own: what encrypts the secrets.",
                "examples": ["passphrase"],
            },
            "environment": {
                "description": "Pulumi's own: environments of Pulumi ESC to read.",
                "examples": [["home"]],
            },
        },
        "required": ["config"],
        "additionalProperties": False,
        "$defs": stack["$defs"],
    }


def _from_the_engine(schema: Schema) -> Schema:
    """A key of the stack's config, as `pulumi config set` may write it too."""
    if schema.get("type") == "boolean":
        # `pulumi config set warren:sandbox true` writes text.
        about = {key: value for key, value in schema.items() if key != "type"}
        return {"enum": [True, False, "true", "false"], **about}
    if schema.get("if") == {"type": "null"}:
        # An empty mapping is one that was left out.
        return {**schema, "if": {"type": ["null", "object"], "maxProperties": 0}, "then": {}}
    return schema


def _for_editors(schema: Schema) -> Schema:
    definitions: dict[str, Schema] = schema.get("$defs", {})
    made = {name: _tidied(part, definitions) for name, part in definitions.items()}
    root = _tidied({key: value for key, value in schema.items() if key != "$defs"}, definitions)
    for part in (*made.values(), root):
        for field in part.get("properties", {}).values():
            field.setdefault("examples", _examples(field, made))
    return {**root, "$defs": made}


def _tidied(node: Any, definitions: Mapping[str, Schema]) -> Any:
    """A schema without what only Python knows of, and with its unions told apart."""
    if isinstance(node, list):
        return [_tidied(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    made = {key: value for key, value in node.items() if key not in ("default", "discriminator")}
    default = _written(node["default"]) if "default" in node else None
    if "discriminator" in node:
        made = _by_key(made, node["discriminator"], definitions)
    elif "oneOf" in node:
        made = _by_what_was_written(made, definitions)
    for key, value in made.items():
        if key == "properties":
            # Names of people's keys, which may be words of JSON Schema too.
            made[key] = {name: _tidied(field, definitions) for name, field in value.items()}
        elif key not in ("examples", "enum", "const"):
            made[key] = _tidied(value, definitions)
    if {"type": "null"} in node.get("anyOf", []):
        made = _or_nothing(made)
    return made if default is None else made | {"default": default}


def _written(default: Any) -> Any:
    """A default as people would write it: without what is null."""
    if isinstance(default, dict):
        return {key: value for key, value in default.items() if value is not None}
    return default


def _by_key(union: Schema, discriminator: Mapping[str, Any], definitions: Mapping[str, Schema]) -> Schema:
    """A union whose members name themselves by a key, such as `type: google`."""
    key, members = discriminator["propertyName"], discriminator["mapping"]
    kinds = sorted(members)
    name = {"enum": kinds, "description": "Which kind it is.", "errorMessage": f"must be one of {', '.join(kinds)}"}
    rules = [
        {"if": {"required": [key], "properties": {key: {"const": kind}}}, "then": {"$ref": members[kind]}}
        for kind in kinds
    ]
    rest = {name: value for name, value in union.items() if name != "oneOf"}
    examples = [_examples(member, definitions)[0] for member in union["oneOf"]]
    told = {"type": "object", "properties": {key: name}, "required": [key], "allOf": rules, "examples": examples}
    return {**rest, **told}


def _by_what_was_written(union: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """A union of two or more of a text, a number and mappings.

    A mapping that is one of several is known by the first key that it has to have.
    """
    members = _flat(union["oneOf"])
    short, *others = sorted(members, key=lambda member: (member.get("type") != "string", "$ref" in member))
    otherwise = others[-1]
    for mapping in reversed(others[:-1]):
        needed = _target(mapping, definitions)["required"][:1]
        otherwise = {"if": {"required": needed}, "then": mapping, "else": otherwise}
    rest = {name: value for name, value in union.items() if name != "oneOf"}
    kinds = [short["type"], others[-1].get("type", "object")]
    return {**rest, "type": kinds, "if": {"type": short["type"]}, "then": short, "else": otherwise}


def _or_nothing(union: Schema) -> Schema:
    """Something that may be left empty. An editor asked what fits there names the keys of what may be written."""
    [something] = [option for option in union["anyOf"] if option != {"type": "null"}]
    rest = {name: value for name, value in union.items() if name != "anyOf"}
    if "enum" in something:
        return {**something, "type": [something["type"], "null"], "enum": [*something["enum"], None], **rest}
    if isinstance(something.get("type"), str) and "const" not in something:
        return {**something, "type": [something["type"], "null"], **rest}
    return {"if": {"type": "null"}, "then": {"anyOf": [something, {"type": "null"}]}, "else": something, **rest}


def _flat(members: list[Schema]) -> list[Schema]:
    return [each for member in members for each in (_flat(member["oneOf"]) if "oneOf" in member else [member])]


def _target(reference: Schema, definitions: Mapping[str, Schema]) -> Schema:
    return definitions[reference["$ref"].rpartition("/")[2]]


def _examples(node: Schema, definitions: Mapping[str, Schema]) -> list[Any]:
    """Examples of what a schema describes, made of its parts where it has none."""
    if "examples" in node:
        found: list[Any] = node["examples"]
        return found
    if "const" in node:
        return [node["const"]]
    if "enum" in node:
        return [value for value in node["enum"] if value is not None]
    if parts := _parts(node, definitions):
        return [example for part in parts for example in _examples(part, definitions)]
    return _examples_of_type(node, definitions)


def _parts(node: Schema, definitions: Mapping[str, Schema]) -> list[Schema]:
    """The schemas whose examples are those of a schema that has no type of its own."""
    if "$ref" in node:
        return [_target(node, definitions)]
    if "anyOf" in node:
        return [node["anyOf"][0]]
    if "oneOf" in node:
        return _flat(node["oneOf"])
    if node.get("if") == {"type": "null"}:
        return [node["else"]]
    return [node["then"], node["else"]] if "then" in node else []


def _examples_of_type(node: Schema, definitions: Mapping[str, Schema]) -> list[Any]:
    kind = node.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "boolean":
        return [not node.get("default", False)]
    if kind == "array":
        return [[example] for example in _examples(node["items"], definitions)[:1]]
    if kind == "object" and "properties" in node:
        keys = node.get("required") or list(node["properties"])[:1]
        return [{key: _examples(node["properties"][key], definitions)[0] for key in keys}]
    if kind == "object" and isinstance(node.get("additionalProperties"), dict):
        names = _examples(node.get("propertyNames", {"examples": ["NAME"]}), definitions)
        return [{names[0]: _examples(node["additionalProperties"], definitions)[0]}]
    return [node["default"]] if node.get("default") is not None else ["text"] if kind == "string" else [{}]


def texts() -> dict[Path, str]:
    """Every file that editors read, and what is in it."""
    made = {"schema.json": workspace_schema(), "stack-schema.json": stack_schema()}
    return {FOLDER / name: json.dumps(schema, indent=2) + "\n" for name, schema in made.items()}


if __name__ == "__main__":
    for file, text in texts().items():
        file.write_text(text, "utf-8")
