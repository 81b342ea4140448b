"""Who stands at a workspace's door: one OAuth2-Proxy a protected host and one Dex a workspace.

Owns their names, their addresses and whether groups are needed. Their settings are `oauth2_proxy` and `dex`.

Signing out is `https://<host>/oauth2/sign_out`, for each host on its own: it drops that host's cookie. Dex 2.45 has no
session and no end-session endpoint (security rule 23), so the identity provider still knows the person and may sign
them in again unasked.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from config import routes
from config.providers.provider import says_groups
from config.routes import own_host
from config.signin import Auth
from config.stack import Stack
from config.workspace import Workspace
from manifests import names

PROXY_PORT = 4180
DEX_PORT = 5556
DEX_TELEMETRY_PORT = 5558

_LONGEST_LABEL = 40
"""Longer host labels are cut, so that a Service's name has at most 63 characters."""


@dataclass(frozen=True)
class Proxy:
    """One OAuth2-Proxy. Nothing in it is shared with another one, in this workspace or elsewhere (security rule 6)."""

    host: str
    name: str
    """The Deployment, Service, Secret, ConfigMap and Ingress in the workspace's namespace."""
    cookie: str
    client: str
    """The client id at the workspace's Dex."""

    @property
    def redirect_url(self) -> str:
        """Where Dex sends people back to; the only address it accepts for this client."""
        return f"https://{self.host}/oauth2/callback"


def proxies(stack: Stack, workspace: Workspace) -> tuple[Proxy, ...]:
    """The proxies of a workspace, sorted by host; none where `auth: none`."""
    return tuple(_proxy(stack, workspace, host) for host in routes.protected_hosts(stack, workspace))


def _proxy(stack: Stack, workspace: Workspace, host: str) -> Proxy:
    if host == own_host(stack, workspace):
        return Proxy(host, names.PROXY, f"__Host-{workspace.name}", workspace.name)
    slug = _slug("@" if host == stack.domain else host.removesuffix(f".{stack.domain}"))
    # A dot joins because no name has one: workspace `a-b` and host b of workspace `a` stay apart.
    return Proxy(host, f"{names.PROXY}-{slug}", f"__Host-{workspace.name}.{slug}", f"{workspace.name}.{slug}")


def _slug(label: str) -> str:
    """A host label as part of a name. No label starts with a hyphen, so the apex cannot meet a host called `apex`."""
    if label == "@":
        return "-apex"
    if len(label) <= _LONGEST_LABEL and "." not in label:
        return label
    return f"{label[:30].replace('.', '-').rstrip('-')}--{hashlib.sha256(label.encode()).hexdigest()[:8]}"


def ingress_name(workspace: Workspace, service: str) -> str:
    """The name of the Ingress that publishes `dex` or a proxy.

    Traefik calls a router by namespace and Ingress joined with hyphens, so workspace `a` with host `dex` and workspace
    `a-oauth2-proxy` would meet; the mark keeps them apart.
    """
    return f"{service}-{names.mark(workspace.name, service)}"


def issuer(stack: Stack, workspace: Workspace) -> str:
    """The workspace's Dex as the world sees it."""
    return f"https://{own_host(stack, workspace)}/dex"


def back_channel(workspace: Workspace) -> str:
    """The same Dex from inside the cluster, so that no call between servers leaves through Cloudflare (rule 17)."""
    return f"http://{names.service_host(names.DEX, workspace.name)}:{DEX_PORT}/dex"


def wants_groups(workspace: Workspace, auth: Auth) -> bool:
    """Whether sign-in asks for people's groups.

    Only where somebody said something about groups: the question costs rights at the provider. Dex then asks Entra for
    `directory.read.all`, which a directory's administrator has to grant, and GitHub for `read:org`.
    """
    said = [allow for app in workspace.apps.values() for allow in (app.allow, *(rule.allow for rule in app.routes))]
    by_group = any(allow is not None and allow.groups for allow in (auth.allow, *said))
    return by_group or any(map(says_groups, auth.providers))
