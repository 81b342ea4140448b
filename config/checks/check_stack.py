"""The rules inside a stack's config: its nodes, its networks, and the one secret that every stack needs."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from config import commands
from config.checks import check_app, hardware, load_balancers, openings, rights, trust
from config.mistakes import Loaded, Mistake
from config.stack import Stack

File = Loaded[Stack]


def check(file: File, stack_name: str, cloudflare_token: bool) -> list[Mistake]:
    """Everything that is wrong inside a stack's config."""
    found = [*_nodes(file), *_networks(file), *_of_apps(file), *openings.check_stack(file)]
    found += [*load_balancers.check_stack(file), *hardware.check_stack(file)]
    found += [*rights.check_stack(file), *trust.check_stack(file)]
    fix = "let the workspaces that need it write { secret: NAME }"
    found += check_app.in_the_open(file.document, ("env",), file.model.env, fix)
    if not cloudflare_token and not file.model.sandbox:
        command = commands.set_secret(commands.CLOUDFLARE, stack_name, sandbox=False)
        found.append(Mistake(file.document.file, 0, commands.CLOUDFLARE, f"is missing; run: {command}"))
    return found


def _nodes(file: File) -> Iterator[Mistake]:
    nodes = file.model.cluster.nodes
    for key, values in (("name", [node.name for node in nodes]), ("ip", [node.ip for node in nodes])):
        for i, value in enumerate(values):
            if (first := values.index(value)) != i:
                yield file.mistake(
                    ("cluster", "nodes", i, key), f"{value!r} is taken by nodes[{first}]; every node has its own"
                )
    if not any(node.role == "control-plane" for node in nodes):
        yield file.mistake(
            ("cluster", "nodes"), "has no control plane; say role: control-plane at the node that runs the API server"
        )


def _networks(file: File) -> Iterator[Mistake]:
    cluster = file.model.cluster
    pods, services = ipaddress.ip_network(cluster.podCidr), ipaddress.ip_network(cluster.serviceCidr)
    for key, network in (("podCidr", pods), ("serviceCidr", services)):
        for i, node in enumerate(cluster.nodes):
            if ipaddress.ip_address(node.ip) in network:
                what = f"{node.ip} lies in {key} {network}; nodes live outside the cluster's own networks"
                yield file.mistake(("cluster", "nodes", i, "ip"), what)
    if pods.version == services.version and pods.overlaps(services):
        what = f"{services} overlaps podCidr {pods}; write what the cluster was installed with"
        yield file.mistake(("cluster", "serviceCidr"), what)


def _of_apps(file: File) -> Iterator[Mistake]:
    listed = set(file.model.workspaces)
    keys = [("images", key, "image") for key in file.model.images]
    keys += [("loadBalancers", key, "{ ... }") for key in file.model.loadBalancers]
    for where, key, what in keys:
        workspace, slash, app = key.partition("/")
        if not slash or not app:
            yield file.mistake((where, key), f"does not say which app; write <workspace>/<app>: {what}")
        elif workspace not in listed:
            yield file.mistake(
                (where, key), f"names the workspace {workspace!r}, which this stack does not run; take the line out"
            )
