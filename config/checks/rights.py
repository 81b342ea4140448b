"""What an app may be given at the API server: by its workspace alone, by workspace and stack together, or by nobody.

Allow-lists: what stands in none of them is nobody's to give. So nobody gives writing of walls, routes, quotas, accounts
and roles, impersonating, reading Secrets of other namespaces, and the records of sign-in, which hold its keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from config import reserved
from config.mistakes import KeyPath, Loaded, Mistake
from config.rights import ApiRule
from config.stack import Stack
from config.trust import Trust
from config.workspace import Workspace

READ = "get list watch"
_WRITE = "create update patch delete"
_RBAC = "rbac.authorization.k8s.io"

Table = Mapping[tuple[str, str], frozenset[str]]


class Right(NamedTuple):
    """One verb on one kind; without names, on all objects of it."""

    group: str
    resource: str
    verb: str
    names: frozenset[str]

    def __str__(self) -> str:
        only = f" named {', '.join(sorted(self.names))}" if self.names else ""
        return f"{self.verb} {self.resource}{f'.{self.group}' if self.group else ''}{only}"


def _table(*rows: tuple[str, str, str]) -> Table:
    return {(group, kind): frozenset(verbs.split()) for group, kinds, verbs in rows for kind in kinds.split()}


OWN = _table(
    ("", "endpoints events limitranges persistentvolumeclaims pods/log resourcequotas serviceaccounts services", READ),
    ("", "configmaps", f"{READ} create"),
    ("", "pods", f"{READ} delete"),
    ("", "pods/eviction secrets", "create"),
    ("apps", "daemonsets deployments replicasets statefulsets", READ),
    ("apps", "deployments/scale", "get update patch"),
    ("autoscaling", "horizontalpodautoscalers", READ),
    ("batch", "cronjobs", READ),
    ("batch", "jobs", f"{READ} delete"),
    ("coordination.k8s.io", "leases", f"{READ} {_WRITE}"),
    ("discovery.k8s.io", "endpointslices", READ),
    ("events.k8s.io", "events", READ),
    ("metrics.k8s.io", "pods", READ),
    ("networking.k8s.io", "ingresses networkpolicies", READ),
    ("policy", "poddisruptionbudgets", READ),
    (_RBAC, "rolebindings roles", READ),
)
"""What a workspace gives in its own namespace: looking, restarting, scaling, and making what nothing reads yet."""

NAMED = _table(("", "configmaps secrets", f"{READ} update patch delete"))
"""The same for objects that the app made itself, which rules have to name."""

TOGETHER = _table(
    ("", "configmaps", "update patch delete"),
    ("", "events", "create patch"),
    ("", "persistentvolumeclaims", "create update patch"),
    ("", "pods", "create update patch"),
    # Exec over a WebSocket begins with a GET.
    ("", "pods/attach pods/exec pods/portforward", "get create"),
    ("", "pods/ephemeralcontainers", "get update patch"),
    ("", "secrets", f"{READ} update patch delete"),
    ("", "services", _WRITE),
    ("apps", "deployments", _WRITE),
    ("autoscaling", "horizontalpodautoscalers", _WRITE),
    ("batch", "cronjobs", _WRITE),
    ("batch", "jobs", "create update patch"),
    ("events.k8s.io", "events", "create patch"),
)
"""What it takes the stack as well for: whoever may one of these owns the workspace, its Secrets and its sign-in, or
leaves things behind that nobody counts."""

CLUSTER = _table(
    ("", "namespaces nodes nodes/metrics nodes/stats persistentvolumes replicationcontrollers", READ),
    ("apiextensions.k8s.io", "customresourcedefinitions", READ),
    ("metrics.k8s.io", "nodes", READ),
    ("networking.k8s.io", "ingressclasses", READ),
    (_RBAC, "clusterrolebindings clusterroles", READ),
    ("scheduling.k8s.io", "priorityclasses", READ),
    ("storage.k8s.io", "csidrivers csinodes storageclasses volumeattachments", READ),
    *((group, kind, READ) for group, kind in OWN if {*READ.split()} <= OWN[group, kind]),
)
"""What an app may read everywhere where the stack says so."""

_SIGN_IN = "dex.coreos.com"
_MARKED = re.compile(r"-[0-9a-f]{32}$").search


def expanded(rules: Iterable[ApiRule]) -> Iterator[tuple[int, Right]]:
    """Every single right that rules give, with the number of its rule."""
    for at, rule in enumerate(rules):
        for group in rule.apiGroups:
            for kind in rule.resources:
                for verb in rule.verbs:
                    yield at, Right(group, kind, verb, frozenset(rule.resourceNames))


def check_stack(file: Loaded[Stack]) -> Iterator[Mistake]:
    """Rights that no stack may give."""
    for key, trust in file.model.trust.items():
        for at, right in expanded(trust.rules):
            if not (_in(OWN, right) or _in(TOGETHER, right) or _custom(right)):
                yield file.mistake(("trust", key, "rules", at), _never(right))
        for at, right in expanded(trust.clusterRules):
            if not (_in(CLUSTER, right) or _custom(right)):
                yield file.mistake(("trust", key, "clusterRules", at), _nowhere_else(right))


def check(stack: Loaded[Stack], file: Loaded[Workspace]) -> Iterator[Mistake]:
    """Rights that a workspace asks for and may not give, or not alone."""
    workspace = file.model
    for name, app in workspace.apps.items():
        if (account := app.serviceAccount) is None:
            continue
        at: KeyPath = ("apps", name, "serviceAccount")
        if name == "default":
            yield file.mistake(at, "would be every other app's as well: they run as default; call the app differently")
        key = f"{workspace.name}/{name}"
        trust = stack.model.trust.get(key, Trust())
        rows = [("rules", n, right) for n, right in expanded(account.rules) if not _own(workspace, right)]
        rows += [("clusterRules", n, right) for n, right in expanded(account.clusterRules)]
        said: set[tuple[str, int]] = set()
        for kind, n, right in rows:
            given = [each for _, each in expanded(getattr(trust, kind))]
            if (kind, n) not in said and (why := _refused(stack, key, kind, right, given)):
                said.add((kind, n))
                yield file.mistake((*at, kind, n), why)


def makes_pods(workspace: Workspace, name: str) -> bool:
    """Whether an app has rights that its workspace cannot give alone, and so owns what else is there."""
    account = workspace.apps[name].serviceAccount
    return account is not None and any(not _own(workspace, right) for _, right in expanded(account.rules))


def _refused(stack: Loaded[Stack], key: str, kind: str, right: Right, given: Iterable[Right]) -> str | None:
    possible = (TOGETHER, OWN) if kind == "rules" else (CLUSTER,)
    if not (_custom(right) or any(_in(table, right) for table in possible)):
        return _never(right) if kind == "rules" else _nowhere_else(right)
    if any(
        right[:3] == each[:3] and (not each.names or 0 < len(right.names) <= len(right.names & each.names))
        for each in given
    ):
        return None
    what = "takes more than the workspace's own word" if kind == "rules" else "reads beyond the workspace"
    where = f"{stack.document.file}: warren:trust: {{ {key}: {{ {kind}: [...] }} }}"
    return f"{right} {what}, and the stack does not give it; write the same rule there, {where}"


def _own(workspace: Workspace, right: Right) -> bool:
    """Whether the workspace gives a right by itself."""
    return _in(OWN, right) or (
        bool(right.names) and _in(NAMED, right) and not any(_platforms(workspace, name) for name in right.names)
    )


def _platforms(workspace: Workspace, name: str) -> bool:
    """Whether a Secret or ConfigMap of this name may be one that the platform makes."""
    return (
        name in workspace.apps
        or name in reserved.SIGN_IN_NAMES
        or name.startswith((f"{reserved.PROXY}-", "kube-", "warren"))
        or _MARKED(name) is not None
    )


def _in(table: Table, right: Right) -> bool:
    return right.verb in table.get((right.group, right.resource), ())


def _custom(right: Right) -> bool:
    """Whether this looks at objects of a kind that Kubernetes does not have."""
    group = right.group
    # A subresource that is read may be a console.
    plain = "/" not in right.resource and right.verb in READ.split()
    return plain and "." in group and not group.endswith((".k8s.io", _SIGN_IN))


def _never(right: Right) -> str:
    return f"{right} is nobody's to give; Warren's docs/workspaces.md lists what an app may have"


def _nowhere_else(right: Right) -> str:
    return f"{right} is nobody's to give beyond a namespace, where an app may look, and not at Secrets"
