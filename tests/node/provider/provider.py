"""The provider protocol of the connected stand-in, as the official provider has it (`Check` to `Delete` there).

Owns: which request an operation is, and what the engine is told when one fails half way.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.kubernetes import config, diff
from sandbox.kubernetes.live import has_unknown
from sandbox.kubernetes.provider import Kubernetes, detailed, kind_of_token, object_id, type_of
from sandbox.server import Refusal, failures, serve
from sandbox.versions import installed_version
from sandbox.wire import decode, decode_plain, encode, reveal
from tests.node.provider import locks, state, waiting
from tests.node.provider.server import CREATES_AS, Manifest, Refused, Requests
from tests.node.provider.state import Kept
from tests.node.provider.waiting import NotReady, Waiting

STAND_IN = "connected stand-in, not the official plugin:"
_PAUSES = (1, 2, 4, 8, 16, 32)
"""Seconds between the tries of a create whose namespace or kind is not there yet."""
_FORBIDDEN = 403


class Connected(Kubernetes):
    """One provider instance: the cluster of this run."""

    stands_in = STAND_IN
    mark = "tests.connected-stand-in"

    def __init__(self, version: str, engine_address: str) -> None:
        super().__init__(version, engine_address)
        self._leaving = threading.Event()
        self._requests: Requests | None = None

    @property
    def requests(self) -> Requests:
        """What is asked of the API server; there is nothing before `Configure`."""
        assert self._requests is not None
        return self._requests

    @property
    def waiting(self) -> Waiting:
        """Who waits for objects."""
        return Waiting(self.requests, self._leaving)

    def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        """Refuse every cluster but the run's own."""
        news = decode_plain(request.news)
        found = [(key, "unknown provider setting") for key in sorted(news.keys() - config.KNOWN_SETTINGS - _ENGINES)]
        for key in ("renderYamlToDirectory", "enableServerSideApply", "namespace"):
            if key in news:
                found.append((key, "the connected stand-in has not learned this"))
        try:
            locks.unlock(news.get("kubeconfig"), news.get("context"))
        except Refusal as refusal:
            found.append(("kubeconfig", str(refusal)))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures(found))

    def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        """Look at the locks again, and take the settings over."""
        args = decode_plain(request.args)
        try:
            server = locks.unlock(args.get("kubeconfig"), args.get("context"))
        except Refusal as refusal:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(refusal))
        self._requests = Requests(server)
        self._settings = config.read(args, directory=None)
        self.log_once(f"it applies to {server.host}:{server.port}, the cluster of {Path(args['kubeconfig']).parent}")
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        """End all waiting."""
        self._leaving.set()
        return empty_pb2.Empty()

    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        """Name an unnamed object and bring it into the form of the API server, which judges it later."""
        given = decode(request.news)
        try:
            kind_of_token(type_of(request.urn))
            named = self._named(given, request)
            waiting.check(reveal(named))
        except Refusal as refusal:
            return provider_pb2.CheckResponse(inputs=request.news, failures=failures([("", str(refusal))]))
        inputs = state.secret_like(state.normalized(reveal(named)), named)
        return provider_pb2.CheckResponse(inputs=encode(inputs))

    def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        """Compare inputs with what the object had of them when it was last seen."""
        kept, new = Kept.of(decode_plain(request.olds)), decode_plain(request.news)
        kind = kind_of_token(type_of(request.urn))
        found = diff.changes(kind, state.pruned(kept.live, kept.inputs), new, self._settings.mutability)
        changed, replaces = detailed(found, tuple(request.ignoreChanges))
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
            replaces=replaces,
            deleteBeforeReplace=bool(replaces) and diff.deletes_first(new, kept.live),
            detailedDiff=changed,
            hasDetailedDiff=True,
        )

    def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        """Create the object and wait until it is ready; in a preview, ask the API server whether it would."""
        given = decode(request.properties)
        inputs = reveal(given)
        if request.preview and (has_unknown(inputs) or not self.requests.served(inputs)):
            return provider_pb2.CreateResponse(properties=request.properties)
        manager = state.new_manager()
        try:
            made = self._made(inputs, manager, preview=request.preview)
        except Refused as refused:
            if request.preview and (refused.code == _FORBIDDEN or refused.no_namespace or _exists(refused)):
                return provider_pb2.CreateResponse(properties=request.properties)
            text = f'resource "{request.urn}" was not successfully created by the Kubernetes API server: {refused}'
            context.abort(grpc.StatusCode.UNKNOWN, text + (_WHEN_IT_EXISTS if _exists(refused) else ""))
        if request.preview:
            made.pop("status", None)
            return provider_pb2.CreateResponse(properties=encode(state.outputs(inputs, made, given, manager)))
        try:
            live = self.waiting.until_ready(made, waiting.seconds(request.timeout, inputs))
        except NotReady as late:
            text = (
                f'resource "{request.urn}" was successfully created, but the Kubernetes API server reported that it '
                f"failed to fully initialize or become live: {late}"
            )
            _half_done(context, text, late.live, state.outputs(inputs, late.live, given, manager), late.reasons)
        return provider_pb2.CreateResponse(
            id=object_id(live), properties=encode(state.outputs(inputs, live, given, manager))
        )

    def _made(self, inputs: Manifest, manager: str, *, preview: bool) -> Manifest:
        for pause in _PAUSES:
            try:
                if self._settings.upsert:
                    force = self._forces(inputs, None, preview=preview)
                    return self.requests.apply(inputs, manager, force=force, preview=preview)
                return self.requests.create(inputs, preview=preview)
            except Refused as refused:
                last = refused
                if refused.code != 404 or (preview and refused.no_namespace):
                    raise
            if self._leaving.wait(pause):
                break
        raise last

    def _forces(self, inputs: Manifest, live: Manifest | None, *, preview: bool) -> bool:
        """Whether to take fields from others (`patchForce`)."""
        if self._settings.patch_force or waiting.notes(inputs).get("pulumi.com/patchForce") == "true":
            return True
        if live is None:
            return preview
        managers = [(each["manager"], each["operation"]) for each in live["metadata"].get("managedFields", [])]
        # Before an update the fields of a plain create are handed over, but not before a preview.
        return not managers or (preview and (CREATES_AS, "Update") in managers)

    def Update(self, request: Any, context: Any) -> provider_pb2.UpdateResponse:
        """Apply the object and wait until it is ready; in a preview, ask the API server whether it would."""
        given = decode(request.news)
        inputs = state.normalized(reveal(given))
        if request.preview and (has_unknown(inputs) or not self.requests.served(inputs)):
            return provider_pb2.UpdateResponse(properties=request.news)
        kept = Kept.of(decode_plain(request.olds))
        failed, reasons = "", list[str]()
        try:
            live = self._updated(inputs, kept, preview=request.preview)
            if not request.preview:
                live = self.waiting.until_ready(live, waiting.seconds(request.timeout, inputs))
        except Refused as refused:
            if request.preview and refused.code == _FORBIDDEN:
                return provider_pb2.UpdateResponse(properties=request.news)
            failed = str(refused)
        except NotReady as late:
            failed, reasons = str(late), late.reasons
        if failed:
            # The state takes over what was wanted, also where it was refused; the next update tries again.
            try:
                live = self._live(kept.live)
            except Refused as refused:
                text = f'update of resource "{request.urn}" failed: {failed}\nunable to get cluster state: {refused}'
                context.abort(grpc.StatusCode.UNKNOWN, text)
            text = (
                f'the Kubernetes API server reported that "{object_id(live)}" failed to fully initialize or become '
                f"live: {failed}"
            )
            _half_done(context, text, live, state.outputs(inputs, live, given, kept.manager), reasons)
        return provider_pb2.UpdateResponse(properties=encode(state.outputs(inputs, live, given, kept.manager)))

    def _live(self, manifest: Manifest) -> Manifest:
        metadata = manifest["metadata"]
        namespace, name = metadata.get("namespace"), metadata["name"]
        return self.requests.get(manifest["apiVersion"], manifest["kind"], namespace, name)

    def _updated(self, inputs: Manifest, kept: Kept, *, preview: bool) -> Manifest:
        before = self._live({**inputs, "metadata": kept.live["metadata"]})
        if inputs["kind"] == "CustomResourceDefinition":
            metadata = {**inputs["metadata"], "resourceVersion": before["metadata"]["resourceVersion"]}
            return self.requests.replace({**inputs, "metadata": metadata}, kept.manager, preview=preview)
        if not preview:
            self.requests.hand_over(before, kept.manager)
        force = self._forces(inputs, before, preview=preview)
        return self.requests.apply(inputs, kept.manager, force=force, preview=preview)

    def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:
        """Delete the object, after all that it owns, and wait until it is gone."""
        given = decode(request.properties)
        kept = Kept.of(reveal(given))
        try:
            self.requests.delete(kept.live)
            self.waiting.until_gone(kept.live, kept.inputs, waiting.seconds(request.timeout, kept.inputs))
        except Refused as refused:
            if refused.code != 404:
                context.abort(grpc.StatusCode.UNKNOWN, str(refused))
        except NotReady as late:
            outputs = state.outputs(kept.inputs, late.live, given["__inputs"], kept.manager)
            _half_done(context, str(late), late.live, outputs, late.reasons)
        return empty_pb2.Empty()

    def Read(self, request: Any, context: Any) -> provider_pb2.ReadResponse:
        """Answer with the object as it is, and whether it is ready."""
        given = decode(request.inputs)
        before = reveal(given)
        kept = Kept.of(decode_plain(request.properties))
        namespace, _, name = request.id.rpartition("/")
        kind = kind_of_token(type_of(request.urn))
        version = f"{kind.group}/{kind.version}".lstrip("/")
        try:
            live = self.requests.get(version, kind.kind, namespace or None, name)
        except Refused as refused:
            if refused.code != 404:
                context.abort(grpc.StatusCode.UNKNOWN, str(refused))
            return provider_pb2.ReadResponse()
        inputs = state.pruned(live, before) if before else state.imported(live)
        outputs = state.outputs(inputs, live, given, kept.manager)
        shown = state.secret_like(inputs, given)
        if before and not waiting.skipped(before):
            try:
                self.waiting.read(live)
            except NotReady as late:
                _half_done(context, str(late), live, outputs, late.reasons, shown)
        return provider_pb2.ReadResponse(id=request.id, properties=encode(outputs), inputs=encode(shown))


_ENGINES = frozenset({"version", "pluginDownloadURL"})
_WHEN_IT_EXISTS = (
    "\n\nThe resource already exists in the cluster. This can happen after a rename, or when an update was killed"
)


def _exists(refused: Refused) -> bool:
    return refused.reason == "AlreadyExists"


def _half_done(
    context: Any, text: str, live: Manifest, outputs: Manifest, reasons: list[str], inputs: Manifest | None = None
) -> NoReturn:
    """Fail, and let the engine write down what is there (`ErrorResourceInitFailed`)."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=object_id(live),
        properties=encode(outputs),
        reasons=[text, *reasons],
        inputs=None if inputs is None else encode(inputs),
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=text)
    status.details.add().Pack(detail)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, text)
    raise AssertionError


def main(engine_address: str) -> None:
    """Serve one engine; a thread for each object that is waited for."""
    provider = Connected(installed_version(sys.path[1], "pulumi_kubernetes"), engine_address)
    serve(provider_pb2_grpc.add_ResourceProviderServicer_to_server, provider, threads=64)
