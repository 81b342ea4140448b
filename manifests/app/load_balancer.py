"""An app's ports on the home network: the Service that offers them, and who may come there.

`externalTrafficPolicy` is always `Local`. With `Cluster` the node that a packet comes to puts its own address in the
place of the client's, so that a wall would see nodes only: it could let everybody at home in, or nobody. With `Local`
the client's address is kept, and only nodes that have a pod of the app take packets for it.

What is known of K3s' ServiceLB (k3s-io/k3s, pkg/cloudprovider/servicelb.go; k3s-io/klipper-lb, entry): it runs a pod on
every node that has the ports as host ports, and names the nodes with a ready pod in the Service's status. kube-proxy
takes packets to these before the host port does, and keeps the client's address. What comes to another node goes
through ServiceLB's pod, whose address it has then, and no wall here lets that in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.app import App
from config.load_balancer import LoadBalancer, service_name
from config.ports import AppPort
from config.routes import ports_of
from config.stack import Stack
from config.workspace import Workspace

Manifest = dict[str, Any]


def taken(app: App) -> dict[str, AppPort]:
    """The ports of an app that are offered at home, by name."""
    return {name: port for name, port in sorted(ports_of(app).items()) if port.loadBalancer is not None}


def service(app: App, given: LoadBalancer | None, metadata: Manifest, match: Mapping[str, str]) -> Manifest | None:
    """The Service of type LoadBalancer; None where nothing is offered.

    Args:
        app: The app.
        given: What the stack gives it.
        metadata: That of the app's objects, with this one's name.
        match: What finds its pods.
    """
    if given is None or not taken(app):
        return None
    own: Manifest = {}
    if given.loadBalancerIP is not None:
        # Only ServiceLB needs a port of the nodes' own as well, for what comes to a node without a pod.
        own = {"loadBalancerIP": given.loadBalancerIP, "allocateLoadBalancerNodePorts": False}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata | {"annotations": {"pulumi.com/skipAwait": "true"}},
        "spec": {
            "type": "LoadBalancer",
            "externalTrafficPolicy": "Local",
            "loadBalancerSourceRanges": sorted(given.loadBalancerSourceRanges),
            **own,
            "selector": dict(match),
            "ports": [
                {"name": name, "port": port.loadBalancer, "targetPort": port.number, "protocol": port.protocol}
                for name, port in taken(app).items()
            ],
        },
    }


def quota(stack: Stack, workspace: Workspace) -> dict[str, int]:
    """How many Services of this type a workspace's file makes, and how many ports of the nodes they have besides."""
    found = [
        (len(ports), given.loadBalancerIP is None)
        for name, app in workspace.apps.items()
        if (ports := taken(app)) and (given := stack.loadBalancers.get(f"{workspace.name}/{name}")) is not None
    ]
    return {
        "services.loadbalancers": len(found),
        "services.nodeports": sum(count for count, by_nodes in found if by_nodes),
    }


def names(stack: Stack) -> list[str]:
    """Every Service of this type that a stack gives, as `<namespace>/<name>`: the only ones that admission lets in."""
    keys = (key.partition("/") for key in sorted(stack.loadBalancers))
    return [f"{workspace}/{service_name(app)}" for workspace, _, app in keys]
