"""What the API server refuses about workloads and the objects that scale and guard them.

Owns: Deployment, DaemonSet, StatefulSet, ReplicaSet, Job, CronJob, Pod, HorizontalPodAutoscaler, PodDisruptionBudget,
ResourceQuota, LimitRange.  Does not own: the pod template itself (``pods``).
"""

from __future__ import annotations

from typing import Any

from sandbox.kubernetes import formats, pods
from sandbox.kubernetes.reading import Findings, is_known, items, obj, objects
from sandbox.wire import UNKNOWN

_CRON_NAME_LENGTH = 52
_QUOTA_RESOURCES = frozenset(
    """
    configmaps cpu ephemeral-storage memory persistentvolumeclaims pods replicationcontrollers resourcequotas
    secrets services services.loadbalancers services.nodeports storage
    """.split()
)
_METRIC_SOURCES = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}


def pod(manifest: dict[str, Any], found: Findings) -> None:
    """Check a Pod."""
    pods.check(obj(manifest, "spec"), "spec", found)


def controller(manifest: dict[str, Any], found: Findings) -> None:
    """Check a Deployment, DaemonSet, StatefulSet or ReplicaSet."""
    spec = obj(manifest, "spec")
    found.least(spec, "spec", 0, "replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
    selector = obj(spec, "selector")
    if is_known(spec, "selector"):
        pods.selector(selector, "spec.selector", found)
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            found.add("spec.selector", "must select something")
    labels = obj(spec, "template", "metadata", "labels")
    for key, value in sorted(obj(selector, "matchLabels").items()):
        have = labels.get(key)
        if have != value and UNKNOWN not in (have, value):
            found.add("spec.template.metadata.labels", f"must have {key}: {value}, which spec.selector selects")
    claims = set()
    for here, claim in objects(spec, "volumeClaimTemplates", "spec"):
        claims.add(str(obj(claim, "metadata").get("name")))
        claim_spec(obj(claim, "spec"), f"{here}.spec", found)
    template(spec, "spec", found, ("Always",), frozenset(claims))
    strategy = obj(spec, "strategy")
    rolling = obj(strategy, "rollingUpdate")
    if strategy.get("type") == "Recreate" and strategy.get("rollingUpdate") is not None:
        found.add("spec.strategy.rollingUpdate", "must be absent with type Recreate")
    for key in ("maxSurge", "maxUnavailable"):
        found.value(rolling, key, "spec.strategy.rollingUpdate", formats.number_or_percent)
    if rolling.get("maxUnavailable") in (0, "0%") and rolling.get("maxSurge") in (0, "0%"):
        found.add("spec.strategy.rollingUpdate.maxUnavailable", "may not be 0 when maxSurge is 0")


def template(
    spec: dict[str, Any], path: str, found: Findings, restart: tuple[str, ...], claims: frozenset[str] = frozenset()
) -> None:
    """Check the pod template of a workload whose pods may have these restart policies."""
    here = f"{path}.template"
    metadata = obj(spec, "template", "metadata")
    pods.labels(obj(metadata, "labels"), f"{here}.metadata.labels", found)
    for key in sorted(obj(metadata, "annotations")):
        if problem := formats.qualified(key.lower()):
            found.add(f"{here}.metadata.annotations", problem)
    if not is_known(spec, "template") or not is_known(obj(spec, "template"), "spec"):
        return
    pod_spec = obj(spec, "template", "spec")
    pods.check(pod_spec, f"{here}.spec", found, claims)
    policy = pod_spec.get("restartPolicy", "Always")
    if isinstance(policy, str) and policy not in restart:
        found.add(f"{here}.spec.restartPolicy", f"must be {' or '.join(restart)}, not {policy}")


def job(manifest: dict[str, Any], found: Findings) -> None:
    """Check a Job."""
    _job_spec(obj(manifest, "spec"), "spec", found)


def cron_job(manifest: dict[str, Any], found: Findings) -> None:
    """Check a CronJob."""
    name = obj(manifest, "metadata").get("name")
    if isinstance(name, str) and len(name) > _CRON_NAME_LENGTH:
        found.add("metadata.name", f"must be at most {_CRON_NAME_LENGTH} characters: its jobs' names are longer")
    spec = obj(manifest, "spec")
    found.text(spec, "schedule", "spec", formats.schedule)
    if spec.get("timeZone") in ("", "Local"):
        found.add("spec.timeZone", "must be a time zone name such as Europe/Berlin")
    found.least(spec, "spec", 0, "startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
    _job_spec(obj(spec, "jobTemplate", "spec"), "spec.jobTemplate.spec", found)


def _job_spec(spec: dict[str, Any], path: str, found: Findings) -> None:
    found.least(spec, path, 0, "parallelism", "completions", "backoffLimit", "ttlSecondsAfterFinished")
    found.least(spec, path, 1, "activeDeadlineSeconds")
    template(spec, path, found, ("OnFailure", "Never"))


def autoscaler(manifest: dict[str, Any], found: Findings) -> None:
    """Check a HorizontalPodAutoscaler."""
    spec = obj(manifest, "spec")
    found.least(spec, "spec", 1, "minReplicas", "maxReplicas")
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        found.add("spec.maxReplicas", f"{most} is less than minReplicas {least}")
    for here, metric in objects(spec, "metrics", "spec"):
        source = _METRIC_SOURCES.get(str(metric.get("type")))
        if source is not None and metric.get(source) is None:
            found.add(f"{here}.{source}", f"required with type {metric['type']}")
        target = obj(metric, str(source), "target")
        found.least(target, f"{here}.{source}.target", 1, "averageUtilization")


def disruption_budget(manifest: dict[str, Any], found: Findings) -> None:
    """Check a PodDisruptionBudget."""
    spec = obj(manifest, "spec")
    found.one_of(spec, "spec", "minAvailable or maxUnavailable", frozenset({"minAvailable", "maxUnavailable"}))
    for key in ("minAvailable", "maxUnavailable"):
        found.value(spec, key, "spec", formats.number_or_percent)
    pods.selector(obj(spec, "selector"), "spec.selector", found)


def resource_quota(manifest: dict[str, Any], found: Findings) -> None:
    """Check a ResourceQuota."""
    hard = obj(manifest, "spec", "hard")
    pods.quantities(hard, "spec.hard", found)
    for name in sorted(hard):
        resource = name.removeprefix("requests.").removeprefix("limits.")
        if resource not in _QUOTA_RESOURCES and "/" not in resource and not resource.startswith("hugepages-"):
            found.add(f"spec.hard[{name}]", "is not a resource that a quota can limit")


def limit_range(manifest: dict[str, Any], found: Findings) -> None:
    """Check a LimitRange: min <= defaultRequest <= default <= max."""
    order = ("min", "defaultRequest", "default", "max")
    for here, limit in objects(obj(manifest, "spec"), "limits", "spec"):
        amounts = {key: pods.quantities(obj(limit, key), f"{here}.{key}", found) for key in order}
        if limit.get("type") == "Pod":
            for key in ("default", "defaultRequest"):
                if limit.get(key):
                    found.add(f"{here}.{key}", "may not be given for type Pod")
        for index, lower in enumerate(order):
            for upper in order[index + 1 :]:
                for name in sorted(amounts[lower].keys() & amounts[upper].keys()):
                    if amounts[lower][name] > amounts[upper][name]:
                        text = f"{limit[lower][name]} is more than {upper} {limit[upper][name]}"
                        found.add(f"{here}.{lower}[{name}]", text)


def claim(manifest: dict[str, Any], found: Findings) -> None:
    """Check a PersistentVolumeClaim."""
    claim_spec(obj(manifest, "spec"), "spec", found)


def claim_spec(spec: dict[str, Any], path: str, found: Findings) -> None:
    """Check the spec of a claim, also inside a StatefulSet."""
    if is_known(spec, "accessModes") and not items(spec, "accessModes"):
        found.add(f"{path}.accessModes", "required")
    requests = obj(spec, "resources", "requests")
    amounts = pods.quantities(requests, f"{path}.resources.requests", found)
    if "storage" not in requests and is_known(spec, "resources"):
        found.add(f"{path}.resources.requests[storage]", "required")
    if amounts.get("storage") == 0:
        found.add(f"{path}.resources.requests[storage]", "must be more than 0")
    found.text(spec, "storageClassName", path, lambda name: formats.subdomain(name) if name else None)
