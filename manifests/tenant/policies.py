"""How an admission policy and its binding are written: ValidatingAdmissionPolicies in CEL (Kubernetes 1.30).

None has `variables`: the API server of 1.33 keeps the names of all policies' variables in one map, writes it whenever a
policy changes, reads it for every request, and ends when both happen at once (kubernetes/kubernetes#135757). What
validations share is put together here, in Python, and worked out wherever it stands. An authorizer's check is a third
of what an expression may cost, so it comes last and in no loop that a tenant makes long.

`reason: Forbidden` matters: pulumi-kubernetes previews with a server-side dry run, in which a namespace does not have
its new host yet, and falls back to a client-side preview for 403 only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from manifests import names

Manifest = dict[str, Any]

NOT_A_TENANT = "authorizer.group(request.resource.group).resource(request.resource.resource).check('update').allowed()"
"""Who may update such objects in every namespace is no tenant (`bounds`)."""

_EVERYWHERE = {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}}
"""The API server's defaults, written out: it keeps what is matched as one value, so that leaving them to it would be a
change to whoever compares."""

_WORKSPACES = {"namespaceSelector": {"matchExpressions": [{"key": names.WORKSPACE_LABEL, "operator": "Exists"}]}}


def rule(
    group: str, *resources: str, operations: Sequence[str] = ("CREATE", "UPDATE"), version: str = "v1"
) -> Manifest:
    """What a policy is asked about."""
    return {
        "apiGroups": [group],
        "apiVersions": [version],
        "operations": list(operations),
        "resources": list(resources),
        "scope": "*",
    }


def policy(
    name: str,
    *rules: Manifest,
    conditions: Mapping[str, str],
    validations: Sequence[tuple[str, str]],
) -> Manifest:
    """A policy that fails closed.

    Args:
        name: The policy's own name.
        rules: What it is asked about.
        conditions: Which requests it looks at, by a name for each condition.
        validations: What must hold, and the message where it does not.
    """
    matched = [{"name": key, "expression": text} for key, text in conditions.items()]
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name, "labels": names.labels(name)},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": list(rules), **_EVERYWHERE},
            **({"matchConditions": matched} if matched else {}),
            "validations": [
                {"expression": expression, "message": message, "reason": "Forbidden"}
                for expression, message in validations
            ],
        },
    }


def binding(name: str, *, everywhere: bool = False, labels: Mapping[str, str] | None = None) -> Manifest:
    """What puts a policy into force: in workspaces, in namespaces with some labels, or everywhere."""
    chosen = _WORKSPACES if labels is None else {"namespaceSelector": {"matchLabels": dict(labels)}}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name, "labels": names.labels(name)},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            **({} if everywhere else {"matchResources": {**_EVERYWHERE, **chosen}}),
        },
    }
