"""What the pods of a workspace ask for: the arithmetic behind the quota check, the capacity check and their messages.

Units are millicores and MiB. Decides nothing; `config.compute` says what each part asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from config import compute
from config.app import App
from config.compute import Compute, app_compute
from config.fields.quantities import mebibytes
from config.routes import app_ports, protected_hosts
from config.stack import Stack
from config.volumes import Volume
from config.workspace import Workspace

LIMITS_PER_REQUESTS = 2
"""A workspace's memory limits may add up to this many times its memory quota."""


@dataclass(frozen=True)
class Pods:
    """Pods that are all alike; `low` and `high` are how many run, but for an update's extra one."""

    what: str
    low: int
    high: int
    cpu: int
    memory: int
    memory_limit: int
    surges: bool
    """An update starts the new pod before it stops the old one."""


@dataclass(frozen=True)
class Total:
    """A sum over pods."""

    cpu: int
    memory: int
    memory_limit: int
    pods: int


LOCAL_PATH = "local-path"
"""K3s' own storage class, the default one there: the data is on the disk of one node."""


def own_volumes(app: App) -> dict[str, Volume]:
    """The volumes that a claim is made for."""
    elsewhere = {name for name, each in app.volumes.items() if each.claim or each.scratch or each.hostPath}
    return {name: volume for name, volume in app.volumes.items() if name not in elsewhere}


def single(volume: Volume) -> bool:
    """Whether a volume is for the pods of one node only."""
    return volume.accessMode in ("ReadWriteOnce", "ReadWriteOncePod") and not volume.scratch


def recreates(app: App) -> bool:
    """Whether an update has to stop the old pod first: what is for one node cannot be in two pods' hands.

    That is such a volume, a device, or a port of the node's own.
    """
    devices = app.devices or app.extendedResources or any(each.devices for each in app.sidecars.values())
    return bool(devices) or app.hostNetwork or any(single(volume) for volume in app.volumes.values())


def serves_on(app: App) -> bool:
    """Whether a pod goes on serving for a moment when it ends: where another one takes over meanwhile.

    An app whose update stops the old pod first would only be away for longer.
    """
    return bool(app_ports(app)) and not recreates(app)


def app_pods(name: str, app: App, nodes: int = 1) -> Pods:
    """The pods of one app in a cluster of so many nodes, as if none were closed to it.

    A pod asks for its containers together, or for its greediest init container.
    """
    default = compute.STATIC if app.static is not None else compute.DEFAULT_APP
    running = [
        app_compute(app.requests, app.limits, default),
        *(app_compute(c.requests, c.limits) for c in app.sidecars.values()),
    ]
    before = [app_compute(c.requests, c.limits) for c in app.init.values()]
    low, high = (
        (1, 1)
        if app.schedule or app.once
        else (nodes, nodes)
        if app.daemonSet
        else (app.autoscale.min, app.autoscale.max)
        if app.autoscale
        else (app.replicas, app.replicas)
    )
    return Pods(
        what=name,
        low=low,
        high=high,
        cpu=max(sum(c.cpu_millis for c in running), *(c.cpu_millis for c in before), 0),
        memory=max(sum(c.memory_mib for c in running), *(c.memory_mib for c in before), 0),
        memory_limit=max(sum(c.memory_limit_mib for c in running), *(c.memory_limit_mib for c in before), 0),
        surges=_surges(app),
    )


def _surges(app: App) -> bool:
    if app.schedule is not None:
        # The pod of the run that is ended has its time to stop, and the next one begins at once.
        return app.schedule.concurrencyPolicy == "Replace"
    return app.once is None and not recreates(app) and not app.daemonSet


def part(what: str, asks: Compute, count: int) -> Pods:
    """The pods of a part of the platform."""
    return Pods(what, count, count, asks.cpu_millis, asks.memory_mib, asks.memory_limit_mib, surges=True)


def workspace_pods(stack: Stack, workspace: Workspace) -> tuple[Pods, ...]:
    """Everything that runs in a workspace's namespace: its apps by name, then its sign-in."""
    apps = [app_pods(name, app, len(stack.cluster.nodes)) for name, app in sorted(workspace.apps.items())]
    hosts = protected_hosts(stack, workspace)
    sign_in = [part("Dex", compute.DEX, 1), part("OAuth2-Proxy", compute.OAUTH2_PROXY, len(hosts))] if hosts else []
    return (*apps, *sign_in)


def platform_pods(stack: Stack) -> tuple[Pods, ...]:
    """The parts that serve every workspace."""
    controller = compute.TRAEFIK if stack.ingress.controller == "traefik" else compute.NGINX
    return (
        part("cloudflared", compute.CLOUDFLARED, stack.tunnel.replicas),
        part(stack.ingress.controller, controller, stack.ingress.replicas),
    )


def at_least(pods: Iterable[Pods]) -> Total:
    """The sum when nothing has scaled up."""
    pods = tuple(pods)
    return _total([(p, p.low) for p in pods])


def at_most(pods: Iterable[Pods]) -> Total:
    """The sum when everything has scaled up and one pod is being updated, of each amount the largest."""
    pods = tuple(pods)
    rolling = [p for p in pods if p.surges and p.high]
    total = _total([(p, p.high) for p in pods])
    return Total(
        cpu=total.cpu + max((p.cpu for p in rolling), default=0),
        memory=total.memory + max((p.memory for p in rolling), default=0),
        memory_limit=total.memory_limit + max((p.memory_limit for p in rolling), default=0),
        pods=total.pods + bool(rolling),
    )


def twice(pods: Iterable[Pods]) -> Total:
    """The sum when every pod that may start elsewhere has, and the ones on a dead node are still counted."""
    return _total([(p, 2 * p.high if p.surges else p.high) for p in pods])


def _total(counted: Sequence[tuple[Pods, int]]) -> Total:
    return Total(
        cpu=sum(n * p.cpu for p, n in counted),
        memory=sum(n * p.memory for p, n in counted),
        memory_limit=sum(n * p.memory_limit for p, n in counted),
        pods=sum(n for _, n in counted),
    )


def storage(workspace: Workspace) -> int:
    """The sum of the volumes that claims are made for, in MiB."""
    return sum(
        mebibytes(v.size) for app in workspace.apps.values() for v in own_volumes(app).values() if v.size is not None
    )
