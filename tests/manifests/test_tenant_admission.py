"""What the API server refuses. The policies are asked, not only looked at: each case is an object and the rule that
refuses it."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from config.routes import routes_of
from manifests.ingress.annotations import ALLOWED_ANNOTATIONS, Gate, gateway_ingress, route_ingresses
from manifests.tenant import admission
from tests.config.examples import app, assert_valid, stack, workspace
from tests.manifests.cel import CelError, evaluate

NAMESPACE = {"metadata": {"name": "team", "annotations": {"warren/hosts": "team.example.com,api.example.com"}}}
FOREIGN = {"metadata": {"name": "default"}}

PATH = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"name": "http"}}}}
INGRESS: dict[str, Any] = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {
        "name": "web",
        "namespace": "team",
        "annotations": {"nginx.ingress.kubernetes.io/ssl-redirect": "false"},
    },
    "spec": {"ingressClassName": "warren", "rules": [{"host": "team.example.com", "http": {"paths": [PATH]}}]},
}
SERVICE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "team"},
    "spec": {"selector": {"warren/app": "web"}, "ports": [{"port": 80}]},
}


def refusals(
    policy: dict[str, Any], thing: dict[str, Any] | None, namespace: dict[str, Any] = NAMESPACE, **more: Any
) -> list[str]:
    """The messages with which a policy refuses an object; none when it lets it through or is not about it."""
    spec = policy["spec"]
    scope: dict[str, Any] = {"object": thing, "namespaceObject": namespace, **more}
    if not all(evaluate(condition["expression"], scope) for condition in spec.get("matchConditions", [])):
        return []
    found = []
    for validation in spec["validations"]:
        try:
            passed = evaluate(validation["expression"], scope)
        except CelError:
            passed = False
        if not passed:
            found.append(validation["message"])
    return found


def changed(base: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy with `a__b=value` set; None takes the key away."""
    made = copy.deepcopy(base)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = made
        for part in parents:
            place = place.setdefault(part, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return made


def _rule(host: str | None, path: dict[str, Any] | None = PATH) -> dict[str, Any]:
    return {**({} if host is None else {"host": host}), **({} if path is None else {"http": {"paths": [path]}})}


def _noted(name: str, value: str = "x") -> dict[str, Any]:
    return changed(INGRESS, metadata__annotations={name: value})


NGINX = "nginx.ingress.kubernetes.io/"
POLICY = admission.ingress_policy(ALLOWED_ANNOTATIONS)
SERVICES = admission.service_policy()

REFUSED_INGRESSES: dict[str, tuple[dict[str, Any], str]] = {
    "another workspace's host": (
        changed(INGRESS, spec__rules=[_rule("other.example.com")]),
        "every rule must name a host",
    ),
    "one host of its own and one of another": (
        changed(INGRESS, spec__rules=[_rule("team.example.com"), _rule("other.example.com")]),
        "every rule must name a host",
    ),
    "a part of its own host": (changed(INGRESS, spec__rules=[_rule("example.com")]), "every rule must name a host"),
    "no host": (changed(INGRESS, spec__rules=[_rule(None)]), "every rule must name a host"),
    "an empty host": (changed(INGRESS, spec__rules=[_rule("")]), "every rule must name a host"),
    "no rules": (changed(INGRESS, spec__rules=None), "every rule must name a host"),
    "a wildcard": (changed(INGRESS, spec__rules=[_rule("*.example.com")]), "a host must not be a wildcard"),
    "no path": (changed(INGRESS, spec__rules=[_rule("team.example.com", None)]), "every path must lead to a Service"),
    "a resource instead of a Service": (
        changed(
            INGRESS, spec__rules=[_rule("team.example.com", {"path": "/", "backend": {"resource": {"kind": "X"}}})]
        ),
        "every path must lead to a Service",
    ),
    "tls": (changed(INGRESS, spec__tls=[{"hosts": ["team.example.com"]}]), "tls must be left out"),
    "a default backend": (changed(INGRESS, spec__defaultBackend=PATH["backend"]), "defaultBackend must be left out"),
    "no class and another host": (
        changed(INGRESS, spec__ingressClassName=None, spec__rules=[_rule("other.example.com")]),
        "every rule must name a host",
    ),
    "the old class annotation": (
        changed(_noted("kubernetes.io/ingress.class", "warren"), spec__ingressClassName=None),
        "the annotation kubernetes.io/ingress.class must be left out",
    ),
    "the old annotation beside another class": (
        changed(_noted("kubernetes.io/ingress.class", "other"), spec__ingressClassName="other"),
        "the annotation kubernetes.io/ingress.class must be left out",
    ),
    **{
        f"the annotation {name}": (_noted(NGINX + name), "a controller annotation is not one of those")
        for name in (
            "configuration-snippet",
            "server-snippet",
            "auth-snippet",
            "server-alias",
            "rewrite-target",
            "from-to-www-redirect",
            "custom-http-errors",
            "denylist-source-range",
            "auth-proxy-set-headers",
            "mirror-target",
            "use-regex",
        )
    },
    "a Traefik annotation": (
        _noted("traefik.ingress.kubernetes.io/router.middlewares", "other-strip@kubernetescrd"),
        "a controller annotation is not one of those",
    ),
    **{
        f"a value with {what}": (_noted(NGINX + "auth-url", value), "a controller annotation holds a character")
        for what, value in {
            "a new line": "http://x\nload_module /tmp/x.so",
            "a semicolon": "http://x; load_module y",
            "a brace": "http://x}",
            "a quote": 'http://x"',
            "a single quote": "http://x'",
            "a backslash": "http://x\\",
            "a comment": "http://x#",
        }.items()
    },
}

REFUSED_SERVICES: dict[str, tuple[dict[str, Any], str]] = {
    "ExternalName": (
        changed(SERVICE, spec={"type": "ExternalName", "externalName": "10.0.0.50"}),
        "the type must be ClusterIP",
    ),
    "NodePort": (changed(SERVICE, spec__type="NodePort"), "the type must be ClusterIP"),
    "LoadBalancer": (changed(SERVICE, spec__type="LoadBalancer"), "the type must be ClusterIP"),
    "external addresses": (changed(SERVICE, spec__externalIPs=["10.0.0.50"]), "externalIPs must be left out"),
    "no selector": (changed(SERVICE, spec__selector=None), "the selector must name pods"),
    "an empty selector": (changed(SERVICE, spec__selector={}), "the selector must name pods"),
}


@pytest.mark.parametrize("case", REFUSED_INGRESSES)
def test_an_ingress_is_refused_for(case: str) -> None:
    thing, why = REFUSED_INGRESSES[case]
    assert [message for message in refusals(POLICY, thing) if message.startswith(why)], refusals(POLICY, thing)


@pytest.mark.parametrize("case", REFUSED_SERVICES)
def test_a_service_is_refused_for(case: str) -> None:
    thing, why = REFUSED_SERVICES[case]
    assert [message for message in refusals(SERVICES, thing) if message.startswith(why)], refusals(SERVICES, thing)


def test_an_ingress_for_a_host_of_its_own_passes() -> None:
    assert refusals(POLICY, INGRESS) == []
    assert refusals(POLICY, changed(INGRESS, spec__ingressClassName=None)) == []
    assert refusals(POLICY, changed(INGRESS, metadata__annotations=None)) == []
    both = [_rule("team.example.com"), _rule("api.example.com")]
    assert refusals(POLICY, changed(INGRESS, spec__rules=both)) == []


def test_a_namespace_that_owns_no_host_gets_no_ingress() -> None:
    assert refusals(POLICY, INGRESS, FOREIGN) == [
        "every rule must name a host that its namespace owns (the warren/hosts annotation)"
    ]
    empty = {"metadata": {"name": "x", "annotations": {"warren/hosts": ""}}}
    assert len(refusals(POLICY, changed(INGRESS, spec__rules=[_rule("")]), empty)) == 1


def test_ingresses_of_other_classes_are_left_alone() -> None:
    assert (
        refusals(POLICY, changed(INGRESS, spec__ingressClassName="other", spec__rules=[_rule("x.org")]), FOREIGN) == []
    )


def test_a_cluster_ip_service_passes_whether_it_says_so_or_not() -> None:
    assert refusals(SERVICES, SERVICE) == []
    assert refusals(SERVICES, changed(SERVICE, spec__type="ClusterIP", spec__externalIPs=[])) == []


def test_every_ingress_that_warren_makes_passes() -> None:
    """The platform must not lock itself out: every option of a route, with and without sign-in."""
    options = {
        "rateLimit": "20/s",
        "bodySize": "8Mi",
        "timeout": "5m",
        "allowFrom": ["203.0.113.0/24"],
        "deny": ["/metrics"],
    }
    made = workspace(
        apps={
            "web": app(routes=["/", {"path": "/a", **options, "deny": ["/a/metrics"]}]).model_dump(
                mode="json", exclude_defaults=True
            ),
        }
    )
    gate = Gate("team.example.com", "oauth2-proxy", "team")
    manifests = [
        manifest
        for route in routes_of(stack(), made)
        for protected in (replace(route, auth="none"), replace(route, auth="page"), replace(route, auth="api"))
        for manifest in route_ingresses(protected, gate)
    ]
    manifests.append(gateway_ingress("dex", "team.example.com", "team", ["/dex/auth", "/dex/callback"], "dex"))
    assert len(manifests) == 3 * 3 + 1
    assert [refusals(POLICY, manifest) for manifest in manifests] == [[]] * len(manifests)


def test_the_policies_hold_for_everybody_and_fail_closed() -> None:
    for policy, group, resource in ((POLICY, "networking.k8s.io", "ingresses"), (SERVICES, "", "services")):
        assert_valid(policy)
        spec = policy["spec"]
        assert spec["failurePolicy"] == "Fail"
        assert spec["matchConstraints"] == {
            "resourceRules": [
                {
                    "apiGroups": [group],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": [resource],
                    "scope": "*",
                }
            ],
            "matchPolicy": "Equivalent",
            "namespaceSelector": {},
            "objectSelector": {},
        }


def test_a_refusal_is_a_403_so_that_a_preview_of_a_new_host_does_not_fail() -> None:
    reasons = [validation["reason"] for policy in (POLICY, SERVICES) for validation in policy["spec"]["validations"]]
    assert reasons == ["Forbidden"] * 11


def test_the_bindings_deny_ingresses_everywhere_and_services_in_workspaces() -> None:
    made = admission.bindings()
    for manifest in made.values():
        assert_valid(manifest)
    assert made["ingresses"]["spec"] == {"policyName": "warren-ingresses", "validationActions": ["Deny"]}
    assert made["services"]["spec"] == {
        "policyName": "warren-services",
        "validationActions": ["Deny"],
        "matchResources": {
            "matchPolicy": "Equivalent",
            "namespaceSelector": {"matchExpressions": [{"key": "warren/workspace", "operator": "Exists"}]},
            "objectSelector": {},
        },
    }


def cases() -> str:
    """Every case as JSON, for Kubernetes' own evaluator."""
    passing = {"a plain Ingress": INGRESS}
    everything = [
        *(
            {"name": name, "policy": "i", "object": thing, "namespace": NAMESPACE}
            for name, (thing, _) in REFUSED_INGRESSES.items()
        ),
        *(
            {"name": name, "policy": "s", "object": thing, "namespace": NAMESPACE}
            for name, (thing, _) in REFUSED_SERVICES.items()
        ),
        *({"name": name, "policy": "i", "object": thing, "namespace": NAMESPACE} for name, thing in passing.items()),
    ]
    return json.dumps({"policies": {"i": POLICY, "s": SERVICES}, "cases": everything})
