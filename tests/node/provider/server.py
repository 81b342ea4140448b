"""What the connected stand-in asks of the API server, in the words of the official provider (its await.go).

Owns: one request each: create, server-side apply, replace, delete, get; field managers; and refusals as exceptions.
Does not own: when which is asked (`provider`), and what is waited for afterwards (`waiting`).
"""

from __future__ import annotations

import threading
import time
from typing import Any

from tests.node.provider.locks import Server
from tests.real.api import Answer, Api

Manifest = dict[str, Any]

CREATES_AS = "pulumi-kubernetes"
"""The field manager of a plain create; the first update hands its fields to the stack's own (`fixCSAFieldManagers`)."""
_HANDED_OVER = (("kubectl", "Apply"), ("kubectl", "Update"), ("before-first-apply", "Update"), (CREATES_AS, "Update"))
"""The beginnings of the names of managers, and how they wrote, whose fields an update takes over."""
_IDLE_SECONDS = 30


class Refused(Exception):
    """The API server refused a request, or has no such kind (`no_match`)."""

    def __init__(self, answer: Answer | None, message: str) -> None:
        super().__init__(message)
        self.code = answer.status if answer else 404
        self.reason = answer.body.get("reason") if answer else None
        self.no_match = answer is None
        about = (answer.body.get("details") or {}) if answer else {}
        self.no_namespace = self.code == 404 and about.get("kind") == "namespaces"


class Requests:
    """Requests of any thread."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._own = threading.local()

    def _api(self) -> Api:
        # The API server hangs up on who is silent for long.
        if time.monotonic() - getattr(self._own, "used", 0.0) > _IDLE_SECONDS:
            server = self._server
            self._own.api = Api(server.host, server.port, server.token, server.certificate)
        self._own.used = time.monotonic()
        api: Api = self._own.api
        return api

    def ask(
        self,
        method: str,
        version: str,
        kind: str,
        namespace: str | None,
        name: str | None,
        body: Any = None,
        content: str = "application/json",
        **query: str,
    ) -> Manifest:
        """Make one request about an object, or about a kind's objects.

        Raises:
            Refused: the server has no such kind, or does not want it.
        """
        api = self._api()
        try:
            path = api.path(version, kind, namespace, name)
        except LookupError:
            raise Refused(None, f'no matches for kind "{kind}" in version "{version}"') from None
        answer = api.request(method, path, body, content, **query)
        if not answer.ok:
            raise Refused(answer, answer.message)
        return answer.body

    def served(self, manifest: Manifest) -> bool:
        """Whether the server has the kind (`gvkExists`)."""
        try:
            self._api().path(manifest["apiVersion"], manifest["kind"])
        except LookupError:
            return False
        return True

    def get(self, version: str, kind: str, namespace: str | None, name: str) -> Manifest:
        """An object as it is."""
        return self.ask("GET", version, kind, namespace, name)

    def items(self, version: str, kind: str, namespace: str | None) -> list[Manifest]:
        """The objects of a kind in a namespace."""
        found: list[Manifest] = self.ask("GET", version, kind, namespace, None)["items"]
        return found

    def create(self, manifest: Manifest, *, preview: bool) -> Manifest:
        """Create an object, or ask whether it would be created."""
        query = {"fieldManager": CREATES_AS, **_dry(preview)}
        namespace = manifest["metadata"].get("namespace")
        return self.ask("POST", manifest["apiVersion"], manifest["kind"], namespace, None, manifest, **query)

    def apply(self, manifest: Manifest, manager: str, *, force: bool, preview: bool) -> Manifest:
        """Server-side apply."""
        query = {"fieldManager": manager, "force": str(force).lower(), **_dry(preview)}
        try:
            return self._to("PATCH", manifest, manifest, "application/apply-patch+yaml", **query)
        except Refused as refused:
            if refused.reason == "Conflict":
                refused.args = (f"server-side apply field conflict detected: {refused}",)
            raise

    def replace(self, manifest: Manifest, manager: str, *, preview: bool) -> Manifest:
        """Put an object in the place of the one that is there."""
        return self._to("PUT", manifest, manifest, "application/json", fieldManager=manager, **_dry(preview))

    def delete(self, live: Manifest) -> None:
        """Ask that an object goes, after all that it owns."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground"}
        self._to("DELETE", live, options, "application/json")

    def hand_over(self, live: Manifest, manager: str) -> None:
        """Give the stack's own manager the fields of a plain create, and those of kubectl."""
        entries = managed_by(live["metadata"].get("managedFields") or [], manager)
        if entries is not None:
            change = [{"op": "replace", "path": "/metadata/managedFields", "value": entries}]
            self._to("PATCH", live, change, "application/json-patch+json")

    def _to(self, method: str, manifest: Manifest, body: Any, content: str, **query: str) -> Manifest:
        metadata = manifest["metadata"]
        namespace, name = metadata.get("namespace"), metadata["name"]
        return self.ask(method, manifest["apiVersion"], manifest["kind"], namespace, name, body, content, **query)


def _dry(preview: bool) -> dict[str, str]:
    return {"dryRun": "All"} if preview else {}


def managed_by(entries: list[Manifest], manager: str) -> list[Manifest] | None:
    """The entries of `managedFields` with what is handed over in the manager's own; None where nothing is.

    (`PatchReplaceFieldsManagers` in fluxcd/pkg/ssa.)
    """
    own = next((each for each in entries if (each["manager"], each["operation"]) == (manager, "Apply")), None)
    others = [each for each in entries if each is not own]
    given = [
        each
        for each in others
        if any(each["manager"].startswith(name) and each["operation"] == how for name, how in _HANDED_OVER)
        and "subresource" not in each
    ]
    if not given:
        return None
    merged = {**(own or given[0]), "manager": manager, "operation": "Apply"}
    for each in given:
        merged["fieldsV1"] = _union(merged["fieldsV1"], each["fieldsV1"])
    return [*(each for each in others if each not in given), merged]


def _union(one: Manifest, other: Manifest) -> Manifest:
    return {key: _union(one.get(key, {}), other.get(key, {})) for key in one.keys() | other.keys()}
