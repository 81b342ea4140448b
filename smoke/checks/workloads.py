"""What should run, and whether it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.app import App
from manifests import names
from smoke.cluster import Cluster, Unreadable
from smoke.plan import Plan
from smoke.result import Result, Verdict, fail, ok, result, warn

Manifest = dict[str, Any]

STUCK = {
    "CrashLoopBackOff": "logs",
    "RunContainerError": "describe",
    "CreateContainerError": "describe",
    "CreateContainerConfigError": "describe",
    "ErrImagePull": "describe",
    "ErrImageNeverPull": "describe",
    "ImagePullBackOff": "describe",
    "InvalidImageName": "describe",
}
"""Why a container waits that will go on waiting, and which command says more."""


@dataclass(frozen=True)
class Workload:
    """Something that should run in a namespace."""

    namespace: str
    kind: str
    name: str


def expected(plan: Plan) -> tuple[Workload, ...]:
    """Every Deployment, DaemonSet, CronJob and Job of the platform."""
    found = [
        Workload(names.TUNNEL_NAMESPACE, "Deployment", "cloudflared"),
        Workload(names.INGRESS_NAMESPACE, "Deployment", names.INGRESS_SERVICE),
    ]
    for workspace in plan.workspaces:
        if workspace.auth != "none":
            found.append(Workload(workspace.name, "Deployment", names.DEX))
        found += [Workload(workspace.name, "Deployment", proxy.name) for of, proxy in plan.proxies() if of is workspace]
        for name, app in sorted(workspace.apps.items()):
            found.append(Workload(workspace.name, _kind(app), name))
    return tuple(found)


def results(plan: Plan, cluster: Cluster) -> Iterator[Result]:
    """A line for each workload, and one for each other pod that is stuck."""
    wanted = expected(plan)
    for namespace in sorted({each.namespace for each in wanted}, key=_order):
        objects = cluster.objects[namespace]
        here = [each for each in wanted if each.namespace == namespace]
        if isinstance(objects, Unreadable):
            yield result("pods", namespace, fail(objects.reason, objects.fix))
            continue
        live = {(each["kind"], each["metadata"]["name"]): each for each in objects}
        pods = [each for each in objects if each["kind"] == "Pod"]
        for each in here:
            found = live.get((each.kind, each.name))
            yield result("pods", f"{namespace}/{each.name}", judge(plan, each, found, pods))
        yield from _others(here, live, pods)


def _order(namespace: str) -> tuple[bool, str]:
    return namespace not in (names.TUNNEL_NAMESPACE, names.INGRESS_NAMESPACE), namespace


def judge(plan: Plan, wanted: Workload, live: Manifest | None, pods: Sequence[Manifest]) -> Verdict:
    """Whether a workload does what it should."""
    if live is None:
        return fail(f"there is no {wanted.kind} of this name", plan.repair)
    if wanted.kind == "CronJob":
        if live["spec"].get("suspend"):
            return warn("is suspended", f"kubectl -n {wanted.namespace} describe cronjob {wanted.name}")
        return ok(f"runs at {live['spec'].get('schedule')}")
    if wanted.kind == "Job":
        return _once(wanted, live)
    status = live.get("status", {})
    replicas, available = live["spec"].get("replicas", 1), status.get("availableReplicas", 0)
    if wanted.kind == "DaemonSet":
        replicas, available = status.get("desiredNumberScheduled", 0), status.get("numberAvailable", 0)
    counts = f"{available} of {replicas} available"
    for reason, container, pod in stuck(_of(live, pods)):
        return fail(f"{counts}; {container} waits in {reason}", _more(wanted.namespace, reason, pod, container))
    if available < replicas:
        fix = f"kubectl -n {wanted.namespace} describe {_KUBECTL[wanted.kind]} {wanted.name}"
        return fail(f"{counts}", f"{fix}; kubectl -n {wanted.namespace} get events")
    return ok(f"has {counts}")


def _kind(app: App) -> str:
    said = {"CronJob": app.schedule, "Job": app.once, "DaemonSet": app.daemonSet}
    return next((kind for kind, wanted in said.items() if wanted), "Deployment")


def _once(wanted: Workload, live: Manifest) -> Verdict:
    conditions = {
        each["type"]: each for each in live.get("status", {}).get("conditions", []) if each["status"] == "True"
    }
    if "Complete" in conditions:
        return ok("has run to its end")
    logs = f"kubectl -n {wanted.namespace} logs job/{wanted.name}"
    if failed := conditions.get("Failed"):
        return fail(f"has failed: {failed.get('reason', 'no reason is told')}", f"{logs}; the next up runs it again")
    return warn("has not come to its end yet", logs)


_KUBECTL = {"Deployment": "deploy", "DaemonSet": "daemonset"}


def _of(deployment: Manifest, pods: Iterable[Manifest]) -> list[Manifest]:
    match = deployment["spec"].get("selector", {}).get("matchLabels", {}).items()
    return [pod for pod in pods if match and match <= pod["metadata"].get("labels", {}).items()]


def stuck(pods: Iterable[Manifest]) -> Iterator[tuple[str, str, str]]:
    """Reason, container and pod of every container that goes on waiting."""
    for pod in pods:
        status = pod.get("status", {})
        for each in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
            reason = each.get("state", {}).get("waiting", {}).get("reason", "")
            if reason in STUCK:
                yield reason, each["name"], pod["metadata"]["name"]


def _more(namespace: str, reason: str, pod: str, container: str) -> str:
    if STUCK[reason] == "logs":
        return f"kubectl -n {namespace} logs {pod} -c {container} --previous"
    return f"kubectl -n {namespace} describe pod {pod}"


def _others(
    here: Sequence[Workload], live: Mapping[tuple[str, str], Manifest], pods: Sequence[Manifest]
) -> Iterator[Result]:
    told: set[str] = set()
    for each in here:
        if each.kind in _KUBECTL and (found := live.get((each.kind, each.name))) is not None:
            told |= {pod["metadata"]["name"] for pod in _of(found, pods)}
    for reason, container, pod in stuck(pod for pod in pods if pod["metadata"]["name"] not in told):
        namespace = here[0].namespace
        found_stuck = fail(f"{container} waits in {reason}", _more(namespace, reason, pod, container))
        yield result("pods", f"{namespace}/{pod}", found_stuck)
