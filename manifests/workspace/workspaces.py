"""The room a workspace lives in: its namespace, its quota, its defaults and the walls around all of its pods.

What single apps are let through is `apps`' business, what sign-in is, `signin`'s.
"""

from __future__ import annotations

from typing import Any

from config import compute
from config.checks import trust, usage
from config.fields.quantities import mebibytes, memory_quantity
from config.routes import hosts_of
from config.stack import Stack
from config.workspace import Workspace
from manifests import names, pods, walls
from manifests.app import apps, load_balancer, storage
from manifests.workspace import counts

Manifest = dict[str, Any]

# Names with a dot, because app names have none and share the namespace with these.
DENY_ALL = "warren.deny-all"
APP_EGRESS = "warren.app-egress"
LIMITS = "warren.limits"
SYSTEM_PRIORITY = "warren.system-priority"

_SYSTEM_PRIORITIES = ("system-cluster-critical", "system-node-critical")


def labels(workspace: Workspace) -> dict[str, str]:
    """The labels of the workspace's own objects."""
    return names.labels(workspace.name, workspace=workspace.name)


def namespace(stack: Stack, workspace: Workspace) -> Manifest:
    """The Namespace: its PodSecurity level, and what admission goes by.

    That is the hosts that its Ingresses may claim (rule 28), and whether only the platform makes pods in it.
    """
    closed = {names.PODS_LABEL: names.RENDERED_PODS} if trust.closed(stack, workspace) else {}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": workspace.name,
            "labels": {**labels(workspace), **pods.namespace_security(workspace.podSecurity), **closed},
            "annotations": {names.HOSTS_ANNOTATION: ",".join(hosts_of(stack, workspace))},
        },
    }


def has_data(workspace: Workspace) -> bool:
    """Whether deleting the namespace would delete somebody's data."""
    return any(storage.has_data(app) for app in workspace.apps.values())


def guards(stack: Stack, workspace: Workspace) -> dict[str, Manifest]:
    """What is there before everything else in the namespace, by role: quotas, defaults and the walls of all pods."""
    return {
        "quota": quota(stack, workspace),
        "quota-priority": priority_quota(workspace),
        "limits": limit_range(workspace),
        **{f"wall-{role}": manifest for role, manifest in policies(stack, workspace).items()},
    }


def quota(stack: Stack, workspace: Workspace) -> Manifest:
    """The ResourceQuota: compute, disk, and how many of everything.

    No Service is a way in past the tunnel but those that the stack gives and the file takes.
    Storage is what the apps' volumes add up to where the file does not say. Dex' own records are not counted: whoever
    filled the count would end every sign-in.
    """
    wanted = workspace.quota
    disk_requests, disk_limits = counts.disk(stack, workspace)
    held = usage.storage(workspace)
    used = memory_quantity(held)
    return _object(
        "v1",
        "ResourceQuota",
        workspace,
        LIMITS,
        {
            "hard": {
                "requests.cpu": wanted.cpu,
                "requests.memory": wanted.memory,
                "limits.memory": memory_quantity(usage.LIMITS_PER_REQUESTS * mebibytes(wanted.memory)),
                "pods": str(wanted.pods),
                "requests.storage": used if wanted.storage is None else wanted.storage,
                "requests.ephemeral-storage": memory_quantity(disk_requests),
                "limits.ephemeral-storage": memory_quantity(disk_limits),
                **{kind: str(count) for kind, count in counts.most(stack, workspace).items()},
                **{kind: str(count) for kind, count in counts.extended(stack, workspace).items()},
                **{kind: str(count) for kind, count in load_balancer.quota(stack, workspace).items()},
            }
        },
    )


def priority_quota(workspace: Workspace) -> Manifest:
    """The ResourceQuota of the system's own priorities: none.

    Who may start pods could name one of them, and such a pod pushes the platform's own and other workspaces' off a full
    node. Kubernetes lets every namespace use them unless a quota says otherwise
    (kubernetes.io/docs/concepts/policy/resource-quotas/#limit-priority-class-consumption-by-default).
    """
    system = {"scopeName": "PriorityClass", "operator": "In", "values": list(_SYSTEM_PRIORITIES)}
    spec = {"hard": {"pods": "0"}, "scopeSelector": {"matchExpressions": [system]}}
    return _object("v1", "ResourceQuota", workspace, SYSTEM_PRIORITY, spec)


def limit_range(workspace: Workspace) -> Manifest:
    """The LimitRange: what a container gets that says nothing, as those of people with kubectl may."""
    default = pods.with_disk(pods.resources(compute.DEFAULT_APP), pods.DEFAULT_DISK_MIB)
    spec = {"limits": [{"type": "Container", "default": default["limits"], "defaultRequest": default["requests"]}]}
    return _object("v1", "LimitRange", workspace, LIMITS, spec)


def policies(stack: Stack, workspace: Workspace) -> dict[str, Manifest]:
    """The NetworkPolicies for all pods, by role: all is closed both ways, then the apps may go where the file says."""
    egress = workspace.egress
    rules = [
        walls.dns(),
        {"to": [apps.APP_PODS]},
        *([walls.internet(stack.cluster)] if egress.internet else []),
        *(walls.network(opening.cidr, opening.ports) for opening in egress.allow),
    ]
    opening = {"podSelector": apps.APP_PODS["podSelector"], "policyTypes": ["Egress"], "egress": rules}
    version, kind = "networking.k8s.io/v1", "NetworkPolicy"
    return {
        "deny-all": _object(version, kind, workspace, DENY_ALL, walls.DENY_ALL),
        "app-egress": _object(version, kind, workspace, APP_EGRESS, opening),
    }


def _object(version: str, kind: str, workspace: Workspace, name: str, spec: Manifest) -> Manifest:
    metadata = {"name": name, "namespace": workspace.name, "labels": labels(workspace)}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}
