"""What is offered on the home network, on a real API server: ours comes in, a tenant's own does not, and a tenant takes
nothing from ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from config.stack import Stack
from manifests.app import apps
from manifests.workspace import workspaces
from tests.cluster.conftest import ANN, Cluster, cases
from tests.cluster.test_walls import QUOTA, assert_admitted, assert_refused, tried
from tests.config.examples import stack, workspace
from tests.manifests.test_tenant_admission import changed
from tests.real.api import Answer, Api, Manifest
from tests.real.control_plane import wait

pytestmark = cases("everything", controllers=("traefik",), plane="home network")

WHY = "the type must be ClusterIP"


@pytest.fixture(scope="module")
def ours(cluster: Cluster) -> Manifest:
    """The Service that the stack gives to the home network, as it was applied."""
    [found] = [each for each in cluster.rendered.of("Service") if each["metadata"]["name"] == "old-lan"]
    wait("the policy", lambda: not tried(cluster.api, changed(found, metadata__name="other-lan")).ok)
    return found


@pytest.fixture
def tenant(cluster: Cluster) -> Iterator[Api]:
    """Ann, with `edit` in the workspace that offers it."""
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "tried", "namespace": "legacy"},
        "subjects": [{"kind": "User", "name": ANN.name, "apiGroup": "rbac.authorization.k8s.io"}],
        "roleRef": {"kind": "ClusterRole", "name": "warren-edit", "apiGroup": "rbac.authorization.k8s.io"},
    }
    assert cluster.api.apply(binding).ok
    with closing(cluster.api.speaking_for(ANN)) as speaking:
        wait("her rights", lambda: speaking.request("GET", speaking.path("v1", "Service", "legacy")).ok)
        yield speaking


def test_ours_is_in_the_cluster_and_keeps_the_clients_address(cluster: Cluster, ours: Manifest) -> None:
    spec = cluster.api.get("v1", "Service", "legacy", "old-lan")["spec"]
    assert (spec["type"], spec["externalTrafficPolicy"]) == ("LoadBalancer", "Local")
    assert spec["loadBalancerSourceRanges"] == ["10.0.0.208/28", "192.168.1.20/32"]
    assert spec["loadBalancerIP"] == "10.0.0.241"
    assert [(port["port"], port["protocol"], "nodePort" in port) for port in spec["ports"]] == [
        (9001, "TCP", False),
        (8125, "UDP", False),
    ]
    assert_admitted(cluster.api.apply(ours))


NO_PORTS = {"allocateLoadBalancerNodePorts": None}
CHANGES: dict[str, Manifest] = {
    "another address": {"spec": {"loadBalancerIP": "10.0.0.50"}},
    "another controller's address": {"metadata": {"annotations": {"metallb.io/loadBalancerIPs": "10.0.0.50"}}},
    "a shared address": {"metadata": {"annotations": {"metallb.io/allow-shared-ip": "x"}}},
    "clients that nobody sees": {"spec": {"externalTrafficPolicy": "Cluster"}},
    "everybody": {"spec": {"loadBalancerSourceRanges": ["0.0.0.0/0"]}},
    "other pods": {"spec": {"selector": {"warren/app": "idle"}}},
    "a port of SSH": {"spec": {"ports": [{"name": "plain", "port": 22, "targetPort": 9001}]}},
    "a port of the nodes": {"spec": {"allocateLoadBalancerNodePorts": True}},
    "a label of a pool": {"metadata": {"labels": {"svccontroller.k3s.cattle.io/lbpool": "x"}}},
    "a NodePort": {"spec": {"type": "NodePort", "loadBalancerIP": None, "loadBalancerSourceRanges": None, **NO_PORTS}},
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_tenant_changes_nothing_of_ours(case: str, cluster: Cluster, ours: Manifest, tenant: Api) -> None:
    path = tenant.path_of(ours)
    assert_refused(tenant.merge(path, CHANGES[case]), WHY)
    now = cluster.api.get("v1", "Service", "legacy", "old-lan")
    assert {key: now["spec"][key] for key in ours["spec"] if key != "ports"} == {
        key: value for key, value in ours["spec"].items() if key != "ports"
    }


def test_a_tenant_says_nothing_of_its_state(ours: Manifest, tenant: Api) -> None:
    """kube-proxy on every node takes packets to the addresses that stand there."""
    state = {"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.50"}]}}}
    answer = tenant.merge(f"{tenant.path_of(ours)}/status", state)
    assert_refused(answer, 'cannot patch resource "services/status"')


TAKEN: dict[str, Callable[[Manifest], Manifest]] = {
    "a second one": lambda ours: changed(ours, metadata__name="second-lan"),
    "one in the place of an app's own": lambda ours: changed(ours, metadata__name="mine"),
    "a NodePort": lambda ours: changed(
        ours,
        metadata__name="mine",
        spec={"type": "NodePort", "selector": {"warren/app": "old"}, "ports": [{"port": 80}]},
    ),
}


@pytest.mark.parametrize("case", TAKEN)
def test_neither_a_tenant_nor_the_platform_makes_another_one(
    case: str, cluster: Cluster, ours: Manifest, tenant: Api
) -> None:
    assert_refused(tried(tenant, TAKEN[case](ours)), WHY)
    assert_refused(tried(cluster.api, TAKEN[case](ours)), WHY)


def test_who_deletes_ours_does_not_make_it_again(cluster: Cluster, ours: Manifest, tenant: Api) -> None:
    path = tenant.path_of(ours)
    assert tenant.request("DELETE", path).ok
    try:
        again = tenant.create(ours)
        assert_refused(again, WHY)
    finally:
        answer = cluster.api.apply(ours)
        assert answer.ok, answer.message


def test_without_its_policy_the_quota_has_room_for_ours_alone(cluster: Cluster, ours: Manifest) -> None:
    """The second wall: with the workspace's label gone, no policy looks."""
    api = cluster.api
    path = api.path("v1", "Namespace", name="legacy")
    assert api.merge(path, {"metadata": {"labels": {"warren/workspace": None}}}).ok
    second = changed(ours, metadata__name="second")
    by_nodes = changed(second, spec__type="NodePort", spec__loadBalancerIP=None, spec__loadBalancerSourceRanges=None)
    by_nodes = changed(by_nodes, spec__allocateLoadBalancerNodePorts=None)
    try:
        wait("the quota", lambda: f"{QUOTA}services.loadbalancers=1" in tried(api, second).message)
        wait("the quota", lambda: f"{QUOTA}services.nodeports=2" in tried(api, by_nodes).message)
    finally:
        assert api.merge(path, {"metadata": {"labels": {"warren/workspace": "legacy"}}}).ok


def service_lb() -> Stack:
    """A stack whose ports are on the nodes."""
    given = {"ports": ["53/TCP", "53/UDP"], "loadBalancerSourceRanges": ["10.0.0.0/24"]}
    return stack(loadBalancers={"team/dns": given})


def test_with_k3s_own_load_balancer_the_quota_fits_exactly(cluster: Cluster) -> None:
    """Its pods lead to ports of the nodes' own, which the API server gives and the quota counts."""
    both = {"a": {"number": 53, "loadBalancer": 53}, "b": {"number": 53, "protocol": "UDP", "loadBalancer": 53}}
    made = workspace(apps={"dns": {"image": "x/dns:1", "ports": both}})
    [unit] = apps.units(service_lb(), made, {})
    offered = apps.at_home(unit)
    assert offered is not None
    api, name = cluster.api, "by-nodes"
    here = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    quota = changed(workspaces.quota(service_lb(), made), metadata__namespace=name)
    assert api.create(here).ok
    try:
        assert api.create(quota).ok
        wait("the quota", lambda: bool(api.get("v1", "ResourceQuota", name)[0].get("status", {}).get("hard")))
        mine: Answer = api.create(changed(offered, metadata__namespace=name))
        assert_admitted(mine)
        assert len({port["nodePort"] for port in mine.body["spec"]["ports"]}) >= 1
        assert mine.body["spec"]["healthCheckNodePort"] >= 30000
        second = changed(offered, metadata__namespace=name, metadata__name="second")
        assert_refused(tried(api, second), "exceeded quota")
    finally:
        api.request("DELETE", api.path_of(here))
