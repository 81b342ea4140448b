"""The pieces NetworkPolicies are made of."""

from __future__ import annotations

import ipaddress

import pytest

from config.stack import Cluster, Node
from manifests import walls


def _cluster(*ips: str, pod_cidr: str = "10.42.0.0/16") -> Cluster:
    nodes = tuple(
        Node(name=f"n{i}", role="control-plane" if i == 0 else "worker", ip=ip, cpu=4, memory="4Gi")
        for i, ip in enumerate(ips)
    )
    return Cluster(context="test", podCidr=pod_cidr, nodes=nodes)


def _reaches(rule: walls.Manifest, address: str) -> bool:
    """Whether an egress rule's ipBlocks include an address, by the NetworkPolicy definition."""
    ip = ipaddress.ip_address(address)
    blocks = [peer["ipBlock"] for peer in rule["to"]]
    return any(
        ip in ipaddress.ip_network(block["cidr"])
        and not any(ip in ipaddress.ip_network(net) for net in block.get("except", []))
        for block in blocks
        if ipaddress.ip_network(block["cidr"]).version == ip.version
    )


@pytest.mark.parametrize("address", ["1.1.1.1", "104.16.0.1", "2606:4700::1111"])
def test_the_internet_is_reached(address: str) -> None:
    assert _reaches(walls.internet(_cluster("10.0.0.50")), address)


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.50",
        "10.42.0.9",
        "10.43.0.1",
        "192.168.1.1",
        "172.16.4.4",
        "169.254.169.254",
        "100.64.1.1",
        "fd00::1",
        "fe80::1",
        "203.0.113.7",
        # Special in IANA's registries: this network, protocol assignments, benchmarks, multicast, broadcast.
        *("0.0.0.1", "192.0.0.170", "198.18.0.1", "224.0.0.251", "255.255.255.255"),
        *("::", "::1", "fec0::1", "ff02::1"),
        # Both carry 10.0.0.7: NAT64 and 6to4.
        *("64:ff9b::a00:7", "2002:a00:7::1"),
    ],
)
def test_rule_32_home_pods_services_metadata_and_nodes_are_not_the_internet(address: str) -> None:
    assert not _reaches(walls.internet(_cluster("10.0.0.50", "203.0.113.7")), address)


def test_a_pod_network_outside_the_private_ranges_is_closed_too() -> None:
    assert not _reaches(walls.internet(_cluster("10.0.0.50", pod_cidr="203.0.112.0/20")), "203.0.113.4")


def test_every_exception_lies_inside_its_block() -> None:
    for peer in walls.internet(_cluster("10.0.0.50", "2001:db8::5"))["to"]:
        block = ipaddress.ip_network(peer["ipBlock"]["cidr"])
        assert all(ipaddress.ip_network(net).subnet_of(block) for net in peer["ipBlock"]["except"])  # type: ignore[arg-type]


def test_the_api_server_is_the_control_plane_nodes_only() -> None:
    rule = walls.api_server(_cluster("10.0.0.50", "10.0.0.221"))
    assert rule == {"to": [{"ipBlock": {"cidr": "10.0.0.50/32"}}], "ports": [{"protocol": "TCP", "port": 6443}]}


def test_a_peer_in_another_namespace_needs_the_namespace_and_the_pod() -> None:
    peer = walls.pods({"app.kubernetes.io/name": "traefik"}, "warren-ingress")
    assert set(peer) == {"podSelector", "namespaceSelector"}


def test_deny_all_selects_every_pod_and_opens_nothing() -> None:
    assert walls.DENY_ALL == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
