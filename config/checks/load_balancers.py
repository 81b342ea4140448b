"""Ports on the home network: what the stack may give, and what workspaces take of it.

Both files have to say it. What comes in there comes past the tunnel and past sign-in, so a port that somebody has to
sign in for is never offered.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence

from config.app import App
from config.checks import openings
from config.load_balancer import LoadBalancer, offered, service_name
from config.mistakes import KeyPath, Loaded, Mistake, dotted
from config.ports import AppPort
from config.routes import key_of, ports_of, route_port
from config.stack import Stack
from config.workspace import Workspace

NODE_PORTS = range(30000, 32768)
"""Those that Kubernetes gives to Services by itself (`--service-node-port-range`)."""

OF_NODES: Mapping[str, str] = {
    "22/TCP": "SSH",
    "68/UDP": "DHCP, by which nodes get their address",
    "111/TCP": "NFS",
    "111/UDP": "NFS",
    "179/TCP": "MetalLB",
    "2049/TCP": "NFS",
    "2379/TCP": "etcd",
    "2380/TCP": "etcd",
    "2381/TCP": "etcd",
    "2382/TCP": "etcd",
    "5001/TCP": "K3s' registry mirror",
    "6443/TCP": "the API server",
    "6444/TCP": "K3s' own way to the API server",
    "7946/TCP": "MetalLB",
    "7946/UDP": "MetalLB",
    "8472/UDP": "K3s' network between nodes",
    "51820/UDP": "K3s' network between nodes",
    "51821/UDP": "K3s' network between nodes",
    **{f"{port}/TCP": "Kubernetes' own" for port in (10010, 10248, 10249, 10250, 10255, 10256, 10257, 10258, 10259)},
}
"""Ports that nodes need at their own addresses, and for what (docs.k3s.io/installation/requirements, metallb.io).

A host port takes packets before the node's own programs see them: whoever had 22 would be the node's SSH."""

_KEY = "loadBalancers"


def check_stack(file: Loaded[Stack]) -> Iterator[Mistake]:
    """What no stack may give."""
    yield from _addresses(file)
    for key, each in file.model.loadBalancers.items():
        at: KeyPath = (_KEY, key)
        yield from _networks(file, at, each)
        for i, port in enumerate(each.ports):
            if port in each.ports[:i]:
                yield file.mistake((*at, "ports", i), f"{port} is there already; once is enough")
            elif each.loadBalancerIP is None and (whose := _of_nodes(file.model, port)):
                fix = "choose another port, or give the app an address of its own with loadBalancerIP"
                yield file.mistake((*at, "ports", i), f"{port} on a node is {whose}; {fix}")


def _of_nodes(stack: Stack, port: str) -> str | None:
    number = int(port.partition("/")[0])
    if number in NODE_PORTS:
        return f"one of those that Kubernetes gives away itself ({NODE_PORTS.start} to {NODE_PORTS.stop - 1})"
    return "the API server" if port == offered(stack.cluster.apiPort, "TCP") else OF_NODES.get(port)


def _networks(file: Loaded[Stack], at: KeyPath, given: LoadBalancer) -> Iterator[Mistake]:
    for i, cidr in enumerate(given.loadBalancerSourceRanges):
        network = ipaddress.ip_network(cidr)
        where: KeyPath = (*at, "loadBalancerSourceRanges", i)
        if openings.far_wider(network):
            yield file.mistake(where, f"{cidr} is far wider than a network at home; name the one that you mean")
        elif why := openings.never(file.model, network):
            yield file.mistake(where, why)


def _addresses(file: Loaded[Stack]) -> Iterator[Mistake]:
    stack = file.model
    given = stack.loadBalancers
    without = [key for key, each in given.items() if each.loadBalancerIP is None]
    owners: dict[str, str] = {}
    for key, each in given.items():
        where: KeyPath = (_KEY, key, "loadBalancerIP")
        address, k3s = each.loadBalancerIP, stack.cluster.distribution == "k3s"
        if address is None:
            if not k3s:
                what = "is missing, and only distribution: k3s has a ServiceLB, which does without"
                yield file.mistake(where, f"{what}; write an address that MetalLB or the like may give")
            continue
        if without and k3s:
            what = f"is given here and not to {without[0]}: K3s' ServiceLB and another controller would both take both"
            yield file.mistake(where, f"{what}; give every app one, or none")
        owner = owners.setdefault(address, key)
        node = next((node for node in stack.cluster.nodes if node.ip == address), None)
        if owner != key:
            what = f"{address} is {owner}'s, and two apps at one address would not see who comes"
            yield file.mistake(where, f"{what}; choose another one")
        elif node is not None:
            yield file.mistake(where, f"{address} is the node {node.name}; leave it out, or write one that is free")
        elif why := openings.never(stack, ipaddress.ip_network(address)):
            yield file.mistake(where, why)


def check_workspace(file: Loaded[Workspace]) -> Iterator[Mistake]:
    """What no workspace may take, whatever the stack gives."""
    for name, app in file.model.apps.items():
        at: KeyPath = ("apps", name)
        taken = _taken(app)
        if app.static is not None and app.port is not None and app.port.loadBalancer is not None:
            what = "a static folder is served by its routes; leave it out, or use an image with a web server"
            yield file.mistake((*at, "port", "loadBalancer"), what)
        for port_name, where, port in taken:
            if app.hostNetwork:
                what = f"{port.number} is on its node's network already, where no wall knows the app; leave it out"
                yield file.mistake((*at, *where, "loadBalancer"), what)
            rules = [rule for rule in app.routes if route_port(app, rule) == port_name]
            signs_in = file.model.auth != "none"
            if any((signs_in and not rule.public) or rule.basicAuth or rule.allowFrom or rule.deny for rule in rules):
                what = f"would let people to {port.number} whom its routes keep out"
                yield file.mistake((*at, *where, "loadBalancer"), f"{what}; give the app a second port for them")
        if taken and (other := service_name(name)) in file.model.apps:
            what = f"{other!r} is the name of the Service that offers {name} at home; choose another one"
            yield file.mistake(("apps", other), what)


def check(stack: Loaded[Stack], files: Sequence[Loaded[Workspace]]) -> Iterator[Mistake]:
    """What workspaces take and the stack does not give them, what it gives to no app, and what two take."""
    given = stack.model.loadBalancers
    by_name = {file.model.name: file for file in files}
    for key in given:
        workspace, _, name = key.partition("/")
        if name and workspace in by_name and name not in by_name[workspace].model.apps:
            has = ", ".join(sorted(by_name[workspace].model.apps))
            yield stack.mistake((_KEY, key), f"names no app of the workspace {workspace}; it has {has}")
    owners: dict[tuple[str | None, str], str] = {}
    for file, key, at, wanted in _asked(files):
        mine = given.get(key)
        if mine is None or wanted not in mine.ports:
            yield file.mistake(at, f"the stack does not give {wanted} to {key}; {_add(stack, key, wanted)}")
            continue
        here = f"{dotted(at)} ({file.document.file}:{file.document.line(at)})"
        if (owner := owners.setdefault((mine.loadBalancerIP, wanted), here)) != here:
            yield file.mistake(at, f"{wanted} is taken by {owner} already; choose another one")


def _asked(files: Sequence[Loaded[Workspace]]) -> Iterator[tuple[Loaded[Workspace], str, KeyPath, str]]:
    """Every port that a workspace takes: its file, the app as the stack names it, where it is written, and the port."""
    for file in files:
        for name, app in file.model.apps.items():
            for _, below, port in _taken(app):
                wanted = offered(port.loadBalancer or 0, port.protocol)
                yield file, f"{file.model.name}/{name}", ("apps", name, *below, "loadBalancer"), wanted


def _taken(app: App) -> list[tuple[str, KeyPath, AppPort]]:
    """The ports that an app offers at home: name, where that is written, and what is."""
    return [(name, key_of(app, name), port) for name, port in ports_of(app).items() if port.loadBalancer is not None]


def _add(stack: Loaded[Stack], key: str, port: str) -> str:
    """How the stack's owner gives it."""
    if key in stack.model.loadBalancers:
        return f"add it to the stack file, {stack.document.file}: warren:loadBalancers.{key}.ports: [..., {port}]"
    entry = f"{key}: {{ ports: [{port}], loadBalancerSourceRanges: [...] }}"
    return f"add to the stack file, {stack.document.file}: warren:loadBalancers: {{ {entry} }}"
