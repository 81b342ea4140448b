"""What the API server refuses, whoever asks: Ingresses for somebody else's host, Services that lead around the walls.

RBAC cannot look inside an object (rules 27 and 28). These policies hold for Pulumi and for cluster administrators too;
what tenants alone are held to is in `bounds`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from manifests import names
from manifests.tenant.policies import NOT_A_TENANT, binding, policy, rule

Manifest = dict[str, Any]

INGRESSES = "warren-ingresses"
SERVICES = "warren-services"

_NGINX = "nginx.ingress.kubernetes.io/"
_TRAEFIK = "traefik.ingress.kubernetes.io/"
_LEGACY_CLASS = "kubernetes.io/ingress.class"


def ingress_policy(allowed_annotations: Iterable[str]) -> Manifest:
    """The policy for Ingresses of Warren's class, of no class, or with the old class annotation; never of others.

    Args:
        allowed_annotations: The full names of the controller annotations that Warren emits.
    """
    allowed = json.dumps(sorted(allowed_annotations))
    rules = "(has(object.spec.rules) ? object.spec.rules : [])"
    annotations = "(has(object.metadata.annotations) ? object.metadata.annotations : {})"
    owned = "namespaceObject.metadata.annotations"
    hosts = (
        f"(has({owned}) && '{names.HOSTS_ANNOTATION}' in {owned} ? {owned}['{names.HOSTS_ANNOTATION}'].split(',') : [])"
    )
    return policy(
        INGRESSES,
        rule("networking.k8s.io", "ingresses"),
        conditions={
            "served-by-warren": "!has(object.spec.ingressClassName) || "
            f"object.spec.ingressClassName == '{names.INGRESS_CLASS}' || "
            f"(has(object.metadata.annotations) && '{_LEGACY_CLASS}' in object.metadata.annotations)"
        },
        validations=[
            (
                f"{rules}.size() > 0 && {rules}.all(r, has(r.host) && r.host != '' && r.host in {hosts})",
                f"every rule must name a host that its namespace owns (the {names.HOSTS_ANNOTATION} annotation)",
            ),
            (f"{rules}.all(r, !has(r.host) || !r.host.contains('*'))", "a host must not be a wildcard"),
            (
                f"{rules}.all(r, has(r.http) && r.http.paths.all(p, has(p.backend.service)))",
                "every path must lead to a Service",
            ),
            ("!has(object.spec.tls) || object.spec.tls.size() == 0", "tls must be left out: the edge ends TLS"),
            ("!has(object.spec.defaultBackend)", "defaultBackend must be left out: it would answer for other hosts"),
            (
                f"!('{_LEGACY_CLASS}' in {annotations})",
                f"the annotation {_LEGACY_CLASS} must be left out: write ingressClassName",
            ),
            (
                f"{annotations}.all(k, !k.startsWith('{_TRAEFIK}') && (!k.startsWith('{_NGINX}') || k in {allowed}))",
                "a controller annotation is not one of those that Warren knows to be safe",
            ),
            (
                # What could end a directive in nginx' configuration and start another one.
                f"{annotations}.all(k, !k.startsWith('{_NGINX}') || "
                f"!object.metadata.annotations[k].matches({_cel(_UNSAFE)}))",
                "a controller annotation holds a character that could break out of the controller's configuration",
            ),
        ],
    )


_UNSAFE = r"""[\x00-\x1f;{}"'`\\#]"""


def _cel(text: str) -> str:
    """Text as a CEL string literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def service_policy(at_home: Sequence[str] = ()) -> Manifest:
    """The policy for Services of workspaces: inside the cluster only, and only towards pods of their own namespace.

    Args:
        at_home: Those that the stack gives to the home network, as `<namespace>/<name>`. No tenant makes or changes
            one: it could take another's address, or hide who comes.
    """
    inside = "!has(object.spec.type) || object.spec.type == 'ClusterIP'"
    why = "the type must be ClusterIP: the tunnel is the only way in, and an ExternalName would lead anywhere"
    if at_home:
        inside = (
            f"{inside} || (object.spec.type == 'LoadBalancer' && "
            f"object.metadata.namespace + '/' + object.metadata.name in {json.dumps(list(at_home))} && "
            "has(object.spec.externalTrafficPolicy) && object.spec.externalTrafficPolicy == 'Local' && "
            "has(object.spec.loadBalancerSourceRanges) && object.spec.loadBalancerSourceRanges.size() > 0 && "
            f"{NOT_A_TENANT})"
        )
        why = f"{why}; what the stack gives to the home network is the platform's to make"
    return policy(
        SERVICES,
        rule("", "services"),
        conditions={},
        validations=[
            (inside, why),
            (
                "!has(object.spec.externalIPs) || object.spec.externalIPs.size() == 0",
                "externalIPs must be left out: they would take over somebody else's traffic",
            ),
            (
                "has(object.spec.selector) && object.spec.selector.size() > 0",
                "the selector must name pods: without one anybody could write the endpoints",
            ),
        ],
    )


def bindings() -> dict[str, Manifest]:
    """The bindings that put the policies into force: Ingresses everywhere, Services in workspaces."""
    return {"ingresses": binding(INGRESSES, everywhere=True), "services": binding(SERVICES)}
