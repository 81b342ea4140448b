"""The Kubernetes API's own schemas, with strict field validation.

Owns: finding the schema of a kind and reporting every field that does not fit it.  The schemas are those that the
``kubernetes-validate`` package ships (generated from the API server's OpenAPI document); only the data is read, not
its validator: that one costs 0.3 s to import and stops at the first mistake.  Does not own: what schemas cannot say
(``rules``).
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any

from sandbox.kubernetes.enums import ENUMS
from sandbox.wire import UNKNOWN

KUBERNETES_VERSION = "1.36"
"""The API version objects are checked against: that of the API server which ``tests/cluster`` runs."""

_REF_PREFIX = "#/$defs/"
_PACKAGE = "kubernetes_validate"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing the API server would refuse: the path of the field and the reason."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


@dataclass(frozen=True, slots=True)
class Kind:
    """An API group, version and kind."""

    group: str
    version: str
    kind: str

    @classmethod
    def of(cls, api_version: str, kind: str) -> Kind:
        """Return the kind that ``apiVersion`` and ``kind`` of a manifest name."""
        group, _, version = api_version.rpartition("/")
        return cls(group, version, kind)

    @property
    def is_built_in(self) -> bool:
        """Whether the API server itself serves the group.

        The domain says nothing: ``gateway.networking.k8s.io`` and others of Kubernetes's own projects are installed as
        custom resources.
        """
        return "." not in self.group or self.group in _groups()


def _directory() -> str:
    for entry in sys.path:
        path = os.path.join(entry, _PACKAGE, "kubernetes-json-schema", f"v{KUBERNETES_VERSION}.0-local-strict")
        if os.path.isdir(path):
            return path
    raise FileNotFoundError(f"{_PACKAGE} has no schemas of Kubernetes {KUBERNETES_VERSION}; `make setup` installs it")


@cache
def _definitions() -> dict[str, Any]:
    with open(os.path.join(_directory(), "_definitions.json"), encoding="utf-8") as file:
        definitions: dict[str, Any] = json.load(file)["$defs"]
    for name, fields in ENUMS.items():
        for field, values in fields.items():
            schema = definitions[name]["properties"][field]
            schema["items" if "items" in schema else "enum"] = (
                {**schema["items"], "enum": sorted(values)} if "items" in schema else sorted(values)
            )
    return definitions


@cache
def _kinds() -> dict[Kind, dict[str, Any]]:
    found = {}
    for definition in _definitions().values():
        names = definition.get("x-kubernetes-group-version-kind", ())
        # A definition that lists many kinds is a shared one such as DeleteOptions, not an object of its own.
        if len(names) == 1 and "metadata" in definition.get("properties", ()):
            found[Kind(names[0]["group"], names[0]["version"], names[0]["kind"])] = definition
    return found


@cache
def _groups() -> frozenset[str]:
    return frozenset(kind.group for kind in _kinds())


def load() -> None:
    """Read the schemas now rather than at the first object."""
    _kinds()


def known(kind: Kind) -> bool:
    """Say whether the API server serves this kind without a CustomResourceDefinition."""
    return kind in _kinds()


def nearest(kind: Kind) -> str | None:
    """Return ``apiVersion/kind`` of the kind that was probably meant."""
    same = sorted(f"{k.group}/{k.version}".lstrip("/") + f" {k.kind}" for k in _kinds() if k.kind == kind.kind)
    if same:
        return same[-1]
    close = get_close_matches(kind.kind, [k.kind for k in _kinds()], 1)
    return close[0] if close else None


def problems(kind: Kind, manifest: dict[str, Any]) -> list[Problem]:
    """Return every field of the manifest that strict field validation would refuse.  Unknown values fit everything."""
    found: list[Problem] = []
    _check(_kinds()[kind], manifest, "", found)
    return found


def _check(schema: dict[str, Any], value: Any, path: str, found: list[Problem]) -> None:
    reference = schema.get("$ref")
    if reference is not None:
        schema = _definitions()[reference.removeprefix(_REF_PREFIX)]
    if value is UNKNOWN:
        return
    if value is None:
        # The API server drops nulls; a null where a value is required is reported as missing by the parent.
        return
    one_of = schema.get("oneOf")
    if one_of is not None:
        if not any(_is(value, choice["type"]) for choice in one_of):
            found.append(Problem(path, f"must be {_names(one_of)}, not {_type_name(value)}"))
        return
    types = schema.get("type")
    if types is not None and not _is(value, types):
        found.append(Problem(path, f"must be {_expected(types)}, not {_type_name(value)}"))
        return
    if isinstance(value, dict):
        _check_object(schema, value, path, found)
    elif isinstance(value, list):
        _check_list(schema, value, path, found)
    else:
        choices = schema.get("enum")
        if choices is not None and value not in choices:
            found.append(
                Problem(path, f"{value!r} is not one of {', '.join(str(c) for c in choices if c is not None)}")
            )


def _check_object(schema: dict[str, Any], value: dict[str, Any], path: str, found: list[Problem]) -> None:
    properties = schema.get("properties")
    additional = schema.get("additionalProperties")
    if properties is None:
        if isinstance(additional, dict):
            for key, item in value.items():
                _check(additional, item, f"{path}[{key}]", found)
        return
    for key, item in value.items():
        inner = properties.get(key)
        here = f"{path}.{key}" if path else key
        if inner is not None:
            _check(inner, item, here, found)
        elif additional is False:
            close = get_close_matches(key, properties, 1)
            found.append(Problem(here, "unknown field" + (f" (did you mean {close[0]}?)" if close else "")))
    for key in schema.get("required", ()):
        if value.get(key) is None:
            found.append(Problem(f"{path}.{key}" if path else key, "required"))


def _check_list(schema: dict[str, Any], value: list[Any], path: str, found: list[Problem]) -> None:
    items = schema.get("items")
    if items is not None:
        for index, item in enumerate(value):
            _check(items, item, f"{path}[{index}]", found)
    list_type = schema.get("x-kubernetes-list-type")
    if list_type not in ("map", "set"):
        return
    # Server-side apply, which the official provider uses, refuses two items with one key; a plain create would not.
    keys = schema.get("x-kubernetes-list-map-keys", ())
    seen: dict[Any, int] = {}
    for index, item in enumerate(value):
        if list_type == "set":
            key: Any = item
        elif isinstance(item, dict):
            key = tuple(item.get(name, _KEY_DEFAULTS.get(name)) for name in keys)
        else:
            continue
        if isinstance(key, dict | list) or key is UNKNOWN or (isinstance(key, tuple) and UNKNOWN in key):
            continue
        first = seen.setdefault(key, index)
        if first != index:
            text = ", ".join(str(part) for part in key) if isinstance(key, tuple) else str(key)
            found.append(Problem(f"{path}[{index}]", f"duplicate of [{first}]: {text}"))


# What the API server fills in before it compares keys.
_KEY_DEFAULTS = {"protocol": "TCP"}

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


def _is(value: Any, types: str | list[str]) -> bool:
    for name in (types,) if isinstance(types, str) else types:
        if isinstance(value, _PYTHON_TYPES[name]) and (name == "boolean" or not isinstance(value, bool)):
            return True
    return False


def _expected(types: str | list[str]) -> str:
    names = [types] if isinstance(types, str) else [name for name in types if name != "null"]
    return " or ".join(f"{'an' if name[0] in 'aeiou' else 'a'} {name}" for name in names)


def _names(one_of: list[dict[str, Any]]) -> str:
    return " or ".join(_expected(choice["type"]) for choice in one_of)


def _type_name(value: Any) -> str:
    for name, types in _PYTHON_TYPES.items():
        if _is(value, name) and isinstance(value, types):
            return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
    return type(value).__name__
