"""What a tenant's own objects are held to: how large, which kinds of Secrets, and that all of them can be removed.

A tenant is whoever may not update such objects in every namespace, so the API server's own authorizer says who it is:
people with kubectl, the accounts of a workspace's pods, and the controllers that make pods from somebody's templates.
The platform's owner is not, nor is the garbage collector. Ingresses and Services are `admission`'s; counts are the
quota's (`manifests.workspace`).
"""

from __future__ import annotations

import json
from typing import Any

from manifests import pods
from manifests.tenant.policies import NOT_A_TENANT, binding, policy, rule

Manifest = dict[str, Any]

OBJECTS = "warren-objects"
CONFIG = "warren-config"
PODS = "warren-pods"

CONFIG_BYTES = 64 * 1024
"""The most that a tenant's Secret or ConfigMap may weigh, metadata included."""
METADATA_BYTES = 32 * 1024
"""The most that the labels and annotations of anything else may weigh. kubectl keeps what it applied there."""
SERVICE_PORTS = 20
"""The most ports of a tenant's Service: every node writes rules for each of them."""
MANAGERS = 20
"""The most field managers of an object. Each keeps a list of the keys that it has set."""

SECRET_TYPES = (
    "Opaque",
    "helm.sh/release.v1",
    "kubernetes.io/basic-auth",
    "kubernetes.io/dockercfg",
    "kubernetes.io/dockerconfigjson",
    "kubernetes.io/ssh-auth",
    "kubernetes.io/tls",
)
"""Secrets that only hold something. `kubernetes.io/service-account-token` is filled with a token that never ends, and
outlives its maker's rights (rule 55)."""

_JOB_TRACKING = "batch.kubernetes.io/job-tracking"
_CLAIM_IN_USE = "kubernetes.io/pvc-protection"

TENANT = {"from-a-tenant": f"!{NOT_A_TENANT}"}
"""Which requests are a tenant's."""


def objects_policy() -> Manifest:
    """The policy for everything in a workspace: nothing that keeps it from being removed, and no padding."""
    kind = "request.resource.resource"
    finalizers, owners = _list("object", "finalizers"), _list("object", "ownerReferences")
    keeps_jobs = "authorizer.group('batch').resource('jobs').subresource('status').check('update').allowed()"
    return policy(
        OBJECTS,
        rule("*", "*", version="*"),
        conditions=TENANT,
        validations=[
            (
                # The API server adds the one in the name of whoever makes a claim, and the Job controller the other.
                f"{finalizers}.all(f, (oldObject != null && f in {_list('oldObject', 'finalizers')}) || "
                f"({kind} == 'persistentvolumeclaims' && f == '{_CLAIM_IN_USE}') || "
                f"({kind} == 'pods' && f == '{_JOB_TRACKING}' && {keeps_jobs}))",
                "finalizers must be left out: nobody would take them off, and the workspace could not be removed",
            ),
            (
                # The garbage collector deletes what has no owner any more, also for who may not delete claims.
                f"({kind} != 'persistentvolumeclaims' && !('{_JOB_TRACKING}' in {finalizers})) || oldObject == null || "
                f"{owners} == {_list('oldObject', 'ownerReferences')} || {keeps_jobs}",
                "ownerReferences must stay as they are: they decide when this is deleted",
            ),
            (
                f"{_MANAGERS} <= {MANAGERS} && ({kind} in ['secrets', 'configmaps'] || {_PADDING} <= {METADATA_BYTES})",
                f"labels and annotations must not weigh more than {METADATA_BYTES // 1024} KiB, and have no more than "
                f"{MANAGERS} field managers",
            ),
            (
                f"{kind} != 'services' || !has(object.spec.ports) || object.spec.ports.size() <= {SERVICE_PORTS}",
                f"a Service must not have more than {SERVICE_PORTS} ports",
            ),
        ],
    )


def config_policy() -> Manifest:
    """The policy for Secrets and ConfigMaps: how large, and which types (rules 51 and 55).

    The ingress controller keeps every one of every namespace in memory.
    """
    binary = "request.resource.resource == 'configmaps' && has(object.binaryData)"
    weight = f"{_PADDING} + {_weight('object.data')} + {_weight('object.binaryData', binary)}"
    limit = f"must not weigh more than {CONFIG_BYTES // 1024} KiB with its labels and annotations"
    return policy(
        CONFIG,
        rule("", "secrets", "configmaps"),
        conditions=TENANT,
        validations=[
            (
                "(!has(object.data) || object.data.size() <= 1000) && "
                f"(!({binary}) || object.binaryData.size() <= 1000) && {weight} <= {CONFIG_BYTES}",
                f"a Secret or ConfigMap {limit}: the ingress controller keeps it in memory",
            ),
            (
                f"request.resource.resource != 'secrets' || !has(object.type) || object.type in "
                f"{json.dumps(list(SECRET_TYPES))}",
                f"the type must be one of {', '.join(SECRET_TYPES)}",
            ),
        ],
    )


def pods_policy() -> Manifest:
    """The policy for pods: how they end (rule 60), what they mount, and whom they push away.

    PodSecurity `restricted` admits inline CSI volumes, with which csi-driver-nfs mounts any share past every wall.
    """
    most = pods.MAX_GRACE_SECONDS
    grace = "terminationGracePeriodSeconds"
    probes = [
        f"(!has(c.{probe}) || !has(c.{probe}.{grace}) || c.{probe}.{grace} <= {most})"
        for probe in ("livenessProbe", "startupProbe")
    ]
    containers = "object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : [])"
    return policy(
        PODS,
        rule("", "pods"),
        rule("", "pods", operations=("DELETE",)),
        conditions=TENANT,
        validations=[
            (
                f"request.operation == 'DELETE' || ((!has(object.spec.{grace}) || object.spec.{grace} <= {most}) && "
                f"({containers}).all(c, {' && '.join(probes)}))",
                f"{grace} must not be more than {most}: a node's drain waits for it",
            ),
            (
                # Whoever deletes a pod may give it longer than the pod itself says.
                "request.operation != 'DELETE' || !has(request.options.gracePeriodSeconds) || "
                f"request.options.gracePeriodSeconds <= {most}",
                f"the grace period must not be more than {most}: a node's drain waits for it",
            ),
            (
                "request.operation == 'DELETE' || !has(object.spec.volumes) || object.spec.volumes.all(v, !has(v.csi))",
                "a volume must not be an inline csi volume: the node would mount whatever it names",
            ),
            (
                "request.operation == 'DELETE' || !has(object.spec.priorityClassName) || "
                f"object.spec.priorityClassName in ['', '{pods.LOW_PRIORITY}']",
                f"priorityClassName must be left out, or be {pods.LOW_PRIORITY}: a higher one pushes others off a node",
            ),
        ],
    )


def policies() -> dict[str, Manifest]:
    """The policies, by role."""
    return {"objects": objects_policy(), "config": config_policy(), "pods": pods_policy()}


def bindings() -> dict[str, Manifest]:
    """The bindings that put the policies into force in workspaces, by role."""
    return {"objects": binding(OBJECTS), "config": binding(CONFIG), "pods": binding(PODS)}


def _list(of: str, key: str) -> str:
    return f"(has({of}.metadata.{key}) ? {of}.metadata.{key} : [])"


_MANAGERS = "(has(object.metadata.managedFields) ? object.metadata.managedFields.size() : 0)"


def _weight(of: str, given: str = "") -> str:
    """What a mapping weighs, where it is `given`: its values once, its keys once more for every field manager's list.

    32 bytes for each key is what it costs beside its text; text counts in bytes, of which a character may have four.
    """
    each = f"bytes(string({of}[k])).size() + (bytes(k).size() + 32) * ({_MANAGERS} + 1)"
    return f"({given or f'has({of})'} ? {of}.map(k, {each}).sum() : 0)"


_PADDING = f"{_weight('object.metadata.labels')} + {_weight('object.metadata.annotations')}"
"""What an object's labels and annotations weigh."""
