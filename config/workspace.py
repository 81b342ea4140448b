"""What a workspace says: `workspaces/<name>.yaml`, typed. Rules between its parts and files are in `checks`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, Tag, model_validator

from config.app import App
from config.containers import EnvValue
from config.fields.addresses import Cidr, HostLabel, Port
from config.fields.containers import EnvName, PodSecurity
from config.fields.names import Name
from config.fields.quantities import Cpu, Memory
from config.fields.secrets import Secret
from config.fields.written import MAPPING, TEXT, Written, either
from config.registries import RegistryName
from config.signin import Auth
from config.together import editor, has, such_as, where


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


_HOST = "routes and sign-in need a host"
_EACH_HAS_ONE = {"properties": {"routes": {"items": {"type": "object", **has("host")}}}}
_HAS_ITS_HOST = where(has("routes"), {"anyOf": [has("host"), _EACH_HAS_ONE]})


class Workspace(Written):
    """One tenant: a namespace with its own host, sign-in policy, quota, walls and apps."""

    model_config = editor(
        where(
            {"properties": {"auth": {"const": "none"}, "apps": {"additionalProperties": _HAS_ITS_HOST}}},
            {},
            has("host", says=f"{_HOST}, such as host: notes"),
        ),
        example={"name": "notes", "host": "notes", "quota": {"cpu": "1", "memory": "1Gi"}, "auth": "none", "apps": {}},
    )
    name: Name
    """The name of the file and of the namespace. It stays: another name is another workspace."""
    host: HostLabel | None = None
    """The label under the stack's domain; "@" is the domain itself. A workspace that serves nothing needs none, and has
    no public record then."""
    quota: Quota
    """What the workspace may ask for, so that it cannot starve the others."""
    auth: Annotated[
        Annotated[Literal["none"], BeforeValidator(_none), Tag(TEXT)] | Annotated[Auth, Tag(MAPPING)], either(_POLICY)
    ]
    """Who may come in; nothing is public by omission, so `auth: none` is written out."""
    clients: Annotated[dict[Name, Secret], such_as({"backup": {"secret": "notes-backup"}})] = {}
    """Programs that come with a password where people sign in, on the routes that list them: the user is
    `client.<name>`, the secret the password. Without its line it is a stranger."""
    apps: dict[Name, App]
    """What runs here, by a name of your choice."""
    env: Annotated[dict[EnvName, EnvValue], such_as({"TZ": "Europe/Berlin"})] = {}
    """Environment variables of every app here, as if each had written them; an app's own win."""
    registries: tuple[RegistryName, ...] = ()
    """Registries of the stack that ask who pulls, and that images of apps here are pulled from."""
    fragments: Annotated[dict[str, Any], such_as({"small": {"memory": "32Mi"}})] = {}
    """Parts of YAML for anchors (`&small`) to name, and for `*small` and `<<: *small` to repeat elsewhere in the file.
    Nothing else reads them."""
    podSecurity: PodSecurity = "restricted"
    """Loosening it is a decision that a reviewer should see here."""
    egress: Egress = Egress()
    """Where its apps may connect to."""
    access: Access = Access()
    """Who may use kubectl here."""

    @model_validator(mode="after")
    def _reached(self) -> Workspace:
        if self.host is None and (
            self.auth != "none" or any(not (app.host or rule.host) for app in self.apps.values() for rule in app.routes)
        ):
            raise ValueError(f"{_HOST}; write host: {self.name}, or any label under the domain")
        return self
