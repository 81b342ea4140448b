"""What the API server refuses beyond the schemas: names, labels, and each kind's own rules.

Owns: the rules that hold for every object, and which module knows which kind.  Does not own: the kinds' rules
(``workloads``, ``networks``, ``policies``), nor refusals that need a second object (``cluster``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.kubernetes import formats, networks, pods, policies, workloads
from sandbox.kubernetes.reading import Findings, obj
from sandbox.kubernetes.schema import Kind, Problem

_ANNOTATIONS_BYTES = 256 * 1024
_RBAC = "rbac.authorization.k8s.io"

CLUSTER_SCOPED = frozenset(
    """
    APIService CSIDriver CSINode CertificateSigningRequest ClusterRole ClusterRoleBinding ClusterTrustBundle
    ComponentStatus CustomResourceDefinition DeviceClass FlowSchema IPAddress IngressClass MutatingAdmissionPolicy
    MutatingAdmissionPolicyBinding MutatingWebhookConfiguration Namespace Node PersistentVolume PriorityClass
    PriorityLevelConfiguration ResourceSlice RuntimeClass ServiceCIDR StorageClass StorageVersionMigration
    ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration VolumeAttachment
    VolumeAttributesClass
    """.split()
)
"""Built-in kinds without a namespace."""

_Rule = Callable[[dict[str, Any], Findings], None]
_NAMES: dict[tuple[str, str], formats.Check] = {
    ("", "Namespace"): formats.label,
    ("", "Service"): formats.label_1035,
    **{(_RBAC, kind): formats.path_segment for kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")},
}
_RULES: dict[tuple[str, str], _Rule] = {
    ("", "ConfigMap"): policies.config_map,
    ("", "LimitRange"): workloads.limit_range,
    ("", "PersistentVolume"): policies.persistent_volume,
    ("", "PersistentVolumeClaim"): workloads.claim,
    ("", "Pod"): workloads.pod,
    ("", "ResourceQuota"): workloads.resource_quota,
    ("", "Secret"): policies.secret,
    ("", "Service"): networks.service,
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): policies.admission_policy,
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"): policies.admission_binding,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): policies.custom_definition,
    ("apps", "DaemonSet"): workloads.controller,
    ("apps", "Deployment"): workloads.controller,
    ("apps", "ReplicaSet"): workloads.controller,
    ("apps", "StatefulSet"): workloads.controller,
    ("autoscaling", "HorizontalPodAutoscaler"): workloads.autoscaler,
    ("batch", "CronJob"): workloads.cron_job,
    ("batch", "Job"): workloads.job,
    ("networking.k8s.io", "Ingress"): networks.ingress,
    ("networking.k8s.io", "IngressClass"): networks.ingress_class,
    ("networking.k8s.io", "NetworkPolicy"): networks.network_policy,
    ("policy", "PodDisruptionBudget"): workloads.disruption_budget,
    (_RBAC, "ClusterRole"): policies.role,
    (_RBAC, "ClusterRoleBinding"): policies.role_binding,
    (_RBAC, "Role"): policies.role,
    (_RBAC, "RoleBinding"): policies.role_binding,
    ("scheduling.k8s.io", "PriorityClass"): policies.priority_class,
}


def problems(kind: Kind, manifest: dict[str, Any]) -> list[Problem]:
    """Return what the API server would refuse about an object that fits its schema.  Unknown values are good."""
    found = Findings()
    _metadata(kind, manifest, found)
    rule = _RULES.get((kind.group, kind.kind))
    if rule is not None:
        rule(manifest, found)
    return found.problems


def problems_of_update(kind: Kind, old: dict[str, Any], new: dict[str, Any]) -> list[Problem]:
    """Return what the API server would refuse about changing an object in place."""
    found = Findings()
    policies.problems_of_update(kind, old, new, found)
    return found.problems


def _metadata(kind: Kind, manifest: dict[str, Any], found: Findings) -> None:
    metadata = obj(manifest, "metadata")
    found.text(metadata, "name", "metadata", _NAMES.get((kind.group, kind.kind), formats.subdomain))
    if isinstance(metadata.get("namespace"), str):
        if kind.is_built_in and kind.kind in CLUSTER_SCOPED:
            found.add("metadata.namespace", f"must not be given: a {kind.kind} has no namespace")
        else:
            found.text(metadata, "namespace", "metadata", formats.label)
    pods.labels(obj(metadata, "labels"), "metadata.labels", found)
    annotations = obj(metadata, "annotations")
    for key in sorted(annotations):
        if problem := formats.qualified(key.lower()):
            found.add("metadata.annotations", problem)
    size = sum(len(key) + len(value.encode()) for key, value in annotations.items() if isinstance(value, str))
    if size > _ANNOTATIONS_BYTES:
        found.add("metadata.annotations", f"are {size} bytes; an object may have {_ANNOTATIONS_BYTES}")
