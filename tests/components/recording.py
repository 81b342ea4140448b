"""What a Pulumi program registers, recorded without an engine, so that tests can look at whole objects.

Does not prove that an engine or a provider accepts it: tests/engine does. Assert on absence only from a finished
`Recording`; inside the program nothing has been registered yet.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from google.protobuf import empty_pb2, json_format
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import set_root_resource

from components import native

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"

Program = Callable[[], Any]


@dataclass(frozen=True)
class Secret:
    """A value that was registered as a secret: `Secret("x") == Secret("x")`, and never equal to `"x"`."""

    value: Any


@dataclass(frozen=True)
class Registered:
    """One resource as the engine would have seen it. Other resources are named `Kind/name`."""

    type: str
    name: str
    props: Mapping[str, Any]
    """The inputs in their wire spelling; secret parts are `Secret`, at the depth they were secret."""
    custom: bool
    parent: str
    dependencies: frozenset[str]
    protect: bool
    provider: str
    """The provider's `Kind/name`, or "" if the engine would have to use a default one."""
    aliases: tuple[Mapping[str, Any], ...]
    secret_outputs: frozenset[str]
    version: str
    ignore_changes: tuple[str, ...]
    delete_before_replace: bool
    retain_on_delete: bool
    timeouts: tuple[str, str]
    """How long a create and an update may take; "" for the provider's own time."""
    outputs: dict[str, Any] = field(default_factory=dict)
    """What a component gave to register_outputs."""

    @property
    def kind(self) -> str:
        """The last part of the type: `Deployment`, `TenantApp`, `RandomBytes`."""
        return self.type.rsplit(":", 1)[1]

    @property
    def id(self) -> str:
        """How other records name this one."""
        return f"{self.kind}/{self.name}"

    @property
    def manifest(self) -> dict[str, Any]:
        """The inputs with secrets in the open, as the API server would get them."""
        opened: dict[str, Any] = reveal(dict(self.props))
        return opened

    @property
    def key(self) -> tuple[str, str, str]:
        """Kind, namespace and metadata.name of a Kubernetes object."""
        meta = self.manifest.get("metadata", {})
        return self.kind, meta.get("namespace", ""), meta.get("name", "")


@dataclass(frozen=True)
class Recording:
    """Everything one program registered, in the order of registration."""

    resources: tuple[Registered, ...]
    invokes: tuple[tuple[str, Mapping[str, Any]], ...] = ()

    def __iter__(self) -> Iterator[Registered]:
        return iter(self.resources)

    def of(self, kind: str) -> list[Registered]:
        """All resources of a kind, sorted by name."""
        return sorted((r for r in self.resources if r.kind == kind), key=lambda r: r.name)

    def one(self, kind: str, name: str | None = None) -> Registered:
        """The only resource of a kind, or the one with this resource name or metadata.name."""
        found = [r for r in self.of(kind) if name is None or name in (r.name, r.key[2])]
        known = ", ".join(sorted(r.id for r in self))
        assert len(found) == 1, f"{len(found)} of {kind} {name or ''}; there are: {known}"
        return found[0]

    def manifest(self, kind: str, name: str | None = None) -> dict[str, Any]:
        """The manifest of `one`."""
        return self.one(kind, name).manifest

    def ids(self) -> set[str]:
        """`Kind/name` of everything but the providers."""
        return {r.id for r in self if not r.type.startswith("pulumi:")}

    def kubernetes(self) -> list[Registered]:
        """The Kubernetes objects by id: those that wait for nothing are registered in an order that differs by run."""
        return sorted((r for r in self if r.type.startswith("kubernetes:")), key=lambda r: r.id)


def reveal(value: Any) -> Any:
    """`value` without the `Secret` wrappers."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    return [reveal(item) for item in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """A protobuf struct as Python data: whole numbers as int, and secrets as `Secret`."""
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SECRET:
            return Secret(_plain(value["value"]))
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def random_bytes(name: str, length: int) -> bytes:
    """The bytes that the recorded RandomBytes of this name has: fixed, and different for every name."""
    return hashlib.shake_256(name.encode()).digest(length)


def _computed(kind: str, name: str, props: Mapping[str, Any]) -> dict[str, Any]:
    if kind == "RandomBytes":
        data = random_bytes(name, props["length"])
        return {"base64": base64.b64encode(data).decode(), "hex": data.hex()}
    return {}


def _wire(value: Any, secret: bool) -> Any:
    return {_SIGNATURE: _SECRET, "value": value} if secret else value


class _Nothing(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        raise AssertionError("the recording monitor answers by itself")

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError("the recording monitor answers by itself")


class RecordingMonitor(mocks.MockMonitor):
    """Answers like an engine whose providers return their inputs, and keeps every request."""

    def __init__(self, *, preview: bool, invokes: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(_Nothing())
        self._preview = preview
        self._answers = invokes
        self._lock = threading.Lock()
        self.seen: dict[str, Registered] = {}
        self.invoked: list[tuple[str, Mapping[str, Any]]] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        raw = json_format.MessageToDict(request.object)
        record = Registered(
            type=request.type,
            name=request.name,
            props=_plain(raw),
            custom=request.custom,
            parent=self._named(request.parent),
            dependencies=frozenset(map(self._named, request.dependencies)),
            protect=request.protect,
            timeouts=(request.customTimeouts.create, request.customTimeouts.update),
            provider=self._named(request.provider.rsplit("::", 1)[0]) if request.provider else "",
            aliases=tuple(json_format.MessageToDict(alias) for alias in request.aliases),
            secret_outputs=frozenset(request.additionalSecretOutputs),
            version=request.version,
            ignore_changes=tuple(request.ignoreChanges),
            delete_before_replace=request.deleteBeforeReplace,
            retain_on_delete=request.retainOnDelete,
        )
        with self._lock:
            assert urn not in self.seen, f"{record.id} is registered twice under {record.parent}"
            self.seen[urn] = record
        state = {} if self._preview else _computed(record.kind, record.name, reveal(dict(record.props)))
        state = {key: _wire(value, key in record.secret_outputs) for key, value in {**raw, **state}.items()}
        known_id = f"{request.name}-id" if request.custom and not self._preview else ""
        response = resource_pb2.RegisterResourceResponse(urn=urn, id=known_id)
        json_format.ParseDict(state, response.object)
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        with self._lock:
            if request.urn in self.seen:
                self.seen[request.urn].outputs.update(_plain(json_format.MessageToDict(request.outputs)))
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        with self._lock:
            self.invoked.append((request.tok, _plain(json_format.MessageToDict(request.args))))
        response = resource_pb2.ResourceInvokeResponse()
        json_format.ParseDict(dict(self._answers[request.tok]), getattr(response, "return"))
        return response

    def _named(self, urn: str) -> str:
        if not urn or "pulumi:pulumi:Stack" in urn.split("::")[2].split("$")[-1]:
            return ""
        return f"{urn.split('::')[2].rsplit(':', 1)[1]}/{urn.split('::')[3]}"


TUNNEL_TOKEN = "cloudflare:index/getZeroTrustTunnelCloudflaredToken:getZeroTrustTunnelCloudflaredToken"
INVOKES: Mapping[str, Mapping[str, Any]] = {TUNNEL_TOKEN: {"token": "a-tunnel-token"}}


def record(program: Program, *, preview: bool = False, invokes: Mapping[str, Mapping[str, Any]] = INVOKES) -> Recording:
    """Runs `program` to its end and returns what it registered. Errors that the program raises come out as they are."""
    monitor = RecordingMonitor(preview=preview, invokes=invokes)
    # Pulumi's language host makes the loop that a program runs in, and from Python 3.12 on nobody makes one unasked.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    # The stack of the recording before this one belongs to its loop; without it set_mocks makes a new one.
    set_root_resource(None)  # type: ignore[arg-type]
    try:
        mocks.set_mocks(_Nothing(), project="warren", stack="test", preview=preview, monitor=monitor)
        mocks.test(program)()  # type: ignore[no-untyped-call]
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    return Recording(tuple(monitor.seen.values()), tuple(monitor.invoked))


def providers() -> list[pulumi.ProviderResource]:
    """One explicit provider a package, for `ResourceOptions(providers=providers())`. Call it inside the program."""
    return [native.Provider(package, package, {}) for package in ("kubernetes", "cloudflare", "random")]
