"""The kubernetes stand-in: it renders as the official provider does, and refuses as that does when it is connected.

Owns: the provider protocol for Kubernetes objects.  Does not own: what is wrong with an object (``schema``,
``rules``), what a change means (``diff``), what is written (``render``), and what was changed there by hand (``live``).
It serves only a provider with
``renderYamlToDirectory``, which Warren sets for a stack whose file says ``warren:sandbox: true``; it has no code that
could reach a cluster.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from sandbox import STAND_IN
from sandbox.kubernetes import config, diff, live, render, rules, schema
from sandbox.kubernetes.cluster import Cluster
from sandbox.kubernetes.schema import Kind, Problem
from sandbox.server import Provider, Refusal, failures, serve
from sandbox.versions import installed_version
from sandbox.wire import UNKNOWN, Secret, decode, decode_plain, encode, has_secret, reveal

_KIND_OF_CHANGE = {
    ("add", False): provider_pb2.PropertyDiff.ADD,
    ("add", True): provider_pb2.PropertyDiff.ADD_REPLACE,
    ("delete", False): provider_pb2.PropertyDiff.DELETE,
    ("delete", True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    ("update", False): provider_pb2.PropertyDiff.UPDATE,
    ("update", True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


def type_of(urn: str) -> str:
    """Return the type token of a URN, without its parents' types."""
    return urn.split("::")[2].rpartition("$")[2]


def kind_of_token(token: str) -> Kind:
    """Return the kind that ``kubernetes:<group>/<version>:<Kind>`` names.

    Raises:
        Refusal: the token is a chart, a release, a list or a patch, which have no meaning without a cluster.
    """
    _, group_version, name = token.split(":")
    kind = Kind.of(group_version.removeprefix("core/"), name)
    if group_version.startswith(("helm.sh/", "yaml", "kustomize")):
        raise Refusal(f"{STAND_IN} kubernetes does not serve {token}: it has no chart, template or release engine")
    if name.endswith("List"):
        raise Refusal(f"{token}: list resources cannot be created directly; use the underlying resource type")
    if name.endswith("Patch") and not schema.known(kind):
        raise Refusal(f"{STAND_IN} kubernetes does not serve {token}: there is no object of somebody else to patch")
    return kind


def mark_secrets(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest with secrets where the official provider keeps them.

    All data of a Secret is secret, and a list with one secret in it is secret as a whole (``annotateSecrets`` there).
    """
    if manifest.get("kind") == "Secret":
        return {
            key: Secret(reveal(value)) if key in ("data", "stringData") else _lift(value)
            for key, value in manifest.items()
        }
    return {key: _lift(value) for key, value in manifest.items()}


def _lift(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lift(item) for key, item in value.items()}
    return Secret(reveal(value)) if has_secret(value) else value


def object_id(manifest: dict[str, Any]) -> str:
    """Return the official provider's id of an object: ``namespace/name``, or the name alone."""
    metadata = manifest["metadata"]
    namespace = metadata.get("namespace")
    return f"{namespace}/{metadata['name']}" if namespace else str(metadata["name"])


class Kubernetes(Provider):
    """One provider instance: one cluster that is not there."""

    name = "kubernetes"

    def __init__(self, version: str, engine_address: str) -> None:
        super().__init__(version, engine_address)
        self._settings = config.Settings(directory=None)
        self._cluster = Cluster(None)
        # The schemas are read while the engine is still shaking hands.
        threading.Thread(target=schema.load, daemon=True).start()

    def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        """Refuse what the official provider refuses, and any provider that is not in render mode."""
        refused = config.problems(decode_plain(request.news))
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(refused))

    def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        """Compare provider settings as the official provider does."""
        changed, replacing = config.changes(decode_plain(request.olds), decode_plain(request.news))
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some, diffs=changed, replaces=replacing)

    def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        """Take the settings over."""
        try:
            self._settings = config.settings(decode_plain(request.args))
        except Refusal as refusal:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(refusal))
        self._cluster = Cluster(self._settings.directory)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        """Name an unnamed object and report everything the API server would refuse about it."""
        given = decode(request.news)
        try:
            kind = kind_of_token(type_of(request.urn))
            manifest = self._named(given, request)
        except Refusal as refusal:
            return provider_pb2.CheckResponse(inputs=request.news, failures=_failures([Problem("", str(refusal))]))
        checked = mark_secrets(manifest)
        plain = reveal(checked)
        found = _mismatch(kind, plain)
        if not found:
            found = self._cluster.problems_of_identity(kind, plain, request.urn, existing=bool(request.olds.fields))
            if schema.known(kind):
                found += schema.problems(kind, plain)
            elif kind.is_built_in:
                meant = schema.nearest(kind)
                text = f"Kubernetes {schema.KUBERNETES_VERSION} has no {plain['apiVersion']} {kind.kind}"
                found.append(Problem("kind", text + (f" (did you mean {meant}?)" if meant else "")))
            # Rules walk the object and rely on its types, which only a valid object has.
            if not found or not schema.known(kind):
                found += rules.problems(kind, plain)
        inputs = request.news if checked == given else encode(checked)
        return provider_pb2.CheckResponse(inputs=inputs, failures=_failures(found))

    def _named(self, manifest: dict[str, Any], request: Any) -> dict[str, Any]:
        metadata = manifest.get("metadata")
        plain = reveal(metadata) if metadata is not None else {}
        if plain is UNKNOWN or not isinstance(plain, dict) or plain.get("name") is not None:
            return manifest
        if plain.get("generateName") is not None:
            raise Refusal("the `.metadata.generateName` field is not supported in YAML rendering mode")
        annotations = dict(plain.get("annotations") or {})
        old = decode_plain(request.olds).get("metadata", {})
        if (old.get("annotations") or {}).get(diff.AUTONAMED) == "true":
            name = old["name"]
        else:
            name = _automatic_name(request)
        annotations[diff.AUTONAMED] = "true"
        return {**manifest, "metadata": {**plain, "name": name, "annotations": annotations}}

    def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        """Say what changed and whether it replaces the object."""
        kind = kind_of_token(type_of(request.urn))
        old, new = decode_plain(request.old_inputs), decode_plain(request.news)
        found = diff.changes(kind, old, new, self._settings.mutability)
        changed, replaces = detailed(found, tuple(request.ignoreChanges))
        directory = self._settings.directory
        rewritten = directory is not None and render.shows_otherwise(directory, new)
        some = provider_pb2.DiffResponse.DIFF_SOME if changed or rewritten else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some,
            replaces=replaces,
            deleteBeforeReplace=bool(replaces) and diff.deletes_first(new, old),
            detailedDiff=changed,
            hasDetailedDiff=True,
        )

    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        """Write the object's file."""
        plain = decode_plain(request.properties)
        kind = kind_of_token(type_of(request.urn))
        upsert = self._settings.upsert
        refused = self._cluster.refusal_of_create(kind, plain, request.urn, upsert=upsert, preview=request.preview)
        if refused:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, refused)
        if upsert and not request.preview:
            self._refuse_conflicts(None, plain, context)
        self._cluster.created(kind, plain)
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        self._render(decode(request.properties), request.urn)
        return provider_pb2.CreateResponse(id=object_id(plain), properties=request.properties)

    def Update(self, request: Any, context: Any) -> provider_pb2.UpdateResponse:
        """Write the object's file again."""
        kind = kind_of_token(type_of(request.urn))
        refused = rules.problems_of_update(kind, decode_plain(request.old_inputs), decode_plain(request.news))
        if refused:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "; ".join(map(str, refused)))
        old, new = decode_plain(request.olds or request.old_inputs), decode_plain(request.news)
        directory = self._settings.directory
        # The official provider asks the API server in a preview too, unless something is not known yet.
        if directory is not None and not live.has_unknown(new) and not render.exists(directory, new):
            text = f"{kind.kind} {object_id(new)!r} not found: it was deleted by hand; `up --refresh` makes it again"
            context.abort(grpc.StatusCode.NOT_FOUND, text)
        if not request.preview:
            self._refuse_conflicts(old, new, context)
            self._render(decode(request.news), request.urn)
        return provider_pb2.UpdateResponse(properties=request.news)

    def _refuse_conflicts(self, old: dict[str, Any] | None, new: dict[str, Any], context: Any) -> None:
        """Refuse what server-side apply refuses: to take fields from somebody else without force."""
        directory = self._settings.directory
        if directory is None or self._settings.patch_force:
            return
        if fields := live.conflicts(directory, old, new):
            context.abort(grpc.StatusCode.ABORTED, live.CONFLICT.format(fields=", ".join(fields)))

    def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:
        """Remove the object's file."""
        manifest = decode_plain(request.properties)
        kind = kind_of_token(type_of(request.urn))
        if self._cluster.is_another_s(kind, manifest, request.urn):
            return empty_pb2.Empty()
        self._cluster.deleted(kind, manifest)
        if self._settings.directory is not None:
            render.remove(self._settings.directory, manifest)
        return empty_pb2.Empty()

    def Read(self, request: Any, context: Any) -> provider_pb2.ReadResponse:
        """Answer from the object's file, as far as the state knows the object."""
        if not request.properties.fields:
            context.abort(
                grpc.StatusCode.NOT_FOUND, f"{STAND_IN} kubernetes has no objects of its own to read or import"
            )
        directory = self._settings.directory
        inputs = decode(request.inputs)
        now = inputs
        if directory is not None:
            try:
                found = live.refreshed(directory, inputs)
            except ValueError as broken:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(broken))
            if found is None:
                return provider_pb2.ReadResponse()
            now = found
        if now == inputs:
            return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)
        changed = encode(mark_secrets(now))
        return provider_pb2.ReadResponse(id=request.id, properties=changed, inputs=changed)

    def Invoke(self, request: Any, context: Any) -> provider_pb2.InvokeResponse:
        """Refuse every function: they all render charts or templates."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{STAND_IN} kubernetes does not serve {request.tok}")
        raise AssertionError

    def Construct(self, request: Any, context: Any) -> provider_pb2.ConstructResponse:
        """Refuse every component: they are charts and template groups."""
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{STAND_IN} kubernetes does not serve {request.type}")
        raise AssertionError

    def _render(self, manifest: dict[str, Any], urn: str) -> None:
        directory = self._settings.directory
        assert directory is not None, "CheckConfig refuses a provider without renderYamlToDirectory"
        render.write(directory, manifest, urn)
        self.log_once(f"no cluster was contacted; the manifests are in {Path(directory).resolve()}")


_REPLACES = frozenset(value for (_, replaces), value in _KIND_OF_CHANGE.items() if replaces)


def _failures(found: list[Problem]) -> list[provider_pb2.CheckFailure]:
    return failures((problem.path, problem.reason) for problem in found)


def _mismatch(kind: Kind, manifest: dict[str, Any]) -> list[Problem]:
    """Compare apiVersion and kind with the resource's type: the API server would get them in path and body."""
    api_version = f"{kind.group}/{kind.version}".lstrip("/")
    found = []
    for key, want in (("apiVersion", api_version), ("kind", kind.kind)):
        have = manifest.get(key)
        if have != want and have is not UNKNOWN:
            found.append(Problem(key, f"must be {want}, as the resource's type says, not {have!r}"))
    return found


def detailed(
    found: list[diff.Change], ignored: tuple[str, ...]
) -> tuple[dict[str, provider_pb2.PropertyDiff], list[str]]:
    """Return changes as the engine takes them, without ignored ones, and the paths of those that replace the object."""
    changed = {
        text: provider_pb2.PropertyDiff(
            kind=_KIND_OF_CHANGE[change.kind, change.replaces], inputDiff=change.kind == "delete"
        )
        for change in found
        if not _is_below(text := diff.path_text(change.path), ignored)
    }
    return changed, [path for path, change in changed.items() if change.kind in _REPLACES]


def _is_below(path: str, ignored: tuple[str, ...]) -> bool:
    return any(path == prefix or path.startswith((f"{prefix}.", f"{prefix}[")) for prefix in ignored)


def _automatic_name(request: Any) -> str:
    options = request.autonaming
    disable, propose = (
        provider_pb2.CheckRequest.AutonamingOptions.DISABLE,
        options.proposed_name,
    )
    if request.HasField("autonaming") and options.mode == disable:
        raise Refusal("autonaming is disabled, resource requires the .metadata.name field to be set")
    if request.HasField("autonaming") and propose:
        return str(propose)
    # The engine's seed makes preview and up agree; 8 hexadecimal digits as in the official provider.
    name = request.urn.rpartition("::")[2]
    return f"{name}-{bytes(request.randomSeed).hex()[:8] or '00000000'}"


def main(engine_address: str) -> None:
    """Serve one engine."""
    provider = Kubernetes(installed_version(sys.path[1], "pulumi_kubernetes"), engine_address)
    serve(provider_pb2_grpc.add_ResourceProviderServicer_to_server, provider)
