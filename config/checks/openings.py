"""Where workspaces may open their walls to, and mount NFS from: what the stack's `openings` list (security rule 57).

The walls keep an app from the home network; `nfs` goes past them, because the node mounts it. So both are the stack
owner's to give. What `internet: true` opens anyway needs no listing, and some networks are nobody's to give.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from config.mistakes import KeyPath, Loaded, Mistake
from config.networks import PRIVATE_V4, PRIVATE_V6
from config.stack import Node, Stack
from config.workspace import Workspace

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NEVER = {
    "0.0.0.0/8": "means this machine",
    "127.0.0.0/8": "is loopback",
    "169.254.0.0/16": "is link-local, where clouds keep their metadata",
    "192.0.0.0/24": "is for protocols, not for machines",
    "192.88.99.0/24": "carries other addresses (6to4)",
    "224.0.0.0/4": "is multicast",
    "240.0.0.0/4": "is reserved, broadcast included",
    "::/96": "is loopback or carries an IPv4 address",
    "::ffff:0:0/96": "is an IPv4 address in disguise",
    "64:ff9b::/96": "carries IPv4 addresses (NAT64)",
    "64:ff9b:1::/48": "carries IPv4 addresses (NAT64)",
    "2001::/32": "carries IPv4 addresses (Teredo)",
    "2002::/16": "carries IPv4 addresses (6to4)",
    "fd00:ec2::254/128": "is where a cloud keeps its metadata",
    "fd20:ce::254/128": "is where a cloud keeps its metadata",
    "fe80::/10": "is link-local",
    "fec0::/10": "is link-local",
    "ff00::/8": "is multicast",
}
"""Networks that no key opens, and what they are (IANA's registries of special-purpose addresses)."""

_NEVER: Sequence[tuple[Network, str]] = tuple((ipaddress.ip_network(cidr), what) for cidr, what in NEVER.items())
_PRIVATE: Sequence[Network] = tuple(ipaddress.ip_network(cidr) for cidr in (*PRIVATE_V4, *PRIVATE_V6))


def far_wider(network: Network) -> bool:
    """Whether this is no network of a home but a part of the world."""
    return network.prefixlen < (8 if network.version == 4 else 16)


def check_stack(file: Loaded[Stack]) -> Iterator[Mistake]:
    """Openings that no stack may give, or that open nothing."""
    stack = file.model
    nodes = [node.name for node in stack.cluster.nodes]
    for i, cidr in enumerate(stack.openings.networks):
        network = ipaddress.ip_network(cidr)
        if far_wider(network):
            what = f"{cidr} is far wider than a network at home; name the one that you mean"
            yield file.mistake(("openings", "networks", i), what)
        elif why := never(stack, network):
            yield file.mistake(("openings", "networks", i), why)
    for i, name in enumerate(stack.openings.nodes):
        if name not in nodes:
            yield file.mistake(
                ("openings", "nodes", i), f"{name!r} is no node of the cluster; it has {', '.join(nodes)}"
            )
    for i, server in enumerate(stack.openings.nfsServers):
        if (address := _address(server)) is not None:
            what = f"{server} is an address; put {address} under networks, and names here"
            yield file.mistake(("openings", "nfsServers", i), what)


def check(stack: Loaded[Stack], file: Loaded[Workspace]) -> Iterator[Mistake]:
    """What a workspace opens or mounts that the stack does not give."""
    for i, opening in enumerate(file.model.egress.allow):
        network = ipaddress.ip_network(opening.cidr)
        if not far_wider(network) and (why := _refused(stack, network, public=True)):
            yield file.mistake(("egress", "allow", i, "cidr"), why)
    for name, app in file.model.apps.items():
        for volume_name, volume in app.volumes.items():
            if volume.nfs is None:
                continue
            at: KeyPath = ("apps", name, "volumes", volume_name, "nfs", "server")
            server, address = volume.nfs.server, _address(volume.nfs.server)
            if address is not None and (why := _refused(stack, address, public=False)):
                yield file.mistake(at, why)
            elif address is None and server not in stack.model.openings.nfsServers:
                what = f"{server!r} can point anywhere, and the stack does not list it"
                yield file.mistake(at, f"{what}; {_add(stack, 'nfsServers', server)}, or write its address here")


def _address(server: str) -> Network | None:
    try:
        return ipaddress.ip_network(server)
    except ValueError:
        return None


def _refused(stack: Loaded[Stack], network: Network, *, public: bool) -> str | None:
    """Why a workspace may not have a network; None when it may. `public` ones may be everybody's."""
    model = stack.model
    if why := never(model, network):
        return why
    inside = [node for node in model.cluster.nodes if _overlap(ipaddress.ip_network(node.ip), network)]
    given = [node for node in inside if node.name in model.openings.nodes]
    if closed := next((node for node in inside if node not in given), None):
        return _node(stack, network, closed)
    if given and network.prefixlen == network.max_prefixlen:
        return None
    if any(_holds(ipaddress.ip_network(cidr), network) for cidr in model.openings.networks):
        return None
    if public and not any(_overlap(private, network) for private in _PRIVATE):
        return None
    return f"the stack does not open {network}; {_add(stack, 'networks', str(network))}"


def never(stack: Stack, network: Network) -> str | None:
    """Why nothing may be opened to a network, whoever says so; None where it is one that can be."""
    for key, text in (("podCidr", stack.cluster.podCidr), ("serviceCidr", stack.cluster.serviceCidr)):
        if _overlap(ipaddress.ip_network(text), network):
            return f"{network} overlaps the cluster's {key} {text}; workspaces do not reach each other"
    for closed, what in _NEVER:
        if _overlap(closed, network):
            where = what if _holds(closed, network) else f"has {closed} in it, which {what}"
            return f"{network} {where}; nothing opens that"
    return None


def _node(stack: Loaded[Stack], network: Network, node: Node) -> str:
    if network.prefixlen == network.max_prefixlen:
        return f"{network.network_address} is the node {node.name}; if that is meant, {_add(stack, 'nodes', node.name)}"
    what = f"{network} has the node {node.name} ({node.ip}) in it"
    return f"{what}; name the machines that you mean, one by one, or {_add(stack, 'nodes', node.name)}"


def _add(stack: Loaded[Stack], key: str, value: str) -> str:
    """How the stack's owner gives it, as the lines to write."""
    if "openings" in stack.model.model_fields_set:
        return f"add it to the stack file, {stack.document.file}: warren:openings.{key}: [..., {value}]"
    return f"add to the stack file, {stack.document.file}: warren:openings: {{ {key}: [{value}] }}"


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _holds(outer: Network, inner: Network) -> bool:
    if isinstance(outer, ipaddress.IPv4Network):
        return isinstance(inner, ipaddress.IPv4Network) and inner.subnet_of(outer)
    return isinstance(inner, ipaddress.IPv6Network) and inner.subnet_of(outer)
