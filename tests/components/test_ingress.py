"""The ingress controller's resources."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pulumi
import pytest

from components.ingress import IngressController, IngressControllerArgs
from spec.routes import SignIn
from tests.spec.examples import assert_valid
from tests.spec.ingress_examples import CLUSTER, route

from .recording import Recording, providers, record

Which = Literal["traefik", "nginx"]
BOTH = pytest.mark.parametrize("controller", ["traefik", "nginx"])


def _recorded(
    controller: Which = "traefik", check: Callable[[IngressController], None] | None = None, **args: Any
) -> Recording:
    def program() -> None:
        made = IngressController(
            "ingress",
            IngressControllerArgs(cluster=CLUSTER, controller=controller, **args),
            pulumi.ResourceOptions(providers=providers()),
        )
        if check is not None:
            check(made)

    return record(program)


def _pod(seen: Recording) -> dict[str, Any]:
    spec: dict[str, Any] = seen.manifest("Deployment")["spec"]["template"]["spec"]
    return spec


COMMON = {
    "IngressController/ingress",
    "Namespace/ingress-namespace",
    "ServiceAccount/ingress-account",
    "ClusterRole/ingress-clusterrole",
    "ClusterRoleBinding/ingress-clusterrole-binding",
    "NetworkPolicy/ingress-wall-default-deny",
    "NetworkPolicy/ingress-wall-ingress-controller",
    "IngressClass/ingress-class",
    "Deployment/ingress-deployment",
    "PodDisruptionBudget/ingress-budget",
    "Service/ingress-service",
}
OWN = {
    "traefik": {"ConfigMap/ingress-config-traefik", "Ingress/ingress-ingress-unmeasured-body"},
    "nginx": {
        "ConfigMap/ingress-config-nginx",
        "ConfigMap/ingress-config-nginx-response-headers",
        "Role/ingress-role",
        "RoleBinding/ingress-role-binding",
    },
}


@BOTH
def test_it_makes_exactly_these_resources(controller: Which) -> None:
    assert _recorded(controller).ids() == COMMON | OWN[controller]


@BOTH
def test_every_object_is_what_the_kubernetes_schemas_allow(controller: Which) -> None:
    for found in _recorded(controller, routes=[route("/x", rateLimit="1/s")]).kubernetes():
        assert_valid(found.manifest)


@BOTH
def test_every_child_belongs_to_the_component_and_has_its_explicit_provider(controller: Which) -> None:
    for found in _recorded(controller).kubernetes():
        assert (found.parent, found.provider) == ("IngressController/ingress", "kubernetes/kubernetes")


@BOTH
def test_switching_the_controller_changes_the_pods_and_neither_the_service_nor_a_wall(controller: Which) -> None:
    seen = _recorded(controller)
    for kind, name in [
        ("Service", None),
        ("NetworkPolicy", "ingress-controller"),
        ("IngressClass", None),
        ("PodDisruptionBudget", None),
    ]:
        assert seen.manifest(kind, name) == _recorded("traefik").manifest(kind, name)
    assert (
        seen.manifest("Deployment")["spec"]["selector"]
        == _recorded("traefik").manifest("Deployment")["spec"]["selector"]
    )


@BOTH
def test_rule_32_the_walls_stand_before_the_pods(controller: Which) -> None:
    seen = _recorded(controller)
    needed = {
        "NetworkPolicy/ingress-wall-default-deny",
        "NetworkPolicy/ingress-wall-ingress-controller",
        "Namespace/ingress-namespace",
    }
    assert needed <= seen.one("Deployment").dependencies


@BOTH
def test_rule_33_the_deployment_does_not_wait_for_its_service(controller: Which) -> None:
    seen = _recorded(controller)
    assert "Service/ingress-service" not in seen.one("Deployment").dependencies
    assert "Deployment/ingress-deployment" in seen.one("Service").dependencies


def test_rule_32_only_cloudflared_gets_in_and_only_to_the_one_port() -> None:
    wall = _recorded().manifest("NetworkPolicy", "ingress-controller")["spec"]
    tunnel = {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "cloudflared"}},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "warren-tunnel"}},
    }
    assert wall["ingress"] == [{"from": [tunnel], "ports": [{"protocol": "TCP", "port": 8000}]}]
    assert wall["policyTypes"] == ["Ingress", "Egress"]


def test_rule_32_it_reaches_dns_the_api_server_and_workspaces_and_nothing_else() -> None:
    dns, api, workspaces = _recorded().manifest("NetworkPolicy", "ingress-controller")["spec"]["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    assert api == {"to": [{"ipBlock": {"cidr": "10.0.0.50/32"}}], "ports": [{"protocol": "TCP", "port": 6443}]}
    every = {"namespaceSelector": {"matchExpressions": [{"key": "warren/workspace", "operator": "Exists"}]}}
    assert workspaces == {"to": [every], "ports": [{"protocol": "TCP"}]}


def test_everything_else_in_its_namespace_is_closed() -> None:
    closed = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert _recorded().manifest("NetworkPolicy", "default-deny")["spec"] == closed


def test_its_namespace_enforces_pod_security_restricted_and_is_no_workspace() -> None:
    labels = _recorded().manifest("Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert "warren/workspace" not in labels


@BOTH
def test_the_pods_meet_pod_security_restricted(controller: Which) -> None:
    pod = _pod(_recorded(controller))
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["enableServiceLinks"] is False
    assert all(set(volume) <= {"name", "projected", "configMap", "emptyDir"} for volume in pod["volumes"])


def test_nginx_keeps_the_group_that_its_image_was_built_with() -> None:
    security = _pod(_recorded("nginx"))["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"]) == (101, 82)


def test_replicas_are_spread_and_drained_one_at_a_time() -> None:
    seen = _recorded(replicas=3)
    spec = seen.manifest("Deployment")["spec"]
    assert spec["replicas"] == 3
    assert spec["template"]["spec"]["topologySpreadConstraints"][0]["topologyKey"] == "kubernetes.io/hostname"
    assert seen.manifest("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_the_service_is_inside_the_cluster_and_finds_the_pods() -> None:
    seen = _recorded()
    service = seen.manifest("Service")["spec"]
    assert service["type"] == "ClusterIP"
    assert service["ports"] == [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]
    assert service["selector"].items() <= seen.manifest("Deployment")["spec"]["template"]["metadata"]["labels"].items()


def test_cluster_wide_objects_are_named_after_the_platform() -> None:
    seen = _recorded()
    names = {seen.manifest(kind)["metadata"]["name"] for kind in ("ClusterRole", "ClusterRoleBinding")}
    assert names == {"warren-ingress"}
    assert seen.manifest("IngressClass")["metadata"]["name"] == "warren"
    assert seen.manifest("IngressClass")["spec"] == {"controller": "k8s.io/ingress-nginx"}


def test_the_role_is_bound_to_the_pods_own_account_only() -> None:
    seen = _recorded()
    account = {"kind": "ServiceAccount", "name": "ingress-controller", "namespace": "warren-ingress"}
    assert seen.manifest("ClusterRoleBinding")["subjects"] == [account]
    assert _pod(seen)["serviceAccountName"] == "ingress-controller"
    assert seen.manifest("ServiceAccount")["automountServiceAccountToken"] is False


def test_a_changed_rate_limit_changes_the_config_map_and_no_pod() -> None:
    plain, limited = (_recorded(routes=[route("/x", **rule)]) for rule in ({}, {"rateLimit": "1/s"}))
    changed = {
        one.id
        for one, other in zip(plain.kubernetes(), limited.kubernetes(), strict=True)
        if one.manifest != other.manifest
    }
    assert changed == {"ConfigMap/ingress-config-traefik"}


def test_open_routes_without_a_limit_change_nothing_here() -> None:
    empty, some = _recorded(routes=[]), _recorded(routes=[route("/a"), route("/b")])
    assert [one.manifest for one in empty.kubernetes()] == [one.manifest for one in some.kubernetes()]


@BOTH
def test_the_controller_is_told_the_routes_and_where_people_sign_in(controller: Which) -> None:
    row = route("/b", "page")
    seen = _recorded(
        controller, routes=[row], sign_in=[SignIn("mcd", "door.example.com", ("door.example.com",))]
    ).kubernetes()
    told = "".join(text for one in seen if one.kind == "ConfigMap" for text in one.manifest["data"].values())
    assert ("cross-origin.mcd.example.com/b" if controller == "traefik" else f"mcd/{row.slug}") in told
    assert ("sign-in.door.example.com" if controller == "traefik" else r"door\.example\.com/oauth2(/|$)") in told


def test_rule_2_nginx_warns_and_traefik_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, *_args, **_rest: said.append(message))
    _recorded("traefik")
    assert said == []
    _recorded("nginx")
    assert len(said) == 1
    assert "retired" in said[0]


def test_others_are_given_its_address_its_pods_and_what_to_wait_for() -> None:
    def check(made: IngressController) -> None:
        assert made.service_url == "http://ingress-controller.warren-ingress.svc.cluster.local:80"
        assert made.ingress_class == "warren"
        assert made.http_port == 8000
        assert made.peer == {
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "ingress-controller"}},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "warren-ingress"}},
        }
        assert len(made.ready) == 2

    seen = _recorded(check=check)
    assert seen.one("IngressController").outputs == {
        "ingressClass": "warren",
        "serviceUrl": "http://ingress-controller.warren-ingress.svc.cluster.local:80",
    }


@BOTH
def test_rule_67_the_controller_serves_on_while_cloudflared_still_asks_it(controller: Which) -> None:
    pod = _pod(_recorded(controller))
    [container] = pod["containers"]
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 10}}}
    # Traefik then gives requests that have begun 30 s.
    assert pod["terminationGracePeriodSeconds"] >= 10 + 30 + 10
    [spread] = pod["topologySpreadConstraints"]
    assert spread["matchLabelKeys"] == ["pod-template-hash"]
    assert {each["tolerationSeconds"] for each in pod["tolerations"]} == {30}


def test_traefik_collects_its_garbage_before_the_kernel_ends_it() -> None:
    [container] = _pod(_recorded("traefik"))["containers"]
    assert container["resources"]["limits"]["memory"] == "384Mi"
    assert container["env"] == [{"name": "GOMEMLIMIT", "value": "345MiB"}]
    # nginx' own processes are most of what it takes, and know nothing of it.
    [other] = _pod(_recorded("nginx"))["containers"]
    assert "GOMEMLIMIT" not in {each["name"] for each in other["env"]}
