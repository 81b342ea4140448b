"""A tenant: its namespace with everything in it.

Does not own what one app is made of (`components.app`), nor sign-in (`components.signin`); decides nothing
(`manifests.workspace`, `manifests.tenant.people`, `manifests.ingress.annotations`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from config import workspace as written
from config.routes import routes_of
from config.stack import Stack
from manifests import names
from manifests.app import apps
from manifests.app.between import Way
from manifests.app.static import StaticFiles
from manifests.ingress.annotations import password, route_ingresses
from manifests.signin import door
from manifests.tenant import people
from manifests.workspace import mark, registries, workspaces

from .app import TenantApp, TenantAppArgs
from .native import KubernetesObject, RandomBytes
from .signin import AuthGateway, AuthGatewayArgs, DexCustomResources
from .tenant import TenancyRules


@dataclass(frozen=True)
class WorkspaceArgs:
    """What a `Workspace` is made from."""

    workspace: written.Workspace
    stack: Stack
    rules: TenancyRules
    """Is there before the workspace, so that nothing slips in while it is not."""
    dex: DexCustomResources | None
    """What Dex keeps its records in; None when no workspace signs anybody in."""
    secrets: Mapping[str, pulumi.Output[str]]
    """The stack's secrets by name."""
    static: Mapping[str, StaticFiles]
    """The files of the static apps, by app."""
    between: Sequence[Way] = ()
    """The ways between workspaces."""


class Workspace(pulumi.ComponentResource):
    """A workspace.

    Makes: the Namespace (protected when it holds data), ResourceQuota, LimitRange, the NetworkPolicies for all pods,
    the Secret that signs them in to registries, the AuthGateway when people sign in, a TenantApp an app, the Ingresses
    of its routes with their basic-auth Secrets, and RoleBindings for people.
    """

    def __init__(self, name: str, args: WorkspaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("warren:components:Workspace", name, {}, opts)
        workspace, stack, secrets = args.workspace, args.stack, args.secrets
        here = pulumi.ResourceOptions(parent=self)
        protect = stack.protectData and workspaces.has_data(workspace)
        first = pulumi.ResourceOptions(parent=self, protect=protect, depends_on=[args.rules])
        namespace = KubernetesObject(f"{name}-namespace", workspaces.namespace(stack, workspace), first)

        def make(role: str, manifest: dict[str, Any], *after: pulumi.Resource) -> KubernetesObject:
            opts = pulumi.ResourceOptions(parent=self, depends_on=[namespace, *after])
            return KubernetesObject(f"{name}-{role}", manifest, opts)

        guards = [make(role, manifest) for role, manifest in workspaces.guards(stack, workspace).items()]
        for role, manifest in people.role_bindings(workspace).items():
            # Nobody comes in while the quota is not there.
            make(f"people-{role}", manifest, *guards)

        signs_in = registries.pull_secret(stack, workspace, secrets, pulumi.Output.json_dumps)
        # The quota before it, and it before the pods: an image that does not come is tried again minutes later.
        before_apps = guards if signs_in is None else [*guards, make("registries", signs_in, *guards)]
        salt = RandomBytes(f"{name}-salt", 32, here)
        if workspace.auth != "none":
            assert args.dex is not None, "a workspace that signs people in comes with Dex' custom resources"
            gateway = AuthGatewayArgs(workspace, stack, secrets, salt, namespace, args.dex, guards)
            AuthGateway(f"{name}-auth", gateway, here)
        its_apps: dict[str, TenantApp] = {}
        for unit in apps.made_in_order(apps.units(stack, workspace, args.static, args.between)):
            waits_for = [its_apps[other].pods for other in unit.app.after]
            app = TenantAppArgs(unit, namespace, salt, secrets, before_apps, stack.protectData, waits_for)
            # A dot, which no name has: app `x-web` of workspace `team` is not app `web` of workspace `team-x`.
            its_apps[unit.name] = TenantApp(f"{name}.{unit.name}", app, here)
        routes, gates = routes_of(stack, workspace), door.gates(stack, workspace)
        for route in routes:
            ready = [namespace]
            if route.rule.basicAuth is not None:
                # Without its password the route would be dropped, and the one above it would answer instead.
                htpasswd = secrets[route.rule.basicAuth.secret]
                ready.append(make(f"password-{names.slug(route)}", password(route, htpasswd), *guards))
            # What a route denies is denied before it opens, and until it is gone.
            for manifest in reversed(route_ingresses(route, gates.get(route.host))):
                after = pulumi.ResourceOptions(parent=self, depends_on=list(ready))
                ready.append(KubernetesObject(f"{name}-ingress-{manifest['metadata']['name']}", manifest, after))

        urls = [route.url for route in routes]
        mine = mark.of(stack, workspace, args.static, args.between)
        self.register_outputs({"namespace": workspace.name, "urls": urls, "written": mine})
