"""The ingress controller: the one way from the tunnel to the apps.

Owns the namespace `warren-ingress` and everything in it, and the IngressClass. The Ingress objects are the workspaces';
how each controller is told is `spec.ingress.traefik` and `spec.ingress.nginx`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi

from spec import names, pods, walls
from spec.ingress import nginx, traefik
from spec.ingress.controller import CONTROLLER_CLASS, HTTP_PORT, MATCH, Controller, pod_security, wall
from spec.routes import Route, SignIn
from spec.stack import Cluster

from .native import KubernetesObject

Manifest = dict[str, Any]

_NAME = names.INGRESS_SERVICE
_ROLE = names.INGRESS_NAMESPACE
_LABELS = names.labels(_NAME)


@dataclass(frozen=True)
class IngressControllerArgs:
    """What an `IngressController` is made from."""

    cluster: Cluster
    controller: Literal["traefik", "nginx"] = "traefik"
    replicas: int = 2
    routes: Sequence[Route] = ()
    """The whole route table; what annotations cannot say of a route is told the controller itself."""
    sign_in: Sequence[SignIn] = ()
    """Where people sign in."""


class IngressController(pulumi.ComponentResource):
    """Traefik or ingress-nginx, behind a Service that only the tunnel may reach.

    Makes: the namespace (PodSecurity restricted), the ServiceAccount with its RBAC, the IngressClass, the ConfigMaps,
    the Deployment with its PodDisruptionBudget, the ClusterIP Service, NetworkPolicies, and Ingresses of the
    controller's own.
    """

    ingress_class: str
    """The class of every Ingress it serves."""
    service_url: str
    """Where cloudflared sends every request."""
    http_port: int
    """The container port behind the Service."""
    peer: Manifest
    """Its pods, as other namespaces' NetworkPolicies name them."""
    ready: tuple[pulumi.Resource, ...]
    """What an Ingress has to wait for."""

    def __init__(self, name: str, args: IngressControllerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("warren:components:IngressController", name, {}, opts)
        self.ingress_class = names.INGRESS_CLASS
        self.service_url = f"http://{names.service_host(_NAME, names.INGRESS_NAMESPACE)}:{names.INGRESS_PORT}"
        self.http_port = HTTP_PORT
        self.peer = walls.pods(MATCH, names.INGRESS_NAMESPACE)

        tell = traefik.controller if args.controller == "traefik" else nginx.controller
        told = tell(args.cluster, args.routes, args.sign_in)
        for warning in told.warnings:
            pulumi.log.warn(warning, self)

        here = pulumi.ResourceOptions(parent=self)
        namespace = KubernetesObject(f"{name}-namespace", _namespace(told), here)
        inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        needed: list[pulumi.Resource] = [namespace]
        for role, manifest in [*_access(told), *_walls(args.cluster), *_config(told)]:
            cluster_wide = "namespace" not in manifest["metadata"]
            needed.append(KubernetesObject(f"{name}-{role}", manifest, here if cluster_wide else inside))
        ingress_class = KubernetesObject(f"{name}-class", _class(), here)
        # The walls are there before the pods that they are for (rule 32).
        waiting = pulumi.ResourceOptions(parent=self, depends_on=[*needed, ingress_class])
        deployment = KubernetesObject(f"{name}-deployment", _deployment(told, args.replicas), waiting)
        KubernetesObject(f"{name}-budget", _budget(), inside)
        # A Service awaits its endpoints, so it comes after the pods and nothing of theirs comes after it (rule 33).
        KubernetesObject(
            f"{name}-service", _service(), pulumi.ResourceOptions(parent=self, depends_on=[namespace, deployment])
        )

        for manifest in told.ingresses:
            served = pulumi.ResourceOptions(parent=self, depends_on=[namespace, ingress_class])
            KubernetesObject(f"{name}-ingress-{manifest['metadata']['name']}", manifest, served)

        self.ready = (ingress_class, deployment)
        self.register_outputs({"ingressClass": self.ingress_class, "serviceUrl": self.service_url})


def _metadata(name: str, *, namespaced: bool = True) -> Manifest:
    return {"name": name, "labels": _LABELS, **({"namespace": names.INGRESS_NAMESPACE} if namespaced else {})}


def _object(version: str, kind: str, name: str, *, namespaced: bool = True, **rest: Any) -> Manifest:
    return {"apiVersion": version, "kind": kind, "metadata": _metadata(name, namespaced=namespaced), **rest}


def _namespace(told: Controller) -> Manifest:
    labels = {**names.labels(names.INGRESS_NAMESPACE), **pods.namespace_security("restricted")}
    metadata: Manifest = {"name": names.INGRESS_NAMESPACE, "labels": labels}
    if hosts := sorted({rule["host"] for ingress in told.ingresses for rule in ingress["spec"]["rules"]}):
        metadata["annotations"] = {names.HOSTS_ANNOTATION: ",".join(hosts)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _class() -> Manifest:
    spec = {"controller": CONTROLLER_CLASS}
    return _object("networking.k8s.io/v1", "IngressClass", names.INGRESS_CLASS, namespaced=False, spec=spec)


def _access(told: Controller) -> list[tuple[str, Manifest]]:
    rbac = "rbac.authorization.k8s.io"
    subjects = [{"kind": "ServiceAccount", "name": _NAME, "namespace": names.INGRESS_NAMESPACE}]

    def made(kind: str, name: str, rules: Sequence[Manifest], *, namespaced: bool) -> list[tuple[str, Manifest]]:
        role = _object(f"{rbac}/v1", kind, name, namespaced=namespaced, rules=list(rules))
        ref = {"apiGroup": rbac, "kind": kind, "name": name}
        binding = _object(f"{rbac}/v1", f"{kind}Binding", name, namespaced=namespaced, roleRef=ref, subjects=subjects)
        return [(kind.lower(), role), (f"{kind.lower()}-binding", binding)]

    account = _object("v1", "ServiceAccount", _NAME, automountServiceAccountToken=False)
    return [
        ("account", account),
        *made("ClusterRole", _ROLE, told.cluster_rules, namespaced=False),
        *(made("Role", _NAME, told.own_rules, namespaced=True) if told.own_rules else []),
    ]


def _walls(cluster: Cluster) -> list[tuple[str, Manifest]]:
    specs = {"default-deny": walls.DENY_ALL, _NAME: wall(cluster)}
    return [
        (f"wall-{role}", _object("networking.k8s.io/v1", "NetworkPolicy", role, spec=spec))
        for role, spec in specs.items()
    ]


def _config(told: Controller) -> list[tuple[str, Manifest]]:
    return [(f"config-{name}", _object("v1", "ConfigMap", name, data=dict(data))) for name, data in told.config.items()]


def _budget() -> Manifest:
    return _object("policy/v1", "PodDisruptionBudget", _NAME, spec=pods.disruption_budget(MATCH))


def _service() -> Manifest:
    port = {"name": "http", "port": names.INGRESS_PORT, "targetPort": "http", "protocol": "TCP"}
    return _object("v1", "Service", _NAME, spec={"type": "ClusterIP", "selector": MATCH, "ports": [port]})


def _deployment(told: Controller, replicas: int) -> Manifest:
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
