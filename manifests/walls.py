"""NetworkPolicies: who may talk to whom. Everything is closed until one of these opens it (security rule 32).

Owns the pieces (peers, ports, whole policy specs). Which pieces an object gets is decided where the object is.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from config.networks import PRIVATE_V4, PRIVATE_V6
from config.stack import Cluster

Manifest = dict[str, Any]


def pods(match: Mapping[str, str], namespace: str | None = None) -> Manifest:
    """Pods by label, in this policy's namespace or in another one: namespace **and** pod, never either."""
    peer: Manifest = {"podSelector": {"matchLabels": dict(match)}}
    if namespace is not None:
        peer["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    return peer


def ports(*numbers: int | str, protocol: Literal["TCP", "UDP"] = "TCP") -> list[Manifest]:
    """Ports by number or by the name a container gives them."""
    return [{"protocol": protocol, "port": number} for number in numbers]


def dns() -> Manifest:
    """The egress rule for the cluster's DNS (K3s and kubeadm both label it `k8s-app: kube-dns`)."""
    return {"to": [pods({"k8s-app": "kube-dns"}, "kube-system")], "ports": [*ports(53, protocol="UDP"), *ports(53)]}


def internet(cluster: Cluster, *numbers: int, udp: Sequence[int] = ()) -> Manifest:
    """The egress rule for public addresses: never the home network, pods, Services, or a node by its own address."""
    v4, v6 = _closed(cluster)
    rule: Manifest = {
        "to": [
            {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(v4)}},
            {"ipBlock": {"cidr": "::/0", "except": list(v6)}},
        ]
    }
    if numbers or udp:
        rule["ports"] = [*ports(*numbers), *ports(*udp, protocol="UDP")]
    return rule


def api_server(cluster: Cluster) -> Manifest:
    """The egress rule for the Kubernetes API: the Service's address is rewritten to a node's before policies see it."""
    return {
        "to": [
            {"ipBlock": {"cidr": _merged([node.ip], None)[0]}} for node in cluster.nodes if node.role == "control-plane"
        ],
        "ports": ports(cluster.apiPort),
    }


def home(networks: Iterable[str], cluster: Cluster) -> list[Manifest]:
    """Peers on the home network, without the nodes in it but where one is named by itself.

    Pods go out to the home network with their node's address, and would come in as their node.
    """
    nodes = [ipaddress.ip_network(node.ip) for node in cluster.nodes]
    found = []
    for cidr in sorted(networks):
        inside = [str(node) for node in nodes if str(node) != cidr and _merged([cidr, str(node)], None) == [cidr]]
        found.append({"ipBlock": {"cidr": cidr, **({"except": sorted(inside)} if inside else {})}})
    return found


def network(cidr: str, numbers: Iterable[int] = ()) -> Manifest:
    """The egress rule for one network that somebody listed."""
    rule: Manifest = {"to": [{"ipBlock": {"cidr": cidr}}]}
    if numbers := tuple(numbers):
        rule["ports"] = ports(*numbers)
    return rule


def policy(
    match: Mapping[str, str], *, ingress: Sequence[Manifest] = (), egress: Sequence[Manifest] | None = None
) -> Manifest:
    """The spec of a NetworkPolicy for the pods that match; an empty match is every pod of the namespace.

    Both directions are named, so what is not listed is closed. `egress=None` leaves that direction to other policies.
    A direction without rules is named in `policyTypes` and nowhere else: the API server stores no empty list, and would
    count every apply of one as a change.
    """
    types = ["Ingress"] if egress is None else ["Ingress", "Egress"]
    rules = {"ingress": list(ingress), "egress": list(egress or ())}
    return {
        "podSelector": {"matchLabels": dict(match)} if match else {},
        "policyTypes": types,
        **{direction: each for direction, each in rules.items() if each},
    }


DENY_ALL = policy({}, egress=())


@functools.cache
def _closed(cluster: Cluster) -> tuple[list[str], list[str]]:
    """What is not the internet, IPv4 and IPv6; the same for every pod of a cluster, and asked for each."""
    networks = [cluster.podCidr, cluster.serviceCidr, *(node.ip for node in cluster.nodes)]
    return _merged([*PRIVATE_V4, *networks], 4), _merged([*PRIVATE_V6, *networks], 6)


def _merged(networks: Iterable[str], version: int | None) -> list[str]:
    """Networks of one IP version, sorted, without those that another one contains."""
    parsed = [ipaddress.ip_network(text) for text in networks]
    wanted: list[Any] = [net for net in parsed if version in (None, net.version)]
    return [str(net) for net in ipaddress.collapse_addresses(wanted)]
