"""Stand-in for the random provider: really random, with nothing to download.

Owns: ``RandomBytes``, ``RandomId``, ``RandomPassword`` and ``RandomString`` with the official inputs, outputs and
secrets, and its rule that any change replaces.  Does not own: ``bcryptHash`` of a password (the standard library has
no bcrypt); a program that reads it gets nothing.  Source of the tables: the schema in pulumi-random; a test compares
them with the SDK.
"""

from __future__ import annotations

import base64
import secrets
import string
import sys
from collections.abc import Mapping
from typing import Any, Final

from pulumi.runtime.proto import provider_pb2_grpc

from sandbox.server import serve
from sandbox.table import Problem, Resource, Shape, TableProvider, Values
from sandbox.versions import installed_version
from sandbox.wire import UNKNOWN

_SPECIAL: Final = "!@#$%&*()-_=+[]{}<>:?"
_CLASSES: Final = {"lower": string.ascii_lowercase, "upper": string.ascii_uppercase, "numeric": string.digits}
_TEXT_INPUTS: Final[Mapping[str, Shape]] = {
    "keepers": dict,
    "length": int,
    "lower": bool,
    "minLower": int,
    "minNumeric": int,
    "minSpecial": int,
    "minUpper": int,
    "number": bool,
    "numeric": bool,
    "overrideSpecial": str,
    "special": bool,
    "upper": bool,
}
_MINIMA: Final = {"lower": "minLower", "upper": "minUpper", "numeric": "minNumeric", "special": "minSpecial"}


def _text_options(inputs: Values) -> Values:
    numeric = inputs.get("numeric", inputs.get("number", True))
    defaults: Values = {"lower": True, "upper": True, "special": True, "minLower": 0, "minUpper": 0}
    return defaults | {"minNumeric": 0, "minSpecial": 0} | inputs | {"numeric": numeric, "number": numeric}


def generate(inputs: Values) -> str:
    """Return a string of the classes and minima that the inputs name (``random_string`` of the official provider)."""
    options = _text_options(inputs)
    special = options.get("overrideSpecial") or _SPECIAL
    classes = {**_CLASSES, "special": special}
    characters = [
        secrets.choice(classes[name])
        for name, minimum in _MINIMA.items()
        if options[name]
        for _ in range(options[minimum])
    ]
    every = "".join(classes[name] for name in _MINIMA if options[name])
    characters += [secrets.choice(every) for _ in range(options["length"] - len(characters))]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)


def _text_problems(inputs: Values) -> list[Problem]:
    if any(value is UNKNOWN for value in inputs.values()):
        return []
    options = _text_options(inputs)
    minima = sum(options[minimum] for name, minimum in _MINIMA.items())
    if options["length"] < 1:
        return [("length", "must be at least 1")]
    if options["length"] < minima:
        return [("length", f"must be at least the sum of the minima, {minima}")]
    if not any(options[name] for name in _MINIMA):
        return [("", "at least one of lower, upper, numeric and special must be true")]
    return []


def _at_least_one(key: str) -> Any:
    def problems(inputs: Values) -> list[Problem]:
        value = inputs[key]
        return [] if value is UNKNOWN or value >= 1 else [(key, "must be at least 1")]

    return problems


def _create_text(inputs: Values) -> tuple[str, Values]:
    result = generate(inputs)
    return result, _text_options(inputs) | {"result": result}


def _create_password(inputs: Values) -> tuple[str, Values]:
    # The id is not encrypted in the state: like the official provider's, it is not the password.
    return "none", _create_text(inputs)[1]


def _create_bytes(inputs: Values) -> tuple[str, Values]:
    value = secrets.token_bytes(inputs["length"])
    return "none", {"base64": base64.b64encode(value).decode(), "hex": value.hex()}


def _create_id(inputs: Values) -> tuple[str, Values]:
    value = secrets.token_bytes(inputs["byteLength"])
    prefix = inputs.get("prefix") or ""
    url = base64.urlsafe_b64encode(value).decode().rstrip("=")
    outputs = {
        "b64Std": prefix + base64.b64encode(value).decode(),
        "b64Url": prefix + url,
        "dec": prefix + str(int.from_bytes(value, "big")),
        "hex": prefix + value.hex(),
    }
    return url, outputs


def _resource(
    inputs: Mapping[str, Shape], required: str, computed: set[str], secret: set[str], **rest: Any
) -> Resource:
    return Resource(
        inputs=inputs,
        required=frozenset({required}),
        replaced_by=frozenset(inputs),
        computed=frozenset(computed),
        secret=frozenset(secret),
        **rest,
    )


RESOURCES: Final[Mapping[str, Resource]] = {
    "random:index/randomBytes:RandomBytes": _resource(
        {"keepers": dict, "length": int},
        "length",
        {"base64", "hex"},
        {"base64", "hex"},
        create=_create_bytes,
        problems=_at_least_one("length"),
    ),
    "random:index/randomId:RandomId": _resource(
        {"byteLength": int, "keepers": dict, "prefix": str},
        "byteLength",
        {"b64Std", "b64Url", "dec", "hex"},
        set(),
        create=_create_id,
        problems=_at_least_one("byteLength"),
    ),
    "random:index/randomPassword:RandomPassword": _resource(
        _TEXT_INPUTS, "length", {"result"}, {"result"}, create=_create_password, problems=_text_problems
    ),
    "random:index/randomString:RandomString": _resource(
        _TEXT_INPUTS, "length", {"result"}, set(), create=_create_text, problems=_text_problems
    ),
}


class Random(TableProvider):
    """The random provider."""

    name = "random"
    resources = RESOURCES
    settings: Mapping[str, Shape] = {}


def main(engine_address: str) -> None:
    """Serve one engine."""
    provider = Random(installed_version(sys.path[1], "pulumi_random"), engine_address)
    serve(provider_pb2_grpc.add_ResourceProviderServicer_to_server, provider)
