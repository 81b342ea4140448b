"""A stack that the engine brings into a cluster of this run, and what is then in the cluster.

Owns: connecting a stack's files to the cluster, and looking at everything that is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from manifests import connection
from tests.engine.harness import Project
from tests.node import provider
from tests.node.cluster import Cluster, app
from tests.real.api import Key, Manifest
from tests.real.control_plane import wait

_ACCOUNT = "0123456789abcdef" * 2
_BY_ITSELF = frozenset(
    """
    APIService ComponentStatus ControllerRevision Endpoints EndpointSlice Event IPAddress Lease Node Pod ReplicaSet
    """.split()
)
"""Kinds that nobody describes: they come, go and change with what is described."""
_CHANGES = ("generation", "managedFields", "resourceVersion")


def connect(project: Project, kubeconfig: Path) -> None:
    """Let a stack that was made for the sandbox be a connected one."""
    file = project.root / f"Pulumi.{project.stack}.yaml"
    written = yaml.safe_load(file.read_text(encoding="utf-8"))
    config = written["config"]
    del config["warren:sandbox"]
    config["warren:cluster"] |= {"kubeconfig": str(kubeconfig), "context": "tests"}
    config["warren:cloudflare"] = {"accountId": _ACCOUNT, "zoneId": _ACCOUNT}
    file.write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")
    project.pulumi("config", "set", "--secret", "cloudflare:apiToken", connection.SANDBOX_TOKEN)
    provider.install(project.root / ".state" / "pulumi-home")


@dataclass(frozen=True)
class Stack:
    """A connected stack, and its cluster."""

    project: Project
    cluster: Cluster

    def of(self, *workspaces: str) -> None:
        """Let the stack have these workspaces."""
        file = self.project.root / f"Pulumi.{self.project.stack}.yaml"
        written = yaml.safe_load(file.read_text(encoding="utf-8"))
        written["config"]["warren:workspaces"] = list(workspaces)
        file.write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a file of the project."""
        text = self.read(path)
        assert old in text, f"{path} has no {old!r}"
        self.write(path, text.replace(old, new))

    def read(self, path: str) -> str:
        """A file of the project."""
        return (self.project.root / path).read_text(encoding="utf-8")

    def write(self, path: str, text: str) -> None:
        """Write a file of the project."""
        (self.project.root / path).write_text(text, encoding="utf-8")

    def objects(self) -> dict[Key, Manifest]:
        """Everything that somebody has described, of every kind: what it is, without status and without its history."""
        api = self.cluster.api
        groups = api.request("GET", "/apis").body["groups"]
        versions = ["v1", *(each["preferredVersion"]["groupVersion"] for each in groups)]
        found: dict[Key, Manifest] = {}
        for version in versions:
            path = f"/apis/{version}" if "/" in version else f"/api/{version}"
            for resource in api.request("GET", path).body["resources"]:
                kind = resource["kind"]
                if "/" in resource["name"] or "list" not in resource["verbs"] or kind in _BY_ITSELF:
                    continue
                where = f"{path}/{resource['name']}"
                # A kind that has just been announced is not served at once.
                wait(where, lambda where=where: api.request("GET", where).ok, 60)  # type: ignore[misc]
                for each in api.request("GET", where).body["items"]:
                    each.pop("status", None)
                    metadata = {key: value for key, value in each["metadata"].items() if key not in _CHANGES}
                    found[Key.of({**each, "kind": kind})] = {**each, "metadata": metadata}
        return found

    def deployment(self, namespace: str, name: str) -> Any:
        """A Deployment as it is."""
        return self.cluster.api.get("apps/v1", "Deployment", namespace, name)

    def pods(self) -> dict[str, str]:
        """Every pod that was not told to end: its uid, and what it belongs to."""
        pods = [each for each in self.cluster.pods() if "deletionTimestamp" not in each["metadata"]]
        return {each["metadata"]["uid"]: app(each) for each in pods}

    def unready(self) -> set[str]:
        """Deployments that have fewer pods, or older ones, than they should."""
        return {
            f"{each['metadata']['namespace']}/{each['metadata']['name']}"
            for each in self.cluster.api.get("apps/v1", "Deployment")
            if each["status"].get("observedGeneration") != each["metadata"]["generation"]
            or not each["spec"]["replicas"]
            == each["status"].get("updatedReplicas")
            == each["status"].get("availableReplicas")
        }

    def by_hand(self, manifest: Manifest, change: Manifest, at: str = "") -> None:
        """Change an object, or what is `at` it, as kubectl does, which then owns what it changed."""
        path = self.cluster.api.path_of(manifest) + at
        content = "application/merge-patch+json"
        answer = self.cluster.api.request("PATCH", path, change, content, fieldManager="kubectl-edit")
        assert answer.ok, answer.message

    def delete(self, manifest: Manifest) -> None:
        """Delete an object as kubectl does, and wait until it is gone."""
        path = self.cluster.api.path_of(manifest)
        assert self.cluster.api.request("DELETE", path).ok
        wait(f"{path} gone", lambda: not self.cluster.api.request("GET", path).ok)
