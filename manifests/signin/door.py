"""A workspace's door: Dex and an OAuth2-Proxy a protected host, each with its pod, its walls and its rights.

Their settings are `dex` and `oauth2_proxy`, their names `signin`, and what both have in common `part`. Which routes are
behind the door is said on the routes' own Ingresses, from `gates`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from config import compute
from config.routes import own_host
from config.signin import Auth
from config.stack import Stack
from config.workspace import Workspace
from manifests import images, names, pods, walls
from manifests.ingress import controller
from manifests.ingress.annotations import Gate
from manifests.signin import dex, oauth2_proxy, signin
from manifests.signin.part import Part
from manifests.signin.signin import Proxy

Manifest = dict[str, Any]

_PROXY_USER = 65532
_DEX_USER = 1001
"""As their images have it, by number, because `runAsNonRoot` cannot judge a name."""


def gates(stack: Stack, workspace: Workspace) -> dict[str, Gate]:
    """Protected host -> what its routes are guarded by; none where `auth: none`."""
    variables = stack.ingress.controller == "nginx"
    return {p.host: Gate(p.host, p.name, workspace.name, variables) for p in signin.proxies(stack, workspace)}


def parts(stack: Stack, workspace: Workspace) -> tuple[Part, ...]:
    """Everybody at the door, Dex first; nobody where `auth: none`."""
    auth = workspace.auth
    if auth == "none":
        return ()
    proxies = signin.proxies(stack, workspace)
    return (dex_part(stack, workspace, auth), *(proxy_part(stack, workspace, auth, proxy) for proxy in proxies))


def dex_part(stack: Stack, workspace: Workspace, auth: Auth) -> Part:
    """Dex. It hears the controller and its own proxies; it asks the API server, its providers and listed networks."""
    proxies = signin.proxies(stack, workspace)
    variables = [*(dex.client_env(workspace, proxy) for proxy in proxies), *dex.secret_variables(auth)]
    return Part(
        workspace=workspace,
        name=names.DEX,
        files={dex.CONFIG_FILE: dex.render(dex.config(stack, workspace, auth))},
        pod=_dex_pod(sorted(variables), sorted(dex.secret_files(auth))),
        hears=[controller.PEER, *(walls.pods(names.selector(proxy.name)) for proxy in proxies)],
        asks=[
            walls.dns(),
            walls.api_server(stack.cluster),
            walls.internet(stack.cluster, *dex.connector_ports(auth)),
            # A directory at home is reached through the same openings as the workspace's apps have.
            *(walls.network(opening.cidr, opening.ports) for opening in workspace.egress.allow),
        ],
        port=signin.DEX_PORT,
        host=own_host(stack, workspace),
        paths=dex.PUBLIC_PATHS,
        rules=dex.ROLE_RULES,
    )


def proxy_part(stack: Stack, workspace: Workspace, auth: Auth, proxy: Proxy) -> Part:
    """An OAuth2-Proxy. It hears the controller, and asks Dex."""
    files = {oauth2_proxy.CONFIG_FILE: oauth2_proxy.render(oauth2_proxy.options(stack, workspace, auth, proxy))}
    if (emails := oauth2_proxy.emails_file(auth.allow)) is not None:
        files[oauth2_proxy.EMAILS_FILE] = emails
    back_channel = {"to": [walls.pods(names.selector(names.DEX))], "ports": walls.ports(signin.DEX_PORT)}
    return Part(
        workspace=workspace,
        name=proxy.name,
        files=files,
        pod=_proxy_pod(proxy.name),
        hears=[controller.PEER],
        asks=[walls.dns(), back_channel],
        port=signin.PROXY_PORT,
        host=proxy.host,
        paths=["/oauth2"],
    )


def _from_secret(secret: str, variables: Sequence[str]) -> list[Manifest]:
    # Never optional: Dex takes a variable that is not set for an empty secret (cmd/dex/serve.go:230).
    return [{"name": v, "valueFrom": {"secretKeyRef": {"name": secret, "key": v}}} for v in variables]


def _probe(path: str, port: str, *, seconds: int, failures: int = 3) -> Manifest:
    return {"httpGet": {"path": path, "port": port}, "periodSeconds": seconds, "failureThreshold": failures}


def _dex_pod(variables: Sequence[str], files: Sequence[str]) -> Manifest:
    volumes: list[Manifest] = [{"name": "config", "configMap": {"name": names.DEX}}]
    mounts: list[Manifest] = [{"name": "config", "mountPath": dex.CONFIG_DIRECTORY, "readOnly": True}]
    if files:
        items = [{"key": key, "path": key} for key in files]
        volumes.append({"name": "keys", "secret": {"secretName": names.DEX, "items": items}})
        mounts.append({"name": "keys", "mountPath": dex.KEYS_DIRECTORY, "readOnly": True})
    container = {
        "name": names.DEX,
        "image": images.DEX,
        "command": dex.COMMAND,
        "env": [*_from_secret(names.DEX, variables), pods.go_limit(compute.DEX)],
        "ports": [
            {"name": "http", "containerPort": signin.DEX_PORT},
            {"name": "telemetry", "containerPort": signin.DEX_TELEMETRY_PORT},
        ],
        # Dex asks every issuer for its discovery document before it listens, so its start may be slow. Where none of
        # them answers it ends, and is started again.
        "startupProbe": _probe("/healthz/live", "telemetry", seconds=5, failures=24),
        "livenessProbe": _probe("/healthz/live", "telemetry", seconds=20),
        "readinessProbe": _probe("/healthz/ready", "telemetry", seconds=10),
        "lifecycle": pods.settle(),
        "resources": pods.resources(compute.DEX),
        "volumeMounts": mounts,
        "securityContext": pods.container_security(),
    }
    # The one part of a workspace that talks to the API server: its records are there.
    identity = {"serviceAccountName": names.DEX, "automountServiceAccountToken": True}
    return {**identity, "securityContext": pods.pod_security(_DEX_USER), "containers": [container], "volumes": volumes}


def _proxy_pod(role: str) -> Manifest:
    container = {
        "name": names.PROXY,
        "image": images.OAUTH2_PROXY,
        "args": [f"--config={oauth2_proxy.CONFIG_DIRECTORY}/{oauth2_proxy.CONFIG_FILE}"],
        "env": [
            *_from_secret(role, [oauth2_proxy.CLIENT_SECRET_ENV, oauth2_proxy.COOKIE_SECRET_ENV]),
            pods.go_limit(compute.OAUTH2_PROXY),
        ],
        "ports": [
            {"name": "http", "containerPort": signin.PROXY_PORT},
            {"name": "metrics", "containerPort": oauth2_proxy.METRICS_PORT},
        ],
        "livenessProbe": _probe("/ping", "http", seconds=20),
        "readinessProbe": _probe("/ready", "http", seconds=10),
        "lifecycle": pods.settle(),
        "resources": pods.resources(compute.OAUTH2_PROXY),
        "volumeMounts": [{"name": "config", "mountPath": oauth2_proxy.CONFIG_DIRECTORY, "readOnly": True}],
        "securityContext": pods.container_security(),
    }
    return {
        "automountServiceAccountToken": False,
        "securityContext": pods.pod_security(_PROXY_USER),
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": role}}],
    }
