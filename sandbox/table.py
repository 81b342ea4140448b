"""Providers whose resources are tables of properties: the stand-ins for cloudflare and random.

Owns: the protocol and the checks that a table can say: unknown property, missing property, wrong type, which change
replaces. Does not own: any table, and what only a service knows (each stand-in's ``problems``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from sandbox import STAND_IN
from sandbox.server import Provider, Refusal, failures
from sandbox.wire import UNKNOWN, Secret, decode, decode_plain, encode, has_secret, reveal

Values = dict[str, Any]
Problem = tuple[str, str]
"""A property path and the reason."""

Shape = type | Mapping[str, "Shape"] | list["Shape"]
"""``str``, ``int``, ``float``, ``bool``, ``dict`` (a map of strings), a nested table, or a list of one shape."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource type."""

    inputs: Mapping[str, Shape]
    required: frozenset[str]
    replaced_by: frozenset[str]
    """Inputs whose change replaces the resource."""
    computed: frozenset[str]
    """Outputs that are not inputs: unknown in a preview."""
    secret: frozenset[str]
    """Outputs the SDK declares as ``additional_secret_outputs``."""
    create: Callable[[Values], tuple[str, Values]]
    """Plain inputs to the id and the outputs to add."""
    problems: Callable[[Values], list[Problem]] = field(default=lambda values: [])
    """What the service would refuse about inputs that fit the table."""


def type_of(urn: str) -> str:
    """Return the type token of a URN, without its parents' types."""
    return urn.split("::")[2].rpartition("$")[2]


def check_shape(shape: Shape, value: Any, path: str = "") -> list[Problem]:
    """Return where a value does not fit a shape.  Unknown values and nulls fit."""
    if value is UNKNOWN or value is None:
        return []
    if isinstance(shape, Mapping):
        return _check_object(shape, value, path)
    if isinstance(shape, list):
        return _check_list(shape[0], value, path)
    return [] if _fits(shape, value) else [(path, f"must be {_WORDS[shape]}")]


_WORDS = {str: "a string", int: "a whole number", float: "a number", bool: "true or false", dict: "a map of strings"}


def _check_object(shape: Mapping[str, Shape], value: Any, path: str) -> list[Problem]:
    if not isinstance(value, dict):
        return [(path, "must be an object")]
    found: list[Problem] = []
    for key, item in value.items():
        here = f"{path}.{key}" if path else key
        found += check_shape(shape[key], item, here) if key in shape else [(here, _unknown(key, shape))]
    return found


def _unknown(key: str, shape: Mapping[str, Shape]) -> str:
    close = get_close_matches(key, shape, 1)
    return "unknown property" + (f" (did you mean {close[0]}?)" if close else "")


def _check_list(shape: Shape, value: Any, path: str) -> list[Problem]:
    if not isinstance(value, list):
        return [(path, "must be a list")]
    return [p for index, item in enumerate(value) for p in check_shape(shape, item, f"{path}[{index}]")]


def _fits(shape: type, value: Any) -> bool:
    if shape is dict:
        return isinstance(value, dict) and all(isinstance(v, str) or v is UNKNOWN for v in value.values())
    # Python counts true and false as numbers.
    return isinstance(value, int | float if shape is float else shape) and (isinstance(value, bool) == (shape is bool))


class TableProvider(Provider):
    """A provider that serves the types of a table and refuses every other by name."""

    resources: Mapping[str, Resource]
    settings: Mapping[str, Shape]

    def settings_problems(self, settings: Values) -> list[Problem]:
        """Return what is wrong with the provider's own settings."""
        return []

    def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        """Check the provider's settings."""
        news = decode_plain(request.news)
        for key in ("version", "pluginDownloadURL"):
            news.pop(key, None)
        found = check_shape(self.settings, news) or self.settings_problems(news)
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures(found))

    def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        """Update the provider in place whatever changes."""
        olds, news = decode_plain(request.olds), decode_plain(request.news)
        changed = sorted(key for key in olds.keys() | news.keys() if olds.get(key) != news.get(key))
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=changed,
        )

    def resource(self, urn: str) -> Resource:
        """Return the table of a URN's type.

        Raises:
            Refusal: the type is not served.
        """
        token = type_of(urn)
        if token not in self.resources:
            raise Refusal(
                f"{STAND_IN} {self.name} does not serve {token}; it serves {', '.join(sorted(self.resources))}"
            )
        return self.resources[token]

    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        """Report everything that the service would refuse about the inputs."""
        news = decode_plain(request.news)
        try:
            resource = self.resource(request.urn)
        except Refusal as refusal:
            return provider_pb2.CheckResponse(inputs=request.news, failures=failures([("", str(refusal))]))
        found = check_shape(resource.inputs, news)
        found += [(key, "required") for key in sorted(resource.required) if news.get(key) is None]
        if not found:
            found = resource.problems(news) + self.problems_of_run(request.urn, news)
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures(found))

    def problems_of_run(self, urn: str, news: Values) -> list[Problem]:
        """Return what is wrong with these inputs beside the other resources of the run."""
        return []

    def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        """Compare inputs by top-level property."""
        resource = self.resource(request.urn)
        old, new = decode_plain(request.old_inputs), decode_plain(request.news)
        detailed = {}
        for key in sorted(old.keys() | new.keys()):
            if (old.get(key) == new.get(key) and new.get(key) is not UNKNOWN) or key in request.ignoreChanges:
                continue
            how = "ADD" if old.get(key) is None else "DELETE" if new.get(key) is None else "UPDATE"
            name = how + ("_REPLACE" if key in resource.replaced_by else "")
            detailed[key] = provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.Kind.Value(name), inputDiff=True)
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if detailed else provider_pb2.DiffResponse.DIFF_NONE,
            replaces=[key for key in detailed if key in resource.replaced_by],
            detailedDiff=detailed,
            hasDetailedDiff=True,
        )

    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        """Make the resource, which exists in the state alone."""
        resource = self.resource(request.urn)
        inputs = decode(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=encode(inputs | dict.fromkeys(resource.computed, UNKNOWN)))
        identity, computed = resource.create(reveal(inputs))
        self.log_once("nothing outside this machine was changed; resources exist in the stack's state alone")
        return provider_pb2.CreateResponse(id=identity, properties=encode(_mark(resource, computed | inputs)))

    def Update(self, request: Any, context: Any) -> provider_pb2.UpdateResponse:
        """Keep what was computed and take the new inputs."""
        resource = self.resource(request.urn)
        computed = {key: value for key, value in decode(request.olds).items() if key in resource.computed}
        return provider_pb2.UpdateResponse(properties=encode(_mark(resource, computed | decode(request.news))))

    def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:
        """Forget the resource."""
        try:
            self.before_delete(request.urn)
        except Refusal as refusal:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(refusal))
        return empty_pb2.Empty()

    def before_delete(self, urn: str) -> None:
        """Raise ``Refusal`` when the service would keep the resource."""

    def Read(self, request: Any, context: Any) -> provider_pb2.ReadResponse:
        """Answer from the state: the state is all there is."""
        if not request.properties.fields:
            context.abort(grpc.StatusCode.NOT_FOUND, f"{STAND_IN} {self.name} has nothing of its own to read or import")
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Invoke(self, request: Any, context: Any) -> provider_pb2.InvokeResponse:
        """Call a function of the provider."""
        try:
            returned = self.invoke(request.tok, decode_plain(request.args))
        except Refusal as refusal:
            return provider_pb2.InvokeResponse(failures=failures([("", str(refusal))]))
        return provider_pb2.InvokeResponse(**{"return": encode(returned)})

    def invoke(self, token: str, arguments: Values) -> Values:
        """Return what the function gives.

        Raises:
            Refusal: there is no such function.
        """
        raise Refusal(f"{STAND_IN} {self.name} does not serve the function {token}")


def _mark(resource: Resource, outputs: Values) -> Values:
    return {
        key: Secret(reveal(value)) if key in resource.secret or has_secret(value) else value
        for key, value in outputs.items()
    }
