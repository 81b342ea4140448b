"""What workspaces may open towards home: what the stack lists, and some things never (security rule 57)."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from config.checks import openings
from config.load import validate
from config.mistakes import Document, Loaded
from config.stack import Stack
from config.workspace import Workspace
from tests.config.examples import stack, workspace

HOME: dict[str, Any] = {"networks": ["10.0.0.0/24", "192.168.0.0/16", "fd12:3456:789a::/48"]}


def platform(**given: Any) -> Loaded[Stack]:
    """The stack of the examples with these openings; none at all without any."""
    return Loaded(stack(**({"openings": given} if given else {})), Document("Pulumi.home.yaml", {}))


def told(file: Workspace, **given: Any) -> list[str]:
    """What is said about a workspace."""
    document = Document("workspaces/team.yaml", {})
    return [mistake.what for mistake in openings.check(platform(**given), Loaded(file, document))]


def opened(cidr: str, **given: Any) -> list[str]:
    """What is said about an `egress.allow`."""
    return told(workspace(egress={"allow": [{"cidr": cidr}]}), **given)


def mounted(server: str, **given: Any) -> list[str]:
    """What is said about the server of an `nfs` volume."""
    volume = {"mount": "/d", "size": "1Gi", "nfs": {"server": server, "path": "/x"}}
    return told(workspace(apps={"web": {"image": "x/a:1", "volumes": {"d": volume}}}), **given)


HOMES = ["10.0.0.7/32", "192.168.1.0/24", "192.168.0.0/16", "172.16.4.4/32", "100.64.1.1/32", "fd12:3456:789a::7/128"]
CLOSED = [
    *("169.254.169.254/32", "169.254.0.0/16", "127.0.0.1/32", "0.0.0.0/32", "224.0.0.251/32", "239.0.0.0/8"),
    *("255.255.255.255/32", "192.0.0.170/32", "10.42.0.0/16", "10.42.7.7/32", "10.43.0.1/32", "10.0.0.0/8"),
    *("::1/128", "::/128", "::ffff:10.0.0.7/128", "::ffff:169.254.169.254/128", "::10.0.0.7/128", "::/16"),
    *("64:ff9b::a00:7/128", "64:ff9b:1::/48", "2002:a00:7::/48", "2001:0:1::/48", "fe80::1/128", "fec0::1/128"),
    *("ff02::1/128", "fd00:ec2::254/128", "fd00::/16", "2001::/16", "fd00:ec2::/32"),
]


@pytest.mark.parametrize("cidr", HOMES)
def test_rule_57_the_home_network_is_closed_until_the_stack_lists_it(cidr: str) -> None:
    add = f"add to the stack file, Pulumi.home.yaml: warren:openings: {{ networks: [{cidr}] }}"
    assert opened(cidr) == [f"the stack does not open {cidr}; {add}"]
    assert opened(cidr, networks=[cidr]) == []
    assert mounted(cidr.split("/")[0]) != []


@pytest.mark.parametrize(
    ("cidr", "opens"),
    [
        ("10.0.0.7/32", True), ("192.168.0.0/16", True), ("fd12:3456:789a:1::/64", True),
        ("10.0.1.7/32", False), ("10.0.0.0/23", False), ("fd12:3456:789b::1/128", False), ("fd12:3456::/32", False),
    ],
)  # fmt: skip
def test_rule_57_what_the_stack_lists_is_open_whole_or_in_part(cidr: str, opens: bool) -> None:
    assert (opened(cidr, **HOME) == []) is opens


@pytest.mark.parametrize("cidr", CLOSED)
def test_rule_57_some_networks_are_never_opened(cidr: str) -> None:
    everything = ["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1", cidr]
    assert len(opened(cidr, networks=everything)) == 1
    address = ipaddress.ip_network(cidr)
    if address.num_addresses == 1:
        assert len(mounted(str(address.network_address), networks=everything)) == 1


@pytest.mark.parametrize("cidr", CLOSED)
def test_rule_57_no_stack_gives_what_is_never_opened(cidr: str) -> None:
    assert len(list(openings.check_stack(platform(networks=[cidr])))) == 1


def test_rule_57_a_node_is_closed_but_by_the_key_that_says_so() -> None:
    assert "10.0.0.221 is the node pi-2; if that is meant" in opened("10.0.0.221/32", **HOME)[0]
    assert "has the node pi-1 (10.0.0.50) in it" in opened("10.0.0.0/24", **HOME)[0]
    assert "is the node pi-2" in mounted("10.0.0.221", **HOME)[0]
    assert opened("10.0.0.221/32", nodes=["pi-2"]) == mounted("10.0.0.221", nodes=["pi-2"]) == []
    assert "pi-1" in opened("10.0.0.0/24", **HOME, nodes=["pi-2"])[0]
    assert opened("10.0.0.0/24", **HOME, nodes=["pi-1", "pi-2"]) == []
    assert opened("10.0.0.0/24", nodes=["pi-1", "pi-2"]) != []


def test_rule_57_a_node_with_a_public_address_is_closed_too() -> None:
    nodes = [{"name": "vps", "role": "control-plane", "ip": "203.0.113.9", "cpu": 4, "memory": "8Gi"}]
    cluster = Loaded(stack(cluster={"context": "home", "nodes": nodes}), Document("Pulumi.home.yaml", {}))
    file = Loaded(workspace(egress={"allow": [{"cidr": "203.0.113.0/24"}]}), Document("workspaces/team.yaml", {}))
    assert ["vps" in mistake.what for mistake in openings.check(cluster, file)] == [True]


@pytest.mark.parametrize("cidr", ["203.0.113.7/32", "1.1.1.0/24", "2606:4700::/32"])
def test_rule_57_what_the_internet_opens_anyway_needs_no_listing_but_for_nfs(cidr: str) -> None:
    assert opened(cidr) == []
    assert mounted(cidr.split("/")[0]) != []


@pytest.mark.parametrize("server", ["nas.lan", "nas", "127.1", "2130706433", "0x7f000001", "010.0.0.7"])
def test_rule_57_an_nfs_server_by_name_is_one_that_the_stack_lists(server: str) -> None:
    assert "can point anywhere" in mounted(server, **HOME)[0]
    assert mounted(server, **HOME, nfsServers=[server]) == []
    assert mounted(server, **HOME, nfsServers=["other"]) != []


def test_rule_57_the_lines_to_add_fit_a_stack_that_has_openings() -> None:
    assert opened("10.9.0.7/32", **HOME)[0].endswith(
        "add it to the stack file, Pulumi.home.yaml: warren:openings.networks: [..., 10.9.0.7/32]"
    )


def test_an_address_that_means_another_machine_everywhere_is_no_server() -> None:
    volume = {"mount": "/d", "size": "1Gi", "nfs": {"server": "fe80::1%eth0", "path": "/x"}}
    data = {"name": "a", "host": "a", "quota": {"cpu": "1", "memory": "1Gi"}, "auth": "none"}
    data["apps"] = {"web": {"image": "x/a:1", "volumes": {"d": volume}}}
    with pytest.raises(Exception, match="is not an IP address or a host name"):
        validate(Workspace, Document("x.yaml", data))
