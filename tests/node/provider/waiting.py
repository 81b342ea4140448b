"""What the connected stand-in waits for, as the official provider does (its pkg/await).

Owns: when an object is ready, what is said when it is not in time, and which kinds it has not learned.  It asks every
now and then where the official one watches.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sandbox.server import Refusal
from tests.node.provider.server import Manifest, Refused, Requests

DEFAULT_SECONDS = 600.0
SKIP, TIMEOUT = "pulumi.com/skipAwait", "pulumi.com/timeoutSeconds"
_KNOWN = frozenset({SKIP, TIMEOUT, "pulumi.com/autonamed", "pulumi.com/patchForce"})
_NOT_LEARNED = frozenset(
    {"DaemonSet", "Ingress", "Job", "PersistentVolumeClaim", "Pod", "ReplicationController", "StatefulSet"}
)
"""Kinds for which the official provider waits in a way that nothing here needs."""
_GONE_AT_ONCE = frozenset(
    {"DaemonSet", "Deployment", "Job", "Namespace", "Pod", "ReplicationController", "StatefulSet"}
)
"""Kinds whose deletion is not waited for with `skipAwait`."""
_OWN_SECONDS = {"PersistentVolume": 300.0, "ResourceQuota": 60.0}
"""Kinds that are waited for as long as this, whatever the resource says."""
_REVISION = "deployment.kubernetes.io/revision"
_SETTLED_SECONDS = 10.0
_PAUSE = 0.25

Ready = Callable[[Manifest], list[str]]
"""What is still missing of an object, a sentence each; nothing where it is ready."""


class NotReady(Exception):
    """The object is there, and is not ready or not gone; with what was last seen of it, and why."""

    def __init__(self, message: str, live: Manifest, reasons: list[str]) -> None:
        super().__init__(message)
        self.live, self.reasons = live, reasons


def notes(manifest: Manifest) -> Manifest:
    """The annotations of an object."""
    return manifest["metadata"].get("annotations") or {}


def skipped(manifest: Manifest) -> bool:
    """Whether nobody waits for the object."""
    return bool(notes(manifest).get(SKIP) == "true")


def check(manifest: Manifest) -> None:
    """Refuse what the official provider would do and this one has not learned.

    Raises:
        Refusal: the kind's waiting, or an annotation.
    """
    other = sorted(key for key in notes(manifest) if key.startswith("pulumi.com/") and key not in _KNOWN)
    if other:
        raise Refusal(f"the connected stand-in has not learned {', '.join(other)}")
    if manifest["kind"] in _NOT_LEARNED and not skipped(manifest):
        raise Refusal(f"the connected stand-in has not learned to wait for a {manifest['kind']}")


def seconds(given: float, manifest: Manifest) -> float:
    """How long to wait: the resource's own time, that of the annotation, or ten minutes (`TimeoutDuration`)."""
    return given or float(notes(manifest).get(TIMEOUT) or DEFAULT_SECONDS)


@dataclass(frozen=True)
class Waiting:
    """Somebody who waits, until the engine wants to leave."""

    requests: Requests
    leaving: threading.Event

    def until_ready(self, made: Manifest, limit: float) -> Manifest:
        """Wait until an object is ready; return it as it then is.

        Raises:
            NotReady: it is not in time, or the engine leaves.
        """
        missing = self._condition(made)
        if missing is None:
            return made
        live = made
        deadline = time.monotonic() + _OWN_SECONDS.get(made["kind"], limit)
        name = made["metadata"]["name"]
        while reasons := missing(live):
            if time.monotonic() > deadline:
                raise NotReady(f"'{name}' timed out waiting to be Ready", live, reasons)
            if self.leaving.wait(_PAUSE):
                raise NotReady(f'Resource operation was cancelled for "{name}"', live, reasons)
            live = self._now(live) or live
        return live

    def read(self, live: Manifest) -> None:
        """Look once whether an object is ready, where the official provider does at a refresh.

        Raises:
            NotReady: it is not.
        """
        kind = live["kind"]
        if kind == "Deployment":
            reasons = self._deployment(live)
        elif kind == "Service":
            reasons = self._service(live, 0)(live)
        else:
            return
        if reasons:
            name = live["metadata"]["name"]
            raise NotReady(f"Resource '{name}' was created but failed to initialize", live, reasons)

    def until_gone(self, live: Manifest, inputs: Manifest, limit: float) -> None:
        """Wait until an object that was told to go is gone.

        Raises:
            NotReady: it is not in time, or the engine leaves.
        """
        if skipped(inputs) and live["kind"] in _GONE_AT_ONCE:
            return
        deadline = time.monotonic() + limit
        while (there := self._now(live)) is not None:
            finalizers = ", ".join(there["metadata"].get("finalizers", []))
            reasons = [f"finalizers might be preventing deletion ({finalizers})"]
            if time.monotonic() > deadline or self.leaving.wait(_PAUSE):
                raise NotReady("timed out waiting for the condition", there, reasons)

    def _now(self, live: Manifest) -> Manifest | None:
        metadata = live["metadata"]
        try:
            found = self.requests.get(live["apiVersion"], live["kind"], metadata.get("namespace"), metadata["name"])
        except Refused as refused:
            if refused.code == 404:
                return None
            raise
        return found if found["metadata"]["uid"] == metadata.get("uid", found["metadata"]["uid"]) else None

    def _condition(self, made: Manifest) -> Ready | None:
        kind = made["kind"]
        if skipped(made):
            return None
        if kind == "Deployment":
            return self._deployment
        if kind == "Service":
            return self._service(made, _SETTLED_SECONDS)
        if kind == "ResourceQuota":
            return lambda live: [] if live["spec"].get("hard") == live.get("status", {}).get("hard") else ["no status"]
        if kind == "PersistentVolume":
            return lambda live: _in_phase(live, "Available", "Bound")
        return None

    def _service(self, made: Manifest, settled: float) -> Ready:
        """Pods behind a Service: none of its endpoints is unready, and they have not changed for some seconds.

        No endpoint at all is enough for that, as in the official provider.
        """
        spec = made["spec"]
        waits = spec.get("selector") and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None"
        seen: tuple[tuple[int, int], float] | None = None

        def missing(live: Manifest) -> list[str]:
            nonlocal seen
            if live["spec"].get("type") == "LoadBalancer" and not live["status"]["loadBalancer"].get("ingress"):
                return ["Service was not allocated an IP address; does your cloud provider support this?"]
            if not waits:
                return []
            found = self._endpoints(live)
            if seen is None or seen[0] != found:
                seen = (found, time.monotonic())
            if not found[1] and time.monotonic() - seen[1] >= settled:
                return []
            return ["Service does not target any Pods. Selected Pods may not be ready"]

        return missing

    def _endpoints(self, service: Manifest) -> tuple[int, int]:
        """How many of a Service's endpoints are ready, and how many are not."""
        metadata = service["metadata"]
        try:
            found = self.requests.get("v1", "Endpoints", metadata["namespace"], metadata["name"])
        except Refused as refused:
            if refused.code != 404:
                raise
            return 0, 0
        subsets = found.get("subsets") or []
        ready = sum(len(each.get("addresses") or []) for each in subsets)
        return ready, sum(len(each.get("notReadyAddresses") or []) for each in subsets)

    def _deployment(self, live: Manifest) -> list[str]:
        """What a roll-out lacks: the newest ReplicaSet has all its pods, and every claim is bound."""
        status, revision = live.get("status", {}), notes(live).get(_REVISION)
        if status.get("observedGeneration") != live["metadata"]["generation"] or revision is None:
            return ["Minimum number of live Pods was not attained"]
        conditions = {each["type"]: each for each in status.get("conditions", [])}
        failed = [
            f"[{each['reason']}] {each['message']}"
            for kind in ("Progressing", "Available")
            if (each := conditions.get(kind)) and each["status"] != "True"
        ]
        namespace = live["metadata"]["namespace"]
        owned = [each for each in self.requests.items("apps/v1", "ReplicaSet", namespace) if _owned(each, live)]
        sets = [each for each in owned if notes(each).get(_REVISION) == revision]
        unbound = self._unbound(live)
        if unbound:
            failed.append(f"Failed to bind PersistentVolumeClaim(s): {', '.join(unbound)}")
        progressing = conditions.get("Progressing", {})
        if conditions.get("Available", {}).get("status") != "True":
            failed.append("Minimum number of live Pods was not attained")
        elif revision != "1" and (progressing.get("status"), progressing.get("reason")) != _ROLLED_OUT:
            failed.append("Minimum number of Pods to consider the application live was not attained")
        elif not sets or sets[0].get("status", {}).get("readyReplicas", 0) < sets[0]["spec"].get("replicas", 1):
            failed.append("Attempted to roll forward to new ReplicaSet, but minimum number of Pods did not become live")
        elif not unbound:
            return []
        return [*failed, *self._pod_errors(namespace, sets)]

    def _unbound(self, deployment: Manifest) -> list[str]:
        volumes = deployment["spec"]["template"]["spec"].get("volumes", [])
        names = {each["persistentVolumeClaim"]["claimName"] for each in volumes if "persistentVolumeClaim" in each}
        if not names:
            return []
        claims = self.requests.items("v1", "PersistentVolumeClaim", deployment["metadata"]["namespace"])
        found = [each for each in claims if each["metadata"]["name"] in names]
        return sorted(each["metadata"]["name"] for each in found if each["status"].get("phase") != "Bound")

    def _pod_errors(self, namespace: str, sets: list[Manifest]) -> Iterator[str]:
        for pod in self.requests.items("v1", "Pod", namespace):
            if any(_owned(pod, each) for each in sets):
                yield from _pod_errors(pod)


_ROLLED_OUT = ("True", "NewReplicaSetAvailable")


def _in_phase(live: Manifest, *wanted: str) -> list[str]:
    phase = live.get("status", {}).get("phase")
    return [] if phase in wanted else [f"its phase is {phase}, not {' or '.join(wanted)}"]


def _owned(one: Manifest, owner: Manifest) -> bool:
    return any(each["uid"] == owner["metadata"]["uid"] for each in one["metadata"].get("ownerReferences", []))


def _pod_errors(pod: Manifest) -> Iterator[str]:
    """What is wrong with a pod: it has no node, or its containers wait, have ended, or have ended before."""
    metadata, status = pod["metadata"], pod["status"]
    conditions = {each["type"]: each for each in status.get("conditions", [])}
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        yield str(scheduled.get("message"))
    ready = conditions.get("Ready", {})
    if ready.get("status") == "True":
        return
    said = [str(ready.get("message", "")), *map(_container_error, status.get("containerStatuses", []))]
    if any(said):
        yield f"[Pod {metadata['namespace']}/{metadata['name']}]: {' '.join(filter(None, said))}"


def _container_error(status: Manifest) -> str:
    waiting, ended = status["state"].get("waiting"), status["state"].get("terminated")
    last = status.get("lastState", {}).get("terminated")
    said = []
    if not status["ready"]:
        if waiting and waiting["reason"] != "ContainerCreating":
            said.append(f"[{waiting['reason']}] {waiting.get('message', '')}")
        if ended:
            said.append(f'container "{status["name"]}" completed with exit code {ended["exitCode"]}')
        if last:
            said.append(f'container "{status["name"]}" terminated ({last["reason"]}: exit code {last["exitCode"]})')
    return " ".join(said)
