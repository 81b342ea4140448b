"""A stack's `warren:` config as a document: the engine's values, with the lines of Pulumi.<stack>.yaml.

The engine merges the file with the defaults of Pulumi.yaml and decrypts it, so its values are the ones that count; the
file is read for lines, for keys that nobody would otherwise ask for, and for secrets that were never encrypted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spec.load import Document, KeyPath, Mistake, Mistakes, read
from spec.stack import Stack

PREFIX = "warren:"


def stack_document(
    root: Path, stack_name: str, written: Mapping[str, Any], secrets: Sequence[str]
) -> tuple[Document, list[Mistake]]:
    """The config as a document, and the mistakes that only the file shows. Without a file there are no lines.

    Args:
        root: The directory of the file.
        stack_name: The stack's name.
        written: The config by key, as the engine hands it out.
        secrets: The names under warren:secrets.
    """
    shown = f"Pulumi.{stack_name}.yaml"
    try:
        file = read(root / shown, shown)
    except Mistakes:  # the engine could read it, or has its config from elsewhere
        file = Document(shown, {})
    config = _warren(file.data)
    lines: dict[KeyPath, int] = {(): 1} if config else {}
    for path, line in file.lines.items():
        if len(path) > 1 and path[0] == "config" and str(path[1]).startswith(PREFIX):
            lines[(str(path[1]).removeprefix(PREFIX), *path[2:])] = line
    unknown = {key: None for key in config if key not in Stack.model_fields}
    document = Document(shown, {**unknown, **decoded(written), "secrets": sorted(secrets)}, lines)
    mistakes = []
    for name in _in_plain_text(config.get("secrets")):
        command = f"pulumi config set --secret --path 'secrets.{name}' --stack {stack_name}"
        what = f"is in plain text; change it where it is used, then run: {command}"
        mistakes.append(document.mistake(("secrets", name), what))
    return document, mistakes


def decoded(written: Mapping[str, Any]) -> dict[str, Any]:
    """Config as the engine hands it out (JSON text for lists and objects, plain text for the rest) as plain data.

    An optional key that is an empty mapping is left out: Pulumi.yaml needs a default for every optional key, and has
    no null.
    """
    data: dict[str, Any] = {}
    for key, value in written.items():
        field = Stack.model_fields.get(key)
        flag = field is not None and field.annotation is bool and value in ("true", "false")
        if isinstance(value, str) and (flag or value.startswith(("{", "["))):
            try:
                data[key] = json.loads(value)
            except ValueError:
                data[key] = value
        else:
            data[key] = value
        if data[key] == {} and field is not None and not field.is_required():
            del data[key]
    return data


def config_from_file(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The config of a stack file and the names of its secrets, for those who have no engine at hand."""
    config = _warren(read(path, path.name).data)
    return config, sorted(config.pop("secrets", {}))


def _warren(file: Any) -> dict[str, Any]:
    config = file.get("config") if isinstance(file, dict) else None
    pairs = config.items() if isinstance(config, dict) else ()
    return {key.removeprefix(PREFIX): value for key, value in pairs if key.startswith(PREFIX)}


def _in_plain_text(secrets: Any) -> list[str]:
    """The names under warren:secrets whose value anybody can read."""
    if not isinstance(secrets, dict) or isinstance(secrets.get("secure"), str):
        return []
    return [name for name, value in secrets.items() if not (isinstance(value, dict) and list(value) == ["secure"])]
