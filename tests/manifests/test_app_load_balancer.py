"""An app's ports on the home network: the whole Service, who its wall lets in, and what the quota has room for."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from config.stack import Stack
from config.workspace import Workspace
from manifests import report
from manifests.app import apps, load_balancer
from manifests.workspace import workspaces
from tests.config.examples import PEER, assert_valid, stack, workspace

GIVEN: dict[str, Any] = {
    "ports": ["53/TCP", "53/UDP"],
    "loadBalancerSourceRanges": ["192.168.7.0/24", "10.0.0.0/24"],
}
DNS: dict[str, Any] = {
    "image": "ghcr.io/x/dns:1.0",
    "ports": {
        "dns": {"number": 5300, "loadBalancer": 53},
        "dns-udp": {"number": 5300, "protocol": "UDP", "loadBalancer": 53},
        "web": 8080,
        "metrics": 9100,
    },
    "routes": [{"path": "/", "port": "web"}],
}
HOME = {
    "from": [
        {"ipBlock": {"cidr": "10.0.0.0/24", "except": ["10.0.0.221/32", "10.0.0.50/32"]}},
        {"ipBlock": {"cidr": "192.168.7.0/24"}},
    ],
    "ports": [{"protocol": "TCP", "port": 5300}, {"protocol": "UDP", "port": 5300}],
}


def given(**more: Any) -> Stack:
    return stack(loadBalancers={"team/dns": {**GIVEN, **more}})


def team(**more: Any) -> Workspace:
    return workspace(apps={"dns": {**DNS, **more}, "web": {"image": "ghcr.io/x/web:1.0", "port": 8000}})


def unit(made: Stack, name: str = "dns") -> apps.Unit:
    [found] = [each for each in apps.units(made, team(), {}) if each.name == name]
    return found


def test_the_whole_service_with_k3s_own() -> None:
    made = apps.at_home(unit(given()))
    assert made is not None
    assert_valid(made)
    assert made == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "dns-lan",
            "namespace": "team",
            "labels": {
                "app.kubernetes.io/name": "dns",
                "app.kubernetes.io/part-of": "warren",
                "app.kubernetes.io/managed-by": "pulumi",
                "warren/workspace": "team",
                "warren/app": "dns",
            },
            "annotations": {"pulumi.com/skipAwait": "true"},
        },
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",
            "loadBalancerSourceRanges": ["10.0.0.0/24", "192.168.7.0/24"],
            "selector": {"warren/app": "dns"},
            "ports": [
                {"name": "dns", "port": 53, "targetPort": 5300, "protocol": "TCP"},
                {"name": "dns-udp", "port": 53, "targetPort": 5300, "protocol": "UDP"},
            ],
        },
    }


def test_an_address_of_its_own_needs_no_port_of_the_nodes() -> None:
    made = apps.at_home(unit(given(loadBalancerIP="10.0.0.241")))
    assert made is not None
    assert_valid(made)
    assert made["spec"]["loadBalancerIP"] == "10.0.0.241"
    assert made["spec"]["allocateLoadBalancerNodePorts"] is False
    assert made["spec"]["externalTrafficPolicy"] == "Local"


def test_the_service_in_the_cluster_is_as_it_is_without() -> None:
    plain = apps.service(unit(stack()))
    assert apps.service(unit(given())) == plain
    assert plain is not None
    assert plain["spec"]["type"] == "ClusterIP"


def test_the_wall_opens_exactly_these_ports_to_exactly_these_networks() -> None:
    wall = apps.wall(unit(given()))
    assert_valid(wall)
    others = apps.wall(unit(stack()))["spec"]["ingress"]
    assert wall["spec"]["ingress"] == [*others, HOME]
    assert others == [
        {"from": [PEER], "ports": [{"protocol": "TCP", "port": 8080}]},
        {
            "from": [apps.APP_PODS],
            "ports": [
                {"protocol": "TCP", "port": 5300},
                {"protocol": "UDP", "port": 5300},
                {"protocol": "TCP", "port": 9100},
            ],
        },
    ]


def _lets_in(made: Stack, address: str) -> bool:
    blocks = [peer["ipBlock"] for peer in apps.wall(unit(made))["spec"]["ingress"][-1]["from"]]
    ip = ipaddress.ip_address(address)
    return any(
        ip in ipaddress.ip_network(each["cidr"])
        and not any(ip in ipaddress.ip_network(net) for net in each.get("except", ()))
        for each in blocks
    )


@pytest.mark.parametrize("node", ["10.0.0.50", "10.0.0.221"])
def test_a_node_is_not_the_home_network_but_where_it_is_named_by_itself(node: str) -> None:
    """A pod of another workspace that goes out to the home network has its node's address there."""
    assert _lets_in(given(), "10.0.0.7")
    assert not _lets_in(given(), node)
    named = given(loadBalancerSourceRanges=[f"{node}/32"])
    assert_valid(apps.wall(unit(named)))
    assert _lets_in(named, node)
    assert not _lets_in(named, "10.0.0.7")


def test_one_file_alone_offers_nothing() -> None:
    assert apps.at_home(unit(stack())) is None
    assert HOME not in apps.wall(unit(stack()))["spec"]["ingress"]
    other = stack(loadBalancers={"team/web": GIVEN})
    assert apps.at_home(unit(other, "web")) is None
    assert apps.wall(unit(other, "web")) == apps.wall(unit(stack(), "web"))
    assert apps.wall(unit(other)) == apps.wall(unit(stack()))


def _hard(made: Stack) -> dict[str, str]:
    found: dict[str, str] = workspaces.quota(made, team())["spec"]["hard"]
    return found


def test_the_quota_has_room_for_ours_and_for_no_other() -> None:
    counted = ("services.loadbalancers", "services.nodeports")
    assert [_hard(stack())[kind] for kind in counted] == ["0", "0"]
    assert [_hard(given())[kind] for kind in counted] == ["1", "2"]
    assert [_hard(given(loadBalancerIP="10.0.0.241"))[kind] for kind in counted] == ["1", "0"]
    assert _hard(given())["services"] == "13"


def test_admission_knows_what_the_stack_gives_and_nothing_else() -> None:
    assert load_balancer.names(stack()) == []
    both = stack(loadBalancers={"team/web": GIVEN, "team/dns": GIVEN})
    assert load_balancer.names(both) == ["team/dns-lan", "team/web-lan"]


def test_what_is_offered_is_told() -> None:
    row = {"app": "team/dns", "address": "its pod's node", "from": "10.0.0.0/24, 192.168.7.0/24"}
    assert report.at_home(given(), [team()]) == [{**row, "port": "53/TCP"}, {**row, "port": "53/UDP"}]
    assert report.at_home(given(loadBalancerIP="10.0.0.241"), [team()])[0]["address"] == "10.0.0.241"
    assert report.at_home(stack(), [team()]) == []
