"""What the cluster that is not there would remember.

Owns: refusals that need more than one object: two resources that are the same object, an object whose namespace or
whose CustomResourceDefinition nothing made.  Does not own: a copy of the objects; the state and the rendered files are
that.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from sandbox.kubernetes import config, render, schema
from sandbox.kubernetes.schema import Kind, Problem
from sandbox.wire import UNKNOWN

EXISTING_NAMESPACES = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
"""Namespaces that every cluster has."""

_Identity = tuple[str, str, str | None, str]


class Cluster:
    """Names seen by one provider instance in one run.  Thread-safe."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._owners: dict[_Identity, str] = {}
        self._namespaces = set(EXISTING_NAMESPACES)
        self._custom: set[tuple[str, str]] = set()

    def problems_of_identity(self, kind: Kind, manifest: dict[str, Any], urn: str, *, existing: bool) -> list[Problem]:
        """Register the object as the resource's own; report another resource of this run that is the same object.

        ``existing`` says that the object is in the state already.
        """
        metadata = manifest.get("metadata") or {}
        name, namespace = metadata.get("name"), metadata.get("namespace")
        if existing:
            self.created(kind, manifest)
        if not isinstance(name, str) or namespace is UNKNOWN:
            return []
        with self._lock:
            owner = self._owners.setdefault((kind.group, kind.kind, namespace, name), urn)
        if owner == urn:
            return []
        other = owner.rpartition("::")[2]
        return [
            Problem("metadata.name", f"{_title(kind, manifest)} already exists: resource {other!r} declares it too")
        ]

    def is_another_s(self, kind: Kind, manifest: dict[str, Any], urn: str) -> bool:
        """Say whether another resource of this run has taken the object over."""
        metadata = manifest.get("metadata") or {}
        with self._lock:
            owner = self._owners.get((kind.group, kind.kind, metadata.get("namespace"), str(metadata.get("name"))))
        return owner is not None and owner != urn

    def created(self, kind: Kind, manifest: dict[str, Any]) -> None:
        """Remember a namespace or a CustomResourceDefinition."""
        with self._lock:
            if kind.kind == "Namespace" and kind.group == "":
                self._namespaces.add(str((manifest.get("metadata") or {}).get("name")))
            elif kind.kind == "CustomResourceDefinition":
                self._custom.add(_defined(manifest))

    def deleted(self, kind: Kind, manifest: dict[str, Any]) -> None:
        """Forget a namespace or a CustomResourceDefinition."""
        with self._lock:
            if kind.kind == "Namespace" and kind.group == "":
                self._namespaces.discard((manifest.get("metadata") or {}).get("name"))
            elif kind.kind == "CustomResourceDefinition":
                self._custom.discard(_defined(manifest))

    def refusal_of_create(
        self, kind: Kind, manifest: dict[str, Any], urn: str, *, upsert: bool = False, preview: bool = False
    ) -> str | None:
        """Return why the API server would not take a new object now, or None.

        An object that exists is refused, the same resource's too: that is what an interrupted update left behind, and
        the state knows nothing of it.  A preview of the official provider does not see it; this one sees only an object
        of another resource, which the same stack can mend.
        """
        namespace = (manifest.get("metadata") or {}).get("namespace")
        name = (manifest.get("metadata") or {}).get("name")
        directory = self._directory if isinstance(name, str) and namespace is not UNKNOWN and not upsert else None
        if directory is not None and render.exists(directory, manifest):
            other = render.owner(directory, manifest)
            if other is not None and other != urn:
                return (
                    f"{_title(kind, manifest)} already exists, made by resource {other.rpartition('::')[2]!r}. "
                    "One that only got a new name needs an alias; `make destroy` or `make clean` clear the sandbox"
                )
            if not preview:
                return (
                    f"{_title(kind, manifest)} already exists, and the state does not know it. After an interrupted "
                    f"update, run once with {config.UPSERT}=true (Warren's docs/operations.md); `make clean` clears "
                    "the sandbox"
                )
        if isinstance(namespace, str) and not self._has_namespace(namespace):
            return (
                f'namespaces "{namespace}" not found: no Namespace was created before {kind.kind} {name!r}; '
                "let the resource depend on its Namespace"
            )
        if not schema.known(kind) and (kind.group, kind.kind) not in self._custom:
            return (
                f'no matches for kind "{kind.kind}" in version "{kind.group}/{kind.version}": '
                "no CustomResourceDefinition of this stack was created before it"
            )
        return None

    def _has_namespace(self, namespace: str) -> bool:
        with self._lock:
            if namespace in self._namespaces:
                return True
        # With --target the engine does not show us the namespaces it leaves alone; their files are still there.
        directory = self._directory
        return directory is not None and (directory / "_cluster" / f"namespace-{namespace}.yaml").exists()


def _title(kind: Kind, manifest: dict[str, Any]) -> str:
    metadata = manifest.get("metadata") or {}
    where = f" in namespace {metadata['namespace']}" if metadata.get("namespace") else ""
    return f"{kind.kind} {metadata.get('name')!r}{where}"


def _defined(manifest: dict[str, Any]) -> tuple[str, str]:
    spec = manifest.get("spec") or {}
    return str(spec.get("group")), str((spec.get("names") or {}).get("kind"))
