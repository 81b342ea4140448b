"""What a workspace says about one app: what runs, where it is served, and what it needs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from config import patterns
from config.app_files import FileContent
from config.containers import Amount, Capabilities, Container, Devices, EnvValue, Word
from config.fields.addresses import HostLabel
from config.fields.containers import EnvName, Image, MountPath
from config.fields.hardware import ExtendedResource, Sysctl
from config.fields.names import LabelKey, LabelValue, Name
from config.fields.quantities import Duration, seconds
from config.fields.written import Written, like
from config.health import Health
from config.pod import DnsConfig, HostAlias, PreStop
from config.ports import OnePort, OneUse
from config.rights import ServiceAccount
from config.route_rule import Route
from config.schedule import Schedule
from config.signin import Narrower
from config.together import editor, has, has_any, has_none, one_of, such_as, where
from config.volumes import Volume


class Toleration(Written):
    """As Kubernetes has it."""

    key: Annotated[str, such_as("dedicated")]
    """The taint's key."""
    operator: Literal["Equal", "Exists"] = "Equal"
    """Whether the value counts."""
    value: Annotated[str | None, such_as("media")] = None
    """The taint's value."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """The taint's effect; all when left out."""


class Autoscale(Written):
    """Replicas by cpu load; needs metrics-server, which K3s has."""

    min: Annotated[int, Field(ge=1, le=100)] = 1
    """The fewest replicas."""
    max: Annotated[int, Field(ge=1, le=100, examples=[3])]
    """The most replicas."""
    cpu: Annotated[int, Field(ge=1, le=500)] = 80
    """The average load to keep, in percent of the cpu request."""

    @model_validator(mode="after")
    def _order(self) -> Autoscale:
        if self.min > self.max:
            raise ValueError(f"min {self.min} is more than max {self.max}")
        return self


LONGEST_STOP = 590
"""Seconds that an app may take to stop. With those that it goes on serving first (`pods.SETTLE_SECONDS`), whoever
drains a node or removes a workspace waits ten minutes at most."""


LONGEST_RUN = 3600
"""Seconds that an app that runs once may take: whoever runs `up` waits."""


def _run(duration: str) -> str:
    if seconds(duration) > LONGEST_RUN:
        raise ValueError(f"{duration!r} is longer than 1h, and everybody's `up` waits for it; write 1h or less")
    return duration


def _stop(duration: str) -> str:
    if seconds(duration) > LONGEST_STOP:
        raise ValueError(
            f"{duration!r} is longer than {LONGEST_STOP}s, and a node that is drained waits for it; "
            f"write {LONGEST_STOP}s or less"
        )
    return duration


_ON_EVERY_NODE = "a daemonSet has a pod on each node, and no replicas, autoscale or schedule"


class App(Written):
    """One app: an image or a static folder, served, internal, or run on a schedule."""

    model_config = editor(
        *one_of("image", "static", says="an app has exactly one of image and static"),
        *one_of("port", "ports", says="an app has port or ports, not both", needed=False),
        where(
            has("routes", "image"), has_any("port", "ports", says="routes need a port: which does the app listen on?")
        ),
        where(
            has("hostNetwork"),
            has_none("routes", says="on the node's network no wall stands before a route; leave out routes"),
        ),
        where(has("host"), has("routes", says="a host needs routes, such as [/]")),
        where(
            has("schedule"),
            has_none(
                *("port", "ports", "routes", "health", "autoscale", "static"),
                says="an app on a schedule has no port, ports, routes, health, autoscale or static",
            ),
        ),
        where(has("daemonSet"), has_none("autoscale", "schedule", says=_ON_EVERY_NODE)),
        where(
            has("daemonSet"),
            {"properties": {"replicas": {"const": 1, "errorMessage": _ON_EVERY_NODE}}},
        ),
        where(
            has("once"),
            has_none(
                *("port", "ports", "routes", "health", "autoscale", "static", "schedule"),
                says="an app that runs once has no port, ports, routes, health, autoscale, static or schedule",
            ),
        ),
        where(
            has("once"),
            {"properties": {"replicas": {"const": 1, "errorMessage": "an app that runs once has no replicas"}}},
        ),
        where(
            has("autoscale"),
            {"properties": {"replicas": {"const": 1, "errorMessage": "an app has replicas or autoscale, not both"}}},
        ),
        example={"image": "ghcr.io/owner/name:1.2.3", "port": 8000, "routes": ["/"]},
    )
    image: Image | None = None
    """With a tag or digest; `latest` is refused."""
    static: Annotated[str | None, such_as("mcd/landing")] = None
    """A folder under `workspaces.<stack>/`, or else under `workspaces/`, served as it is at every route; at most
    900 KiB. What is below the name of another workspace is that one's."""
    port: OnePort | None = None
    """The port it listens on. 80 for a static folder."""
    ports: Annotated[dict[Name, OnePort], such_as({"http": 8000, "metrics": 9090})] = {}
    """Several ports by name, instead of `port`. A port with no route is reached from inside the workspace only."""
    routes: tuple[Route, ...] = ()
    """Paths on the host that lead here. Without any, the app is reached from inside the workspace only."""
    host: HostLabel | None = None
    """A host of its own, one label under the domain; the workspace's host when left out."""
    allow: Narrower | None = None
    """Fewer people than the workspace lets in, on every route that does not say so itself."""
    uses: Annotated[tuple[OneUse, ...], such_as(["data/postgres"])] = ()
    """Ports of other workspaces' apps that it connects to; each is in the other file's `offeredTo`."""
    command: tuple[Word, ...] = ()
    """Instead of the image's entrypoint."""
    args: tuple[Word, ...] = ()
    """Instead of the image's arguments."""
    env: dict[EnvName, EnvValue] = {}
    """Environment variables: text, or a secret by name. `$(NAME)` in a text stands for another variable."""
    files: Annotated[dict[MountPath, FileContent], such_as({"/etc/app/config.toml": "debug = false\n"})] = {}
    """Config files: path in the container -> text, a secret by name, text with secrets in it, or a folder of files."""
    health: Health | None = None
    """How Kubernetes asks whether the app is well; without it, whether its process runs."""
    gracePeriod: Annotated[
        Duration,
        AfterValidator(_stop),
        like(patterns.durations_up_to(LONGEST_STOP), f"a duration of at most {LONGEST_STOP}s", "2m"),
    ] = "30s"
    """How long it may take to stop after SIGTERM before it is killed, at most 590s."""
    preStop: PreStop | None = None
    """What runs in the container before SIGTERM, for an app that does not finish by itself. `gracePeriod` counts from
    its beginning."""
    requests: Amount = Amount()
    """What one replica needs at least; 50m and 64Mi when left out."""
    limits: Amount = Amount()
    """What one replica may take at most. Memory when left out: twice the request, and at least 256Mi."""
    replicas: Annotated[int, Field(ge=0, le=100, examples=[2])] = 1
    """How many pods."""
    autoscale: Autoscale | None = None
    """A number of pods that follows the load, instead of `replicas`."""
    priority: Literal["low"] | None = None
    """low: where nodes are full, its pods wait, or make room for those that say nothing, of all workspaces."""
    daemonSet: bool = False
    """One pod on each node that `nodeSelector` and `tolerations` let it on, instead of `replicas`. Takes the stack's
    `trust`."""
    volumes: Annotated[dict[Name, Volume], such_as({"data": {"mount": "/data", "size": "5Gi"}})] = {}
    """Storage, by a name of your choice."""
    schedule: Schedule | None = None
    """Runs as a CronJob instead of a service, in UTC unless it says a time zone."""
    once: (
        Annotated[
            Duration,
            AfterValidator(_run),
            like(patterns.durations_up_to(LONGEST_RUN), "a duration of at most 1h", "10m"),
        ]
        | None
    ) = None
    """Runs to its end instead of a service, within so long, and again when something about it changes. Never two at a
    time; `pulumi up` waits."""
    after: Annotated[tuple[Name, ...], such_as(["migrate"])] = ()
    """Apps that `pulumi up` waits for before it makes or changes this one: those that run once have ended well, all
    others are ready. A pod that starts by itself later waits for nobody."""
    init: dict[Name, Container] = {}
    """Run to completion before the app starts, in name order."""
    sidecars: dict[Name, Container] = {}
    """Run beside the app for as long as it runs."""
    user: Annotated[int, Field(ge=0, le=65534)] = 65532
    """The user and group id of every container; volumes are made writable for it."""
    supplementalGroups: Annotated[tuple[Annotated[int, Field(ge=0, le=65534)], ...], such_as([1001])] = ()
    """Further group ids of every container, such as the one that owns a NAS's files."""
    writableRoot: bool = False
    """For images that write outside their volumes and /tmp; up to 2Gi of the node's disk for each container."""
    privileged: bool = False
    """Its container may do what the node's root may. Takes podSecurity: privileged and the stack's `trust`."""
    capabilities: Capabilities = ()
    """What its container may do of what root may; they count for user 0 alone. Beyond those of PodSecurity `baseline`:
    as `privileged`."""
    devices: Devices = {}
    """Devices of the node for its container: path in it -> device, or a folder of them with / at its end. Takes
    podSecurity: privileged and the stack's `trust`, and with containerd `privileged` as well."""
    extendedResources: Annotated[
        dict[ExtendedResource, Annotated[int, Field(ge=1, le=100)]], such_as({"gpu.intel.com/i915": 1})
    ] = {}
    """What a device plugin of the nodes gives to each replica. Takes the stack's `trust` and no looser podSecurity."""
    hostNetwork: bool = False
    """It is on the node's own network, past all walls both ways: whoever is at home reaches its ports, and it reaches
    whatever the node does. So it has no routes. As `privileged`."""
    sysctls: Annotated[dict[Sysctl, str], such_as({"net.ipv4.ip_unprivileged_port_start": "0"})] = {}
    """Settings of the kernel for the pod alone. Beyond those that PodSecurity calls safe: as `privileged`, and the
    nodes' kubelets have to allow them."""
    serviceAccount: ServiceAccount | None = None
    """What it may ask of the API server; nothing when left out."""
    nodeSelector: dict[LabelKey, LabelValue] = {}
    """Labels that a node must have, such as kubernetes.io/arch: arm64."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints that do not keep the app away from a node."""

    hostAliases: tuple[HostAlias, ...] = ()
    """Names that the app knows without asking DNS."""
    dnsConfig: DnsConfig | None = None
    """What is added to the cluster's own settings of the resolver."""

    @model_validator(mode="after")
    def _shape(self) -> App:
        if (self.image is None) == (self.static is None):
            raise ValueError("needs exactly one of image and static")
        if self.port is not None and self.ports:
            raise ValueError("has both port and ports; write one of them")
        if self.routes and self.image and not (self.port or self.ports):
            raise ValueError("has routes and no port; say which port it listens on")
        if self.hostNetwork and self.routes:
            raise ValueError(
                "is on the node's network, where no wall stands before a route and anybody at home could write "
                "identity headers; leave out routes, or hostNetwork"
            )
        if self.host is not None and not self.routes:
            raise ValueError("has a host and no routes; add routes: [/]")
        serves = self.routes or self.port or self.ports or self.autoscale or self.health or self.static
        if self.schedule and serves:
            raise ValueError("runs on a schedule, so it has no port, ports, routes, health, autoscale or static")
        if self.once and serves:
            raise ValueError("runs once, so it has no port, ports, routes, health, autoscale or static")
        if self.once and (self.schedule or self.replicas != 1):
            raise ValueError("runs once, so it has no schedule and no replicas")
        if self.autoscale and self.replicas != 1:
            raise ValueError("has both replicas and autoscale; write one of them")
        return self

    @model_validator(mode="after")
    def _on_every_node(self) -> App:
        if self.daemonSet and (self.autoscale or self.schedule or self.replicas != 1):
            raise ValueError(
                "has a pod on each node, and so no replicas, autoscale or schedule; leave out daemonSet, or them"
            )
        return self
