"""The door of a workspace: its OAuth2-Proxies, its Dex, and what stands between them and everybody else.

Decides no setting (`spec.gateway.oauth2_proxy`, `spec.gateway.dex`) and no name (`spec.gateway.signin`). Which routes
are behind the door is said on the routes' own Ingress objects, from `AuthGateway.gates`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pulumi

from spec import compute, images, names, pods, walls
from spec.gateway import dex, oauth2_proxy, signin
from spec.gateway.signin import Proxy
from spec.ingress.annotations import Gate, gateway_ingress
from spec.stack import Stack
from spec.workspace import Auth, Workspace

from .native import KubernetesObject, RandomBytes, fingerprint

Manifest = dict[str, Any]

_PROXY_USER = 65532
_DEX_USER = 1001
"""As their images have it, by number, because `runAsNonRoot` cannot judge a name."""


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
    ingress_peer: Manifest
    """The ingress controller's pods, as a NetworkPolicy peer."""
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

    gates: Mapping[str, Gate]
    """Protected host -> what its routes are guarded by."""
    policies: tuple[KubernetesObject, ...]

    def __init__(self, name: str, args: AuthGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("warren:components:AuthGateway", name, {}, opts)
        self._name, self._args = name, args
        proxies = signin.proxies(args.stack, args.workspace)
        self.gates = MappingProxyType({p.host: Gate(p.host, p.name, args.workspace.name) for p in proxies})

        clients = {proxy: RandomBytes(f"{name}.{proxy.name}-client", 32, self._after()).hex for proxy in proxies}
        self.policies = (self._dex(clients), *(self._proxy(proxy, secret) for proxy, secret in clients.items()))
        self.register_outputs({"issuer": signin.issuer(args.stack, args.workspace), "hosts": sorted(self.gates)})

    def _dex(self, clients: Mapping[Proxy, pulumi.Output[str]]) -> KubernetesObject:
        args, role = self._args, names.DEX
        config = dex.render(dex.config(args.stack, args.workspace, args.auth))
        connectors = {**dex.secret_variables(args.auth), **dex.secret_files(args.auth)}
        secrets = {
            **{dex.client_env(args.workspace, proxy): secret for proxy, secret in clients.items()},
            **{key: args.secrets[secret] for key, secret in connectors.items()},
        }
        config_map = self._config(role, {dex.CONFIG_FILE: config})
        secret = self._secret(role, secrets)
        rights = self._rights(role)
        wall = self._object(role, "wall", _policy(args.workspace, role, _dex_wall(args, list(clients))))
        pod = _dex_pod(sorted(secrets), sorted(dex.secret_files(args.auth)))
        parts: dict[str, pulumi.Input[str]] = {dex.CONFIG_FILE: config, **secrets}
        self._object(
            role,
            "deployment",
            _deployment(args.workspace, role, pod, fingerprint(args.salt, parts)),
            *(config_map, secret, wall, *rights, *args.crds.definitions),
        )
        host = names.hostname(args.workspace.host, args.stack.domain)
        self._published(role, signin.DEX_PORT, host, dex.PUBLIC_PATHS)
        return wall

    def _proxy(self, proxy: Proxy, client_secret: pulumi.Output[str]) -> KubernetesObject:
        args, role = self._args, proxy.name
        options = oauth2_proxy.options(args.stack, args.workspace, args.auth, proxy)
        files = {oauth2_proxy.CONFIG_FILE: oauth2_proxy.render(options)}
        if (emails := oauth2_proxy.emails_file(args.auth.allow)) is not None:
            files[oauth2_proxy.EMAILS_FILE] = emails
        cookie = RandomBytes(f"{self._name}.{role}-cookie", 32, self._after())
        secrets = {
            oauth2_proxy.COOKIE_SECRET_ENV: cookie.base64.apply(oauth2_proxy.cookie_secret),
            oauth2_proxy.CLIENT_SECRET_ENV: client_secret,
        }
        config_map = self._config(role, files)
        secret = self._secret(role, secrets)
        wall = self._object(role, "wall", _policy(args.workspace, role, _proxy_wall(args, role)))
        self._object(
            role,
            "deployment",
            _deployment(args.workspace, role, _proxy_pod(role), fingerprint(args.salt, {**files, **secrets})),
            *(config_map, secret, wall),
        )
        self._published(role, signin.PROXY_PORT, proxy.host, ["/oauth2"])
        return wall

    def _config(self, role: str, files: Mapping[str, str]) -> KubernetesObject:
        return self._object(
            role, "config", {**_head(self._args.workspace, "v1", "ConfigMap", role), "data": dict(files)}
        )

    def _secret(self, role: str, values: Mapping[str, pulumi.Output[str]]) -> KubernetesObject:
        head = _head(self._args.workspace, "v1", "Secret", role)
        return self._object(role, "secret", {**head, "type": "Opaque", "stringData": dict(values)})

    def _rights(self, role: str) -> tuple[KubernetesObject, KubernetesObject]:
        workspace, group = self._args.workspace, "rbac.authorization.k8s.io"
        account = _head(workspace, "v1", "ServiceAccount", role)
        rules = {**_head(workspace, f"{group}/v1", "Role", role), "rules": dex.ROLE_RULES}
        binding = {
            **_head(workspace, f"{group}/v1", "RoleBinding", role),
            "roleRef": {"apiGroup": group, "kind": "Role", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": role, "namespace": workspace.name}],
        }
        who = self._object(role, "account", {**account, "automountServiceAccountToken": False})
        allowed = self._object(role, "role", rules)
        return who, self._object(role, "binding", binding, who, allowed)

    def _published(self, role: str, port: int, host: str, paths: Sequence[str]) -> None:
        workspace = self._args.workspace
        spec = {
            "type": "ClusterIP",
            "selector": names.selector(role),
            "ports": [{"name": "http", "port": port, "targetPort": "http", "protocol": "TCP"}],
        }
        self._object(role, "service", {**_head(workspace, "v1", "Service", role), "spec": spec})
        name = signin.ingress_name(workspace, role)
        self._object(role, "ingress", gateway_ingress(name, host, workspace.name, paths, role))

    def _object(self, role: str, part: str, manifest: Manifest, *after: pulumi.Resource) -> KubernetesObject:
        before = (self._args.namespace, *self._args.guards, *after)
        return KubernetesObject(f"{self._name}.{role}-{part}", manifest, self._after(*before))

    def _after(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after))


def _head(workspace: Workspace, version: str, kind: str, role: str) -> Manifest:
    metadata = {"name": role, "namespace": workspace.name, "labels": names.labels(role, workspace=workspace.name)}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _policy(workspace: Workspace, role: str, spec: Manifest) -> Manifest:
    return {**_head(workspace, "networking.k8s.io/v1", "NetworkPolicy", role), "spec": spec}


def _proxy_wall(args: AuthGatewayArgs, role: str) -> Manifest:
    # Metrics have their own port, which is open to nobody (rule 14).
    back_channel = {"to": [walls.pods(names.selector(names.DEX))], "ports": walls.ports(signin.DEX_PORT)}
    return walls.policy(
        names.selector(role),
        ingress=[{"from": [args.ingress_peer], "ports": walls.ports(signin.PROXY_PORT)}],
        egress=[walls.dns(), back_channel],
    )


def _dex_wall(args: AuthGatewayArgs, proxies: Sequence[Proxy]) -> Manifest:
    peers = [args.ingress_peer, *(walls.pods(names.selector(proxy.name)) for proxy in proxies)]
    cluster = args.stack.cluster
    return walls.policy(
        names.selector(names.DEX),
        ingress=[{"from": peers, "ports": walls.ports(signin.DEX_PORT)}],
        egress=[
            walls.dns(),
            walls.api_server(cluster),
            walls.internet(cluster, *dex.connector_ports(args.auth)),
            # A directory at home is reached through the same openings as the workspace's apps have.
            *(walls.network(opening.cidr, opening.ports) for opening in args.workspace.egress.allow),
        ],
    )


def _from_secret(secret: str, variables: Sequence[str]) -> list[Manifest]:
    # Never optional: Dex takes a variable that is not set for an empty secret (cmd/dex/serve.go:230).
    return [{"name": v, "valueFrom": {"secretKeyRef": {"name": secret, "key": v}}} for v in variables]


def _probe(path: str, port: str, *, seconds: int, failures: int = 3) -> Manifest:
    return {"httpGet": {"path": path, "port": port}, "periodSeconds": seconds, "failureThreshold": failures}


def _dex_pod(keys: Sequence[str], files: Sequence[str]) -> Manifest:
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
        "env": [*_from_secret(names.DEX, [key for key in keys if key not in files]), compute.DEX.go_limit()],
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
        "resources": compute.DEX.resources(),
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
            compute.OAUTH2_PROXY.go_limit(),
        ],
        "ports": [
            {"name": "http", "containerPort": signin.PROXY_PORT},
            {"name": "metrics", "containerPort": oauth2_proxy.METRICS_PORT},
        ],
        "livenessProbe": _probe("/ping", "http", seconds=20),
        "readinessProbe": _probe("/ready", "http", seconds=10),
        "lifecycle": pods.settle(),
        "resources": compute.OAUTH2_PROXY.resources(),
        "volumeMounts": [{"name": "config", "mountPath": oauth2_proxy.CONFIG_DIRECTORY, "readOnly": True}],
        "securityContext": pods.container_security(),
    }
    return {
        "automountServiceAccountToken": False,
        "securityContext": pods.pod_security(_PROXY_USER),
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": role}}],
    }


def _deployment(workspace: Workspace, role: str, pod: Manifest, checksum: pulumi.Output[str]) -> Manifest:
    labels = names.labels(role, workspace=workspace.name)
    return {
        **_head(workspace, "apps/v1", "Deployment", role),
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": names.selector(role)},
            # Both keep nothing in the process, so the new pod may stand beside the old one until it is ready.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": labels, "annotations": {names.CHECKSUM_ANNOTATION: checksum}},
                "spec": {
                    "enableServiceLinks": False,
                    "terminationGracePeriodSeconds": pods.SETTLE_SECONDS + pods.STOP_SECONDS,
                    "tolerations": pods.leave_dead_nodes(),
                    **pod,
                },
            },
        },
    }
