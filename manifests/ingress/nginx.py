"""How ingress-nginx is told. Pure: arguments, ConfigMaps, RBAC.

Owns everything that makes ingress-nginx 1.15.1 serve the Ingress objects of `annotations` with the meaning they have
under Traefik. Options were checked in its source (pkg/flags, internal/ingress/controller/config,
rootfs/etc/nginx/template/nginx.tmpl).

The project ended in March 2026 with this release (security rules 2 and 29): it gets no more fixes, and it watches
Secrets in every namespace as Traefik does. It stays for people who know nginx and want a second controller to compare
with.

Where it differs all the same, seen with the real controller on the tests' request path: names with `_` or `.` are
dropped and not refused; apps get the path as it was written, and X-Forwarded-Port 8000; X-Forwarded-Proto is believed
whoever says it, so that only the wall stands there (rule 30).

What it needs that Traefik does not: a writable root file system (it renders its config beside its templates), user 101
with group 82, and the capability NET_BIND_SERVICE, which its binaries carry and the kernel refuses to start without,
whatever the port. PodSecurity `restricted` allows all three.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from config import compute
from config.routes import Route, SignIn
from config.stack import Cluster
from manifests import images, names, pods
from manifests.ingress import headers, narrower, redirects, refusals
from manifests.ingress.controller import (
    BEGIN_BURST,
    BEGIN_PATH,
    CLIENT_BURST,
    CLIENT_HEADER,
    CLIENT_RATE,
    CLIENT_SUBNET,
    CONTROLLER_CLASS,
    FORBIDDEN_HEADERS,
    HTTP_PORT,
    IDENTITY_HEADERS,
    LOG_FIELDS,
    SILENCE,
    UNCACHED,
    Controller,
)

Manifest = dict[str, Any]

HEALTH_PORT = 10254
CONFIG_MAP = "nginx"
RESPONSE_HEADERS = "nginx-response-headers"

RETIRED = (
    "ingress-nginx was retired in March 2026 and gets no more security fixes; "
    "its README says not to use it for several tenants. "
    "Set warren:ingress.controller to traefik unless you have a reason."
)


def controller(cluster: Cluster, routes: Iterable[Route] = (), sign_in: Iterable[SignIn] = ()) -> Controller:
    """ingress-nginx for a cluster."""
    routes, sign_in = list(routes), list(sign_in)
    return Controller(
        user=101,
        group=82,
        container=_container(),
        config={CONFIG_MAP: config(cluster, routes, sign_in), RESPONSE_HEADERS: UNCACHED},
        cluster_rules=RULES,
        own_rules=OWN_RULES,
        warnings=[RETIRED],
    )


RULES: tuple[Manifest, ...] = (
    {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses", "ingressclasses"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["services", "secrets", "configmaps"], "verbs": ["list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
)
"""What its informers read. Leader election and status are off, so it needs no leases and writes no Ingress."""

OWN_RULES: tuple[Manifest, ...] = (
    # It looks itself up when it starts, reads its ConfigMap, and reports reloads as events.
    {"apiGroups": [""], "resources": ["pods", "configmaps"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
)


def args() -> list[str]:
    """The command line. No `--validating-webhook`: the admission policy stands for it (rule 29)."""
    return [
        "/nginx-ingress-controller",
        f"--controller-class={CONTROLLER_CLASS}",
        f"--ingress-class={names.INGRESS_CLASS}",
        "--watch-ingress-without-class=false",
        f"--configmap={names.INGRESS_NAMESPACE}/{CONFIG_MAP}",
        f"--http-port={HTTP_PORT}",
        "--https-port=8443",
        f"--healthz-port={HEALTH_PORT}",
        "--enable-annotation-validation=true",
        "--deep-inspect=true",
        "--disable-catch-all=true",
        "--disable-svc-external-name=true",
        "--enable-ssl-passthrough=false",
        "--enable-metrics=false",
        "--profiling=false",
        "--update-status=false",
        "--disable-leader-election=true",
        "--disable-sync-events=true",
        "--post-shutdown-grace-period=5",
    ]


def config(cluster: Cluster, routes: Iterable[Route] = (), sign_in: Iterable[SignIn] = ()) -> dict[str, str]:
    """The main ConfigMap."""
    routes, sign_in = list(routes), list(sign_in)
    return {
        "allow-snippet-annotations": "false",
        "allow-cross-namespace-resources": "false",
        # auth-url is rated High; snippets are Critical.
        "annotations-risk-level": "High",
        "strict-validate-path-type": "true",
        # Rule 25: headers whose names only look like an identity header are dropped.
        "enable-underscores-in-headers": "false",
        "ignore-invalid-headers": "true",
        # Rule 30: the default network is everybody.
        "enable-real-ip": "true",
        "proxy-real-ip-cidr": cluster.podCidr,
        "forwarded-for-header": CLIENT_HEADER,
        # For X-Forwarded-Proto, which cloudflared sets; what else it would believe is refused in server-snippet.
        "use-forwarded-headers": "true",
        "ssl-redirect": "false",
        "hsts": "false",
        "server-tokens": "false",
        # Rule 12.
        "proxy-buffer-size": "16k",
        "large-client-header-buffers": "4 64k",
        # As Traefik: bodies have no limit and are passed on as they come, unless the route says so.
        "proxy-body-size": "0",
        "proxy-request-buffering": "off",
        # A request that an app was too slow for is not made again at the next pod, which may be the same one: a route's
        # timeout would be three times as long.
        "proxy-next-upstream": "error",
        # Kept connections are shared by address, whatever is spoken on them: an app with http and grpc routes on one
        # port would get each on the other's.
        "upstream-keepalive-requests": "1",
        "proxy-read-timeout": str(SILENCE),
        "proxy-send-timeout": str(SILENCE),
        # What limits of single routes count by.
        "limit-conn-zone-variable": "$warren_client",
        "limit-req-status-code": "429",
        "limit-conn-status-code": "429",
        "add-headers": f"{names.INGRESS_NAMESPACE}/{RESPONSE_HEADERS}",
        "log-format-escape-json": "true",
        "log-format-upstream": _log_format(),
        "http-snippet": "\n".join(
            [
                _HTTP,
                *_beginnings(sign_in),
                *_LIMITS,
                *refusals.nginx_http(routes, sign_in),
                *narrower.nginx_http(routes),
                *redirects.nginx_http(routes),
                *headers.nginx_http(routes),
            ]
        ),
        "server-snippet": "\n".join([_SERVER, *refusals.NGINX_SERVER]),
        # Again for each location: nginx hands none down to where a route's own limit is.
        "location-snippet": "\n".join(
            [*_LIMITS, *refusals.NGINX_LOCATION, *redirects.nginx_location(routes), *headers.nginx_location(routes)]
        ),
        # The names of Ingress objects are keys of a map; nginx does not start where one is longer than a bucket.
        "map-hash-bucket-size": "512",
    }


_USER = f"$authHeader{IDENTITY_HEADERS.index('X-Auth-Request-Email')}"
"""What the template calls the e-mail that sign-in answered with. The request's own header would be the client's
word."""

_HTTP = "\n".join(
    [
        # Rule 24: before sign-in adds its own, on every location.
        *(f'more_clear_input_headers "{name}";' for name in FORBIDDEN_HEADERS),
        # Four bytes, or sixteen, of which the first half is the client (rule 56).
        "map $binary_remote_addr $warren_client {",
        "  default $binary_remote_addr;",
        f'  "~(?s)^(?<warren_net>.{{{CLIENT_SUBNET // 8}}}).{{{16 - CLIENT_SUBNET // 8}}}" $warren_net;',
        "}",
        f"limit_req_zone $warren_client zone=warren_client:10m rate={CLIENT_RATE}r/s;",
        # The template defines it only where somebody signs in, and nginx refuses a log format with an unknown variable.
        f'map $host {_USER} {{ default ""; }}',
        'map $request_uri $warren_path { "~^(?<warren_p>[^?]*)" $warren_p; }',
        # $request_time is seconds with three decimals; the log has nanoseconds, as Traefik's, and JSON allows no
        # leading zeros.
        "map $request_time $warren_ns {",
        "  default 0;",
        '  "~^0\\.0*(?<warren_ms>[1-9][0-9]*)$" "${warren_ms}000000";',
        '  "~^(?<warren_s>[1-9][0-9]*)\\.(?<warren_f>[0-9]{3})$" "${warren_s}${warren_f}000000";',
        "}",
    ]
)


def _beginnings(sign_in: Iterable[SignIn]) -> list[str]:
    # An empty key is not counted.
    return [
        'map "$host$uri" $warren_begins {',
        '  default "";',
        *(f'  "~^{re.escape(each.host)}{BEGIN_PATH}(/|$)" $warren_client;' for each in sign_in),
        "}",
        f"limit_req_zone $warren_begins zone=warren_begins:10m rate={BEGIN_BURST}r/m;",
    ]


_LIMITS = (
    f"limit_req zone=warren_client burst={CLIENT_BURST} nodelay;",
    f"limit_req zone=warren_begins burst={BEGIN_BURST} nodelay;",
)
"""What one client may ask for, whatever its route says."""


_SERVER = "\n".join(
    [
        # It would take the host for links, and the port, from these. Traefik removes them; here only refusing is
        # certain.
        'if ($http_x_forwarded_host != "") { return 400; }',
        'if ($http_x_forwarded_port != "") { return 400; }',
        # As Traefik: /public/..%2Fprivate means one thing to a proxy and another to an app.
        'if ($request_uri ~* "^[^?]*%(2f|5c|00)") { return 400; }',
        # As Traefik, for the same reason. \\x5c is a backslash: one that is written out would not reach the pattern.
        'if ($request_uri ~ "^[^?]*[#\\x5c]") { return 400; }',
    ]
)


def _log_format() -> str:
    values = {
        "time": '"$time_iso8601"',
        "host": '"$host"',
        "method": '"$request_method"',
        "path": '"$warren_path"',
        "status": "$status",
        "nanoseconds": "$warren_ns",
        "bytes": "$body_bytes_sent",
        "workspace": '"$namespace"',
        "ingress": '"$ingress_name"',
        "user": f'"{_USER}"',
        "client": '"$remote_addr"',
    }
    return "{" + ",".join(f'"{LOG_FIELDS[what]}":{value}' for what, value in values.items()) + "}"


def _container() -> Manifest:
    security = pods.container_security(writable_root=True)
    health = {"httpGet": {"path": "/healthz", "port": "health"}}
    return {
        "name": "nginx",
        "image": images.INGRESS_NGINX,
        "args": args(),
        "env": [
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
            {
                "name": "POD_NAMESPACE",
                "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}},
            },
            {"name": "LD_PRELOAD", "value": "/usr/local/lib/libmimalloc.so"},
        ],
        "ports": [{"name": "http", "containerPort": HTTP_PORT}, {"name": "health", "containerPort": HEALTH_PORT}],
        "readinessProbe": {**health, "initialDelaySeconds": 10, "periodSeconds": 5, "failureThreshold": 3},
        "livenessProbe": {**health, "initialDelaySeconds": 20, "periodSeconds": 20, "failureThreshold": 5},
        "lifecycle": pods.settle(),
        # No GOMEMLIMIT: its processes share the limit, and nginx's own are the larger part.
        "resources": pods.resources(compute.NGINX),
        "securityContext": {**security, "capabilities": {**security["capabilities"], "add": ["NET_BIND_SERVICE"]}},
    }
