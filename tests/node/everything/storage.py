"""What stands in for storage that a cluster has beside Warren: K3s' local-path provisioner, and file servers.

Owns: the class `local-path`, which is the default one, and a volume for each claim of it, as that provisioner makes
them (for one node, in a folder there that everybody may write; rancher/local-path-provisioner, provisioner.go); the
class `shared`, whose volumes every node has; and a `mount` for kubelets that binds a folder where they ask for NFS,
because the kernel of a machine for tests may have no client of it.  Kubelets, scheduler and binding are real.
"""

from __future__ import annotations

import http.client
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.node.cluster import Cluster
from tests.node.node import Node
from tests.real.api import Api, Manifest

LOCAL, SHARED = "local-path", "shared"
_PROVISIONERS = {LOCAL: "rancher.io/local-path", SHARED: "tests/shared"}
_ON_ONE_NODE = {"ReadWriteOnce", "ReadWriteOncePod"}
"""What the first of them provides; it leaves other claims waiting."""
_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_CHOSEN = "volume.kubernetes.io/selected-node"

_MOUNT = """\
#!/bin/sh
# Warren's stand-in for an NFS client in tests: it binds a folder of the run. The rest is for the real one.
case " $* " in
*" -t nfs "*)
    for place; do from=$source; source=$place; done
    exec /bin/mount --bind "{exports}/$from" "$place" ;;
esac
exec /bin/mount "$@"
"""


def serve_files(nodes: list[Node], server: str, path: str, user: int) -> Path:
    """Let kubelets mount a directory of a file server, which belongs to a user there; return where it is."""
    exports = nodes[0].host.folder.parent / "exports"
    folder = exports / f"{server}:{path}"
    folder.mkdir(parents=True)
    folder.chmod(0o770)
    os.chown(folder, user, user)
    for node in nodes:
        program = node.host.folder / "bin" / "mount"
        program.parent.mkdir()
        program.write_text(_MOUNT.format(exports=exports), encoding="utf-8")
        program.chmod(0o755)
    return folder


@contextmanager
def provision(cluster: Cluster) -> Iterator[None]:
    """Make the classes, and a volume for each claim of them until this is left."""
    for name, provisioner in _PROVISIONERS.items():
        made = {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": name, "annotations": {_DEFAULT: "true"} if name == LOCAL else {}},
            "provisioner": provisioner,
            "volumeBindingMode": "WaitForFirstConsumer",
            "reclaimPolicy": "Delete",
        }
        answer = cluster.api.create(made)
        assert answer.ok, answer.message
    over = threading.Event()
    folders = {node.host.name: node.host.folder / "volumes" for node in cluster.nodes}
    thread = threading.Thread(target=_provision, args=(cluster.plane.api(), folders, over))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _provision(api: Api, folders: dict[str, Path], over: threading.Event) -> None:
    done = set[str]()
    while not over.wait(0.5):
        try:
            claims = api.get("v1", "PersistentVolumeClaim")
        except (OSError, http.client.HTTPException):
            continue  # a test may have the API server stopped
        for claim in claims:
            node = claim["metadata"].get("annotations", {}).get(_CHOSEN)
            if node and claim["metadata"]["uid"] not in done and _provides(claim["spec"]):
                done.add(claim["metadata"]["uid"])
                answer = api.create(_volume(claim, node, folders[node]))
                assert answer.ok, answer.message
    api.close()


def _provides(claim: Manifest) -> bool:
    wanted = claim.get("storageClassName")
    return wanted == SHARED or (wanted == LOCAL and set(claim["accessModes"]) <= _ON_ONE_NODE)


def _volume(claim: Manifest, node: str, folder: Path) -> Manifest:
    metadata, spec = claim["metadata"], claim["spec"]
    name = f"pvc-{metadata['uid']}"
    place = folder / f"{name}_{metadata['namespace']}_{metadata['name']}"
    place.mkdir(parents=True)
    place.chmod(0o777)
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    # Every node here has the folders of all.
    bound = {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}}
    owner = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "uid": metadata["uid"]}
    provisioner = _PROVISIONERS[spec["storageClassName"]]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": provisioner}},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "storageClassName": spec["storageClassName"],
            "persistentVolumeReclaimPolicy": "Delete",
            "hostPath": {"path": str(place), "type": "DirectoryOrCreate"},
            **({"nodeAffinity": bound} if spec["storageClassName"] == LOCAL else {}),
            "claimRef": {**owner, "namespace": metadata["namespace"], "name": metadata["name"]},
        },
    }
