"""The rules inside one workspace file that no single value can break. Each function is one family.

Does not own what a value may look like (`config.fields`, models), nor what needs the stack or other files (`check`).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from config import reserved
from config.app import App
from config.checks import openings
from config.checks.usage import own_volumes, single
from config.compute import DEFAULT_APP, STATIC, app_compute
from config.containers import Container, Literally
from config.mistakes import KeyPath, Loaded, Mistake
from config.providers.forges import Gitea, GitHub, GitLab
from config.providers.microsoft import Microsoft
from config.providers.provider import Provider, says_groups
from config.routes import app_ports
from config.signin import Allow, Auth
from config.workspace import Workspace

File = Loaded[Workspace]

_SECRET_NAME = re.compile(
    r"(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|(^|_)PASS|(API|PRIVATE|SECRET|ACCESS|ENCRYPTION|SIGNING|MASTER|AUTH)_?KEY(_BASE)?)$",
    re.IGNORECASE,
)
_PASSWORD_IN_URL = re.compile(r"://[^/@\s:]*:(?!\$\()[^/@\s]+@")
"""An address with a password in it that is not a `$(VAR)`."""


def check(file: File) -> list[Mistake]:
    """Everything that is wrong inside one workspace file."""
    workspace = file.model
    found = [*_names(file), *_access(file), *_egress(file)]
    if workspace.auth != "none":
        found += _auth(file, workspace.auth)
    for name, app in workspace.apps.items():
        at: KeyPath = ("apps", name)
        found += [
            *_app_name(file, at, name, app),
            *_ports(file, at, app),
            *_routes(file, at, app),
            *_health(file, at, app),
            *_secrets_in_the_open(file, at, app),
            *_mounts(file, at, app),
            *_volumes(file, at, app),
            *_compute(file, at, app),
            *_user(file, at, app),
        ]
    return [*found, *_claims(file)]


def containers(app: App) -> Iterator[tuple[KeyPath, App | Container]]:
    """Every container of an app, with where it is written below the app."""
    yield (), app
    for kind, group in (("init", app.init), ("sidecars", app.sidecars)):
        for name, container in group.items():
            yield (kind, name), container


def _names(file: File) -> Iterator[Mistake]:
    name = file.model.name
    expected = PurePosixPath(file.document.file).stem
    if name != expected:
        yield file.mistake(("name",), f"is {name!r} in a file called {expected}.yaml; rename one of them")
    if name in reserved.NAMESPACES or name.startswith(reserved.PREFIXES):
        yield file.mistake(("name",), f"{name!r} is a namespace of the system; choose another name")
    elif name in reserved.SERVICE_NAMESPACES or name.endswith(reserved.SUFFIX):
        yield file.mistake(("name",), f"{name!r} is a namespace of a platform service; choose another name")


def _app_name(file: File, at: KeyPath, name: str, app: App) -> Iterator[Mistake]:
    if name in reserved.SIGN_IN_NAMES or name.startswith(f"{reserved.PROXY}-"):
        yield file.mistake(at, f"{name!r} is a name of the sign-in; choose another one")
    for path, _ in containers(app):
        if path and (path[1] == name or (path[0] == "sidecars" and path[1] in app.init)):
            yield file.mistake(
                (*at, *path), f"{path[1]!r} is another container of this app already; choose another name"
            )


def _access(file: File) -> Iterator[Mistake]:
    for role, groups in (("edit", file.model.access.edit), ("view", file.model.access.view)):
        for i, group in enumerate(groups):
            if group.strip() in ("", "*") or group.startswith("system:"):
                yield file.mistake(("access", role, i), "is not a group of your people; name one as the issuer does")


def _egress(file: File) -> Iterator[Mistake]:
    for i, opening in enumerate(file.model.egress.allow):
        network = ipaddress.ip_network(opening.cidr)
        if openings.far_wider(network):
            yield file.mistake(
                ("egress", "allow", i, "cidr"),
                f"{opening.cidr} is far wider than a network; use internet: true, or name the network that you mean",
            )


def _auth(file: File, auth: Auth) -> Iterator[Mistake]:
    seen: dict[str, int] = {}
    for i, provider in enumerate(auth.providers):
        if provider.id in seen:
            yield file.mistake(
                ("auth", "providers", i, "id"),
                f"{provider.id!r} is taken by providers[{seen[provider.id]}]; give each its own id",
            )
        seen.setdefault(provider.id, i)
        if isinstance(provider, Gitea) and _by_email(auth.allow):
            yield file.mistake(
                ("auth", "providers", i),
                "is a gitea provider, whose users choose their own e-mail address, so an e-mail list would admit "
                "anyone; use allow.groups alone",
            )

        if auth.allow.groups and not gives_groups(provider):
            yield file.mistake(
                ("auth", "providers", i),
                "never says which groups its people are in, so allow.groups keeps all of them out; "
                f"add {_GROUPS_BY[provider.type]}",
            )


_GROUPS_BY = {
    "google": "serviceAccount and domainToAdminEmail",
    "gitea": "orgs, or loadAllGroups: true",
    "oidc": "insecureEnableGroups: true",
    "ldap": "groupSearch",
    "saml": "groupsAttr",
}


def gives_groups(provider: Provider) -> bool:
    """Whether Dex learns a person's groups from this provider (the connectors of dexidp/dex v2.45.1)."""
    # Entra, GitHub and GitLab give them whenever they are asked; the others only with the keys for it.
    return isinstance(provider, Microsoft | GitHub | GitLab) or says_groups(provider)


def _by_email(allow: Allow) -> bool:
    return bool(allow.emails or allow.emailDomains)


def _ports(file: File, at: KeyPath, app: App) -> Iterator[Mistake]:
    seen: dict[int, str] = {}
    for name, number in app.ports.items():
        if number in seen:
            yield file.mistake(
                (*at, "ports", name), f"{number} is the number of {seen[number]} already; one name a port is enough"
            )
        seen.setdefault(number, name)


def _routes(file: File, at: KeyPath, app: App) -> Iterator[Mistake]:
    signs_in = file.model.auth != "none"
    known = app_ports(app)
    for i, rule in enumerate(app.routes):
        route: KeyPath = (*at, "routes", i)
        if rule.port is not None and rule.port not in known:
            yield file.mistake(
                (*route, "port"), f"{rule.port!r} is not a port of this app; it has {', '.join(sorted(known))}"
            )
        if not signs_in and (rule.public or rule.auth != "page"):
            key = "public" if rule.public else "auth"
            yield file.mistake(
                (*route, key), "means nothing in a workspace with auth: none, where every route is public; leave it out"
            )
        if rule.public and rule.auth != "page":
            yield file.mistake((*route, "auth"), "says how to sign in on a route that is public; leave one of them out")
        if rule.crossOrigin and (rule.public or not signs_in) and not (rule.basicAuth or rule.allowFrom):
            what = "means nothing on a route that lets everybody in: pages of other hosts may write there; leave it out"
            yield file.mistake((*route, "crossOrigin"), what)
        if rule.basicAuth and signs_in and not rule.public:
            yield file.mistake(
                (*route, "basicAuth"),
                "and sign-in both want the Authorization header; make the route public, or leave basicAuth out",
            )
        if rule.bodySize and rule.protocol == "grpc":
            what = "measures the length that a request says, and grpc says none; leave it out"
            yield file.mistake((*route, "bodySize"), what)
        for j, cidr in enumerate(rule.allowFrom):
            if ipaddress.ip_network(cidr).prefixlen == 0:
                yield file.mistake(
                    (*route, "allowFrom", j), f"{cidr} is everyone, so it restricts nothing; leave it out"
                )
        for j, path in enumerate(rule.deny):
            if not below(path, rule.path) or path == rule.path:
                yield file.mistake(
                    (*route, "deny", j), f"{path} is not below {rule.path}, so this route never serves it; leave it out"
                )
        for path in (rule.path, *rule.deny):
            owner = next((gateway for gateway in reserved.SIGN_IN_PATHS if below(path, gateway)), None)
            if signs_in and owner is not None:
                yield file.mistake(
                    route, f"{path} belongs to the sign-in, which owns {owner} in this workspace; choose another path"
                )


def below(path: str, root: str) -> bool:
    """Whether a route at `root` would serve `path`: the same path, or one that goes on after a slash."""
    return root == "/" or path == root or path.startswith(f"{root}/")


def _health(file: File, at: KeyPath, app: App) -> Iterator[Mistake]:
    health, known = app.health, app_ports(app)
    if health is None or app.static is not None:
        return
    if health.port is not None and health.port not in known:
        yield file.mistake(
            (*at, "health", "port"),
            f"{health.port!r} is not a port of this app; it has {', '.join(sorted(known)) or 'none'}",
        )
    elif not health.exec and not known:
        yield file.mistake((*at, "health"), "asks a port, and this app has none; add a port, or check with exec")


def _secrets_in_the_open(file: File, at: KeyPath, app: App) -> Iterator[Mistake]:
    for path, container in containers(app):
        for key, value in container.env.items():
            place: KeyPath = (*at, *path, "env", key)
            if (
                not isinstance(value, Literally)
                or file.document.mapping(place)
                or not value.value
                or value.value.startswith("$(")
            ):
                continue
            if _SECRET_NAME.search(key):
                yield file.mistake(
                    place, f"looks like a secret; write {{ secret: NAME }}, or {{ value: ... }} if {key} is none"
                )
            elif _PASSWORD_IN_URL.search(value.value):
                yield file.mistake(
                    place,
                    "has a password in its address; give that a variable of its own with { secret: NAME } "
                    "and write $(VARIABLE) here",
                )


def _mounts(file: File, at: KeyPath, app: App) -> Iterator[Mistake]:
    seen: dict[str, str] = {}
    wanted = [(("volumes", name, "mount"), volume.mount) for name, volume in app.volumes.items()]
    for place, mount in [*wanted, *((("files", path), path) for path in app.files)]:
        if mount in seen:
            yield file.mistake((*at, *place), f"{mount} is taken by {seen[mount]}; each mount needs its own path")
        seen.setdefault(mount, ".".join(place[:2]))
    for path in app.files:
        for name, volume in app.volumes.items():
            if volume.mount.startswith(f"{path}/"):
                yield file.mistake(
                    (*at, "volumes", name, "mount"),
                    f"{volume.mount} is below {path}, which is a file; choose another path",
                )


def _volumes(file: File, at: KeyPath, app: App) -> Iterator[Mistake]:
    most = app.autoscale.max if app.autoscale else app.replicas
    for name, volume in app.volumes.items():
        if single(volume) and most > 1:
            what = f"is {volume.accessMode}, so {most} replicas on two nodes cannot share it"
            fix = "run one, or use scratch, or accessMode: ReadWriteMany where the storage has it (nfs does)"
            yield file.mistake((*at, "volumes", name), f"{what}; {fix}")


def _claims(file: File) -> Iterator[Mistake]:
    seen: dict[str, str] = {}
    for name, app in file.model.apps.items():
        for volume in own_volumes(app):
            claim = f"{name}-{volume}"
            if claim in seen:
                yield file.mistake(
                    ("apps", name, "volumes", volume),
                    f"would share the claim {claim!r} with {seen[claim]}; rename one of them",
                )
            seen.setdefault(claim, f"apps.{name}.volumes.{volume}")


def _compute(file: File, at: KeyPath, app: App) -> Iterator[Mistake]:
    for path, container in containers(app):
        asks = app_compute(container.requests, container.limits, STATIC if app.static is not None else DEFAULT_APP)
        where: KeyPath = (*at, *path, "limits")
        if asks.memory_limit_mib < asks.memory_mib:
            yield file.mistake(
                (*where, "memory"),
                f"{asks.memory_limit_mib}Mi is less than the {asks.memory_mib}Mi it requests; raise it",
            )
        if asks.cpu_limit_millis is not None and asks.cpu_limit_millis < asks.cpu_millis:
            yield file.mistake(
                (*where, "cpu"), f"{asks.cpu_limit_millis}m is less than the {asks.cpu_millis}m it requests; raise it"
            )


def _user(file: File, at: KeyPath, app: App) -> Iterator[Mistake]:
    if app.user == 0 and file.model.podSecurity == "restricted":
        yield file.mistake(
            (*at, "user"),
            "0 is root, which podSecurity restricted refuses; choose another user, or write podSecurity: baseline",
        )
