"""The nodes: there, ready, at the address that the walls know, at one version; and what an arm64 node cannot run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from config.stack import Node
from smoke.checks.clocks import is_ready
from smoke.cluster import Cluster, Unreadable
from smoke.floors import version_of
from smoke.plan import Plan
from smoke.result import Result, Verdict, fail, ok, result, shown, warn

Manifest = dict[str, Any]

_OLDER = 3
"""How many minor versions a kubelet may be behind its API server (kubernetes.io/releases/version-skew-policy)."""
_ARCH = "kubernetes.io/arch"
_UPGRADE = "Warren's docs/nodes.md, Upgrading k3s: the server first, then the agents, all to one version"
_WRONG_KIND = ("no match for platform", "exec format error")


def results(plan: Plan, cluster: Cluster) -> Iterator[Result]:
    """A line for each node of the stack file, one for each other node, and one for images where a node is arm64."""
    if isinstance(cluster.nodes, Unreadable):
        yield result("nodes", "of the cluster", fail(cluster.nodes.reason, cluster.nodes.fix))
        return
    live = {each["metadata"]["name"]: each for each in cluster.nodes if each["kind"] == "Node"}
    for node in plan.stack.cluster.nodes:
        yield result("nodes", node.name, judge(node, live.pop(node.name, None), cluster.version))
    for name in sorted(live):
        fix = "write it under warren:cluster.nodes: walls keep apps away from the addresses that are there"
        yield result("nodes", shown(name), warn("is not in the stack file", fix))
    if (verdict := judge_images(cluster)) is not None:
        yield result("nodes", "images for arm64", verdict)


def judge(wanted: Node, live: Manifest | None, server: str) -> Verdict:
    """Whether a node is what the stack file says, and at the version of the API server."""
    if live is None:
        return fail("is not in the cluster", "its install command: make k3s STACK=...")
    status = live.get("status", {})
    if not is_ready(live):
        return fail("is not ready", f"kubectl describe node {wanted.name}")
    known = [each["address"] for each in status.get("addresses", []) if each["type"] == "InternalIP"]
    if wanted.ip not in known:
        told = shown(", ".join(known)) or "no address"
        fix = "correct the ip in the stack file, then pulumi up: the walls are made for it"
        return fail(f"has {told}, not {wanted.ip} as in the stack file", fix)
    return judge_version(str(status.get("nodeInfo", {}).get("kubeletVersion", "")), server)


def judge_version(kubelet: str, server: str) -> Verdict:
    """Whether a kubelet's version goes with its API server's."""
    mine, its = version_of(kubelet), version_of(server)
    if mine is None or its is None:
        return warn(f"says that it runs {shown(kubelet)!r}, which is no version", "kubectl get nodes")
    if mine > its:
        return fail(f"runs {shown(kubelet)}, which is newer than the API server ({shown(server)})", _UPGRADE)
    if mine[0] != its[0] or its[1] - mine[1] > _OLDER:
        return fail(f"runs {shown(kubelet)}, which is too old for the API server ({shown(server)})", _UPGRADE)
    if kubelet != server:
        return warn(f"runs {shown(kubelet)}, and the API server {shown(server)}", _UPGRADE)
    return ok(f"is ready and runs {shown(kubelet)}")


def judge_images(cluster: Cluster) -> Verdict | None:
    """Whether every image runs on arm64, as far as a cluster shows it; None where no node is arm64.

    No registry is asked. An image that has run on such a node has a build for it; one that has not may have none.
    """
    assert not isinstance(cluster.nodes, Unreadable), "results() has a verdict on that"
    arm = {each["metadata"]["name"] for each in cluster.nodes if each["kind"] == "Node" and _is_arm(each)}
    if not arm:
        return None
    objects = [each for part in cluster.objects.values() if not isinstance(part, Unreadable) for each in part]
    pods = [each for each in objects if each["kind"] == "Pod"]
    if refused := sorted({image for pod in pods for image in _refused(pod)}):
        fix = "use a tag that has it, or nodeSelector: { kubernetes.io/arch: amd64 } (Warren's docs/nodes.md, The Pi 5)"
        return fail(f"no build for arm64: {_list(refused)}", fix)
    seen = {
        image
        for pod in pods
        if pod["spec"].get("nodeName") in arm and pod.get("status", {}).get("phase") in ("Running", "Succeeded")
        for image in _images(pod["spec"])
    }
    wanted = {image for each in objects for image in _template_images(each)}
    if unseen := sorted(wanted - seen):
        fix = "look for linux/arm64 among the platforms of each in its registry"
        return warn(f"nothing has run on arm64 yet of: {_list(unseen)}", fix)
    return ok(f"have all run there ({len(seen)})")


def _is_arm(node: Manifest) -> bool:
    return bool(node.get("status", {}).get("nodeInfo", {}).get("architecture") == "arm64")


def _images(spec: Manifest) -> list[str]:
    return [each["image"] for each in [*spec.get("initContainers", []), *spec["containers"]]]


def _template_images(manifest: Manifest) -> list[str]:
    spec = manifest.get("spec", {})
    if manifest["kind"] == "CronJob":
        spec = spec.get("jobTemplate", {}).get("spec", {})
    pod = spec.get("template", {}).get("spec")
    makers = ("Deployment", "DaemonSet", "CronJob", "Job")
    if manifest["kind"] not in makers or pod is None or spec.get("replicas") == 0:
        return []
    return _images(pod) if pod.get("nodeSelector", {}).get(_ARCH, "arm64") == "arm64" else []


def _refused(pod: Manifest) -> Iterator[str]:
    """The images of a pod's containers that say that they are for another kind of machine."""
    images = {
        each["name"]: each["image"] for each in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]
    }
    status = pod.get("status", {})
    for each in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        states = [*each.get("state", {}).values(), *each.get("lastState", {}).values()]
        if any(word in str(state.get("message", "")) for state in states for word in _WRONG_KIND):
            yield images.get(each["name"], each["name"])


def _list(images: Sequence[str]) -> str:
    return shown(", ".join(images))
