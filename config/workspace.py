"""What a workspace says: `workspaces/<name>.yaml`, typed. Rules between its parts and files are in `check`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from config import patterns
from config.fields.addresses import Cidr, Email, EmailDomain, HostLabel, Port, RoutePath, Server
from config.fields.containers import ContainerPath, EnvName, Image, MountPath, PodSecurity, Schedule
from config.fields.names import LabelKey, LabelValue, Name, ObjectName
from config.fields.quantities import Cpu, Duration, Memory, seconds
from config.fields.secrets import Secret, SecretRef
from config.fields.written import MAPPING, TEXT, ShortForm, Written, either, like, unit_missing, written_as
from config.providers import Provider
from config.together import editor, has, has_any, has_none, one_of, such_as, where

Group = Annotated[str, like(r"(?!\s*\*?\s*$)[\s\S]*", "the name of a group", "ops")]
Word = Annotated[str, WithJsonSchema({"type": "string", "examples": ["--verbose"]})]


class Quota(Written):
    """What the whole workspace may ask for, its sign-in included."""

    cpu: Annotated[Cpu, such_as("2")]
    """The sum of all cpu requests."""
    memory: Annotated[Memory, such_as("4Gi")]
    """The sum of all memory requests. Limits may add up to twice as much."""
    pods: Annotated[int, Field(ge=1, le=500)] = 20
    """How many pods at a time, those of the sign-in and of an update included."""
    storage: Annotated[Memory | None, such_as("20Gi")] = None
    """The sum of all volumes; what the apps' own volumes add up to when left out. Claims made by hand need it."""


class Allow(Written):
    """Who may come in. E-mails or e-mail domains admit; groups narrow that down, or admit on their own."""

    model_config = editor(
        *one_of("emails", "emailDomains", says="OAuth2-Proxy would admit either, so write one of them", needed=False),
        has_any(
            "emails", "emailDomains", "groups", says="nobody comes in by omission: list emailDomains, emails or groups"
        ),
        example={"emailDomains": ["example.com"]},
    )
    emailDomains: tuple[EmailDomain, ...] = ()
    """Everybody with an address in one of these domains."""
    emails: tuple[Email, ...] = ()
    """These people and nobody else."""
    groups: tuple[Group, ...] = ()
    """Members of one of these groups, as the provider names them."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Allow:
        if self.emails and self.emailDomains:
            raise ValueError("has both emails and emailDomains; OAuth2-Proxy would admit either, so write one of them")
        if not (self.emails or self.emailDomains or self.groups):
            raise ValueError("admits everyone with an account; list emailDomains, emails or groups")
        if any(group.strip() in ("", "*") for group in self.groups):
            raise ValueError("has an empty group or *, which says nothing about who may come in; name the groups")
        return self


def _session(duration: str) -> str:
    if seconds(duration) > 12 * 3600:
        raise ValueError(f"{duration!r} is longer than 12h, and nothing is rechecked in between; write 12h or less")
    return duration


class Auth(Written):
    """The sign-in policy of a workspace."""

    providers: Annotated[tuple[Provider, ...], Field(min_length=1)]
    """Where people sign in. With several, the sign-in page asks which."""
    allow: Allow
    """Whom of those that the providers know."""
    session: Annotated[
        Duration,
        AfterValidator(_session),
        like(patterns.durations_up_to(12 * 3600), "a duration of at most 12h", "30m"),
    ] = "12h"
    """How long a sign-in lasts, at most 12h: nothing is rechecked in between (security rule 10)."""


def _limit_of(rate: str) -> str:
    count, _, unit = rate.partition("/")
    if not re.fullmatch("[0-9]{1,6}", count) or not 1 <= int(count) <= 100_000 or unit not in ("s", "m"):
        raise ValueError(
            f"{rate!r} is not a rate: write requests per second or minute and client, such as 20/s or 300/m"
        )
    return rate


Rate = Annotated[
    str,
    AfterValidator(_limit_of),
    like(rf"{patterns.up_to(100_000)}/[sm]", "requests per second (s) or minute (m)", "20/s"),
    unit_missing("has no unit; write {n}/s or {n}/m"),
]


class RouteRule(Written):
    """One path of an app, and how requests to it are treated."""

    path: RoutePath
    """The path on the host, and everything below it. Nothing is stripped: the app sees the whole path."""
    port: Annotated[Name | None, such_as("http")] = None
    """Which of the app's ports, by name; needed only where it has several."""
    public: bool = False
    """Open to everyone although the workspace signs people in."""
    auth: Literal["page", "api"] = "page"
    """`page` sends people to sign in, `api` answers 401 (for XHR, WebSockets and command lines)."""
    rateLimit: Rate | None = None
    """Per client address as Cloudflare reports it; an IPv6 network of 64 bits is one client."""
    bodySize: Annotated[Memory | None, such_as("8Mi")] = None
    """The largest request body; without a limit when left out, but for Cloudflare's own. Nothing is stored to measure
    it, so that under Traefik a request that does not say its length is taken up to 64Ki only."""
    timeout: Duration | None = None
    """How long the app may take between two reads or writes, also of a WebSocket or an event stream; 1h when left
    out."""
    allowFrom: tuple[Cidr, ...] = ()
    """Only these client addresses, as Cloudflare reports them."""
    protocol: Literal["http", "https", "grpc"] = "http"
    """What the app speaks. WebSockets need nothing: they are http."""
    crossOrigin: bool = False
    """Pages of other hosts, other workspaces' included, may post to it and open WebSockets as whoever is signed in, or
    comes with the password of `basicAuth` or from an address of `allowFrom`."""
    deny: Annotated[tuple[RoutePath, ...], such_as(["/metrics"])] = ()
    """Paths below this one that nobody reaches from outside, such as /metrics."""
    basicAuth: Secret | None = None
    """An htpasswd file (bcrypt) for apps without a sign-in of their own, which do not see the password."""


Route = Annotated[RouteRule, ShortForm("path", RoutePath, "a path such as /api, or a mapping with path and options")]


class Literally(Written):
    """A value that looks like a secret by its name and is none: `{ value: ... }`."""

    value: Annotated[str, such_as("change-me-later")]
    """The text itself."""


_ENV = "text or { secret: NAME }; write numbers and booleans in quotes"


def _env(value: Any) -> str | None:
    if written_as(value) != MAPPING:
        return written_as(value)
    keys = value if isinstance(value, dict) else type(value).model_fields
    return TEXT if "value" in keys and "secret" not in keys else None if "value" in keys else MAPPING


EnvValue = Annotated[
    Annotated[Literally, ShortForm("value", str, _ENV), Tag(TEXT)] | Annotated[SecretRef, Tag(MAPPING)],
    Discriminator(_env, custom_error_type="neither", custom_error_message=f"must be {_ENV}"),
]


class Amount(Written):
    """Compute: cores and memory."""

    cpu: Cpu | None = None
    """Cores or millicores."""
    memory: Memory | None = None
    """A number with a unit."""


def _start(duration: str) -> str:
    if seconds(duration) > 3600:
        raise ValueError(f"{duration!r} is longer than 1h, and everybody's `up` waits for it; write 1h or less")
    return duration


class TcpOrExec(Written):
    """A health check other than a bare path."""

    model_config = editor(
        *one_of("http", "tcp", "exec", says="a health check has exactly one of http, tcp, exec"), example={"tcp": True}
    )
    http: Annotated[RoutePath | None, such_as("/healthz")] = None
    """A path that answers 200 to 399."""
    tcp: bool = False
    """Whether the port accepts a connection."""
    exec: tuple[Word, ...] = ()
    """A command that leaves with 0."""
    port: Name | None = None
    """Which of the app's ports, by name; the first one when left out."""
    start: Annotated[
        Duration, AfterValidator(_start), like(patterns.durations_up_to(3600), "a duration of at most 1h", "5m")
    ] = "60s"
    """How long the app may take to answer for the first time, at most 1h."""

    @model_validator(mode="after")
    def _exactly_one(self) -> TcpOrExec:
        if [self.http is not None, self.tcp, bool(self.exec)].count(True) != 1:
            raise ValueError("needs exactly one of http, tcp, exec")
        return self


Health = Annotated[
    TcpOrExec, ShortForm("http", RoutePath, "a path such as /healthz, or a mapping with one of http, tcp, exec")
]


class Nfs(Written):
    """A directory on an NFS server, mounted by the node."""

    server: Server
    """The NFS server. The nodes need an NFS client (apt install nfs-common)."""
    path: ContainerPath
    """The exported directory."""


class Volume(Written):
    """Storage of an app: a claim made for it, a claim that exists, an NFS directory, or scratch space."""

    model_config = editor(
        *one_of(
            "claim", "nfs", "scratch", says="a volume has one source: claim, nfs or scratch, or none", needed=False
        ),
        where(has("claim"), {}, has("size", says="a volume needs a size, such as 5Gi")),
        example={"mount": "/data", "size": "5Gi"},
    )
    mount: MountPath
    """Where the containers see it."""
    size: Annotated[Memory | None, such_as("5Gi")] = None
    """How much to ask for. Needed unless `claim` names one that exists."""
    storageClass: ObjectName | None = None
    """The cluster's default class when left out (local-path on K3s, which keeps the data on one node)."""
    accessMode: Literal["ReadWriteOnce", "ReadWriteMany", "ReadOnlyMany", "ReadWriteOncePod"] = "ReadWriteOnce"
    """As Kubernetes has it. With ReadWriteOnce an update stops the old pod before it starts the new one."""
    claim: Annotated[ObjectName | None, such_as("wiki-pages")] = None
    """An existing PersistentVolumeClaim, or another app's volume as `<app>-<volume>`. One that is made by hand needs
    `quota.storage`."""
    nfs: Nfs | None = None
    """A directory on an NFS server instead."""
    scratch: bool = False
    """Gone with the pod; `size` bounds it."""
    readOnly: bool = False
    """The containers cannot write to it."""

    @model_validator(mode="after")
    def _one_source(self) -> Volume:
        if [self.claim is not None, self.nfs is not None, self.scratch].count(True) > 1:
            raise ValueError("needs one source: claim, nfs or scratch, or none of them for a new volume of its own")
        if self.size is None and self.claim is None:
            raise ValueError("needs a size, such as 5Gi")
        return self


class Container(Written):
    """A second container in the pod: an init container or a sidecar. It sees the app's volumes and env."""

    image: Image
    """With a tag or digest."""
    command: tuple[Word, ...] = ()
    """Instead of the image's entrypoint."""
    args: tuple[Word, ...] = ()
    """Instead of the image's arguments."""
    env: dict[EnvName, EnvValue] = {}
    """Added to the app's env."""
    requests: Amount = Amount()
    """What the container needs at least."""
    limits: Amount = Amount()
    """What it may take at most."""


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


def _stop(duration: str) -> str:
    if seconds(duration) > LONGEST_STOP:
        raise ValueError(
            f"{duration!r} is longer than {LONGEST_STOP}s, and a node that is drained waits for it; "
            f"write {LONGEST_STOP}s or less"
        )
    return duration


class App(Written):
    """One app: an image or a static folder, served, internal, or run on a schedule."""

    model_config = editor(
        *one_of("image", "static", says="an app has exactly one of image and static"),
        *one_of("port", "ports", says="an app has port or ports, not both", needed=False),
        where(
            has("routes", "image"), has_any("port", "ports", says="routes need a port: which does the app listen on?")
        ),
        where(has("host"), has("routes", says="a host needs routes, such as [/]")),
        where(
            has("schedule"),
            has_none(
                *("port", "ports", "routes", "health", "autoscale", "static"),
                says="an app on a schedule has no port, ports, routes, health, autoscale or static",
            ),
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
    """A folder under workspaces/, served as it is at every route; at most 900 KiB. What is below the name of
    another workspace is that one's."""
    port: Port | None = None
    """The port it listens on. 80 for a static folder."""
    ports: Annotated[dict[Name, Port], such_as({"http": 8000, "metrics": 9090})] = {}
    """Several ports by name, instead of `port`. A port with no route is reached from inside the workspace only."""
    routes: tuple[Route, ...] = ()
    """Paths on the host that lead here. Without any, the app is reached from inside the workspace only."""
    host: HostLabel | None = None
    """A host of its own, one label under the domain; the workspace's host when left out."""
    command: tuple[Word, ...] = ()
    """Instead of the image's entrypoint."""
    args: tuple[Word, ...] = ()
    """Instead of the image's arguments."""
    env: dict[EnvName, EnvValue] = {}
    """Environment variables: text, or a secret by name. `$(NAME)` in a text stands for another variable."""
    files: Annotated[dict[MountPath, str], such_as({"/etc/app/config.toml": "debug = false\n"})] = {}
    """Config files: path in the container -> text."""
    health: Health | None = None
    """How Kubernetes asks whether the app is well; without it, whether its process runs."""
    gracePeriod: Annotated[
        Duration,
        AfterValidator(_stop),
        like(patterns.durations_up_to(LONGEST_STOP), f"a duration of at most {LONGEST_STOP}s", "2m"),
    ] = "30s"
    """How long it may take to stop after SIGTERM before it is killed, at most 590s."""
    requests: Amount = Amount()
    """What one replica needs at least; 50m and 64Mi when left out."""
    limits: Amount = Amount()
    """What one replica may take at most. Memory when left out: twice the request, and at least 256Mi."""
    replicas: Annotated[int, Field(ge=0, le=100, examples=[2])] = 1
    """How many pods."""
    autoscale: Autoscale | None = None
    """A number of pods that follows the load, instead of `replicas`."""
    volumes: Annotated[dict[Name, Volume], such_as({"data": {"mount": "/data", "size": "5Gi"}})] = {}
    """Storage, by a name of your choice."""
    schedule: Schedule | None = None
    """Runs as a CronJob instead of a service."""
    init: dict[Name, Container] = {}
    """Run to completion before the app starts, in name order."""
    sidecars: dict[Name, Container] = {}
    """Run beside the app for as long as it runs."""
    user: Annotated[int, Field(ge=0, le=65534)] = 65532
    """The user and group id of every container; volumes are made writable for it."""
    writableRoot: bool = False
    """For images that write outside their volumes and /tmp; up to 2Gi of the node's disk for each container."""
    nodeSelector: dict[LabelKey, LabelValue] = {}
    """Labels that a node must have, such as kubernetes.io/arch: arm64."""
    tolerations: tuple[Toleration, ...] = ()
    """Taints that do not keep the app away from a node."""

    @model_validator(mode="after")
    def _shape(self) -> App:
        if (self.image is None) == (self.static is None):
            raise ValueError("needs exactly one of image and static")
        if self.port is not None and self.ports:
            raise ValueError("has both port and ports; write one of them")
        if self.routes and self.image and not (self.port or self.ports):
            raise ValueError("has routes and no port; say which port it listens on")
        if self.host is not None and not self.routes:
            raise ValueError("has a host and no routes; add routes: [/]")
        if self.schedule and (self.routes or self.port or self.ports or self.autoscale or self.health or self.static):
            raise ValueError("runs on a schedule, so it has no port, ports, routes, health, autoscale or static")
        if self.autoscale and self.replicas != 1:
            raise ValueError("has both replicas and autoscale; write one of them")
        return self


class Opening(Written):
    """A hole in the wall towards a network outside: the home network is closed unless listed here."""

    cidr: Cidr
    """The network, such as 10.0.0.7/32 for one machine."""
    ports: tuple[Port, ...] = ()
    """TCP ports; all when left out."""


class Egress(Written):
    """Where the workspace's apps may connect to. DNS and each other always."""

    internet: bool = True
    """Public addresses only; never the home network, the nodes or other workspaces."""
    allow: tuple[Opening, ...] = ()
    """Networks that are open although they are not the internet."""


class Access(Written):
    """People with kubectl, by the groups of the stack's `people` issuer."""

    edit: Annotated[tuple[str, ...], such_as(["developers"])] = ()
    """Groups that may change what runs here: pods, jobs, config, secrets; never routes, walls, quotas or roles."""
    view: Annotated[tuple[str, ...], such_as(["everybody"])] = ()
    """Groups that may look at what runs here and read its logs, secrets excepted."""


_POLICY = "a sign-in policy (providers and allow), or the word none when everybody may come in"


def _none(text: str) -> str:
    if text != "none":
        raise ValueError(f"must be {_POLICY}")
    return text


class Workspace(Written):
    """One tenant: a namespace with its own host, sign-in policy, quota, walls and apps."""

    name: Name
    """The name of the file and of the namespace. It stays: another name is another workspace."""
    host: HostLabel
    """The label under the stack's domain; "@" is the domain itself."""
    quota: Quota
    """What the workspace may ask for, so that it cannot starve the others."""
    auth: Annotated[
        Annotated[Literal["none"], BeforeValidator(_none), Tag(TEXT)] | Annotated[Auth, Tag(MAPPING)], either(_POLICY)
    ]
    """Who may come in; nothing is public by omission, so `auth: none` is written out."""
    apps: dict[Name, App]
    """What runs here, by a name of your choice."""
    podSecurity: PodSecurity = "restricted"
    """Loosening it is a decision that a reviewer should see here."""
    egress: Egress = Egress()
    """Where its apps may connect to."""
    access: Access = Access()
    """Who may use kubectl here."""
