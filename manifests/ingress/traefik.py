"""How Traefik is told. Pure: arguments, the file provider's config, RBAC.

Owns everything that makes Traefik serve the Ingress objects of `annotations` with the meaning they have in
ingress-nginx. Every option was checked in the source of 3.7.12 (pkg/config/static,
pkg/provider/kubernetes/ingress-nginx) and runs on `images.TRAEFIK`.

**Limits, bodies and passwords** of single routes are `own_routers`' business. A router of the file provider does not
know its namespace, so it puts the workspace into a header for the log. Counts are kept by each replica on its own, and
by each router: an entry point's middlewares are made anew for every router (pkg/server/aggregator.go, applyModel).

**Silence.** The provider's timeouts are deadlines of the connection to the app, WebSockets included: each read and
write may take so long (pkg/server/service/transport.go, connWithTimeouts). The entry point's readtimeout ends with the
request's last byte: Go's server lifts it before it waits for an answer.

**Secrets.** The provider lists Secrets (basic auth needs them) wherever it lists Ingresses, and never becomes ready
where it may not: one namespace whose Role is late would leave every workspace without routes (client.go, WatchAll). So
its ClusterRole may list Secrets; its NetworkPolicy leaves it no way out but the API server, DNS and the workspaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from config import compute
from config.routes import Route, SignIn
from config.stack import Cluster
from manifests import images, names, pods
from manifests.ingress import clients, own_routers, redirects, refusals
from manifests.ingress.controller import (
    BEGIN_BURST,
    BEGIN_PATH,
    CLIENT_BURST,
    CLIENT_RATE,
    CONTROLLER_CLASS,
    FORBIDDEN_HEADERS,
    HTTP_PORT,
    LOG_FIELDS,
    SILENCE,
    UNCACHED,
    WORKSPACE_HEADER,
    Controller,
)
from manifests.signin.signin import DEX_PORT

Manifest = dict[str, Any]

# libyaml's emitter where the wheel has it: eight times as fast as the pure Python one, with the same text.
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

PING_PORT = 8080
"""Probes only; no route ever leads here."""
LOADED_PATH = "/loaded"
"""What answers there as soon as the Ingress objects are loaded; see `loaded`."""
LOADED_SECONDS = 720
"""How long a start may take. Traefik waits for the API server by itself, and a kubelet that restarts it would do so at
longer and longer intervals; they begin anew for a container that ran for ten minutes (kubelet, backoff)."""
CONFIG_MAP = "traefik"
_CONFIG = "/etc/traefik/dynamic"
_FILE_BYTES = 300 * 2**10
_CONFIG_MAP_BYTES = 900 * 2**10
"""What a file of the file provider has, about, and a ConfigMap at most: the API server keeps none above 1 MiB."""
_PROVIDER = own_routers.PROVIDER
_SCRATCH = "/tmp"  # noqa: S108 - where Go puts temporary files; a volume of the pod's own
_USER = 65532

_EVERY_REQUEST = ("clean", "per-client")
"""The entry point's middlewares, outermost first. A router whose middleware is missing is not served at all."""


def controller(cluster: Cluster, routes: Iterable[Route], sign_in: Iterable[SignIn] = ()) -> Controller:
    """Traefik for a cluster."""
    routes, sign_in = list(routes), list(sign_in)
    config = config_maps(
        {
            "every-request": every_request(),
            "loaded": loaded(),
            "routes": own_routers.config(routes),
            "refusals": refusals.traefik(routes, sign_in),
            "sign-in": beginnings(sign_in),
            **({"redirects": moved} if (moved := redirects.traefik(routes)) else {}),
        }
    )
    return Controller(
        user=_USER,
        group=_USER,
        container=_container(cluster),
        config=config,
        cluster_rules=RULES,
        volumes=[
            # One directory, and not one file each: Traefik sees the kubelet's next update of a ConfigMap only in a
            # directory it watches, and it watches no folder below that.
            {"name": "config", "projected": {"sources": [*_sources(config, routes)]}},
            # Part of a body that is refused for its size lands here for a moment, and nothing else. In memory, because
            # a full one is an error for who fills it: files without a name, as these, escape the limit of a disk.
            {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}},
        ],
        ingresses=[own_routers.measuring()],
    )


def _sources(config: Iterable[str], routes: Iterable[Route]) -> Iterator[Manifest]:
    yield from ({"configMap": {"name": name}} for name in config)
    if clients.secrets(routes):
        yield {"secret": {"name": clients.SECRET}}


def passwords(routes: Iterable[Route], values: Mapping[str, str]) -> str:
    """The file with the hashes of clients' passwords, of the values of `clients.secrets`."""
    return _yaml(clients.config(routes, values))


def config_maps(config: Mapping[str, Manifest]) -> dict[str, dict[str, str]]:
    """The file provider's config, by subject, as files in ConfigMaps: one for all but the largest platforms.

    A route costs up to a kilobyte here.
    """
    files = [file for subject, each in config.items() for file in _files(subject, each)]
    found: list[dict[str, str]] = [{}]
    for name, text in files:
        if sum(map(len, found[-1].values())) + len(text) > _CONFIG_MAP_BYTES:
            found.append({})
        found[-1][name] = text
    return {CONFIG_MAP if i == 0 else f"{CONFIG_MAP}-{i + 1}": each for i, each in enumerate(found)}


def _files(subject: str, config: Manifest) -> Iterator[tuple[str, str]]:
    count = -(-len(text := _yaml(config)) // _FILE_BYTES)
    if count <= 1:
        yield f"{subject}.yaml", text
        return
    entries = [(section, key) for section, named in sorted(config["http"].items()) for key in sorted(named)]
    for i in range(count):
        part: dict[str, Manifest] = {}
        # Every so many of each kind, so that all files are about as long.
        for section, key in entries[i::count]:
            part.setdefault(section, {})[key] = config["http"][section][key]
        yield f"{subject}-{i + 1}.yaml", _yaml({"http": part})


RULES: tuple[Manifest, ...] = (
    {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses", "ingressclasses"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["services", "secrets", "configmaps"], "verbs": ["list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
)
"""What its informers read and nothing else. It writes nothing: without a publish address it never touches an Ingress's
status."""


def args(cluster: Cluster) -> list[str]:
    """The command line. Whatever is not here is off: API, dashboard, metrics, every other provider."""
    provider = f"--providers.{_PROVIDER}"
    web = "--entrypoints.web"
    log = "--accesslog"
    return [
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
        "--log.level=INFO",
        "--log.format=json",
        f"--entrypoints.traefik.address=:{PING_PORT}",
        "--entrypoints.traefik.http.aliasheadersstrategy=reject",
        # Or each question that is too early would have a line.
        "--entrypoints.traefik.observability.accesslogs=false",
        "--ping=true",
        f"{web}.address=:{HTTP_PORT}",
        # Rule 25: X_Auth_Request_User and the like are refused with 400, in trailers too.
        f"{web}.http.aliasheadersstrategy=reject",
        f"{web}.http.middlewares={','.join(f'{name}@file' for name in _EVERY_REQUEST)}",
        # Encoded slashes are matched as text here and decoded by apps: /public/..%2Fprivate would pass as public.
        f"{web}.http.encodedcharacters.allowencodedslash=false",
        f"{web}.http.encodedcharacters.allowencodedbackslash=false",
        f"{web}.http.encodedcharacters.allowencodednullcharacter=false",
        f"{web}.http.maxheaderbytes=65536",
        # Rule 30: only pods are believed, and the wall admits only cloudflared's.
        f"{web}.forwardedheaders.trustedips={cluster.podCidr}",
        # So that the last entry of X-Forwarded-For, which apps read, is the visitor and not cloudflared.
        f"{web}.forwardedheaders.notappendxforwardedfor=true",
        # For a whole request with its body; the default of a minute cuts large uploads. WebSockets are exempt.
        f"{web}.transport.respondingtimeouts.readtimeout=900s",
        f"{web}.transport.lifecycle.gracetimeout=30s",
        # So that connections that are in use have moved to another pod before this one ends: one that is used at that
        # very moment may wait for the whole grace time (pkg/server, httpForwarder).
        f"{web}.transport.keepalivemaxtime={pods.SETTLE_SECONDS // 2}s",
        f"--providers.file.directory={_CONFIG}",
        "--providers.file.watch=true",
        f"{provider}=true",
        f"{provider}.ingressclass={names.INGRESS_CLASS}",
        f"{provider}.ingressclassbyname=true",
        f"{provider}.controllerclass={CONTROLLER_CLASS}",
        f"{provider}.watchingresswithoutclass=false",
        f"{provider}.httpentrypoint=web",
        f"{provider}.disablesvcexternalname=true",
        f"{provider}.allowcrossnamespaceresources=false",
        f"{provider}.allowsnippetannotations=false",
        f"{provider}.strictvalidatepathtype=true",
        # The last entry of X-Forwarded-For is the client that Cloudflare saw.
        f"{provider}.ipallowliststrategy.depth=1",
        # As in nginx: no limit on bodies unless the route says so (Cloudflare has its own), and five seconds to
        # connect.
        f"{provider}.proxybodysize=0",
        f"{provider}.proxyconnecttimeout=5",
        f"{provider}.proxyreadtimeout={SILENCE}",
        f"{provider}.proxysendtimeout={SILENCE}",
        # Larger ones would go to the scratch volume; only `own_routers.measuring` keeps any.
        f"{provider}.clientbodybuffersize={own_routers.UNMEASURED}",
        f"{log}=true",
        f"{log}.format=json",
        f"{log}.fields.defaultmode=drop",
        *(f"{log}.fields.names.{name}=keep" for name in _LOG_NAMES),
        f"{log}.fields.headers.defaultmode=drop",
        *(f"{log}.fields.headers.names.{name}=keep" for name in _LOG_HEADERS),
        f"{log}.fields.queryparameters.defaultmode=drop",
    ]


_LOG_NAMES = ("RouterName", *(name for name in LOG_FIELDS.values() if not name.startswith("request_")))
_LOG_HEADERS = (
    WORKSPACE_HEADER,
    *(name.removeprefix("request_") for name in LOG_FIELDS.values() if name.startswith("request_")),
)


def every_request() -> Manifest:
    """The file provider's config for all requests: what is removed from them, and what one client may ask for."""
    return {
        "http": {
            "middlewares": {
                # An empty value removes the header. Sign-in sets its own later, behind the entry point (rule 24).
                "clean": {
                    "headers": {
                        "customRequestHeaders": dict.fromkeys(FORBIDDEN_HEADERS, ""),
                        "customResponseHeaders": UNCACHED,
                    }
                },
                "per-client": own_routers.rate_limit(CLIENT_RATE, "1s", CLIENT_BURST),
            }
        }
    }


def loaded() -> Manifest:
    """The file provider's config for the question whether the Ingress objects are loaded.

    /ping says nothing of that: it answers while every visitor still gets 404. This router has a middleware that the
    Ingress provider makes, so it is missing for as long as that is. The provider's first configuration is made when all
    its informers have synced (client.go, WatchAll), whether or not a Service has pods, and is in force as a whole
    (pkg/server/configurationwatcher.go).
    """
    router = {
        "rule": f"Path(`{LOADED_PATH}`)",
        "entryPoints": ["traefik"],
        "middlewares": [own_routers.BORROWED],
        "service": "ping@internal",
    }
    return {"http": {"routers": {"loaded": router}}}


def beginnings(sign_in: Iterable[SignIn]) -> Manifest:
    """The file provider's config for the path where sign-ins begin: a limit by client, before it comes to Dex.

    Dex is found by the name of its Service, as OAuth2-Proxy is, so that nothing here depends on how the provider joins
    names. Its Ingress publishes the same path, should this router ever be missing.
    """
    found = {each.workspace: each for each in sign_in}
    if not found:
        return {}
    rules = {name: own_routers.router_rule(each.host, BEGIN_PATH) for name, each in found.items()}
    return {
        "http": {
            "routers": {
                f"begin.{name}": {
                    "rule": rule,
                    "priority": len(rule) + 1,
                    "entryPoints": ["web"],
                    "middlewares": [f"begin.{name}", "begin"],
                    "service": f"begin.{name}",
                }
                for name, rule in rules.items()
            },
            "middlewares": {
                # One a minute, so that Traefik remembers for a minute who has had the burst (`own_routers.at_once`).
                "begin": own_routers.rate_limit(1, "1m", BEGIN_BURST),
                **{f"begin.{name}": {"headers": {"customRequestHeaders": {WORKSPACE_HEADER: name}}} for name in found},
            },
            "services": {f"begin.{name}": {"loadBalancer": {"servers": [{"url": _dex(name)}]}} for name in found},
        }
    }


def _dex(workspace: str) -> str:
    return f"http://{names.service_host(names.DEX, workspace)}:{DEX_PORT}"


def _container(cluster: Cluster) -> Manifest:
    ping, loaded = ({"httpGet": {"path": path, "port": "ping"}} for path in ("/ping", LOADED_PATH))
    return {
        "name": "traefik",
        "image": images.TRAEFIK,
        "args": args(cluster),
        "env": [pods.go_limit(compute.TRAEFIK)],
        "ports": [{"name": "http", "containerPort": HTTP_PORT}, {"name": "ping", "containerPort": PING_PORT}],
        # Once, and not for readiness: what has routes keeps them, whatever becomes of the object that this asks for.
        "startupProbe": {**loaded, "periodSeconds": 1, "failureThreshold": LOADED_SECONDS},
        "readinessProbe": {**ping, "periodSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**ping, "periodSeconds": 20, "failureThreshold": 3},
        "lifecycle": pods.settle(),
        "resources": pods.resources(compute.TRAEFIK),
        "securityContext": pods.container_security(),
        "volumeMounts": [
            {"name": "config", "mountPath": _CONFIG, "readOnly": True},
            {"name": "tmp", "mountPath": _SCRATCH},
        ],
    }


def _yaml(config: Manifest) -> str:
    return yaml.dump(config, Dumper=_DUMPER, sort_keys=True, width=200) if config else ""
