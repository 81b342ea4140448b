"""What the API server refuses about configuration, access and admission objects.

Owns: ConfigMap, Secret, Role, RoleBinding and their cluster-wide forms, PriorityClass, PersistentVolume,
StorageClass, CustomResourceDefinition, ValidatingAdmissionPolicy and its binding.  Does not own: CEL, the language of
admission policies; its text is not compiled here.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from sandbox.kubernetes import formats, pods
from sandbox.kubernetes.reading import Findings, is_known, items, obj, objects
from sandbox.kubernetes.schema import Kind

_LARGEST = 1024 * 1024
_RBAC = "rbac.authorization.k8s.io"
_HIGHEST_PRIORITY = 1_000_000_000
_REQUIRED_KEYS = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


def config_map(manifest: dict[str, Any], found: Findings) -> None:
    """Check a ConfigMap: keys, base64, 1 MiB in all."""
    data, binary = obj(manifest, "data"), obj(manifest, "binaryData")
    size = sum(len(value.encode()) for value in data.values() if isinstance(value, str))
    size += _decoded(binary, "binaryData", found)
    _keys(data, "data", found)
    _keys(binary, "binaryData", found)
    for key in sorted(data.keys() & binary.keys()):
        found.add(f"binaryData[{key}]", "is also a key of data")
    if size > _LARGEST:
        found.add("data", f"is {size} bytes; a ConfigMap may have {_LARGEST}")


def secret(manifest: dict[str, Any], found: Findings) -> None:
    """Check a Secret: keys, base64, 1 MiB in all, the keys its type needs.  No message holds a value."""
    data, text = obj(manifest, "data"), obj(manifest, "stringData")
    size = sum(len(value.encode()) for value in text.values() if isinstance(value, str))
    size += _decoded(data, "data", found)
    _keys(data, "data", found)
    _keys(text, "stringData", found)
    if size > _LARGEST:
        found.add("data", f"is {size} bytes; a Secret may have {_LARGEST}")
    kind = manifest.get("type")
    if is_known(manifest, "data") and is_known(manifest, "stringData"):
        for key in _REQUIRED_KEYS.get(str(kind), ()):
            if key not in data and key not in text:
                found.add(f"data[{key}]", f"required with type {kind}")
        if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & (data.keys() | text.keys()):
            found.add("data", "needs username or password with type kubernetes.io/basic-auth")
    docker = text.get(".dockerconfigjson")
    if isinstance(docker, str) and not _is_json(docker):
        found.add("stringData[.dockerconfigjson]", "is not JSON")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _keys(data: dict[str, Any], path: str, found: Findings) -> None:
    for key in sorted(data):
        if problem := formats.config_key(key):
            found.add(path, problem)


def _decoded(data: dict[str, Any], path: str, found: Findings) -> int:
    size = 0
    for key, value in sorted(data.items()):
        if not isinstance(value, str):
            continue
        try:
            size += len(base64.b64decode(value, validate=True))
        except (binascii.Error, ValueError):
            found.add(f"{path}[{key}]", "is not base64")
    return size


def role(manifest: dict[str, Any], found: Findings) -> None:
    """Check a Role or ClusterRole."""
    for here, rule in objects(manifest, "rules", ""):
        here = here.removeprefix(".")
        if is_known(rule, "verbs") and not items(rule, "verbs"):
            found.add(f"{here}.verbs", "required")
        urls, resources = items(rule, "nonResourceURLs"), items(rule, "resources")
        if urls and manifest.get("kind") == "Role":
            found.add(f"{here}.nonResourceURLs", "a Role in a namespace cannot have these")
        elif urls and (resources or items(rule, "apiGroups")):
            found.add(here, "may not have resources and nonResourceURLs")
        elif not urls:
            for key in ("apiGroups", "resources"):
                if is_known(rule, key) and not items(rule, key):
                    found.add(f"{here}.{key}", "required")


def role_binding(manifest: dict[str, Any], found: Findings) -> None:
    """Check a RoleBinding or ClusterRoleBinding."""
    reference = obj(manifest, "roleRef")
    if reference.get("apiGroup") != _RBAC and isinstance(reference.get("apiGroup"), str):
        found.add("roleRef.apiGroup", f"must be {_RBAC}")
    kinds = ("ClusterRole",) if manifest.get("kind") == "ClusterRoleBinding" else ("Role", "ClusterRole")
    if isinstance(reference.get("kind"), str) and reference["kind"] not in kinds:
        found.add("roleRef.kind", f"must be {' or '.join(kinds)}, not {reference['kind']}")
    found.text(reference, "name", "roleRef", formats.path_segment)
    for here, subject in objects(manifest, "subjects", ""):
        _subject(subject, here.removeprefix("."), found)


def _subject(subject: dict[str, Any], here: str, found: Findings) -> None:
    kind, group = subject.get("kind"), subject.get("apiGroup")
    if kind == "ServiceAccount":
        if not subject.get("namespace"):
            found.add(f"{here}.namespace", "required for a ServiceAccount")
        if group not in (None, ""):
            found.add(f"{here}.apiGroup", "must be empty for a ServiceAccount")
        found.text(subject, "name", here, formats.subdomain)
    elif kind in ("User", "Group"):
        if group not in (None, _RBAC) and isinstance(group, str):
            found.add(f"{here}.apiGroup", f"must be {_RBAC}")
        if subject.get("namespace"):
            found.add(f"{here}.namespace", f"must be empty for a {kind}")
    if subject.get("name") == "":
        found.add(f"{here}.name", "required")


def priority_class(manifest: dict[str, Any], found: Findings) -> None:
    """Check a PriorityClass."""
    value, name = manifest.get("value"), obj(manifest, "metadata").get("name")
    if isinstance(name, str) and name.startswith("system-"):
        found.add("metadata.name", "names that start with system- belong to Kubernetes")
    if isinstance(value, int) and value > _HIGHEST_PRIORITY:
        found.add("value", f"must be at most {_HIGHEST_PRIORITY}")


def persistent_volume(manifest: dict[str, Any], found: Findings) -> None:
    """Check a PersistentVolume."""
    spec = obj(manifest, "spec")
    pods.quantities(obj(spec, "capacity"), "spec.capacity", found)
    if "storage" not in obj(spec, "capacity") and is_known(spec, "capacity"):
        found.add("spec.capacity[storage]", "required")
    if is_known(spec, "accessModes") and not items(spec, "accessModes"):
        found.add("spec.accessModes", "required")
    if spec.get("local") is not None and spec.get("nodeAffinity") is None:
        found.add("spec.nodeAffinity", "required for a local volume")


def admission_policy(manifest: dict[str, Any], found: Findings) -> None:
    """Check a ValidatingAdmissionPolicy, its CEL text apart."""
    spec = obj(manifest, "spec")
    if not items(spec, "validations") and not items(spec, "auditAnnotations") and is_known(spec, "validations"):
        found.add("spec.validations", "validations or auditAnnotations are required")
    if is_known(spec, "matchConstraints") and not items(obj(spec, "matchConstraints"), "resourceRules"):
        found.add("spec.matchConstraints.resourceRules", "required")
    for here, rule in objects(obj(spec, "matchConstraints"), "resourceRules", "spec.matchConstraints"):
        for key in ("apiGroups", "apiVersions", "operations", "resources"):
            if is_known(rule, key) and not items(rule, key):
                found.add(f"{here}.{key}", "required")
    for list_name in ("validations", "variables", "matchConditions"):
        for here, expression in objects(spec, list_name, "spec"):
            text = expression.get("expression")
            if isinstance(text, str) and not text.strip():
                found.add(f"{here}.expression", "required")


def admission_binding(manifest: dict[str, Any], found: Findings) -> None:
    """Check a ValidatingAdmissionPolicyBinding."""
    spec = obj(manifest, "spec")
    if not spec.get("policyName"):
        found.add("spec.policyName", "required")
    actions = items(spec, "validationActions")
    if is_known(spec, "validationActions") and not actions:
        found.add("spec.validationActions", "required")
    if "Deny" in actions and "Warn" in actions:
        found.add("spec.validationActions", "may not have Deny and Warn together")


def custom_definition(manifest: dict[str, Any], found: Findings) -> None:
    """Check a CustomResourceDefinition."""
    spec = obj(manifest, "spec")
    plural, group = obj(spec, "names").get("plural"), spec.get("group")
    name = obj(manifest, "metadata").get("name")
    if all(isinstance(part, str) for part in (plural, group, name)) and name != f"{plural}.{group}":
        found.add("metadata.name", f"must be {plural}.{group}")
    versions = [version for _, version in objects(spec, "versions", "spec")]
    if versions and sum(version.get("storage") is True for version in versions) != 1:
        found.add("spec.versions", "exactly one version must have storage: true")


def problems_of_update(kind: Kind, old: dict[str, Any], new: dict[str, Any], found: Findings) -> None:
    """Check a change that the official provider makes in place and the API server refuses."""
    fields = _FIXED.get((kind.group, kind.kind))
    if fields is not None:
        for path in fields:
            *parents, field = path.split(".")
            before, after = obj(old, *parents).get(field), obj(new, *parents).get(field)
            if before != after:
                found.add(path, "field is immutable")
    if (kind.group, kind.kind) == ("", "PersistentVolumeClaim"):
        sizes = [
            formats.quantity(obj(each, "spec", "resources", "requests").get("storage", "0")) for each in (old, new)
        ]
        if sizes[0] is not None and sizes[1] is not None and sizes[1] < sizes[0]:
            found.add("spec.resources.requests[storage]", "a claim cannot be made smaller")
    if (kind.group, kind.kind) == ("apps", "StatefulSet"):
        before, after = (
            {k: v for k, v in obj(each, "spec").items() if k not in _STATEFUL_CHANGES} for each in (old, new)
        )
        if before != after:
            found.add("spec", f"only {', '.join(sorted(_STATEFUL_CHANGES))} of a StatefulSet can be changed")


_FIXED = {
    ("", "PersistentVolumeClaim"): ("spec.volumeMode", "spec.dataSource", "spec.dataSourceRef"),
    ("storage.k8s.io", "StorageClass"): ("reclaimPolicy", "volumeBindingMode"),
    ("networking.k8s.io", "IngressClass"): ("spec.controller",),
    ("scheduling.k8s.io", "PriorityClass"): ("value", "preemptionPolicy"),
    ("batch", "Job"): ("spec.completionMode",),
}
_STATEFUL_CHANGES = frozenset(
    {
        "minReadySeconds",
        "ordinals",
        "persistentVolumeClaimRetentionPolicy",
        "replicas",
        "revisionHistoryLimit",
        "template",
        "updateStrategy",
    }
)
