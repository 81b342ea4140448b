"""What a controller is in the cluster, whichever program it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pytest

from config.routes import Route, SignIn
from manifests import names
from manifests.ingress import controller as ingress
from manifests.ingress import installation
from tests.config.examples import PEER, assert_valid
from tests.manifests.ingress_examples import CLUSTER, route

Which = Literal["traefik", "nginx"]
Manifest = dict[str, Any]
BOTH = pytest.mark.parametrize("controller", ["traefik", "nginx"])


def _made(
    controller: Which = "traefik", routes: Sequence[Route] = (), sign_in: Sequence[SignIn] = (), replicas: int = 2
) -> dict[str, Manifest]:
    """`Kind/name` -> the object."""
    told = installation.chosen(controller, CLUSTER, routes, sign_in)
    every = [
        installation.namespace(told),
        installation.ingress_class(),
        *installation.before_pods(told, CLUSTER).values(),
        installation.deployment(told, replicas),
        installation.budget(),
        installation.service(),
        *told.ingresses,
    ]
    return {f"{manifest['kind']}/{manifest['metadata']['name']}": manifest for manifest in every}


def _pod(controller: Which = "traefik") -> Manifest:
    pod: Manifest = _made(controller)["Deployment/ingress-controller"]["spec"]["template"]["spec"]
    return pod


@BOTH
def test_every_object_is_what_the_kubernetes_schemas_allow(controller: Which) -> None:
    for manifest in _made(controller, [route("/x", rateLimit="1/s")]).values():
        assert_valid(manifest)


@BOTH
def test_switching_the_controller_changes_the_pods_and_neither_the_service_nor_a_wall(controller: Which) -> None:
    made, traefik = _made(controller), _made("traefik")
    for kept in (
        "Service/ingress-controller",
        "NetworkPolicy/ingress-controller",
        "NetworkPolicy/default-deny",
        "IngressClass/warren",
        "PodDisruptionBudget/ingress-controller",
    ):
        assert made[kept] == traefik[kept]
    pods, others = (each["Deployment/ingress-controller"]["spec"] for each in (made, traefik))
    assert pods["selector"] == others["selector"]


def test_rule_32_only_cloudflared_gets_in_and_only_to_the_one_port() -> None:
    wall = _made()["NetworkPolicy/ingress-controller"]["spec"]
    tunnel = {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "cloudflared"}},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "warren-tunnel"}},
    }
    assert wall["ingress"] == [{"from": [tunnel], "ports": [{"protocol": "TCP", "port": 8000}]}]
    assert wall["policyTypes"] == ["Ingress", "Egress"]


def test_rule_32_it_reaches_dns_the_api_server_and_workspaces_and_nothing_else() -> None:
    dns, api, workspaces = _made()["NetworkPolicy/ingress-controller"]["spec"]["egress"]
    assert {port["port"] for port in dns["ports"]} == {53}
    assert api == {"to": [{"ipBlock": {"cidr": "10.0.0.50/32"}}], "ports": [{"protocol": "TCP", "port": 6443}]}
    every = {"namespaceSelector": {"matchExpressions": [{"key": "warren/workspace", "operator": "Exists"}]}}
    assert workspaces == {"to": [every], "ports": [{"protocol": "TCP"}]}


def test_everything_else_in_its_namespace_is_closed() -> None:
    closed = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert _made()["NetworkPolicy/default-deny"]["spec"] == closed


def test_its_namespace_enforces_pod_security_restricted_and_is_no_workspace() -> None:
    labels = _made()["Namespace/warren-ingress"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert "warren/workspace" not in labels


@BOTH
def test_the_pods_meet_pod_security_restricted(controller: Which) -> None:
    pod = _pod(controller)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["enableServiceLinks"] is False
    assert all(set(volume) <= {"name", "projected", "configMap", "emptyDir"} for volume in pod["volumes"])


def test_nginx_keeps_the_group_that_its_image_was_built_with() -> None:
    security = _pod("nginx")["securityContext"]
    assert (security["runAsUser"], security["runAsGroup"]) == (101, 82)


def test_replicas_are_spread_and_drained_one_at_a_time() -> None:
    made = _made(replicas=3)
    spec = made["Deployment/ingress-controller"]["spec"]
    assert spec["replicas"] == 3
    assert spec["template"]["spec"]["topologySpreadConstraints"][0]["topologyKey"] == "kubernetes.io/hostname"
    assert made["PodDisruptionBudget/ingress-controller"]["spec"]["maxUnavailable"] == 1
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_the_service_is_inside_the_cluster_and_finds_the_pods() -> None:
    made = _made()
    service = made["Service/ingress-controller"]["spec"]
    assert service["type"] == "ClusterIP"
    assert service["ports"] == [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]
    labels = made["Deployment/ingress-controller"]["spec"]["template"]["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()


def test_others_know_it_by_the_address_of_the_service_and_the_labels_of_the_pods() -> None:
    assert ingress.URL == "http://ingress-controller.warren-ingress.svc.cluster.local:80"
    assert ingress.PEER == PEER


def test_cluster_wide_objects_are_named_after_the_platform() -> None:
    made = _made()
    wide = {name for name, manifest in made.items() if "namespace" not in manifest["metadata"]}
    assert wide == {
        "Namespace/warren-ingress",
        "IngressClass/warren",
        "ClusterRole/warren-ingress",
        "ClusterRoleBinding/warren-ingress",
    }
    assert made["IngressClass/warren"]["spec"] == {"controller": "k8s.io/ingress-nginx"}


def test_the_role_is_bound_to_the_pods_own_account_only() -> None:
    made = _made()
    account = {"kind": "ServiceAccount", "name": "ingress-controller", "namespace": "warren-ingress"}
    assert made["ClusterRoleBinding/warren-ingress"]["subjects"] == [account]
    assert _pod()["serviceAccountName"] == "ingress-controller"
    assert made["ServiceAccount/ingress-controller"]["automountServiceAccountToken"] is False


def test_a_changed_rate_limit_changes_the_config_map_and_no_pod() -> None:
    plain, limited = (_made(routes=[route("/x", **rule)]) for rule in ({}, {"rateLimit": "1/s"}))
    assert list(plain) == list(limited)
    assert [name for name in plain if plain[name] != limited[name]] == ["ConfigMap/traefik"]


def test_open_routes_without_a_limit_change_nothing_here() -> None:
    assert _made(routes=[]) == _made(routes=[route("/a"), route("/b")])


@BOTH
def test_the_controller_is_told_the_routes_and_where_people_sign_in(controller: Which) -> None:
    row = route("/b", "page")
    made = _made(controller, [row], [SignIn("mcd", "door.example.com", ("door.example.com",))])
    told = "".join(text for one in made.values() if one["kind"] == "ConfigMap" for text in one["data"].values())
    assert ("cross-origin.mcd.example.com/b" if controller == "traefik" else f"mcd/{names.slug(row)}") in told
    assert ("sign-in.door.example.com" if controller == "traefik" else r"door\.example\.com/oauth2(/|$)") in told


@BOTH
def test_rule_67_the_controller_serves_on_while_cloudflared_still_asks_it(controller: Which) -> None:
    pod = _pod(controller)
    [container] = pod["containers"]
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": 10}}}
    # Traefik then gives requests that have begun 30 s.
    assert pod["terminationGracePeriodSeconds"] >= 10 + 30 + 10
    [spread] = pod["topologySpreadConstraints"]
    assert spread["matchLabelKeys"] == ["pod-template-hash"]
    assert {each["tolerationSeconds"] for each in pod["tolerations"]} == {30}


def test_traefik_collects_its_garbage_before_the_kernel_ends_it() -> None:
    [container] = _pod("traefik")["containers"]
    assert container["resources"]["limits"]["memory"] == "384Mi"
    assert container["env"] == [{"name": "GOMEMLIMIT", "value": "345MiB"}]
    # nginx' own processes are most of what it takes, and know nothing of it.
    [other] = _pod("nginx")["containers"]
    assert "GOMEMLIMIT" not in {each["name"] for each in other["env"]}
