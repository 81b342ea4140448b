"""Volumes: the claims made for an app, the NFS directories behind some of them, and where its containers see them.

Owns claims, volumes and mounts. PodSecurity `restricted` forbids an `nfs` volume in a pod, so an NFS directory is a
PersistentVolume bound to one claim, and the pod only ever names the claim.
"""

from __future__ import annotations

from typing import Any

from config.app import App
from config.checks import usage
from config.containers import Container
from config.fields.quantities import mebibytes
from config.volumes import Volume
from manifests import names, pods

Manifest = dict[str, Any]

TMP = "/tmp"  # noqa: S108 - a path in the container
TMP_LIMIT = "512Mi"
"""Enough for uploads on their way, and too little to fill a node's SD card."""


def claim_name(app: str, volume: str) -> str:
    """The PersistentVolumeClaim of an app's own volume."""
    return f"{app}-{volume}"


def has_data(app: App) -> bool:
    """Whether something of the namespace's outlives the app's pods; a node's directory is not its own."""
    return any(not volume.scratch and not volume.hostPath for volume in app.volumes.values())


def claims(workspace: str, name: str, app: App) -> dict[str, Manifest]:
    """The claims made for an app, by volume.

    `pulumi.com/skipAwait`: a claim of a class that binds at first use (K3s' local-path) is bound by the pod, which
    comes later. The provider knows that case only where it can read the class, and warns and waits five minutes where
    it cannot. It waits for the claim all the same, with the pods: a Deployment is ready for it when its claims are
    bound. A claim that cannot be bound therefore costs as long as pods that do not get ready, which they would not.
    """
    return {
        volume: {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": claim_name(name, volume),
                "namespace": workspace,
                "labels": names.labels(name, workspace=workspace, app=name),
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            "spec": _claim_spec(_nfs_name(workspace, name, volume), wanted),
        }
        for volume, wanted in sorted(usage.own_volumes(app).items())
    }


def _claim_spec(nfs_name: str, wanted: Volume) -> Manifest:
    spec: Manifest = {"accessModes": [wanted.accessMode], "resources": {"requests": {"storage": wanted.size}}}
    if wanted.nfs is not None:
        # The empty class says that no provisioner may answer; only the named volume can.
        spec |= {"storageClassName": "", "volumeName": nfs_name}
    elif wanted.storageClass is not None:
        spec["storageClassName"] = wanted.storageClass
    return spec


def nfs_volumes(workspace: str, name: str, app: App) -> dict[str, Manifest]:
    """The PersistentVolumes of an app's NFS directories, by volume. Only its own claim can have each; all are kept."""
    found: dict[str, Manifest] = {}
    for volume, wanted in sorted(app.volumes.items()):
        if wanted.nfs is not None:
            found[volume] = {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {
                    "name": _nfs_name(workspace, name, volume),
                    "labels": names.labels(name, workspace=workspace, app=name),
                },
                "spec": {
                    "capacity": {"storage": wanted.size},
                    "accessModes": [wanted.accessMode],
                    "persistentVolumeReclaimPolicy": "Retain",
                    "claimRef": {
                        "apiVersion": "v1",
                        "kind": "PersistentVolumeClaim",
                        "namespace": workspace,
                        "name": claim_name(name, volume),
                    },
                    "nfs": {"server": wanted.nfs.server, "path": wanted.nfs.path, **_read_only(wanted)},
                },
            }
    return found


def _read_only(volume: Volume) -> Manifest:
    return {"readOnly": True} if volume.readOnly else {}


def _nfs_name(workspace: str, app: str, volume: str) -> str:
    # Cluster-wide, and names hold dashes but never dots: no two volumes can meet here.
    return f"{workspace}.{app}.{volume}"


def device_volumes(app: App) -> list[Manifest]:
    """The pod's volumes for the devices of all of its containers. One that is not there keeps the pod waiting."""
    everyone: list[App | Container] = [app, *app.sidecars.values(), *app.init.values()]
    return [
        {"name": _device_name(path), "hostPath": {"path": path, "type": _DEVICE_TYPES[path.endswith("/")]}}
        for path in sorted({path for each in everyone for path in each.devices.values()})
    ]


_DEVICE_TYPES = {True: "Directory", False: "CharDevice"}


def device_mounts(container: App | Container) -> list[Manifest]:
    """Where one container sees its devices."""
    return [{"name": _device_name(path), "mountPath": mount} for mount, path in sorted(container.devices.items())]


def _device_name(path: str) -> str:
    # Device names have characters that volume names have not.
    return f"device-{names.mark(path)}"


def pod_volumes(name: str, app: App) -> list[Manifest]:
    """The pod's volumes for the app's storage, and a /tmp where the root file system is read-only."""
    found = [
        {"name": f"data-{volume}", **_source(claim_name(name, volume), wanted)}
        for volume, wanted in sorted(app.volumes.items())
    ]
    scratch = [{"name": "tmp", "emptyDir": {"sizeLimit": TMP_LIMIT}}] if _needs_tmp(app) else []
    return [*found, *device_volumes(app), *scratch]


def _source(own_claim: str, wanted: Volume) -> Manifest:
    if wanted.scratch:
        return {"emptyDir": {"sizeLimit": wanted.size, **({"medium": wanted.medium} if wanted.medium else {})}}
    if wanted.hostPath is not None:
        return {"hostPath": {"path": wanted.hostPath, "type": "Directory"}}
    return {"persistentVolumeClaim": {"claimName": own_claim if wanted.claim is None else wanted.claim}}


def mounts(app: App) -> list[Manifest]:
    """Where every container of the app sees its storage."""
    found = [
        {"name": f"data-{volume}", "mountPath": wanted.mount, **_read_only(wanted)}
        for volume, wanted in sorted(app.volumes.items())
    ]
    return [*found, *([{"name": "tmp", "mountPath": TMP}] if _needs_tmp(app) else [])]


def container_disk(app: App) -> int:
    """The most of a node's disk that a container of the app may use beside its scratch space, in MiB."""
    return pods.LOG_DISK_MIB + (pods.ROOT_DISK_MIB if app.writableRoot else 0)


def own_disk(app: App) -> int:
    """The limit of the app's own container, in MiB. The scratch space of the whole pod counts here.

    A pod is evicted when all of it has more than its containers' limits together, scratch space included
    (kubernetes.io/docs/concepts/storage/ephemeral-storage).
    """
    scratch = [
        mebibytes(volume.size)
        for volume in app.volumes.values()
        if volume.scratch and volume.size is not None and volume.medium is None
    ]
    return container_disk(app) + sum(scratch) + (mebibytes(TMP_LIMIT) if _needs_tmp(app) else 0)


def disk_limit(app: App) -> int:
    """The limit of one pod, in MiB. Init containers end before the app's own starts, and have no more than it."""
    return own_disk(app) + len(app.sidecars) * container_disk(app)


def disk_request(app: App) -> int:
    """What the scheduler keeps of a node's disk for one pod, in MiB."""
    return (1 + len(app.sidecars)) * pods.DISK_REQUEST_MIB


def _needs_tmp(app: App) -> bool:
    return not app.writableRoot and all(volume.mount.rstrip("/") != TMP for volume in app.volumes.values())
