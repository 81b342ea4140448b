"""Every container of a stack runs as it is rendered: what the kernel says of its process, held against the manifest.

Owns: what is expected of a container, who is looked at, and how.  A process that runs is looked at from beside it.
Init containers and jobs are over too soon for that: what stands in for them writes what it sees of itself to its log.
The API server is asked only which pod a process belongs to, and for logs; what is expected is in the rendered files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.node import machine
from tests.node.cluster import Cluster, app
from tests.real.api import Manifest

CAPABILITIES = {
    "CHOWN": 1 << 0,
    "DAC_OVERRIDE": 1 << 1,
    "FOWNER": 1 << 3,
    "KILL": 1 << 5,
    "SETGID": 1 << 6,
    "SETUID": 1 << 7,
    "NET_BIND_SERVICE": 1 << 10,
}
"""Those that somebody of ours may add, with their bit (capabilities(7), linux/capability.h)."""
GIVEN = {"/etc/hostname", "/etc/hosts", "/etc/resolv.conf"}
"""Files that the runtime gives to every container; root owns them, and they are the pod's own."""
UNITS = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}

_KERNELS = re.compile(r"/(proc|sys|dev)(/.*)?")


@dataclass(frozen=True)
class Look:
    """What the kernel says of a process."""

    status: dict[str, str]
    writable: set[str]
    """Where a file system is mounted that it may write."""
    memory: int
    """The limit of its control group, in bytes."""


@dataclass(frozen=True)
class Seen:
    """A container that has been looked at, with its pod's spec and its own as they were rendered."""

    name: str
    where: str
    pod: Manifest
    own: Manifest
    look: Look

    def said(self, key: str) -> Any:
        """What the container's security context says, or else its pod's."""
        return self.own.get("securityContext", {}).get(key, self.pod.get("securityContext", {}).get(key))


def seen(cluster: Cluster) -> list[Seen]:
    """Look at every container of the stack that runs, and at those that have ended.

    Raises:
        AssertionError: one of the stack's was not met, or one that is not of the stack was.
    """
    wanted = {
        f"{each['metadata']['namespace']}/{each['metadata']['name']}": each["spec"].get("jobTemplate", each)["spec"]
        for each in cluster.rendered.of("Deployment", "CronJob", "Job")
        if each["spec"].get("replicas") != 0
    }
    specs = {name: each["template"]["spec"] for name, each in wanted.items()}
    pids = {(each.pod["metadata"]["uid"], each.spec["name"]): each.pid for each in cluster.containers()}
    found = []
    for pod in cluster.api.get("v1", "Pod"):
        name = _belongs(cluster, pod)
        ended = pod["status"].get("phase") in ("Succeeded", "Failed")
        if name not in specs or (ended and "restartPolicy" not in specs[name]):
            continue  # cluster DNS, or a pod that has been replaced
        spec = specs[name]
        for status in _statuses(pod):
            own = next(each for each in _containers(spec) if each["name"] == status["name"])
            pid = pids.get((pod["metadata"]["uid"], own["name"]))
            if pid is None and "terminated" not in status["state"]:
                continue  # a pod that is ending
            look = look_at(pid) if pid is not None else _itself(_log(cluster, pod, own["name"]))
            found.append(Seen(f"{name}/{own['name']}", pod["spec"]["nodeName"], spec, own, look))
    assert {each.name for each in found} == {
        f"{name}/{each['name']}" for name, spec in specs.items() for each in _containers(spec)
    }
    return found


def _containers(spec: Manifest) -> list[Manifest]:
    return [*spec.get("initContainers", []), *spec["containers"]]


def _statuses(pod: Manifest) -> Iterator[Manifest]:
    yield from pod["status"].get("initContainerStatuses", [])
    yield from pod["status"].get("containerStatuses", [])


def _belongs(cluster: Cluster, pod: Manifest) -> str:
    """``namespace/name`` of the Deployment or Job that a pod is of, or of the CronJob of its Job."""
    namespace = pod["metadata"]["namespace"]
    job = pod["metadata"].get("labels", {}).get("batch.kubernetes.io/job-name")
    if job is None:
        return app(pod)
    owners = cluster.api.get("batch/v1", "Job", namespace, job)["metadata"].get("ownerReferences", [])
    return f"{namespace}/{owners[0]['name'] if owners else job}"


def _log(cluster: Cluster, pod: Manifest, container: str) -> str:
    metadata = pod["metadata"]
    path = cluster.api.path("v1", "Pod", metadata["namespace"], metadata["name"])
    answer = cluster.api.request("GET", f"{path}/log", container=container)
    assert answer.ok, f"{metadata['name']}/{container}: {answer.message}"
    return answer.message


def look_at(pid: int) -> Look:
    """What the kernel says of a running process."""
    files = Path(f"/proc/{pid}")
    status, mounts = ((files / name).read_text(encoding="utf-8") for name in ("status", "mountinfo"))
    return _look(status, mounts, machine.memory_of(pid)[1])


def _itself(log: str) -> Look:
    told = json.loads(log.splitlines()[-1])
    return _look(told["status"], told["mounts"], int(told["memoryLimit"]))


def _look(status: str, mounts: str, memory: int) -> Look:
    lines = [line.split() for line in mounts.splitlines()]
    writable = {line[4] for line in lines if "rw" in line[5].split(",") and not _KERNELS.fullmatch(line[4])}
    known = {key: value.strip() for key, _, value in (line.partition(":") for line in status.splitlines())}
    return Look(known, writable - GIVEN, memory)


def _user(each: Seen) -> tuple[set[str], set[str]]:
    user, group = each.said("runAsUser"), each.said("runAsGroup")
    assert user is not None, f"{each.name} is to say who it runs as"
    return {str(user)}, {str(group)}


def _groups(each: Seen) -> set[int]:
    context = each.pod.get("securityContext", {})
    further = {*context.get("supplementalGroups", []), *({context["fsGroup"]} if "fsGroup" in context else ())}
    return further - {each.said("runAsGroup")}


def _capabilities(each: Seen) -> dict[str, int]:
    asked = each.own["securityContext"]["capabilities"]
    assert asked["drop"] == ["ALL"]
    bits = sum(CAPABILITIES[name] for name in asked.get("add", []))
    # A process that is not root has none of its own unless its file brings them.
    own = bits if each.said("runAsUser") == 0 else 0
    return {"CapBnd": bits, "CapAmb": 0, "CapInh": 0, "CapEff": own, "CapPrm": own}


def _privileges(each: Seen) -> dict[str, str]:
    assert each.own["securityContext"]["allowPrivilegeEscalation"] is False
    assert each.said("seccompProfile") == {"type": "RuntimeDefault"}
    return {"NoNewPrivs": "1", "Seccomp": "2"}


def _writable(each: Seen) -> set[str]:
    kept = {"configMap", "projected", "secret"}  # kubelet mounts these so that nobody can write them
    volumes = {volume["name"] for volume in each.pod.get("volumes", []) if not kept & volume.keys()}
    mounts = each.own.get("volumeMounts", [])
    found = {mount["mountPath"] for mount in mounts if mount["name"] in volumes and not mount.get("readOnly")}
    found = {path for path in found if not _KERNELS.fullmatch(path)}
    return found | (set() if each.own["securityContext"].get("readOnlyRootFilesystem") else {"/"})


def _memory(each: Seen) -> int:
    limit = each.own["resources"]["limits"]["memory"]
    return int(limit[:-2]) * UNITS[limit[-2:]]


CHECKS: dict[str, tuple[Callable[[Seen], Any], Callable[[Look], Any]]] = {
    "user and group": (_user, lambda look: (set(look.status["Uid"].split()), set(look.status["Gid"].split()))),
    "further groups": (
        _groups,
        lambda look: {int(each) for each in look.status["Groups"].split()} - {int(look.status["Gid"].split()[0])},
    ),
    "capabilities": (
        _capabilities,
        lambda look: {key: int(look.status[key], 16) for key in ("CapBnd", "CapAmb", "CapInh", "CapEff", "CapPrm")},
    ),
    "privileges and system calls": (
        _privileges,
        lambda look: {key: look.status[key] for key in ("NoNewPrivs", "Seccomp")},
    ),
    "what can be written": (_writable, lambda look: look.writable),
    "memory": (_memory, lambda look: look.memory),
}
"""What is rendered, and what is so."""


def differences(some: Iterable[Seen], check: str) -> dict[str, tuple[Any, Any]]:
    """Where what is rendered is not what runs."""
    expected, actual = CHECKS[check]
    both = {f"{each.name} on {each.where}": (expected(each), actual(each.look)) for each in some}
    return {name: (want, have) for name, (want, have) in both.items() if want != have}
