"""An app as Kubernetes objects: everything but its storage (`storage`) and the inside of its containers (`containers`).

Every object has the app's name in the workspace's namespace. Nothing here knows about routes' hosts, sign-in or
secrets' values.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spec import images, names, pods, walls
from spec.app import containers, static, storage
from spec.app.static import StaticFiles
from spec.checks import usage
from spec.fields import seconds
from spec.routes import app_ports, route_port
from spec.workspace import App

Manifest = dict[str, Any]

APP_PODS: Manifest = {"podSelector": {"matchExpressions": [{"key": names.APP_LABEL, "operator": "Exists"}]}}
"""The peer that is every app of the same workspace, and never its sign-in."""

_ROLLOUT_SECONDS = 600
"""How long Kubernetes waits for a rollout to get on, unless the app's own start takes longer."""
_PULL_SECONDS = 300
"""How long one image may take to come."""


@dataclass(frozen=True)
class Unit:
    """One app in its workspace, with everything that is decided about it elsewhere."""

    workspace: str
    name: str
    app: App
    image: str | None = None
    """The stack's override of the image."""
    files: StaticFiles | None = None
    """The files of a static app."""

    @property
    def labels(self) -> dict[str, str]:
        """The labels of each of the app's objects and pods."""
        return names.labels(self.name, workspace=self.workspace, app=self.name)

    @property
    def match(self) -> dict[str, str]:
        """What finds the app's pods."""
        return names.selector(self.name, app=True)

    def metadata(self, **more: Any) -> Manifest:
        """The metadata of each of the app's objects."""
        return {"name": self.name, "namespace": self.workspace, "labels": self.labels, **more}


def most_replicas(app: App) -> int:
    """How many pods of the app may run at a time, an update's extra pod not counted."""
    return 1 if app.schedule else app.autoscale.max if app.autoscale else app.replicas


def rollout_seconds(app: App) -> int:
    """How long a rollout of the app may take: as an update, and its turn among all others where it is new."""
    return max(_ROLLOUT_SECONDS, update_seconds(app))


def update_seconds(app: App) -> int:
    """How long Pulumi waits for an update of the app: to stop, to start, and some time to pull one image.

    Shorter than for a new app, which waits for its turn among all others. The provider keeps what was applied when the
    time is over, and the next `up` goes on waiting, so that little is lost by too short a time.
    """
    return grace_seconds(app) + (seconds(app.health.start) if app.health else 0) + _PULL_SECONDS


def grace_seconds(app: App) -> int:
    """How long a pod has from being told to end until it is killed, at most `pods.MAX_GRACE_SECONDS`."""
    return (pods.SETTLE_SECONDS if containers.settles(app) else 0) + seconds(app.gracePeriod)


def tolerations(app: App) -> list[Manifest]:
    """The taints that do not keep the app away: those of the file, and for how long it stays on a dead node.

    An app whose data may be on that node alone stays as Kubernetes has it: another pod could not start elsewhere, and
    the volume may be in use by a node that only seems to be dead.
    """
    found = [toleration.model_dump(exclude_none=True) for toleration in app.tolerations]
    if usage.recreates(app):
        return found
    # Kubernetes takes the shortest of all that match, so ours would undo the file's own.
    own = {toleration.key for toleration in app.tolerations}
    return [*found, *(each for each in pods.leave_dead_nodes() if each["key"] not in own)]


def pod_template(unit: Unit, annotations: Mapping[str, Any]) -> Manifest:
    """The pod template. `annotations` go in as they are: the checksum of the config is not known here."""
    app = unit.app
    image = unit.image or app.image or images.STATIC_SERVER
    spec: Manifest = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": pods.pod_security(app.user),
        "terminationGracePeriodSeconds": grace_seconds(app),
        "containers": [containers.app_container(unit.name, app, image, unit.files)],
    }
    if others := containers.other_containers(unit.name, app):
        spec["initContainers"] = others
    if volumes := [*storage.pod_volumes(unit.name, app), *containers.config_volumes(unit.name, app, unit.files)]:
        spec["volumes"] = volumes
    if app.nodeSelector:
        spec["nodeSelector"] = dict(sorted(app.nodeSelector.items()))
    if tolerated := tolerations(app):
        spec["tolerations"] = tolerated
    if most_replicas(app) > 1:
        spec["topologySpreadConstraints"] = pods.spread(unit.match)
    return {
        "metadata": {"labels": unit.labels, **({"annotations": dict(annotations)} if annotations else {})},
        "spec": spec,
    }


def deployment(unit: Unit, annotations: Mapping[str, Any]) -> Manifest:
    """The Deployment. Without `replicas` where an autoscaler sets them, or every update would set them back."""
    app = unit.app
    strategy: Manifest = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    if usage.recreates(app):
        strategy = {"type": "Recreate"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": unit.metadata(),
        "spec": {
            **({} if app.autoscale else {"replicas": app.replicas}),
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": rollout_seconds(app),
            "strategy": strategy,
            "selector": {"matchLabels": unit.match},
            "template": pod_template(unit, annotations),
        },
    }


def cron_job(unit: Unit, annotations: Mapping[str, Any]) -> Manifest:
    """The CronJob of an app on a schedule, which is UTC wherever the nodes are. Runs never overlap."""
    template = pod_template(unit, annotations)
    template["spec"]["restartPolicy"] = "Never"
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": unit.metadata(),
        "spec": {
            "schedule": unit.app.schedule,
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 300,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 2,
            "jobTemplate": {"metadata": {"labels": unit.labels}, "spec": {"backoffLimit": 1, "template": template}},
        },
    }


def service(unit: Unit) -> Manifest | None:
    """The ClusterIP Service; None for an app without ports.

    `pulumi.com/skipAwait`: the Deployment's own wait already says whether pods are ready, and says why if not. Waiting
    for endpoints as well would block an app with `replicas: 0` for ten minutes (rule 33).
    """
    targets = containers.target_ports(unit.app)
    if not targets:
        return None
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": unit.metadata(annotations={"pulumi.com/skipAwait": "true"}),
        "spec": {
            "type": "ClusterIP",
            "selector": unit.match,
            "ports": [
                {"name": name, "port": number, "targetPort": targets[name], "protocol": "TCP"}
                for name, number in sorted(app_ports(unit.app).items())
            ],
        },
    }


def wall(unit: Unit, ingress_peer: Manifest) -> Manifest:
    """The app's one NetworkPolicy.

    The ingress controller reaches a port with a route, the workspace's apps a port without one, and nobody else comes
    in. Where the app may go is the workspace's business (`tenancy`).
    """
    targets = containers.target_ports(unit.app)
    routed = {route_port(unit.app, rule) for rule in unit.app.routes}
    public = sorted({number for name, number in targets.items() if name in routed})
    internal = sorted({number for name, number in targets.items() if name not in routed})
    rules = [
        *([{"from": [ingress_peer], "ports": walls.ports(*public)}] if public else []),
        *([{"from": [APP_PODS], "ports": walls.ports(*internal)}] if internal else []),
    ]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": unit.metadata(),
        "spec": walls.policy(unit.match, ingress=rules),
    }


def config_map(unit: Unit) -> Manifest | None:
    """The app's config files and static files; None when it has neither."""
    data = {containers.file_key(path): text for path, text in sorted(unit.app.files.items())}
    binary: dict[str, str] = {}
    if unit.files is not None:
        text, binary = static.contents(unit.files)
        data |= {**text, static.CONFIG_KEY: static.CONFIG}
    if not data and not binary:
        return None
    found: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": unit.metadata()}
    return {**found, **({"data": data} if data else {}), **({"binaryData": binary} if binary else {})}


def config_digest(config: Manifest | None) -> str | None:
    """What changes when the app's ConfigMap does; None when it has none. Nothing in it is a secret."""
    if config is None:
        return None
    text = json.dumps([config.get("data"), config.get("binaryData")], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def autoscaler(unit: Unit) -> Manifest | None:
    """The HorizontalPodAutoscaler; None unless the app asks for one."""
    wanted = unit.app.autoscale
    if wanted is None:
        return None
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": unit.metadata(),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": unit.name},
            "minReplicas": wanted.min,
            "maxReplicas": wanted.max,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": wanted.cpu}},
                }
            ],
        },
    }


def budget(unit: Unit) -> Manifest | None:
    """The PodDisruptionBudget; None for an app with one pod, which it could only keep from ever being drained."""
    if most_replicas(unit.app) < 2:
        return None
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": unit.metadata(),
        "spec": pods.disruption_budget(unit.match),
    }
