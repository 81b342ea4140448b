"""Ingress objects: what a controller is told about a route.

There is one dialect, `nginx.ingress.kubernetes.io/*`, that Traefik (its kubernetesIngressNGINX provider) and
ingress-nginx both serve with the same meaning.

Owns the annotations and the manifests. What the controllers need beside them, so that the meaning is the same, is
`traefik` and `nginx`; which host and path exist is `routes`; who may pass is decided by OAuth2-Proxy.

Only `pathType: Prefix` is emitted. Traefik ranks routes by the length of their rule, so `Exact /metrics` would lose to
`Prefix /` while nginx has it win; longer prefixes win in both, and `/landing` never matches `/landingx` in either.

No `tls`: TLS ends at Cloudflare's edge, and a controller that thinks otherwise redirects for ever (security rule 26).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from config.fields.quantities import mebibytes, seconds
from config.routes import Route
from config.signin import Narrower
from manifests import names
from manifests.ingress import narrower
from manifests.ingress.controller import IDENTITY_HEADERS

Manifest = dict[str, Any]

PREFIX = "nginx.ingress.kubernetes.io/"

ALLOWED_ANNOTATIONS = frozenset(
    PREFIX + name
    for name in (
        "auth-url",
        "auth-signin",
        "auth-response-headers",
        "auth-type",
        "auth-secret",
        "auth-secret-type",
        "auth-realm",
        "backend-protocol",
        "limit-rps",
        "limit-rpm",
        "limit-burst-multiplier",
        "proxy-body-size",
        "proxy-buffer-size",
        "proxy-read-timeout",
        "proxy-request-buffering",
        "proxy-send-timeout",
        "ssl-redirect",
        "whitelist-source-range",
    )
) | {"pulumi.com/skipAwait"}
"""Everything that an Ingress of class `warren` may carry (security rules 27 and 31). The admission policy refuses the
rest."""

NOBODY = "0.0.0.0/32"
"""An allow-list of this network alone admits nobody: 0.0.0.0 is no client's address (RFC 1122, 3.2.1.3). The broadcast
address would say so more plainly, but nginx refuses to load a config with it."""

BURST = 5
"""How many seconds' (or minutes') worth of requests may come at once; the default of both controllers, written out."""

BASIC_AUTH_KEY = "auth"
"""The key of a basic-auth Secret. Its value is an htpasswd file, `name:hash` lines, with bcrypt hashes (`htpasswd -nB
name`)."""


@dataclass(frozen=True)
class Gate:
    """The OAuth2-Proxy that guards one host, as a route needs to know it."""

    host: str
    service: str
    namespace: str
    variables: bool = False
    """Whether the controller puts the list of a narrower route into a variable, as nginx has to."""
    port: int = 4180

    def question(self, allow: Narrower | None = None) -> str:
        """Whom the controller asks about every request; answers 2xx, 401 or 403 (security rule 13)."""
        asked = f"http://{names.service_host(self.service, self.namespace)}:{self.port}/oauth2/auth"
        if allow is None:
            return asked
        return f"{asked}?{narrower.for_nginx(allow) if self.variables else narrower.query(allow)}"

    @property
    def sign_in(self) -> str:
        """Where people are sent, with `https` written out: behind cloudflared the controller sees http (rule 26)."""
        return f"https://{self.host}/oauth2/start?rd=https://{self.host}$escaped_request_uri"


def basic_auth_secret(route: Route) -> str:
    """The Secret with the htpasswd file of a route, in the workspace's namespace; no app's name has a dot."""
    return f"{names.slug(route)}.basic-auth"


def password(route: Route, htpasswd: Any) -> Manifest:
    """The Secret of a route with `basicAuth`. The htpasswd file goes in as it is: here nobody knows it."""
    labels = names.labels(route.workspace, workspace=route.workspace)
    metadata = {"name": basic_auth_secret(route), "namespace": route.workspace, "labels": labels}
    text = {BASIC_AUTH_KEY: htpasswd}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "stringData": text}


def denial_name(route: Route, path: str) -> str:
    """The name of the Ingress that denies a path below a route's."""
    return f"{names.slug(route)}-deny-{names.mark(*names.identity(route), path)}"


def route_ingresses(route: Route, gate: Gate | None) -> tuple[Manifest, ...]:
    """The Ingress of a route, then one for each path that it denies.

    `gate` is the host's, and may be given for public routes too: they do not use it.

    Raises:
        ValueError: the route is protected and there is no gate, or the gate is another host's. Never let it through.
    """
    if route.auth != "none" and (gate is None or gate.host != route.host):
        raise ValueError(f"{route.url} needs sign-in and has no OAuth2-Proxy of its own host")
    notes = {**_base(), **_limits(route), **_who(route, gate if route.auth != "none" else None)}
    if route.rule.redirect is not None:
        # A controller that does not know of the redirect lets nobody in (`redirects`).
        notes[PREFIX + "whitelist-source-range"] = NOBODY
    main = _ingress(
        names.slug(route), route.workspace, route.host, [route.path], route.app, route.port, notes, app=route.app
    )
    return (main, *(_denied(route, path) for path in route.rule.deny))


def gateway_ingress(
    name: str, host: str, namespace: str, paths: Sequence[str], service: str, port: str | int = "http"
) -> Manifest:
    """An Ingress of sign-in itself: `/oauth2` on a protected host, paths of Dex on the workspace's.

    It has no limit of its own. Traefik counts an Ingress's limit for all clients together, so that one could keep
    everybody else from signing in; the limit that both controllers apply to each client holds here too.
    """
    return _ingress(name, namespace, host, paths, service, port, _base())


def limit_ingress(name: str, host: str, namespace: str, size: str) -> Manifest:
    """An Ingress that admits nobody and is there for the limit on bodies that Traefik makes of it."""
    notes = {PREFIX + "proxy-body-size": size, PREFIX + "proxy-request-buffering": "on"}
    service = names.INGRESS_SERVICE
    shut = {**_base(), **notes, PREFIX + "whitelist-source-range": NOBODY}
    made = _ingress(name, namespace, host, ["/"], service, "http", shut)
    return {**made, "metadata": {**made["metadata"], "labels": names.labels(service)}}


def _denied(route: Route, path: str) -> Manifest:
    # Its own Ingress with a longer prefix wins over the route's in both controllers, and leads to the same Service so
    # that it exists exactly when the route does. It asks for no sign-in: the answer is 403 to everybody. Encoded
    # letters, `//` and `/../` do not get around it; an app that ignores case, or what follows a `;`, has to refuse
    # those itself.
    notes = {**_base(), PREFIX + "whitelist-source-range": NOBODY}
    return _ingress(
        denial_name(route, path), route.workspace, route.host, [path], route.app, route.port, notes, app=route.app
    )


def _base() -> dict[str, str]:
    return {
        # Nothing writes a load balancer's address into these objects, so awaiting one would take ten minutes and fail
        # (rule 33).
        "pulumi.com/skipAwait": "true",
        PREFIX + "ssl-redirect": "false",
        # Sign-in's cookies and headers do not fit into nginx's default of 4k (rule 12). Traefik reads it only where it
        # buffers.
        PREFIX + "proxy-buffer-size": "16k",
    }


def _limits(route: Route) -> dict[str, str]:
    rule = route.rule
    notes: dict[str, str] = {}
    if rule.rateLimit is not None:
        count, _, unit = rule.rateLimit.partition("/")
        notes["limit-rps" if unit == "s" else "limit-rpm"] = count
        notes["limit-burst-multiplier"] = str(BURST)
    if rule.bodySize is not None:
        # Without `proxy-request-buffering`: neither controller may store a body (rule 52). nginx counts it as it passes
        # it on, Traefik is told in `own_routers`.
        notes["proxy-body-size"] = f"{mebibytes(rule.bodySize)}m"
    if rule.timeout is not None:
        # Bare seconds: Traefik ignores a value with a unit.
        notes["proxy-read-timeout"] = notes["proxy-send-timeout"] = str(seconds(rule.timeout))
    if rule.allowFrom:
        notes["whitelist-source-range"] = ",".join(rule.allowFrom)
    if rule.protocol != "http":
        # GRPC is h2c in Traefik and grpc_pass in nginx: HTTP/2 without TLS in both.
        notes["backend-protocol"] = rule.protocol.upper()
    return {PREFIX + name: value for name, value in notes.items()}


def _who(route: Route, gate: Gate | None) -> dict[str, str]:
    notes: dict[str, str] = {}
    if gate is not None:
        notes["auth-url"] = gate.question(route.allow)
        notes["auth-response-headers"] = ",".join(IDENTITY_HEADERS)
        # Beside basic auth nginx would answer a missing password, which is a 401 too, with a redirect to sign-in, for
        # ever.
        if route.auth == "page" and route.rule.basicAuth is None:
            notes["auth-signin"] = gate.sign_in
    if route.rule.basicAuth is not None:
        notes["auth-type"] = "basic"
        notes["auth-secret"] = basic_auth_secret(route)
        notes["auth-secret-type"] = "auth-file"
        notes["auth-realm"] = route.app
    return {PREFIX + name: value for name, value in notes.items()}


def _ingress(
    name: str,
    namespace: str,
    host: str,
    paths: Sequence[str],
    service: str,
    port: str | int,
    notes: dict[str, str],
    *,
    app: str | None = None,
) -> Manifest:
    target = {"number": port} if isinstance(port, int) else {"name": port}
    backend = {"service": {"name": service, "port": target}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": names.labels(app or service, workspace=namespace, app=app),
            "annotations": notes,
        },
        "spec": {
            "ingressClassName": names.INGRESS_CLASS,
            "rules": [
                {
                    "host": host,
                    "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend} for path in paths]},
                }
            ],
        },
    }
