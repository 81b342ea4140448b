"""A tenant: its namespace with everything in it, and the rules that all tenants live by.

Does not own what one app is made of (`components.app`), nor sign-in (`components.auth`); decides nothing
(`spec.tenant`, `spec.ingress.annotations`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from spec import workspace as spec
from spec.app import apps
from spec.app.static import StaticFiles
from spec.gateway import door
from spec.ingress.annotations import ALLOWED_ANNOTATIONS, BASIC_AUTH_KEY, basic_auth_secret, route_ingresses
from spec.routes import routes_of
from spec.stack import Stack
from spec.tenant import admission, bounds, people, tenancy

from .app import TenantApp, TenantAppArgs
from .auth import AuthGateway, AuthGatewayArgs, DexCustomResources
from .native import KubernetesObject, RandomBytes

Manifest = dict[str, Any]


class TenancyRules(pulumi.ComponentResource):
    """What holds for every workspace, made once: admission policies, their bindings, and ClusterRoles for people."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("warren:components:TenancyRules", name, {}, opts)
        here = pulumi.ResourceOptions(parent=self)
        policies = {
            "ingresses": admission.ingress_policy(ALLOWED_ANNOTATIONS),
            "services": admission.service_policy(),
            **bounds.policies(),
        }
        for role, binding in {**admission.bindings(), **bounds.bindings()}.items():
            policy = KubernetesObject(f"{name}-policy-{role}", policies[role], here)
            KubernetesObject(
                f"{name}-binding-{role}", binding, pulumi.ResourceOptions(parent=self, depends_on=[policy])
            )
        for role, manifest in people.cluster_roles().items():
            KubernetesObject(f"{name}-role-{role}", manifest, here)
        self.register_outputs({})


@dataclass(frozen=True)
class WorkspaceArgs:
    """What a `Workspace` is made from."""

    workspace: spec.Workspace
    stack: Stack
    tenancy: TenancyRules
    """Is there before the workspace, so that nothing slips in while it is not."""
    dex: DexCustomResources | None
    """What Dex keeps its records in; None when no workspace signs anybody in."""
    secrets: Mapping[str, pulumi.Output[str]]
    """The stack's secrets by name."""
    static: Mapping[str, StaticFiles]
    """The files of the static apps, by app."""


class Workspace(pulumi.ComponentResource):
    """A workspace.

    Makes: the Namespace (protected when it holds data), ResourceQuota, LimitRange, the NetworkPolicies for all pods,
    the AuthGateway when people sign in, a TenantApp an app, the Ingresses of its routes with their basic-auth Secrets,
    and RoleBindings for people.
    """

    namespace: str
    urls: tuple[str, ...]
    """Every URL that leads here, sorted by host and path."""

    def __init__(self, name: str, args: WorkspaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("warren:components:Workspace", name, {}, opts)
        workspace, stack = args.workspace, args.stack
        protect = stack.protectData and tenancy.has_data(workspace)
        namespace = KubernetesObject(
            f"{name}-namespace",
            tenancy.namespace(stack, workspace),
            pulumi.ResourceOptions(parent=self, protect=protect, depends_on=[args.tenancy]),
        )

        def make(role: str, manifest: Manifest, *after: pulumi.Resource) -> KubernetesObject:
            opts = pulumi.ResourceOptions(parent=self, depends_on=[namespace, *after])
            return KubernetesObject(f"{name}-{role}", manifest, opts)

        guards = [
            make("quota", tenancy.quota(stack, workspace)),
            make("quota-priority", tenancy.priority_quota(workspace)),
            make("limits", tenancy.limit_range(workspace)),
            *(make(f"wall-{role}", manifest) for role, manifest in tenancy.policies(stack, workspace).items()),
        ]
        for role, manifest in people.role_bindings(workspace).items():
            # Nobody comes in while the quota is not there.
            make(f"people-{role}", manifest, *guards)

        salt = RandomBytes(f"{name}-salt", 32, pulumi.ResourceOptions(parent=self))
        if workspace.auth != "none":
            assert args.dex is not None, "a workspace that signs people in comes with Dex' custom resources"
            AuthGateway(
                f"{name}-auth",
                AuthGatewayArgs(
                    workspace=workspace,
                    stack=stack,
                    secrets=args.secrets,
                    salt=salt,
                    namespace=namespace,
                    crds=args.dex,
                    guards=guards,
                ),
                pulumi.ResourceOptions(parent=self),
            )
        for unit in apps.units(stack, workspace, args.static):
            # A dot, which no name has: app `x-web` of workspace `team` is not app `web` of workspace `team-x`.
            TenantApp(
                f"{name}.{unit.name}",
                TenantAppArgs(
                    unit=unit,
                    namespace=namespace,
                    salt=salt,
                    secrets=args.secrets,
                    guards=guards,
                    protect_data=stack.protectData,
                ),
                pulumi.ResourceOptions(parent=self),
            )
        gates = door.gates(stack, workspace)
        for route in routes_of(stack, workspace):
            ready = [namespace]
            if route.rule.basicAuth is not None:
                # Without its password the route would be dropped, and the one above it would answer instead.
                secret = basic_auth_secret(route)
                ready.append(
                    make(
                        f"password-{route.slug}",
                        _password(workspace, secret, args.secrets[route.rule.basicAuth.secret]),
                        *guards,
                    )
                )
            # What a route denies is denied before it opens, and until it is gone.
            for manifest in reversed(route_ingresses(route, gates.get(route.host))):
                opts = pulumi.ResourceOptions(parent=self, depends_on=list(ready))
                ready.append(KubernetesObject(f"{name}-ingress-{manifest['metadata']['name']}", manifest, opts))

        self.namespace = workspace.name
        self.urls = tuple(route.url for route in routes_of(stack, workspace))
        self.register_outputs({"namespace": self.namespace, "urls": list(self.urls)})


def _password(workspace: spec.Workspace, name: str, htpasswd: pulumi.Output[str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": workspace.name, "labels": tenancy.labels(workspace)},
        "type": "Opaque",
        "stringData": {BASIC_AUTH_KEY: htpasswd},
    }
