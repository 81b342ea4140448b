"""A controller in the cluster: its namespace, its rights, its walls, its pods and its Service, whichever program it is.

What differs between programs comes in a `Controller`. The Ingress objects that it serves are `annotations`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from config.routes import Route, SignIn
from config.stack import Cluster
from manifests import names, pods, walls
from manifests.ingress import clients, nginx, traefik
from manifests.ingress.controller import CONTROLLER_CLASS, MATCH, Controller, pod_security, wall

Manifest = dict[str, Any]

_NAME = names.INGRESS_SERVICE
_CLUSTER_WIDE = names.INGRESS_NAMESPACE
_LABELS = names.labels(_NAME)


def chosen(
    program: Literal["traefik", "nginx"], cluster: Cluster, routes: Sequence[Route], sign_in: Sequence[SignIn]
) -> Controller:
    """The program that a stack asks for, told its routes and where people sign in."""
    tell = traefik.controller if program == "traefik" else nginx.controller
    return tell(cluster, routes, sign_in)


def namespace(told: Controller) -> Manifest:
    """The Namespace, PodSecurity `restricted`; it owns the hosts of the controller's own Ingresses."""
    labels = {**names.labels(names.INGRESS_NAMESPACE), **pods.namespace_security("restricted")}
    metadata: Manifest = {"name": names.INGRESS_NAMESPACE, "labels": labels}
    if hosts := sorted({rule["host"] for ingress in told.ingresses for rule in ingress["spec"]["rules"]}):
        metadata["annotations"] = {names.HOSTS_ANNOTATION: ",".join(hosts)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def ingress_class() -> Manifest:
    """The IngressClass."""
    spec = {"controller": CONTROLLER_CLASS}
    return _object("networking.k8s.io/v1", "IngressClass", names.INGRESS_CLASS, namespaced=False, spec=spec)


def before_pods(told: Controller, cluster: Cluster) -> dict[str, Manifest]:
    """Everything that has to be there before the pods, by role: rights, walls (rule 32) and config."""
    return {
        **_access(told),
        **{f"wall-{name}": manifest for name, manifest in policies(cluster).items()},
        **{f"config-{name}": _object("v1", "ConfigMap", name, data=dict(data)) for name, data in told.config.items()},
    }


def passwords(text: Any) -> Manifest:
    """The Secret with the file that `traefik.passwords` makes. The text goes in as it is: here nobody knows it."""
    return _object("v1", "Secret", clients.SECRET, type="Opaque", stringData={clients.FILE: text})


def policies(cluster: Cluster) -> dict[str, Manifest]:
    """The NetworkPolicies by name."""
    specs = {"default-deny": walls.DENY_ALL, _NAME: wall(cluster)}
    return {name: _object("networking.k8s.io/v1", "NetworkPolicy", name, spec=spec) for name, spec in specs.items()}


def deployment(told: Controller, replicas: int) -> Manifest:
    """The Deployment."""
    pod = {
        "serviceAccountName": _NAME,
        # It reads the API; the account itself hands no token to anything else.
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "securityContext": pod_security(told),
        "terminationGracePeriodSeconds": told.grace_seconds,
        "topologySpreadConstraints": pods.spread(MATCH),
        "tolerations": pods.leave_dead_nodes(),
        "containers": [told.container],
        "volumes": list(told.volumes),
    }
    spec = {
        "replicas": replicas,
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": MATCH},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {"metadata": {"labels": _LABELS}, "spec": pod},
    }
    return _object("apps/v1", "Deployment", _NAME, spec=spec)


def budget() -> Manifest:
    """The PodDisruptionBudget."""
    return _object("policy/v1", "PodDisruptionBudget", _NAME, spec=pods.disruption_budget(MATCH))


def service() -> Manifest:
    """The ClusterIP Service that cloudflared sends requests to."""
    port = {"name": "http", "port": names.INGRESS_PORT, "targetPort": "http", "protocol": "TCP"}
    return _object("v1", "Service", _NAME, spec={"type": "ClusterIP", "selector": MATCH, "ports": [port]})


def _access(told: Controller) -> dict[str, Manifest]:
    rights = _rights("ClusterRole", _CLUSTER_WIDE, told.cluster_rules, namespaced=False)
    if told.own_rules:
        rights |= _rights("Role", _NAME, told.own_rules, namespaced=True)
    return {"account": _object("v1", "ServiceAccount", _NAME, automountServiceAccountToken=False), **rights}


def _rights(kind: str, name: str, rules: Sequence[Manifest], *, namespaced: bool) -> dict[str, Manifest]:
    rbac = "rbac.authorization.k8s.io"
    role = _object(f"{rbac}/v1", kind, name, namespaced=namespaced, rules=list(rules))
    ref = {"apiGroup": rbac, "kind": kind, "name": name}
    subjects = [{"kind": "ServiceAccount", "name": _NAME, "namespace": names.INGRESS_NAMESPACE}]
    binding = _object(f"{rbac}/v1", f"{kind}Binding", name, namespaced=namespaced, roleRef=ref, subjects=subjects)
    return {kind.lower(): role, f"{kind.lower()}-binding": binding}


def _object(version: str, kind: str, name: str, *, namespaced: bool = True, **rest: Any) -> Manifest:
    metadata = {"name": name, "labels": _LABELS, **({"namespace": names.INGRESS_NAMESPACE} if namespaced else {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}
