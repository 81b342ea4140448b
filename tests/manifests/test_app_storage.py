"""Volumes: claims, NFS directories and mounts, as whole manifests."""

from __future__ import annotations

from typing import Any

from manifests.app import storage
from tests.config.examples import app, assert_valid

LABELS = {
    "app.kubernetes.io/name": "db",
    "app.kubernetes.io/part-of": "warren",
    "app.kubernetes.io/managed-by": "pulumi",
    "warren/workspace": "team",
    "warren/app": "db",
}


def _claims(**volume: Any) -> dict[str, Any]:
    return storage.claims("team", "db", app(volumes={"data": {"mount": "/data", **volume}}))


def test_the_whole_claim_of_a_volume() -> None:
    made = _claims(size="5Gi", storageClass="fast")["data"]
    assert_valid(made)
    assert made == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "db-data",
            "namespace": "team",
            "labels": LABELS,
            # local-path binds at first use: the pod comes later than the claim.
            "annotations": {"pulumi.com/skipAwait": "true"},
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "5Gi"}},
            "storageClassName": "fast",
        },
    }


def test_no_class_means_the_clusters_default_one() -> None:
    assert "storageClassName" not in _claims(size="5Gi")["data"]["spec"]


def test_an_nfs_directory_is_a_volume_that_only_its_own_claim_can_have() -> None:
    wanted = {
        "size": "1Gi",
        "accessMode": "ReadWriteMany",
        "nfs": {"server": "10.0.0.9", "path": "/export/db"},
        "readOnly": True,
    }
    claim = _claims(**wanted)["data"]
    volume = storage.nfs_volumes("team", "db", app(volumes={"data": {"mount": "/data", **wanted}}))["data"]
    assert_valid(claim)
    assert_valid(volume)
    assert claim["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "",
        "volumeName": "team.db.data",
    }
    assert volume == {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "team.db.data", "labels": LABELS},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "team", "name": "db-data"},
            "nfs": {"server": "10.0.0.9", "path": "/export/db", "readOnly": True},
        },
    }


def test_pods_never_name_an_nfs_server_which_restricted_forbids() -> None:
    made = app(volumes={"data": {"mount": "/data", "size": "1Gi", "nfs": {"server": "10.0.0.9", "path": "/x"}}})
    assert storage.pod_volumes("db", made)[0] == {
        "name": "data-data",
        "persistentVolumeClaim": {"claimName": "db-data"},
    }


def test_scratch_space_is_bounded_and_an_existing_claim_is_used_as_it_is() -> None:
    made = app(
        volumes={
            "cache": {"mount": "/cache", "size": "1Gi", "scratch": True},
            "shared": {"mount": "/shared", "claim": "media", "readOnly": True},
        }
    )
    assert storage.claims("team", "db", made) == {}
    assert storage.nfs_volumes("team", "db", made) == {}
    assert storage.pod_volumes("db", made) == [
        {"name": "data-cache", "emptyDir": {"sizeLimit": "1Gi"}},
        {"name": "data-shared", "persistentVolumeClaim": {"claimName": "media"}},
        {"name": "tmp", "emptyDir": {"sizeLimit": "512Mi"}},
    ]
    assert storage.mounts(made) == [
        {"name": "data-cache", "mountPath": "/cache"},
        {"name": "data-shared", "mountPath": "/shared", "readOnly": True},
        {"name": "tmp", "mountPath": "/tmp"},
    ]


def test_a_volume_at_tmp_is_the_tmp() -> None:
    made = app(volumes={"work": {"mount": "/tmp", "size": "1Gi", "scratch": True}})
    assert [mount["mountPath"] for mount in storage.mounts(made)] == ["/tmp"]
    assert len(storage.pod_volumes("db", made)) == 1


def test_a_volume_called_tmp_does_not_meet_the_platforms() -> None:
    made = app(volumes={"tmp": {"mount": "/work", "size": "1Gi"}})
    assert sorted(volume["name"] for volume in storage.pod_volumes("db", made)) == ["data-tmp", "tmp"]


def test_what_outlives_the_pod_is_data() -> None:
    assert storage.has_data(app(volumes={"d": {"mount": "/d", "size": "1Gi"}}))
    assert storage.has_data(app(volumes={"d": {"mount": "/d", "claim": "media"}}))
    assert not storage.has_data(app(volumes={"d": {"mount": "/d", "size": "1Gi", "scratch": True}}))
    assert not storage.has_data(app())


def test_scratch_space_in_memory_is_none_of_the_nodes_disk() -> None:
    made = app(volumes={"shm": {"mount": "/dev/shm", "size": "64Mi", "scratch": True, "medium": "Memory"}})
    assert storage.pod_volumes("db", made)[0] == {
        "name": "data-shm",
        "emptyDir": {"sizeLimit": "64Mi", "medium": "Memory"},
    }
    assert storage.own_disk(made) == storage.own_disk(app())
