"""An app's account at the API server: the ServiceAccount, what it may do, and that its pods run as it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from config.rights import ApiRule
from manifests.app.apps import Unit

Manifest = dict[str, Any]

_GROUP = "rbac.authorization.k8s.io"


def objects(unit: Unit) -> dict[str, Manifest]:
    """The account and its roles, by role in the order in which they are made; none where the app has no account.

    What it reads beyond its namespace is a ClusterRole, whose name has dots: no two apps can meet there.
    """
    wanted = unit.app.serviceAccount
    if wanted is None:
        return {}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": unit.metadata()}
    found = {"account": {**account, "automountServiceAccountToken": False}}
    if wanted.rules:
        found |= _role(unit, "", unit.metadata(), wanted.rules)
    if wanted.clusterRules:
        everywhere = {"name": f"warren.{unit.workspace}.{unit.name}", "labels": unit.labels}
        found |= _role(unit, "Cluster", everywhere, wanted.clusterRules)
    return found


def _role(unit: Unit, scope: str, metadata: Manifest, rules: Sequence[ApiRule]) -> dict[str, Manifest]:
    subject = {"kind": "ServiceAccount", "name": unit.name, "namespace": unit.workspace}
    role = {"apiVersion": f"{_GROUP}/v1", "kind": f"{scope}Role", "metadata": metadata}
    ref = {"apiGroup": _GROUP, "kind": f"{scope}Role", "name": metadata["name"]}
    prefix = f"{scope.lower()}-" if scope else ""
    return {
        f"{prefix}role": {**role, "rules": [rule.model_dump(mode="json", exclude_defaults=True) for rule in rules]},
        f"{prefix}binding": {**role, "kind": f"{scope}RoleBinding", "roleRef": ref, "subjects": [subject]},
    }
