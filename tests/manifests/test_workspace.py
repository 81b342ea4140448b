"""The room a workspace lives in, as whole manifests."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from manifests.workspace import workspaces
from tests.config.examples import assert_valid, stack, workspace

LABELS = {
    "app.kubernetes.io/name": "team",
    "app.kubernetes.io/part-of": "warren",
    "app.kubernetes.io/managed-by": "pulumi",
    "warren/workspace": "team",
}
APPS: dict[str, Any] = {"podSelector": {"matchExpressions": [{"key": "warren/app", "operator": "Exists"}]}}


def test_the_namespace_enforces_restricted_and_owns_its_hosts() -> None:
    apps = {"api": {"image": "x/api:1", "port": 80, "host": "api", "routes": ["/"]}}
    made = workspaces.namespace(stack(), workspace(apps=apps))
    assert_valid(made)
    assert made == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": "team",
            "labels": {
                **LABELS,
                "pod-security.kubernetes.io/enforce": "restricted",
                "pod-security.kubernetes.io/warn": "restricted",
                "pod-security.kubernetes.io/audit": "restricted",
            },
            "annotations": {"warren/hosts": "api.example.com,team.example.com"},
        },
    }


def test_a_workspace_that_serves_nothing_owns_no_host() -> None:
    apps = {"db": {"image": "x/db:1", "port": 5432}, "dex": {"image": "x/dex:1"}}
    made = workspaces.namespace(stack(), workspace(apps=apps, host=None))
    assert_valid(made)
    # The admission policy takes it apart at commas, and refuses an Ingress for the one host that is left: none.
    assert made["metadata"]["annotations"] == {"warren/hosts": ""}


@pytest.mark.parametrize("level", ["baseline", "privileged"])
def test_only_the_file_loosens_pod_security(level: str) -> None:
    labels = workspaces.namespace(stack(), workspace(podSecurity=level))["metadata"]["labels"]
    assert {value for key, value in labels.items() if key.startswith("pod-security")} == {level}


def test_quotas_defaults_and_walls_are_there_before_everything_else() -> None:
    made = workspaces.guards(stack(), workspace())
    assert {role: (manifest["kind"], manifest["metadata"]["name"]) for role, manifest in made.items()} == {
        "quota": ("ResourceQuota", "warren.limits"),
        "quota-priority": ("ResourceQuota", "warren.system-priority"),
        "limits": ("LimitRange", "warren.limits"),
        "wall-deny-all": ("NetworkPolicy", "warren.deny-all"),
        "wall-app-egress": ("NetworkPolicy", "warren.app-egress"),
    }


def test_no_pod_of_a_workspace_has_a_priority_of_the_systems() -> None:
    made = workspaces.priority_quota(workspace())
    assert_valid(made)
    assert made["spec"]["hard"] == {"pods": "0"}
    [scope] = made["spec"]["scopeSelector"]["matchExpressions"]
    assert (scope["scopeName"], scope["operator"]) == ("PriorityClass", "In")
    assert scope["values"] == ["system-cluster-critical", "system-node-critical"]


def test_the_quota_is_the_files_and_opens_no_other_way_in() -> None:
    made = workspaces.quota(stack(), workspace(quota={"cpu": "1500m", "memory": "2Gi", "pods": 7, "storage": "20Gi"}))
    assert_valid(made)
    assert made == {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "warren.limits", "namespace": "team", "labels": LABELS},
        "spec": {
            "hard": {
                "requests.cpu": "1500m",
                "requests.memory": "2Gi",
                "limits.memory": "4Gi",
                "pods": "7",
                "requests.storage": "20Gi",
                "requests.ephemeral-storage": "1088Mi",
                "limits.ephemeral-storage": "9472Mi",
                "secrets": "20",
                "configmaps": "21",
                "services": "11",
                "persistentvolumeclaims": "10",
                "count/deployments.apps": "11",
                "count/replicasets.apps": "55",
                "count/cronjobs.batch": "10",
                "count/jobs.batch": "20",
                "count/horizontalpodautoscalers.autoscaling": "10",
                "count/pods": "27",
                "services.loadbalancers": "0",
                "services.nodeports": "0",
            }
        },
    }


def test_storage_that_the_file_does_not_say_is_what_the_volumes_ask() -> None:
    volumes = {
        "a": {"mount": "/a", "size": "5Gi"},
        "b": {"mount": "/b", "size": "512Mi"},
        "c": {"mount": "/c", "size": "9Gi", "scratch": True},
        "d": {"mount": "/d", "claim": "media"},
    }
    made = workspaces.quota(stack(), workspace(apps={"db": {"image": "x/db:1", "volumes": volumes}}))
    assert made["spec"]["hard"]["requests.storage"] == "5632Mi"
    assert workspaces.quota(stack(), workspace())["spec"]["hard"]["requests.storage"] == "0"


def test_claims_by_hand_need_storage() -> None:
    volumes = {"a": {"mount": "/a", "size": "5Gi"}}
    apps = {"db": {"image": "x/db:1", "volumes": volumes}}
    made = workspaces.quota(stack(), workspace(apps=apps))["spec"]["hard"]
    assert made["persistentvolumeclaims"] == "1"
    quota = {"cpu": "1", "memory": "1Gi", "storage": "9Gi"}
    assert (
        workspaces.quota(stack(), workspace(apps=apps, quota=quota))["spec"]["hard"]["persistentvolumeclaims"] == "11"
    )


def test_what_is_counted_is_never_dex_records() -> None:
    """An object count of them ended every sign-in once."""
    hard = workspaces.quota(stack(), workspace())["spec"]["hard"]
    assert [kind for kind in hard if "dex" in kind] == []


def test_the_limit_range_gives_what_apps_get() -> None:
    made = workspaces.limit_range(workspace())
    assert_valid(made)
    assert made == {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "warren.limits", "namespace": "team", "labels": LABELS},
        "spec": {
            "limits": [
                {
                    "type": "Container",
                    "default": {"memory": "256Mi", "ephemeral-storage": "512Mi"},
                    "defaultRequest": {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "32Mi"},
                }
            ]
        },
    }


def _egress(**written: Any) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = workspaces.policies(stack(), workspace(egress=written))["app-egress"]["spec"]["egress"]
    return made


def test_everything_is_closed_both_ways_for_every_pod() -> None:
    made = workspaces.policies(stack(), workspace())["deny-all"]
    assert_valid(made)
    assert made == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "warren.deny-all", "namespace": "team", "labels": LABELS},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }


def test_apps_reach_dns_each_other_and_what_the_file_lists() -> None:
    made = workspaces.policies(
        stack(), workspace(egress={"internet": False, "allow": [{"cidr": "10.0.0.9/32", "ports": [2049]}]})
    )
    assert_valid(made["app-egress"])
    assert made["app-egress"] == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "warren.app-egress", "namespace": "team", "labels": LABELS},
        "spec": {
            **APPS,
            "policyTypes": ["Egress"],
            "egress": [
                {
                    "to": [
                        {
                            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
                            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                        }
                    ],
                    "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
                },
                {"to": [APPS]},
                {"to": [{"ipBlock": {"cidr": "10.0.0.9/32"}}], "ports": [{"protocol": "TCP", "port": 2049}]},
            ],
        },
    }


@pytest.mark.parametrize(
    "address", ["10.0.0.50", "10.0.0.221", "192.168.1.1", "10.42.3.4", "10.43.0.1", "169.254.169.254"]
)
def test_the_internet_is_never_the_home_network_a_node_a_pod_or_a_service(address: str) -> None:
    opened = [
        peer["ipBlock"]
        for rule in _egress(internet=True)
        for peer in rule["to"]
        if "ipBlock" in peer and ":" not in peer["ipBlock"]["cidr"]
    ]
    assert len(opened) == 1
    assert ipaddress.ip_address("1.1.1.1") in ipaddress.ip_network(opened[0]["cidr"])
    assert any(ipaddress.ip_address(address) in ipaddress.ip_network(closed) for closed in opened[0]["except"])


def test_the_internet_can_be_closed() -> None:
    assert [peer for rule in _egress(internet=False) for peer in rule["to"] if "ipBlock" in peer] == []


def test_sign_in_is_not_reached_by_apps_and_does_not_go_where_they_go() -> None:
    """Its pods carry no app label, so neither the peer nor the policy means them."""
    assert "warren/app" not in workspaces.labels(workspace())
    assert workspaces.policies(stack(), workspace())["app-egress"]["spec"]["podSelector"] == APPS["podSelector"]


def test_data_makes_a_namespace_worth_protecting() -> None:
    apps = {"db": {"image": "x/db:1", "volumes": {"data": {"mount": "/data", "size": "1Gi"}}}}
    assert workspaces.has_data(workspace(apps=apps))
    assert not workspaces.has_data(workspace())
