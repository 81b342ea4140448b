"""Routes of every kind, and what the two controllers' sources say about annotations."""

from __future__ import annotations

from typing import Any

from config.fields.secrets import SecretRef
from config.route_rule import RouteRule
from config.routes import Route, SignIn
from config.stack import Cluster, Node
from manifests.ingress.annotations import Gate, Manifest, gateway_ingress, route_ingresses

HOST = "mcd.example.com"
GATE = Gate(HOST, "oauth2-proxy", "mcd")
SIGN_IN = SignIn("mcd", HOST, (HOST,))
CLUSTER = Cluster(
    context="home",
    podCidr="10.42.0.0/16",
    nodes=(Node(name="pi-1", role="control-plane", ip="10.0.0.50", cpu=4, memory="8Gi"),),
)


def route(path: str = "/", auth: Any = "none", workspace: str = "mcd", app: str = "web", **rule: Any) -> Route:
    """One row of the route table; `rule` as a file would say it."""
    return Route(HOST, path, workspace, app, "http", 8000, auth, RouteRule(path=path, **rule))


SECRET = SecretRef(secret="password")

EVERY_KIND = (
    route("/"),
    route("/page", "page"),
    route("/api", "api"),
    route("/limited", rateLimit="20/s"),
    route("/slowly", rateLimit="300/m"),
    route("/small", bodySize="8Mi"),
    route("/long", timeout="5m"),
    route("/from", allowFrom=("203.0.113.0/24", "2001:db8::/32")),
    route("/tls", protocol="https"),
    route("/h2c", protocol="grpc"),
    route("/denies", "page", deny=("/denies/metrics", "/denies/admin")),
    route("/basic", basicAuth=SECRET),
    route("/both", "api", basicAuth=SECRET),
    route(
        "/all", "page", rateLimit="5/s", bodySize="1Mi", timeout="90s", allowFrom=("203.0.113.7/32",), deny=("/all/x",)
    ),
)
"""A route with each option, and one with as many as go together."""


def ingresses(*routes: Route) -> list[Manifest]:
    """The Ingress objects of routes, behind the one gate."""
    return [manifest for row in routes or EVERY_KIND for manifest in route_ingresses(row, GATE)]


GATEWAY = [
    gateway_ingress("oauth2-proxy", HOST, "mcd", ["/oauth2"], "oauth2-proxy"),
    gateway_ingress("dex", HOST, "mcd", ["/dex"], "dex"),
]

TRAEFIK_READS = frozenset(
    """
    auth-type auth-secret auth-realm auth-secret-type auth-url auth-signin auth-response-headers auth-snippet
    auth-method enable-global-auth auth-tls-secret auth-tls-verify-client auth-tls-pass-certificate-to-upstream
    force-ssl-redirect ssl-redirect ssl-passthrough use-regex rewrite-target app-root permanent-redirect
    permanent-redirect-code temporal-redirect temporal-redirect-code from-to-www-redirect server-alias affinity
    affinity-canary-behavior session-cookie-name session-cookie-secure session-cookie-path session-cookie-domain
    session-cookie-samesite session-cookie-max-age session-cookie-expires service-upstream upstream-hash-by
    backend-protocol proxy-ssl-secret proxy-ssl-verify proxy-ssl-name proxy-ssl-server-name proxy-connect-timeout
    proxy-read-timeout proxy-send-timeout proxy-next-upstream proxy-next-upstream-tries proxy-next-upstream-timeout
    proxy-http-version enable-cors cors-allow-credentials cors-expose-headers cors-allow-headers cors-allow-methods
    cors-allow-origin cors-max-age enable-access-log whitelist-source-range allowlist-source-range limit-rpm limit-rps
    limit-burst-multiplier limit-connections custom-headers upstream-vhost x-forwarded-prefix custom-http-errors
    default-backend proxy-request-buffering client-body-buffer-size proxy-body-size proxy-buffering proxy-buffer-size
    proxy-buffers-number proxy-max-temp-file-size configuration-snippet server-snippet canary canary-by-cookie
    canary-by-header canary-by-header-value canary-by-header-pattern canary-weight canary-weight-total
    enable-modsecurity enable-owasp-core-rules modsecurity-transaction-id modsecurity-snippet
    """.split()
)
"""Traefik 3.7.12, pkg/provider/kubernetes/ingress-nginx/annotations.go: every `annotation:` tag of IngressConfig."""

NGINX_READS = frozenset(
    """
    auth-url auth-signin auth-signin-redirect-param auth-response-headers auth-method auth-snippet auth-cache-key
    auth-cache-duration auth-keepalive auth-proxy-set-headers auth-request-redirect auth-always-set-cookie
    enable-global-auth auth-type auth-secret auth-secret-type auth-realm backend-protocol limit-rps limit-rpm
    limit-connections limit-burst-multiplier limit-rate limit-rate-after limit-allowlist limit-whitelist proxy-body-size
    proxy-buffer-size proxy-buffers-number proxy-buffering proxy-connect-timeout proxy-read-timeout proxy-send-timeout
    proxy-request-buffering proxy-http-version proxy-next-upstream proxy-max-temp-file-size ssl-redirect
    force-ssl-redirect rewrite-target app-root use-regex server-alias whitelist-source-range allowlist-source-range
    denylist-source-range satisfy custom-headers custom-http-errors configuration-snippet server-snippet
    """.split()
)
"""ingress-nginx 1.15.1, internal/ingress/annotations/*/main.go; those of the groups that Warren uses or forbids."""

FORBIDDEN = tuple(
    """
    server-alias from-to-www-redirect rewrite-target use-regex app-root custom-http-errors default-backend
    upstream-vhost configuration-snippet server-snippet auth-snippet modsecurity-snippet stream-snippet
    permanent-redirect temporal-redirect ssl-passthrough canary mirror-target x-forwarded-prefix service-upstream
    auth-proxy-set-headers auth-cache-key auth-cache-duration satisfy denylist-source-range auth-always-set-cookie
    auth-request-redirect auth-signin-redirect-param enable-global-auth
    """.split()
)
"""Security rules 27 and 31, and what does the same by another name."""
