"""How much may be in a workspace's namespace: what its file makes, counted, and room for what people make by hand.

Counting exactly is what lets `pulumi up` go on beside people who have filled their room: whatever the file adds, the
quota has grown by before. Disk is the nodes' own, where logs, scratch space and what containers write are.
"""

from __future__ import annotations

from config.checks import usage
from config.routes import protected_hosts, routes_of
from config.stack import Stack
from config.workspace import Workspace
from manifests import pods
from manifests.app import containers, load_balancer, storage

SECRETS = "secrets"
CONFIG_MAPS = "configmaps"
SERVICES = "services"
CLAIMS = "persistentvolumeclaims"
LEASES = "count/leases.coordination.k8s.io"

ROOM = {
    SECRETS: 20,
    CONFIG_MAPS: 20,
    SERVICES: 10,
    CLAIMS: 10,
    "count/deployments.apps": 10,
    "count/replicasets.apps": 50,
    "count/cronjobs.batch": 10,
    "count/jobs.batch": 20,
    "count/horizontalpodautoscalers.autoscaling": 10,
    "count/pods": 20,
}
"""How many of each people may make by hand; of pods, how many may be finished and still there."""

ROOM_LEASES = 10
"""How many Leases apps with an account may make."""

ROOM_DISK = 8 * 1024
ROOM_DISK_REQUEST = 1024
"""What people's pods may use of the nodes' disks together, and what the scheduler keeps for it, in MiB."""

_REPLICA_SETS = 5
"""Of a Deployment: the one that runs, the next one, and a history of three (`revisionHistoryLimit`)."""
_TRIES = 1 + pods.JOB_RETRIES
"""How many pods a run may have had that is over."""


def objects(stack: Stack, workspace: Workspace) -> dict[str, int]:
    """How many objects of each kind the platform itself makes in the namespace, controllers' included."""
    apps = list(workspace.apps.values())
    hosts = protected_hosts(stack, workspace)
    # Dex, and a proxy for each host, each with a Deployment, a Service, a ConfigMap and a Secret.
    sign_in = 1 + len(hosts) if hosts else 0
    once = sum(app.once is not None for app in apps)
    deployments = sum(app.schedule is None and app.once is None and not app.daemonSet for app in apps) + sign_in
    schedules = [app.schedule for app in apps if app.schedule is not None]
    kept = sum(schedule.kept for schedule in schedules)
    passwords = sum(route.rule.basicAuth is not None for route in routes_of(stack, workspace))
    return {
        SECRETS: sum(bool(containers.secrets_of(app)) for app in apps)
        + passwords
        + sign_in
        + bool(workspace.registries),
        # One more is Kubernetes' own: the certificate of the API server.
        CONFIG_MAPS: sum(bool(containers.plain_files(app)) or app.static is not None for app in apps) + sign_in + 1,
        SERVICES: sum(bool(containers.target_ports(app)) + bool(load_balancer.taken(app)) for app in apps) + sign_in,
        CLAIMS: sum(len(usage.own_volumes(app)) for app in apps),
        "count/deployments.apps": deployments,
        "count/replicasets.apps": _REPLICA_SETS * deployments,
        "count/cronjobs.batch": len(schedules),
        # One more of each runs.
        "count/jobs.batch": len(schedules) + kept + once,
        "count/horizontalpodautoscalers.autoscaling": sum(app.autoscale is not None for app in apps),
        "count/pods": workspace.quota.pods + _TRIES * (kept + once),
    }


def most(stack: Stack, workspace: Workspace) -> dict[str, int]:
    """The most of each kind that there may be. Claims by hand need `quota.storage`, which they are made of.

    Leases are counted where an app has an account: nobody else makes any, and a Lease may hold a megabyte.
    """
    room = {**ROOM, **({CLAIMS: 0} if workspace.quota.storage is None else {})}
    leases = {LEASES: ROOM_LEASES} if any(app.serviceAccount for app in workspace.apps.values()) else {}
    return {**{kind: own + room[kind] for kind, own in objects(stack, workspace).items()}, **leases}


def extended(stack: Stack, workspace: Workspace) -> dict[str, int]:
    """How many a workspace has of what device plugins bring: what its file asks for, and none for other pods.

    Of everything that some app of the stack is trusted with, wherever that is.
    """
    known = sorted({each for trust in stack.trust.values() for each in trust.extendedResources})
    return {
        f"requests.{resource}": sum(
            app.extendedResources.get(resource, 0) * (pods.high + pods.surges)
            for name, app in workspace.apps.items()
            for pods in [usage.app_pods(name, app, len(stack.cluster.nodes))]
        )
        for resource in known
    }


def disk(stack: Stack, workspace: Workspace) -> tuple[int, int]:
    """The sums of requests and limits of local disk, in MiB, with everything scaled up and updated at once."""
    hosts = protected_hosts(stack, workspace)
    found = [
        (pods.high + pods.surges, storage.disk_request(app), storage.disk_limit(app))
        for name, app in workspace.apps.items()
        for pods in [usage.app_pods(name, app, len(stack.cluster.nodes))]
    ]
    if hosts:
        found.append((2 * (1 + len(hosts)), pods.DISK_REQUEST_MIB, pods.DEFAULT_DISK_MIB))
    return (
        ROOM_DISK_REQUEST + sum(count * request for count, request, _ in found),
        ROOM_DISK + sum(count * limit for count, _, limit in found),
    )
