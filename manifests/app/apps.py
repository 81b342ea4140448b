"""An app as Kubernetes objects: all but its storage (`storage`), its containers (`containers`) and what they `reads`.

Every object has the app's name in the workspace's namespace. Nothing here knows about routes' hosts, sign-in or
secrets' values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from config import registries
from config.app import App
from config.checks import usage
from config.fields.quantities import seconds
from config.load_balancer import LoadBalancer, service_name
from config.routes import app_ports, ports_of, routed_ports, sibling_ports
from config.schedule import CronSchedule
from config.stack import Stack
from config.workspace import Workspace
from manifests import images, names, pods, walls
from manifests.app import between, containers, load_balancer, storage
from manifests.app.between import Way
from manifests.app.static import StaticFiles
from manifests.ingress import controller

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
    load_balancer: LoadBalancer | None = None
    """What the stack gives it of the home network."""
    home: Sequence[Manifest] = ()
    """Who comes from there, as peers."""
    signs_in: bool = False
    """Whether the workspace signs in to image registries."""
    others: tuple[str, ...] = ()
    """Registries of the stack that the workspace does not use."""
    api_server: Manifest | None = None
    """The egress rule for the API server; None for an app that has no account there."""
    ways: Sequence[Way] = ()
    """The ways between workspaces."""

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


def units(
    stack: Stack, workspace: Workspace, files: Mapping[str, StaticFiles], ways: Sequence[Way] = ()
) -> tuple[Unit, ...]:
    """Every app of a workspace with the stack's override of its image, sorted by name."""
    others = tuple(sorted(stack.registries.keys() - set(workspace.registries)))

    def unit(name: str, app: App) -> Unit:
        key = f"{workspace.name}/{name}"
        given = stack.loadBalancers.get(key)
        return Unit(
            workspace.name,
            name,
            app,
            stack.images.get(key),
            files.get(name),
            load_balancer=given,
            home=walls.home(given.loadBalancerSourceRanges, stack.cluster) if given else (),
            signs_in=bool(workspace.registries),
            others=others,
            api_server=walls.api_server(stack.cluster) if app.serviceAccount else None,
            ways=ways,
        )

    return tuple(unit(name, app) for name, app in sorted(workspace.apps.items()))


def most_replicas(app: App) -> int:
    """How many pods of the app may run at a time, an update's extra pod not counted."""
    return 1 if app.schedule or app.once else app.autoscale.max if app.autoscale else app.replicas


def rollout_seconds(app: App) -> int:
    """How long a rollout of the app may take: as an update, and its turn among all others where it is new."""
    return max(_ROLLOUT_SECONDS, update_seconds(app))


def made_in_order(units: Iterable[Unit]) -> tuple[Unit, ...]:
    """Apps, each after those that it waits for."""
    by_name = {unit.name: unit for unit in units}
    order = TopologicalSorter({name: unit.app.after for name, unit in by_name.items()})
    return tuple(by_name[name] for name in order.static_order())


def update_seconds(app: App) -> int:
    """How long Pulumi waits for an update of the app: to stop, to start, and some time to pull one image.

    Shorter than for a new app, which waits for its turn among all others. The provider keeps what was applied when the
    time is over, and the next `up` goes on waiting, so that little is lost by too short a time.
    """
    begins = seconds(app.health.start) if app.health else seconds(app.once) if app.once else 0
    return grace_seconds(app) + begins + _PULL_SECONDS


def grace_seconds(app: App) -> int:
    """How long a pod has from being told to end until it is killed, at most `pods.MAX_GRACE_SECONDS`."""
    return (pods.SETTLE_SECONDS if usage.serves_on(app) else 0) + seconds(app.gracePeriod)


def tolerations(app: App) -> list[Manifest]:
    """The taints that do not keep the app away: those of the file, and for how long it stays on a dead node.

    A pod on every node has nowhere to go. An app whose data may be on that node alone stays as Kubernetes has it:
    another pod could not start elsewhere, and the volume may be in use by a node that only seems to be dead.
    """
    found = [toleration.model_dump(exclude_none=True) for toleration in app.tolerations]
    if app.daemonSet or any(usage.single(volume) for volume in app.volumes.values()):
        return found
    # Kubernetes takes the shortest of all that match, so ours would undo the file's own.
    own = {toleration.key for toleration in app.tolerations}
    return [*found, *(each for each in pods.leave_dead_nodes() if each["key"] not in own)]


def pod_template(unit: Unit, checksum: Any = None) -> Manifest:
    """The pod template. The checksum of what the pods read goes in as it is; None where they read nothing."""
    app = unit.app
    annotations = {names.CHECKSUM_ANNOTATION: checksum}
    image = unit.image or app.image or images.STATIC_SERVER
    spec: Manifest = {
        "automountServiceAccountToken": app.serviceAccount is not None,
        **({"serviceAccountName": unit.name} if app.serviceAccount else {}),
        "enableServiceLinks": False,
        # Or names of the cluster would be asked of the node's own resolver.
        **({"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"} if app.hostNetwork else {}),
        "securityContext": pods.pod_security(app.user, app.supplementalGroups, app.sysctls),
        "terminationGracePeriodSeconds": grace_seconds(app),
        "containers": [containers.app_container(unit.name, app, image, unit.files)],
    }
    if others := containers.other_containers(unit.name, app):
        spec["initContainers"] = others
    if volumes := [*storage.pod_volumes(unit.name, app), *containers.config_volumes(unit.name, app, unit.files)]:
        spec["volumes"] = volumes
    if app.hostAliases:
        spec["hostAliases"] = [{"ip": each.ip, "hostnames": list(each.hostnames)} for each in app.hostAliases]
    if app.dnsConfig is not None:
        spec["dnsConfig"] = app.dnsConfig.model_dump(mode="json", exclude_defaults=True)
    if app.priority is not None:
        spec["priorityClassName"] = pods.LOW_PRIORITY
    if app.nodeSelector:
        spec["nodeSelector"] = dict(sorted(app.nodeSelector.items()))
    if tolerated := tolerations(app):
        spec["tolerations"] = tolerated
    if most_replicas(app) > 1:
        spec["topologySpreadConstraints"] = pods.spread(unit.match)
    _pulls(unit, spec)
    return {
        "metadata": {"labels": unit.labels, **({"annotations": annotations} if checksum is not None else {})},
        "spec": spec,
    }


def _pulls(unit: Unit, spec: Manifest) -> None:
    """How a pod's images come.

    An image that a node has is started for whoever names it, which Kubernetes 1.35 ended
    (`KubeletEnsureSecretPulledImages`). So the registry is asked each time where another workspace may have brought it.
    """
    if unit.signs_in:
        spec["imagePullSecrets"] = [{"name": names.PULL_SECRET}]
    for container in (*spec["containers"], *spec.get("initContainers", ())):
        if registries.at(container["image"], unit.others):
            container["imagePullPolicy"] = "Always"


def runs(unit: Unit, checksum: Any = None) -> tuple[str, Manifest]:
    """What runs the app's pods, after its role: a DaemonSet, a CronJob or a Job where it says so, else a Deployment."""
    if unit.app.daemonSet:
        return "daemonset", daemon_set(unit, checksum)
    if unit.app.schedule is not None:
        return "cronjob", cron_job(unit, unit.app.schedule, checksum)
    if unit.app.once is not None:
        return "job", job(unit, seconds(unit.app.once), checksum)
    return "deployment", deployment(unit, checksum)


def deployment(unit: Unit, checksum: Any = None) -> Manifest:
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
            "template": pod_template(unit, checksum),
        },
    }


def daemon_set(unit: Unit, checksum: Any = None) -> Manifest:
    """The DaemonSet of an app with a pod on every node. An update stops one pod after the other."""
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": unit.metadata(),
        "spec": {
            "revisionHistoryLimit": 3,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
            "selector": {"matchLabels": unit.match},
            "template": pod_template(unit, checksum),
        },
    }


def cron_job(unit: Unit, schedule: CronSchedule, checksum: Any = None) -> Manifest:
    """The CronJob of an app on a schedule, whose clock does not depend on where the nodes are. Runs never overlap."""
    template = pod_template(unit, checksum)
    template["spec"]["restartPolicy"] = "Never"
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": unit.metadata(),
        "spec": {
            "schedule": schedule.cron,
            **schedule.model_dump(exclude={"cron"}),
            "jobTemplate": {
                "metadata": {"labels": unit.labels},
                "spec": {"backoffLimit": pods.JOB_RETRIES, "template": template},
            },
        },
    }


def job(unit: Unit, most: int, checksum: Any = None) -> Manifest:
    """The Job of an app that runs once, for at most so many seconds.

    Its template cannot be changed, so the provider replaces it, which runs it again: the old one goes first, with its
    pod, because both have one name. Never two pods at a time, also when a node is lost (`podReplacementPolicy`).
    `pulumi.com/replaceUnready`: the next `up` runs it again where it has failed, and would else only wait.
    """
    template = pod_template(unit, checksum)
    template["spec"]["restartPolicy"] = "Never"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": unit.metadata(annotations={"pulumi.com/replaceUnready": "true"}),
        "spec": {
            "parallelism": 1,
            "completions": 1,
            "backoffLimit": pods.JOB_RETRIES,
            "activeDeadlineSeconds": most,
            "podReplacementPolicy": "Failed",
            "template": template,
        },
    }


def service(unit: Unit) -> Manifest | None:
    """The ClusterIP Service; None for an app without ports.

    `pulumi.com/skipAwait`: the Deployment's own wait already says whether pods are ready, and says why if not. Waiting
    for endpoints as well would block an app with `replicas: 0` for ten minutes (rule 33).
    """
    targets, written = containers.target_ports(unit.app), ports_of(unit.app)
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
                {"name": name, "port": number, "targetPort": targets[name], "protocol": written[name].protocol}
                for name, number in service_ports(unit).items()
            ],
        },
    }


def at_home(unit: Unit) -> Manifest | None:
    """The Service that offers its ports on the home network; None where it has none."""
    metadata = unit.metadata(name=service_name(unit.name))
    return load_balancer.service(unit.app, unit.load_balancer, metadata, unit.match)


def service_ports(unit: Unit) -> dict[str, int]:
    """The Service's ports by name; none where there is no Service."""
    return dict(sorted(app_ports(unit.app).items())) if containers.target_ports(unit.app) else {}


def wall(unit: Unit) -> Manifest:
    """The app's one NetworkPolicy.

    The ingress controller reaches a port with a route, the workspace's apps one without or one that says so, the home
    network and other workspaces' apps one that both files offer them, and nobody else comes in. Where the app may go is
    the workspace's business (`manifests.workspace`), but for the API server, with an account there, and what it uses.
    """
    comes_in, goes_out = between.rules(unit.ways, unit.workspace, unit.name)
    public = containers.openings(unit.app, routed_ports(unit.app))
    internal = containers.openings(unit.app, sibling_ports(unit.app))
    offered = containers.openings(unit.app, load_balancer.taken(unit.app)) if unit.home else []
    rules = [
        *([{"from": [controller.PEER], "ports": public}] if public else []),
        *([{"from": [APP_PODS], "ports": internal}] if internal else []),
        *([{"from": list(unit.home), "ports": offered}] if offered else []),
        *comes_in,
    ]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": unit.metadata(),
        "spec": walls.policy(unit.match, ingress=rules, egress=[*filter(None, [unit.api_server]), *goes_out] or None),
    }
