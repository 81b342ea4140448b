"""The door of a workspace: its OAuth2-Proxies, its Dex, and what stands between them and everybody else.

Decides nothing (`manifests.signin.door`). Which routes are behind the door is said on the routes' own Ingress objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from config.signin import Auth
from config.stack import Stack
from config.workspace import Workspace
from manifests.signin import dex, door, oauth2_proxy, signin
from manifests.signin.part import Part

from .native import KubernetesObject, RandomBytes, fingerprint


class DexCustomResources(pulumi.ComponentResource):
    """The kinds that every Dex keeps its records in, installed once for the cluster (security rules 16 and 47)."""

    definitions: tuple[KubernetesObject, ...]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("warren:components:DexCustomResources", name, {}, opts)
        here = pulumi.ResourceOptions(parent=self)
        self.definitions = tuple(
            KubernetesObject(f"{name}-{plural}", dex.custom_resource_definition(kind), here)
            for kind, plural in dex.CUSTOM_RESOURCES.items()
        )
        self.register_outputs({"kinds": list(dex.CUSTOM_RESOURCES)})


@dataclass(frozen=True)
class AuthGatewayArgs:
    """What an `AuthGateway` is made from."""

    workspace: Workspace
    stack: Stack
    secrets: Mapping[str, pulumi.Output[str]]
    """The stack's secrets by name."""
    salt: RandomBytes
    """The workspace's salt for checksums."""
    namespace: pulumi.Resource
    crds: DexCustomResources
    guards: Sequence[pulumi.Resource] = ()
    """The namespace's default-deny policies: nothing runs before them."""

    @property
    def auth(self) -> Auth:
        """The workspace's sign-in policy.

        Raises:
            ValueError: it has none, so there must be no gateway.
        """
        if self.workspace.auth == "none":
            raise ValueError(f"{self.workspace.name} signs nobody in")
        return self.workspace.auth


class AuthGateway(pulumi.ComponentResource):
    """Sign-in for one workspace.

    Makes, in the workspace's namespace: Dex with its ServiceAccount, Role and RoleBinding; an OAuth2-Proxy for every
    protected host, each with its own cookie, cookie secret and Dex client (security rule 6); for each of them the
    config, a Secret, a Deployment, a Service, a NetworkPolicy, and the Ingress that publishes what browsers need of it.
    """

    def __init__(self, name: str, args: AuthGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("warren:components:AuthGateway", name, {}, opts)
        self._name, self._args = name, args
        stack, workspace, auth = args.stack, args.workspace, args.auth
        here = pulumi.ResourceOptions(parent=self)
        proxies = signin.proxies(stack, workspace)

        clients = {proxy: RandomBytes(f"{name}.{proxy.name}-client", 32, here).hex for proxy in proxies}
        known = {dex.client_env(workspace, proxy): client for proxy, client in clients.items()}
        connectors = {key: args.secrets[secret] for key, secret in dex.secrets_of(auth).items()}
        self._stand(door.dex_part(stack, workspace, auth), {**known, **connectors}, *args.crds.definitions)
        for proxy, client in clients.items():
            cookie = RandomBytes(f"{name}.{proxy.name}-cookie", 32, here)
            secrets = {
                oauth2_proxy.COOKIE_SECRET_ENV: cookie.base64.apply(oauth2_proxy.cookie_secret),
                oauth2_proxy.CLIENT_SECRET_ENV: client,
            }
            self._stand(door.proxy_part(stack, workspace, auth, proxy), secrets)
        hosts = sorted(proxy.host for proxy in proxies)
        self.register_outputs({"issuer": signin.issuer(stack, workspace), "hosts": hosts})

    def _stand(self, part: Part, secrets: Mapping[str, pulumi.Output[str]], *first: pulumi.Resource) -> None:
        def make(role: str, manifest: dict[str, Any], *after: pulumi.Resource) -> KubernetesObject:
            before = [self._args.namespace, *self._args.guards, *after]
            opts = pulumi.ResourceOptions(parent=self, depends_on=before)
            return KubernetesObject(f"{self._name}.{part.name}-{role}", manifest, opts)

        needed = [make("config", part.config_map()), make("secret", part.secret(secrets)), make("wall", part.wall())]
        if part.rules:
            account, role = make("account", part.account()), make("role", part.role())
            needed += [account, make("binding", part.binding(), account, role)]
        checksum = fingerprint(self._args.salt, {**part.files, **secrets})
        make("deployment", part.deployment(checksum), *needed, *first)
        make("service", part.service())
        make("ingress", part.ingress())
