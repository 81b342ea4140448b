"""How Traefik is told. Pure: arguments, the file provider's config, RBAC.

Owns everything that makes Traefik serve the Ingress objects of `annotations` with the meaning they have in
ingress-nginx. Every option was checked in the source of 3.7.12 (pkg/config/static,
pkg/provider/kubernetes/ingress-nginx) and runs on `images.TRAEFIK`.

**Rate limits.** The provider counts `limit-rps` by the peer's address (middleware.go, buildRateLimit), which is
cloudflared's for everybody. So each limited route gets a second router here, in the file provider: the same rule, one
point more of priority, a limit counted by CF-Connecting-IP, and then exactly the middlewares and the service that the
provider made for the Ingress. Should a name ever not match, Traefik drops that router and serves the Ingress's own: the
limit then holds for all clients together and everything else as before, sign-in included. A router of the file provider
does not know its namespace, so it puts the workspace into a header for the log. Counts are kept by each replica on its
own.

**Secrets.** The provider lists Secrets (basic auth needs them) wherever it lists Ingresses, and never becomes ready
where it may not: one namespace whose Role is late would leave every workspace without routes (client.go, WatchAll). So
its ClusterRole may list Secrets; its NetworkPolicy leaves it no way out but the API server, DNS and the workspaces.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from spec import compute, images, names, pods
from spec.ingress import joined
from spec.ingress.annotations import BURST
from spec.ingress.controller import (
    CLIENT_BURST,
    CLIENT_HEADER,
    CLIENT_RATE,
    CONTROLLER_CLASS,
    FORBIDDEN_HEADERS,
    HTTP_PORT,
    LOG_FIELDS,
    UNCACHED,
    WORKSPACE_HEADER,
    Controller,
)
from spec.routes import Route
from spec.stack import Cluster

Manifest = dict[str, Any]

# libyaml's emitter where the wheel has it: eight times as fast as the pure Python one, with the same text.
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

PING_PORT = 8080
"""Probes only; no route ever leads here."""
CONFIG_MAP = "traefik"
_CONFIG = "/etc/traefik/dynamic"
_PROVIDER = "kubernetesingressnginx"
_SCRATCH = "/tmp"  # noqa: S108 - where Go puts temporary files; a volume of the pod's own
_USER = 65532

_EVERY_REQUEST = ("clean", "per-client")
"""The entry point's middlewares, outermost first. A router whose middleware is missing is not served at all."""


def controller(cluster: Cluster, routes: Iterable[Route]) -> Controller:
    """Traefik for a cluster."""
    return Controller(
        user=_USER,
        group=_USER,
        container=_container(cluster),
        config={CONFIG_MAP: {"every-request.yaml": _yaml(every_request()), "limits.yaml": _yaml(limits(routes))}},
        cluster_rules=RULES,
        volumes=[
            # A directory, not one file: Traefik sees the kubelet's next update of a ConfigMap only in a directory it
            # watches.
            {"name": "config", "configMap": {"name": CONFIG_MAP}},
            # Bodies of routes with a bodySize are buffered here.
            {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
        ],
    )


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
        f"{web}.transport.lifecycle.requestacceptgracetimeout=10s",
        f"{web}.transport.lifecycle.gracetimeout=30s",
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
                "per-client": _rate_limit(CLIENT_RATE, "1s", CLIENT_BURST),
            }
        }
    }


def limits(routes: Iterable[Route]) -> Manifest:
    """The file provider's config for the routes with a rate limit of their own; see the module's docstring."""
    limited = [route for route in routes if route.rule.rateLimit is not None]
    if not limited:
        # An empty `routers` would be an error.
        return {}
    return {
        "http": {
            "routers": {joined.normalized(route.workspace, route.slug): _router(route) for route in limited},
            "middlewares": {
                **{joined.normalized("limit", route.workspace, route.slug): _limit(route) for route in limited},
                **{
                    f"workspace-{name}": {"headers": {"customRequestHeaders": {WORKSPACE_HEADER: name}}}
                    for name in sorted({route.workspace for route in limited})
                },
            },
        }
    }


def _limit(route: Route) -> Manifest:
    assert route.rule.rateLimit is not None
    count, _, unit = route.rule.rateLimit.partition("/")
    return _rate_limit(int(count), f"1{unit}", int(count) * BURST)


def _rate_limit(average: int, period: str, burst: int) -> Manifest:
    source = {"requestHeaderName": CLIENT_HEADER}
    return {"rateLimit": {"average": average, "period": period, "burst": burst, "sourceCriterion": source}}


def _router(route: Route) -> Manifest:
    rule = router_rule(route.host, route.path)
    served = joined.Served(route.workspace, route.slug, route.app, route.port)
    own = joined.router(route.workspace, route.slug)
    return {
        "rule": rule,
        # Traefik ranks the Ingress's router by the length of the same rule. A longer path has at least two characters
        # more.
        "priority": len(rule) + 1,
        "entryPoints": ["web"],
        "middlewares": [
            f"workspace-{route.workspace}",
            joined.normalized("limit", route.workspace, route.slug),
            *(f"{own}-{suffix}@{_PROVIDER}" for suffix in _middlewares(route)),
        ],
        "service": f"{joined.service(served)}@{_PROVIDER}",
    }


def _middlewares(route: Route) -> list[str]:
    """What the provider makes of the annotations (translator.go, applyMiddlewares), in order, but limit and retry."""
    made = {
        "basic-auth": route.rule.basicAuth is not None,
        "buffering": route.rule.bodySize is not None,
        "allowed-source-range": bool(route.rule.allowFrom),
        "snippet": route.auth != "none",
    }
    return [suffix for suffix, wanted in made.items() if wanted]


def router_rule(host: str, path: str) -> str:
    """The rule that the provider writes for a Prefix path (translator.go, buildRule)."""
    paths = 'PathPrefix("/")' if path == "/" else f'(Path("{path}") || PathPrefix("{path}/"))'
    return f'Host("{host}") && {paths}'


def _container(cluster: Cluster) -> Manifest:
    ping = {"httpGet": {"path": "/ping", "port": "ping"}}
    return {
        "name": "traefik",
        "image": images.TRAEFIK,
        "args": args(cluster),
        "ports": [{"name": "http", "containerPort": HTTP_PORT}, {"name": "ping", "containerPort": PING_PORT}],
        # /ping answers before the first routes are loaded, which takes it two seconds.
        "readinessProbe": {**ping, "initialDelaySeconds": 5, "periodSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {**ping, "initialDelaySeconds": 10, "periodSeconds": 20, "failureThreshold": 3},
        "resources": compute.TRAEFIK.resources(),
        "securityContext": pods.container_security(),
        "volumeMounts": [
            {"name": "config", "mountPath": _CONFIG, "readOnly": True},
            {"name": "tmp", "mountPath": _SCRATCH},
        ],
    }


def _yaml(config: Manifest) -> str:
    return yaml.dump(config, Dumper=_DUMPER, sort_keys=True, width=200) if config else ""
