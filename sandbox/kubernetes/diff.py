"""What a change of an object means: update in place or replacement.

Owns: the rules of the official provider (its ``provider/diff.go`` and the end of ``Diff`` in
``provider/provider.go``): which fields replace an object, and when the old object must go first.  Does not own: what
the API server refuses on an update (``rules``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.kubernetes.schema import Kind
from sandbox.wire import UNKNOWN

AUTONAMED = "pulumi.com/autonamed"

_PERSISTENT_VOLUME_SOURCES = """
    awsElasticBlockStore azureDisk azureFile cephfs cinder csi fc flexVolume flocker gcePersistentDisk glusterfs
    hostPath iscsi local nfs photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume
""".split()
# Every field the official provider lists for a Pod is listed; what it leaves out is updated in place.
_POD = """
    affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks hostAliases hostIPC hostNetwork
    hostPID hostname imagePullSecrets nodeName nodeSelector overhead preemptionPolicy priority priorityClassName
    readinessGates restartPolicy runtimeClassName schedulerName securityContext serviceAccount serviceAccountName
    shareProcessNamespace subdomain terminationGracePeriodSeconds volumes
""".split()
_CONTAINER = """
    args command env image imagePullPolicy lifecycle livenessProbe ports readinessProbe resources securityContext
    stdin stdinOnce terminationMessagePath terminationMessagePolicy tty volumeDevices volumeMounts workingDir
""".split()

_Paths = tuple[tuple[str, ...], ...]


def _spec(*names: str) -> _Paths:
    return tuple(("spec", name) for name in names)


_REPLACING: dict[tuple[str, str], _Paths] = {
    ("apps", "Deployment"): _spec("selector"),
    ("apps", "DaemonSet"): _spec("selector"),
    ("apps", "StatefulSet"): _spec(
        "podManagementPolicy", "revisionHistoryLimit", "selector", "serviceName", "volumeClaimTemplates"
    ),
    ("batch", "Job"): _spec("completions", "parallelism", "selector", "template"),
    ("rbac.authorization.k8s.io", "RoleBinding"): (("roleRef",),),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): (("roleRef",),),
    ("storage.k8s.io", "StorageClass"): (("parameters",), ("provisioner",)),
    ("", "PersistentVolume"): _spec(*_PERSISTENT_VOLUME_SOURCES),
    ("", "PersistentVolumeClaim"): _spec("accessModes", "selector", "storageClassName", "volumeName"),
    ("", "Pod"): _spec(*_POD)
    + tuple(("spec", group, "*", field) for group in ("containers", "initContainers") for field in _CONTAINER),
    ("", "ResourceQuota"): _spec("scopes"),
    ("", "Secret"): (("type",),),
    ("", "Service"): _spec("clusterIP"),
}
_IDENTITY: _Paths = (("metadata", "name"), ("metadata", "namespace"))

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One changed field."""

    path: Path
    kind: str
    """``add``, ``delete`` or ``update``."""
    replaces: bool


@dataclass(frozen=True, slots=True)
class Options:
    """The provider settings that matter to a change."""

    config_map_mutable: bool = False
    secret_mutable: bool = False


def replacing_fields(kind: Kind, manifest: dict[str, Any], options: Options) -> _Paths:
    """Return the paths whose change replaces the object; ``*`` stands for any list index."""
    immutable = manifest.get("immutable") is True
    if kind.group == "" and kind.kind == "Secret" and (not options.secret_mutable or immutable):
        return (*_IDENTITY, ("type",), ("stringData",), ("data",))
    if kind.group == "" and kind.kind == "ConfigMap" and (not options.config_map_mutable or immutable):
        return (*_IDENTITY, ("binaryData",), ("data",))
    return (*_IDENTITY, *_REPLACING.get((kind.group, kind.kind), ()))


def changes(kind: Kind, old: dict[str, Any], new: dict[str, Any], options: Options) -> list[Change]:
    """Return every changed field of an object, old and new given without secret wrappers."""
    found: list[tuple[Path, str]] = []
    _compare(old, new, (), found)
    fields = replacing_fields(kind, new, options)
    return [Change(path, how, any(_touches(path, field) for field in fields)) for path, how in found]


def _compare(old: Any, new: Any, path: Path, found: list[tuple[Path, str]]) -> None:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() | new.keys():
            here = (*path, key)
            if key not in new:
                found.append((here, "delete"))
            elif key not in old:
                found.append((here, "add"))
            else:
                _compare(old[key], new[key], here, found)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            if index >= len(new):
                found.append(((*path, index), "delete"))
            elif index >= len(old):
                found.append(((*path, index), "add"))
            else:
                _compare(old[index], new[index], (*path, index), found)
    elif old is UNKNOWN or new is UNKNOWN or old != new or type(old) is not type(new):
        found.append((path, "update"))


def _touches(path: Path, field: tuple[str, ...]) -> bool:
    """Say whether a change at ``path`` is a change of ``field``: one of them contains the other."""
    return all((want == "*" and isinstance(have, int)) or want == have for have, want in zip(path, field, strict=False))


def deletes_first(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """Say whether the old object must be gone before its replacement is made: both have the same fixed name."""
    new_meta, old_meta = new.get("metadata", {}), old.get("metadata", {})
    autonamed = (new_meta.get("annotations") or {}).get(AUTONAMED) == "true"
    same = new_meta.get("name") == old_meta.get("name") and new_meta.get("namespace") == old_meta.get("namespace")
    return not autonamed and bool(new_meta.get("name")) and same


def path_text(path: Path) -> str:
    """Return the path in Pulumi's notation: ``spec.containers[0].image``, ``metadata.labels["a.b/c"]``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif any(character in step for character in '."[]'):
            escaped = step.replace('"', '\\"')
            text += f'["{escaped}"]'
        else:
            text += f".{step}" if text else step
    return text
