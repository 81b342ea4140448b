"""What people with kubectl may do: two ClusterRoles for all workspaces, bound in each by OpenID Connect group.

The built-in `edit` and `view` are not used: they reach Ingresses and NetworkPolicies, which are the platform's alone
(rule 28). Nor may anyone here touch quotas, roles, service accounts or the custom resources of sign-in; but who may
start pods can start one as any service account of the workspace, and so as its Dex.
"""

from __future__ import annotations

from typing import Any

from config.workspace import Workspace
from manifests import names
from manifests.k3s import PEOPLE_PREFIX

Manifest = dict[str, Any]

EDIT = "warren-edit"
VIEW = "warren-view"

_READ = ("get", "list", "watch")
_WRITE = (*_READ, "create", "update", "patch", "delete")


def _rule(group: str, resources: tuple[str, ...], verbs: tuple[str, ...]) -> Manifest:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


_VIEW_RULES = [
    _rule(
        "",
        (
            "configmaps",
            "events",
            "limitranges",
            "persistentvolumeclaims",
            "pods",
            "pods/log",
            "resourcequotas",
            "services",
        ),
        _READ,
    ),
    _rule("apps", ("deployments", "replicasets"), _READ),
    _rule("autoscaling", ("horizontalpodautoscalers",), _READ),
    _rule("batch", ("cronjobs", "jobs"), _READ),
    _rule("events.k8s.io", ("events",), _READ),
    _rule("policy", ("poddisruptionbudgets",), _READ),
    # For `kubectl top`.
    _rule("metrics.k8s.io", ("pods",), ("get", "list")),
]

_EDIT_RULES = [
    *_VIEW_RULES,
    # Who may start a pod can read every Secret of the namespace through it, so hiding them here would only pretend. The
    # workspace is the boundary (rule 15): its sign-in secrets open nothing but itself.
    _rule("", ("configmaps", "pods", "secrets", "services"), _WRITE),
    # Claims are made and grown, never deleted: that is the data.
    _rule("", ("persistentvolumeclaims",), ("create", "update", "patch")),
    # `get` as well, because kubectl opens a WebSocket with it.
    _rule("", ("pods/attach", "pods/exec", "pods/portforward"), ("get", "create")),
    _rule("apps", ("deployments", "deployments/scale"), _WRITE),
    _rule("autoscaling", ("horizontalpodautoscalers",), _WRITE),
    _rule("batch", ("cronjobs", "jobs"), _WRITE),
]


def cluster_roles() -> dict[str, Manifest]:
    """The two ClusterRoles, by role; they give nothing until a RoleBinding names them in one namespace."""
    return {
        role: {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": name, "labels": names.labels(name)},
            "rules": rules,
        }
        for role, name, rules in (("edit", EDIT, _EDIT_RULES), ("view", VIEW, _VIEW_RULES))
    }


def role_bindings(workspace: Workspace) -> dict[str, Manifest]:
    """The RoleBindings of a workspace, by role: one for each role that somebody has.

    Groups are named as the API server sees them, behind the prefix that the k3s flags set.
    """
    wanted = {"edit": (EDIT, workspace.access.edit), "view": (VIEW, workspace.access.view)}
    return {
        role: {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {
                "name": name,
                "namespace": workspace.name,
                "labels": names.labels(workspace.name, workspace=workspace.name),
            },
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [
                {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": f"{PEOPLE_PREFIX}{group}"}
                for group in sorted(set(groups))
            ],
        }
        for role, (name, groups) in wanted.items()
        if groups
    }
