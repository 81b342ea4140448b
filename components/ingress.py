"""The ingress controller: the one way from the tunnel to the apps.

Owns the namespace `warren-ingress` and everything in it, and the IngressClass. The Ingress objects are the workspaces';
decides nothing (`manifests.ingress.installation`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi

from config.routes import Route, SignIn
from config.stack import Cluster
from manifests import names
from manifests.ingress import clients, controller, installation, traefik

from .native import KubernetesObject


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
    secrets: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    """The stack's secrets by name."""


class IngressController(pulumi.ComponentResource):
    """Traefik or ingress-nginx, behind a Service that only the tunnel may reach.

    Makes: the namespace (PodSecurity restricted), the ServiceAccount with its RBAC, the IngressClass, the ConfigMaps,
    a Secret where programs come with a password, the Deployment with its PodDisruptionBudget, the ClusterIP Service,
    NetworkPolicies, and Ingresses of the controller's own.
    """

    def __init__(self, name: str, args: IngressControllerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("warren:components:IngressController", name, {}, opts)
        told = installation.chosen(args.controller, args.cluster, args.routes, args.sign_in)
        for warning in told.warnings:
            pulumi.log.warn(warning, self)

        here = pulumi.ResourceOptions(parent=self)
        namespace = KubernetesObject(f"{name}-namespace", installation.namespace(told), here)
        inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        needed = [namespace]
        for role, manifest in installation.before_pods(told, args.cluster).items():
            cluster_wide = "namespace" not in manifest["metadata"]
            needed.append(KubernetesObject(f"{name}-{role}", manifest, here if cluster_wide else inside))
        if wanted := clients.secrets(args.routes):
            values = pulumi.Output.all(**{secret: args.secrets[secret] for secret in wanted})
            text = values.apply(lambda known: traefik.passwords(args.routes, known))
            needed.append(KubernetesObject(f"{name}-passwords", installation.passwords(text), inside))
        ingress_class = KubernetesObject(f"{name}-class", installation.ingress_class(), here)
        classed = pulumi.ResourceOptions(parent=self, depends_on=[namespace, ingress_class])
        ingresses = [
            KubernetesObject(f"{name}-ingress-{manifest['metadata']['name']}", manifest, classed)
            for manifest in told.ingresses
        ]
        # The walls are there before the pods that they are for (rule 32), and so is what pods are not ready without.
        waiting = pulumi.ResourceOptions(parent=self, depends_on=[*needed, ingress_class, *ingresses])
        deployment = KubernetesObject(f"{name}-deployment", installation.deployment(told, args.replicas), waiting)
        KubernetesObject(f"{name}-budget", installation.budget(), inside)
        # A Service awaits its endpoints, so it comes after the pods and nothing of theirs comes after it (rule 33).
        served = pulumi.ResourceOptions(parent=self, depends_on=[namespace, deployment])
        KubernetesObject(f"{name}-service", installation.service(), served)

        self.register_outputs({"ingressClass": names.INGRESS_CLASS, "serviceUrl": controller.URL})
