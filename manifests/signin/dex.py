"""Dex's settings: its config file, the connectors in Dex's own keys, its custom resources and its rights on them.

No secret is in the file: clients name a variable (`secretEnv`), connectors have `$VARIABLE`, which Dex expands in
connector config only (security rule 18); Google's key is a file of its own, because Dex takes a path for it.
Source: cmd/dex/config.go, connector/*/*.go and storage/kubernetes/storage.go of dexidp/dex v2.45.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import yaml

from config.fields.secrets import SecretRef
from config.providers.forges import Gitea, GitLab
from config.providers.ldap import Ldap
from config.providers.oidc import Oidc
from config.providers.provider import Provider
from config.signin import Auth
from config.stack import Stack
from config.workspace import Workspace
from manifests.signin.oauth2_proxy import SIGN_IN_MINUTES
from manifests.signin.signin import DEX_PORT, DEX_TELEMETRY_PORT, Proxy, issuer, proxies

Manifest = dict[str, Any]

CONFIG_DIRECTORY = "/etc/dex"
CONFIG_FILE = "config.yaml"
KEYS_DIRECTORY = "/etc/dex-keys"
COMMAND = ["/usr/local/bin/dex", "serve", f"{CONFIG_DIRECTORY}/{CONFIG_FILE}"]
"""Not the image's entrypoint, which would run gomplate over the file and needs a place to write (security rule 18)."""

PUBLIC_PATHS = tuple(f"/dex/{path}" for path in (".well-known", "approval", "auth", "callback", "static", "theme"))
"""What a browser needs of Dex, and its public description. Tokens and keys are asked for inside the cluster. The device
flow is on whatever `grantTypes` says, and keeps a record of up to a megabyte for anybody who asks: a real Dex 2.45.1
filled etcd with 70 MB in three seconds (security rule 22)."""

API_GROUP = "dex.coreos.com"
CUSTOM_RESOURCES = {
    "AuthCode": "authcodes",
    "AuthRequest": "authrequests",
    "Connector": "connectors",
    "DeviceRequest": "devicerequests",
    "DeviceToken": "devicetokens",
    "OAuth2Client": "oauth2clients",
    "OfflineSessions": "offlinesessionses",
    "Password": "passwords",
    "RefreshToken": "refreshtokens",
    "SigningKey": "signingkeies",
}
"""Kind -> plural, misspellings included (storage/kubernetes/storage.go:30)."""

ROLE_RULES = [
    {
        "apiGroups": [API_GROUP],
        "resources": sorted(CUSTOM_RESOURCES.values()),
        "verbs": ["create", "delete", "get", "list", "update"],
    }
]
"""Enough with `crdHandling: check`, which lists the namespace's own objects and never reads the definitions
(registerCustomResources, storage.go:154). So a namespaced Role does, and no Dex can read another one's signing keys
(security rule 16)."""


def config(stack: Stack, workspace: Workspace, auth: Auth) -> Manifest:
    """The whole config file.

    Raises:
        ValueError: a connector holds `$` or `{{`; `check` reports that to people before.
    """
    public = issuer(stack, workspace)
    return {
        "issuer": public,
        "storage": {"type": "kubernetes", "config": {"inCluster": True, "crdHandling": "check"}},
        "web": {
            "http": f"0.0.0.0:{DEX_PORT}",
            "headers": {
                "Content-Security-Policy": "frame-ancestors 'none'",
                "X-Content-Type-Options": "nosniff",
                "X-Frame-Options": "DENY",
            },
            "clientRemoteIP": {"header": "CF-Connecting-IP", "trustedProxies": [stack.cluster.podCidr]},
        },
        "telemetry": {"http": f"0.0.0.0:{DEX_TELEMETRY_PORT}"},
        "logger": {"level": "info", "format": "json"},
        "frontend": {"issuer": urlsplit(public).hostname, "theme": "light"},
        "oauth2": {
            "grantTypes": ["authorization_code", "refresh_token"],
            "responseTypes": ["code"],
            "skipApprovalScreen": True,
        },
        "expiry": {
            "idTokens": "1h",
            "authRequests": f"{SIGN_IN_MINUTES}m",
            "refreshTokens": {"absoluteLifetime": auth.session, "validIfNotUsedFor": auth.session},
        },
        "signer": {"type": "local", "config": {"keysRotationPeriod": "6h"}},
        "enablePasswordDB": False,
        "connectors": [connector(provider, f"{public}/callback") for provider in auth.providers],
        "staticClients": [
            {
                "id": proxy.client,
                "name": proxy.host,
                "secretEnv": client_env(workspace, proxy),
                "redirectURIs": [proxy.redirect_url],
            }
            for proxy in proxies(stack, workspace)
        ],
    }


def connector(provider: Provider, callback: str) -> Manifest:
    """One provider as Dex's connector."""
    settings: Manifest = {}
    for key in type(provider).model_fields:
        value = getattr(provider, key)
        if key in ("id", "name", "type", "acceptUnmaintained") or value is None:
            continue
        if key == "serviceAccount":
            settings["serviceAccountFilePath"] = f"{KEYS_DIRECTORY}/{key_file(provider)}"
        elif isinstance(value, SecretRef):
            settings[key] = f"${secret_env(provider, key)}"
        else:
            settings["clientID" if key == "clientId" else key] = _literal(_plain(value))
    if isinstance(provider, Ldap):
        settings["host"] = _ldap_host(provider)
    else:
        settings["redirectURI"] = callback
    return {"type": provider.type, "id": provider.id, "name": provider.name or provider.id, "config": settings}


def _plain(value: Any) -> Any:
    """Models, tuples and dicts as what YAML has, without what was left out."""
    if hasattr(value, "model_dump"):
        value = value.model_dump(exclude_none=True)
    if isinstance(value, dict):
        return {key: _plain(value[key]) for key in sorted(value)}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _literal(value: Any) -> Any:
    if isinstance(value, str) and ("$" in value or "{{" in value):
        raise ValueError("a connector's text has $ or {{, which Dex would expand")
    for item in [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ():
        _literal(item)
    return value


def _ldap_host(provider: Ldap) -> str:
    """The host with its port: left out, Dex would take 636 for StartTLS too (ldap.go openConnector)."""
    if re.search(r":[0-9]+$", provider.host):
        return provider.host
    return f"{provider.host}:{389 if provider.startTLS else 636}"


def client_env(workspace: Workspace, proxy: Proxy) -> str:
    """The variable with a proxy's client secret."""
    return f"CLIENT_SECRET{_variable(proxy.client.removeprefix(workspace.name))}"


def secret_env(provider: Provider, key: str) -> str:
    """The variable with a connector's secret; no name has an underscore or a capital, so no two meet."""
    words = re.sub("([a-z])([A-Z])", r"\1_\2", key).upper()
    return f"CONNECTOR_{_variable(provider.id)}_{words}"


def _variable(name: str) -> str:
    return re.sub("[-.]", "_", name).upper()


def secret_variables(auth: Auth) -> dict[str, str]:
    """Variable -> the stack secret it holds, for every connector."""
    found = {secret_env(p, key): ref.secret for p, key, ref in _references(auth) if key != "serviceAccount"}
    return dict(sorted(found.items()))


def secret_files(auth: Auth) -> dict[str, str]:
    """File name under `KEYS_DIRECTORY` -> the stack secret it holds."""
    found = {key_file(p): ref.secret for p, key, ref in _references(auth) if key == "serviceAccount"}
    return dict(sorted(found.items()))


def secrets_of(auth: Auth) -> dict[str, str]:
    """Variable or file name -> the stack secret it holds: the keys of Dex's Secret but for its clients'."""
    return {**secret_variables(auth), **secret_files(auth)}


def key_file(provider: Provider) -> str:
    """The file with a Google connector's service account key."""
    return f"{provider.id}.json"


def _references(auth: Auth) -> Iterator[tuple[Provider, str, SecretRef]]:
    for provider in auth.providers:
        for key in type(provider).model_fields:
            value = getattr(provider, key)
            if isinstance(value, SecretRef):
                yield provider, key, value


def connector_ports(auth: Auth) -> tuple[int, ...]:
    """The TCP ports that the connectors are reached on, sorted: 443 and whatever an address says."""
    return tuple(sorted({443, *(port for provider in auth.providers for port in _ports(provider))}))


def _ports(provider: Provider) -> Iterable[int]:
    match provider:
        case GitLab() | Gitea():
            urls = [provider.baseURL]
        case Oidc():
            overrides = provider.providerDiscoveryOverrides
            urls = [provider.issuer, *([overrides.tokenURL, overrides.jwksURL] if overrides else [])]
        case Ldap():
            return [int(_ldap_host(provider).rsplit(":", 1)[1])]
        case _:
            return []
    return [urlsplit(url).port or 443 for url in urls if url is not None]


def custom_resource_definition(kind: str) -> Manifest:
    """The CustomResourceDefinition of one of Dex's kinds; the shapes are Dex's own, so the schema keeps every field."""
    plural = CUSTOM_RESOURCES[kind]
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{API_GROUP}"},
        "spec": {
            "group": API_GROUP,
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "scope": "Namespaced",
            "versions": [version],
        },
    }


# libyaml's emitter where the wheel has it: eight times as fast as the pure Python one, with the same text.
_SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_SafeDumper):  # type: ignore[misc]
    """Every text in double quotes: Dex's YAML reads a bare 1e3 as a number where Python's writes it as text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        node: yaml.MappingNode = super().represent_mapping(tag, mapping, flow_style)
        for key, _ in node.value:
            if re.fullmatch("[A-Za-z][A-Za-z0-9-]*", key.value):
                key.style = None
        return node


_Dumper.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


def render(settings: Manifest) -> str:
    """The settings as YAML, in their order."""
    text: str = yaml.dump(settings, Dumper=_Dumper, sort_keys=False, width=10_000)
    return text
