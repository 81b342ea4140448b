"""One program at a workspace's door as Kubernetes objects: what Dex and every OAuth2-Proxy have in common.

Which programs stand there, and what is special about each, is `door`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.workspace import Workspace
from manifests import names, pods, walls
from manifests.ingress.annotations import gateway_ingress
from manifests.signin.signin import ingress_name

Manifest = dict[str, Any]

_RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class Part:
    """One program. Each of its objects has its name, in the workspace's namespace."""

    workspace: Workspace
    name: str
    files: Mapping[str, str]
    """Its config files by name, without a secret in any of them."""
    pod: Manifest
    """What is special about its pod's spec."""
    hears: Sequence[Manifest]
    """The peers that may ask it."""
    asks: Sequence[Manifest]
    """The egress rules for whom it asks itself."""
    port: int
    """Where it listens. Its metrics are elsewhere, and open to nobody (rule 14)."""
    host: str
    """Where it is published, and `paths` is what of it (rule 14)."""
    paths: Sequence[str]
    rules: Sequence[Manifest] = ()
    """What it may do at the API server, in its own namespace. Without any it needs no account either."""

    def head(self, version: str, kind: str) -> Manifest:
        """How each of its objects begins."""
        labels = names.labels(self.name, workspace=self.workspace.name)
        metadata = {"name": self.name, "namespace": self.workspace.name, "labels": labels}
        return {"apiVersion": version, "kind": kind, "metadata": metadata}

    def config_map(self) -> Manifest:
        """The ConfigMap with its files."""
        return {**self.head("v1", "ConfigMap"), "data": dict(self.files)}

    def secret(self, values: Mapping[str, Any]) -> Manifest:
        """The Secret. The values go in as they are: here nobody knows one."""
        return {**self.head("v1", "Secret"), "type": "Opaque", "stringData": dict(values)}

    def account(self) -> Manifest:
        """The ServiceAccount; the pod asks for its token itself."""
        return {**self.head("v1", "ServiceAccount"), "automountServiceAccountToken": False}

    def role(self) -> Manifest:
        """The Role with `rules`."""
        return {**self.head(f"{_RBAC}/v1", "Role"), "rules": list(self.rules)}

    def binding(self) -> Manifest:
        """The RoleBinding of the two."""
        subject = {"kind": "ServiceAccount", "name": self.name, "namespace": self.workspace.name}
        ref = {"apiGroup": _RBAC, "kind": "Role", "name": self.name}
        return {**self.head(f"{_RBAC}/v1", "RoleBinding"), "roleRef": ref, "subjects": [subject]}

    def wall(self) -> Manifest:
        """The NetworkPolicy."""
        opened = [{"from": list(self.hears), "ports": walls.ports(self.port)}]
        spec = walls.policy(names.selector(self.name), ingress=opened, egress=self.asks)
        return {**self.head("networking.k8s.io/v1", "NetworkPolicy"), "spec": spec}

    def deployment(self, checksum: Any) -> Manifest:
        """The Deployment. The checksum of files and secrets goes onto the pods as it is (rule 34)."""
        made = self.head("apps/v1", "Deployment")
        annotations = {names.CHECKSUM_ANNOTATION: checksum}
        made["spec"] = {
            "replicas": 1,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": names.selector(self.name)},
            # Both keep nothing in the process, so the new pod may stand beside the old one until it is ready.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": made["metadata"]["labels"], "annotations": annotations},
                "spec": {
                    "enableServiceLinks": False,
                    "terminationGracePeriodSeconds": pods.SETTLE_SECONDS + pods.STOP_SECONDS,
                    "tolerations": pods.leave_dead_nodes(),
                    **self.pod,
                },
            },
        }
        return made

    def service(self) -> Manifest:
        """The ClusterIP Service."""
        port = {"name": "http", "port": self.port, "targetPort": "http", "protocol": "TCP"}
        spec = {"type": "ClusterIP", "selector": names.selector(self.name), "ports": [port]}
        return {**self.head("v1", "Service"), "spec": spec}

    def ingress(self) -> Manifest:
        """The Ingress that publishes what browsers need of it."""
        name = ingress_name(self.workspace, self.name)
        return gateway_ingress(name, self.host, self.workspace.name, self.paths, self.name)
