"""What an app says about its storage."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import model_validator

from config.fields.addresses import Server
from config.fields.containers import ContainerPath, MountPath
from config.fields.names import ObjectName
from config.fields.quantities import Memory
from config.fields.written import Written
from config.together import editor, has, has_none, one_of, such_as, where


class Nfs(Written):
    """A directory on an NFS server, mounted by the node."""

    server: Server
    """The NFS server. The nodes need an NFS client (apt install nfs-common)."""
    path: ContainerPath
    """The exported directory."""


class Volume(Written):
    """Storage of an app: a claim made for it or an existing one, an NFS or a node's directory, or scratch space."""

    model_config = editor(
        *one_of(
            *("claim", "nfs", "scratch", "hostPath"),
            says="a volume has one source: claim, nfs, scratch or hostPath, or none",
            needed=False,
        ),
        where(has("medium"), has("scratch", says="a medium is for scratch space; add scratch: true")),
        where(has("hostPath"), has_none("size", says="a directory of a node has no size that anybody holds it to")),
        where({"anyOf": [has("claim"), has("hostPath")]}, {}, has("size", says="a volume needs a size, such as 5Gi")),
        example={"mount": "/data", "size": "5Gi"},
    )
    mount: MountPath
    """Where the containers see it."""
    size: Annotated[Memory | None, such_as("5Gi")] = None
    """How much to ask for. Needed unless `claim` names one that exists, or `hostPath` a directory."""
    storageClass: ObjectName | None = None
    """The cluster's default class when left out (local-path on K3s, which keeps the data on one node)."""
    accessMode: Literal["ReadWriteOnce", "ReadWriteMany", "ReadOnlyMany", "ReadWriteOncePod"] = "ReadWriteOnce"
    """As Kubernetes has it. With ReadWriteOnce an update stops the old pod before it starts the new one. local-path has
    ReadWriteOnce and ReadWriteOncePod alone: a claim for more waits for ever."""
    claim: Annotated[ObjectName | None, such_as("wiki-pages")] = None
    """An existing PersistentVolumeClaim, or another app's volume as `<app>-<volume>`. One that is made by hand needs
    `quota.storage`."""
    nfs: Nfs | None = None
    """A directory on an NFS server instead."""
    hostPath: Annotated[ContainerPath | None, such_as("/srv/media")] = None
    """A directory of the node that the pod is on, which has to be there. Takes podSecurity: privileged and the stack's
    `trust`; its owner's numbers count, and nothing is backed up or bounded for it."""
    scratch: bool = False
    """Gone with the pod; `size` bounds it."""
    medium: Literal["Memory"] | None = None
    """Memory: scratch space in memory, which counts as the app's; for /dev/shm, say."""
    readOnly: bool = False
    """The containers cannot write to it."""

    @model_validator(mode="after")
    def _one_source(self) -> Volume:
        if [self.claim is not None, self.nfs is not None, self.scratch, self.hostPath is not None].count(True) > 1:
            raise ValueError(
                "needs one source: claim, nfs, scratch or hostPath, or none of them for a new volume of its own"
            )
        if self.hostPath is not None and self.size is not None:
            raise ValueError("has a size, and nobody holds a directory of a node to one; leave it out")
        if self.size is None and self.claim is None and self.hostPath is None:
            raise ValueError("needs a size, such as 5Gi")
        if self.medium is not None and not self.scratch:
            raise ValueError("has a medium, which is for scratch space; add scratch: true")
        return self
