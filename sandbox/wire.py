"""Property values as the engine sends them, to and from Python.

Owns: the sentinels of Pulumi's wire format (secrets, unknowns, output values) in both directions.  Does not own: what a
property means.  Source of the signatures: ``pulumi/runtime/rpc.py`` of the SDK; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT_VALUE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
UNKNOWN_VALUES: Final = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)
UNKNOWN_STRING: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Unknown:
    """A value that is not known before ``up``; ``UNKNOWN`` is the only one."""

    def __repr__(self) -> str:
        return "(not known yet)"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A value that must stay encrypted in state and never be printed."""

    value: Any

    def __repr__(self) -> str:
        return "(secret)"


def decode(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Return a property bag as plain Python with ``Secret`` and ``UNKNOWN`` where the engine says so."""
    return {key: _decode(value, wrap=True) for key, value in struct.fields.items()}


def decode_plain(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Return ``reveal(decode(struct))`` in one pass.  For comparing and checking, never for printing."""
    return {key: _decode(value, wrap=False) for key, value in struct.fields.items()}


def _decode(value: struct_pb2.Value, *, wrap: bool) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        # Every unknown is a 36 character UUID: the length check spares nearly all strings the set lookup.
        return UNKNOWN if len(text) == 36 and text in UNKNOWN_VALUES else text
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_decode(item, wrap=wrap) for item in value.list_value.values]
    if kind == "struct_value":
        fields = value.struct_value.fields
        if SIGNATURE in fields:
            return _decode_special(fields, wrap=wrap)
        return {key: _decode(item, wrap=wrap) for key, item in fields.items()}
    return None


def _decode_special(fields: Mapping[str, struct_pb2.Value], *, wrap: bool) -> Any:
    signature = fields[SIGNATURE].string_value
    if signature == SECRET:
        inner = _decode(fields["value"], wrap=wrap)
        return Secret(inner) if wrap else inner
    if signature == OUTPUT_VALUE:
        inner = _decode(fields["value"], wrap=wrap) if "value" in fields else UNKNOWN
        return Secret(inner) if wrap and "secret" in fields and fields["secret"].bool_value else inner
    # Assets, archives and resource references: no stand-in has a property for one; validation refuses the object.
    return {key: _decode(item, wrap=wrap) for key, item in fields.items()}


def encode(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return the wire form of a property bag."""
    struct = struct_pb2.Struct()
    _encode_fields(values, struct)
    return struct


def _encode_fields(values: Mapping[str, Any], struct: struct_pb2.Struct) -> None:
    fields = struct.fields
    for key, item in values.items():
        _encode(item, fields[key])


def _encode(value: Any, target: struct_pb2.Value) -> None:
    if isinstance(value, str):
        target.string_value = value
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, (int, float)):
        target.number_value = value
    elif isinstance(value, Mapping):
        _encode_fields(value, target.struct_value)
        if not value:
            target.struct_value.SetInParent()
    elif isinstance(value, (list, tuple)):
        items = target.list_value.values
        for item in value:
            _encode(item, items.add())
        if not value:
            target.list_value.SetInParent()
    else:
        _encode_special(value, target)


def _encode_special(value: Any, target: struct_pb2.Value) -> None:
    if isinstance(value, Secret):
        fields = target.struct_value.fields
        fields[SIGNATURE].string_value = SECRET
        _encode(value.value, fields["value"])
    elif isinstance(value, Unknown):
        target.string_value = UNKNOWN_STRING
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    else:
        raise TypeError(f"{type(value).__name__} has no wire form")


def reveal(value: Any) -> Any:
    """Return the value with every ``Secret`` wrapper taken off.  For comparing and checking, never for printing."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


def redact(value: Any, replacement: str = "(redacted)") -> Any:
    """Return the value with every ``Secret`` replaced by a word."""
    if isinstance(value, Secret):
        return replacement
    if isinstance(value, dict):
        return {key: redact(item, replacement) for key, item in value.items()}
    if isinstance(value, list):
        return [redact(item, replacement) for item in value]
    return value


def has_secret(value: Any) -> bool:
    """Say whether a secret is anywhere inside the value."""
    if isinstance(value, Secret):
        return True
    return any(has_secret(item) for item in _children(value))


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value
