"""What is written right and cannot work: addresses behind a wall, claims that nobody makes, variables that are none.

Nothing here stops an `up`. A text is not read as the app will read it, so a warning may be wrong; a mistake may not.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from config.app import App
from config.checks import check_clients, known_images
from config.checks.check_app import containers
from config.checks.usage import LIMITS_PER_REQUESTS, LOCAL_PATH, own_volumes, single, twice, workspace_pods
from config.containers import EnvValue
from config.environment import inherited
from config.fields.quantities import mebibytes, millicores
from config.fields.secrets import SecretRef
from config.mistakes import KeyPath, Loaded, Mistake
from config.routes import app_ports, sibling_ports
from config.stack import Stack
from config.workspace import Workspace

File = Loaded[Workspace]

_HOST = r"\[[0-9A-Fa-f:]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"
_URL = re.compile(rf"([a-z][a-z0-9+]*)://(?:[^/@\s]*@)?({_HOST})(?::([0-9]{{1,5}}))?(?![\w@])")
_PAIR = re.compile(rf"(?<![\w./:@)-])({_HOST}):([0-9]{{1,5}})(?![\w.:])")
_BARE = re.compile(rf"({_HOST})(?!/)")
_NAMES_A_HOST = re.compile(r"(HOST|HOSTNAME|SERVER|ADDR|ADDRESS|ENDPOINT|URL|URI)S?$", re.IGNORECASE)
_NAMES_A_RANGE = re.compile(r"TRUST|ALLOW|DENY|CIDR|SUBNET|NETWORK|RANGE|WHITELIST|BIND|LISTEN", re.IGNORECASE)
"""Addresses that are compared with or listened on, not connected to."""
_VARIABLE = re.compile(r"(?<!\$)\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")
_SHOUTED = re.compile(r"[A-Z_][A-Z0-9_]*").fullmatch
_PORTS = dict.fromkeys(("http", "ws"), 80) | dict.fromkeys(("https", "wss"), 443)
_PORTS |= dict.fromkeys(("postgres", "postgresql"), 5432) | dict.fromkeys(("mysql", "mariadb"), 3306)
_PORTS |= dict.fromkeys(("redis", "rediss"), 6379) | {"amqp": 5672, "mongodb": 27017, "mqtt": 1883, "nats": 4222}
_PORTS |= {"ldap": 389, "ldaps": 636}
"""The ports that programs use where an address says none."""


@dataclass(frozen=True)
class _Peer:
    """Whom a text seems to speak to; no port where it says none and none goes without saying."""

    host: str
    port: int | None


def check(stack: Stack, files: Sequence[File], static: Collection[str]) -> tuple[Mistake, ...]:
    """Everything that looks as if it could not work, sorted by file and line.

    `static` names the variables that the file server of a static folder has without anybody having written them.
    """
    workspaces = {file.model.name: file.model for file in files}
    found: set[Mistake] = set()
    for file in files:
        found.update(_claims(file))
        found.update(_for_many_nodes(stack, file))
        found.update(_quota(stack, file))
        found.update(known_images.check(file))
        found.update(_devices(file))
        found.update(check_clients.unused(file))
        for name, app in file.model.apps.items():
            found.update(_variables(file, ("apps", name), app, static, inherited(stack, file.model, app)))
            found.update(_addresses(stack, workspaces, file, name, app))
    return tuple(sorted(found))


def _texts(env: Mapping[str, EnvValue]) -> dict[str, str]:
    return {key: value.value for key, value in env.items() if not isinstance(value, SecretRef)}


def _claims(file: File) -> Iterator[Mistake]:
    made = {f"{name}-{volume}" for name, app in file.model.apps.items() for volume in own_volumes(app)}
    for name, app in file.model.apps.items():
        for volume_name, volume in app.volumes.items():
            if volume.claim is None or volume.claim in made:
                continue
            known = f" (here: {', '.join(sorted(made))})" if made else ""
            room = "" if file.model.quota.storage else ", which needs quota.storage"
            yield file.mistake(
                ("apps", name, "volumes", volume_name, "claim"),
                f"nothing here makes the claim {volume.claim!r}, so the app waits for it; name another app's volume as "
                f"<app>-<volume>{known}, or make the claim by hand{room}",
            )


def _for_many_nodes(stack: Stack, file: File) -> Iterator[Mistake]:
    """Volumes that K3s' provisioner refuses (rancher/local-path-provisioner, provisioner.go): their claims wait."""
    default = LOCAL_PATH if stack.cluster.distribution == "k3s" else ""
    for name, app in file.model.apps.items():
        for volume_name, volume in own_volumes(app).items():
            if volume.nfs is None and not single(volume) and (volume.storageClass or default) == LOCAL_PATH:
                whose = "K3s' default class" if volume.storageClass is None else "that class"
                what = f"{whose} keeps data on one node and refuses {volume.accessMode}, so the app waits for it"
                fix = "write nfs, or the storageClass of storage that nodes share"
                yield file.mistake(("apps", name, "volumes", volume_name, "accessMode"), f"{what}; {fix}")


_OF_EVERYBODY = ("/dev/full", "/dev/net/tun", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero")
"""Devices that runc lets every container open."""


def _devices(file: File) -> Iterator[Mistake]:
    """Devices that are there and do not open: the container's control group refuses all but a few."""
    for name, app in file.model.apps.items():
        for path, container in containers(app):
            for mount, device in container.devices.items():
                if not container.privileged and device not in _OF_EVERYBODY:
                    what = f"{device} is there and does not open: containerd lets a privileged container alone"
                    fix = "add privileged: true, or take a device plugin and extendedResources"
                    yield file.mistake(("apps", name, *path, "devices", mount), f"{what}; {fix}")


def _quota(stack: Stack, file: File) -> Iterator[Mistake]:
    """Whether all pods fit in twice: those of a dead node count until Kubernetes lets go of them."""
    quota, most = file.model.quota, twice(workspace_pods(stack, file.model))
    memory = max(most.memory, -(-most.memory_limit // LIMITS_PER_REQUESTS))
    short = [
        f"{key}: {wanted}"
        for key, there, needed, wanted in (
            ("cpu", millicores(quota.cpu), most.cpu, f"{most.cpu}m"),
            ("memory", mebibytes(quota.memory), memory, f"{memory}Mi"),
            ("pods", quota.pods, most.pods, most.pods),
        )
        if there < needed
    ]
    if short and len(stack.cluster.nodes) > 1:
        what = "has no room for pods beside those of a node that died, so they start elsewhere minutes later"
        yield file.mistake(("quota",), f"{what}; write at least {', '.join(short)}")


def _variables(
    file: File, at: KeyPath, app: App, static: Collection[str], given: Mapping[str, EnvValue]
) -> Iterator[Mistake]:
    for path, container in containers(app):
        env = {**given, **app.env, **container.env}
        texts = _texts(env)
        known = {*env, *(static if app.static is not None else ())}
        for key, text in _texts(container.env).items():
            for name in _VARIABLE.findall(text):
                if name not in known:
                    what = f"$({name}) is no variable of this container, so it stays as it is; add {name}, or write $$("
                    yield file.mistake((*at, *path, "env", key), what)
                elif "$(" in texts.get(name, "") and name >= key:
                    what = f"$({name}) is not known yet: of variables that name others, Kubernetes gets {key} first"
                    yield file.mistake((*at, *path, "env", key), f"{what}; rename one of them")
        for part in ("command", "args"):
            for i, text in enumerate(getattr(container, part)):
                for name in _VARIABLE.findall(text):
                    if _SHOUTED(name) and name not in known:  # $(date) is a shell's
                        what = f"$({name}) is no variable of this container, so it stays as it is; add it to env"
                        yield file.mistake((*at, *path, part, i), what)


def _addresses(stack: Stack, workspaces: Mapping[str, Workspace], file: File, name: str, app: App) -> Iterator[Mistake]:
    for path, container in containers(app):
        for key, text in _texts(container.env).items():
            if _NAMES_A_RANGE.search(key):
                continue
            for peer in _peers(key, text):
                if why := _closed(stack, workspaces, file.model, name, peer):
                    yield file.mistake(("apps", name, *path, "env", key), why)


def _peers(key: str, text: str) -> Iterable[_Peer]:
    found = [
        _Peer(host, int(port) if port else _PORTS.get(scheme.partition("+")[0]))
        for scheme, host, port in _URL.findall(text)
    ]
    found += [_Peer(host, int(port)) for host, port in _PAIR.findall(_URL.sub("", text))]
    if not found and _NAMES_A_HOST.search(key) and (bare := _BARE.fullmatch(text)):
        found = [_Peer(bare[1], None)]
    return found


def _closed(stack: Stack, workspaces: Mapping[str, Workspace], own: Workspace, name: str, peer: _Peer) -> str | None:
    """Why a peer does not answer; None when it may."""
    try:
        return _home(stack, own, ipaddress.ip_address(peer.host.strip("[]")), peer)
    except ValueError:
        pass
    first, *rest = peer.host.split(".")
    short = len(rest) == 1 and rest[0] in workspaces and first in workspaces[rest[0]].apps
    if rest and not short and rest[1:2] != ["svc"]:
        return None
    namespace = rest[0] if rest else own.name
    if namespace != own.name:
        return _elsewhere(workspaces, own.apps[name], namespace, peer)
    return _sibling(own, first, peer) if first in own.apps and first != name else None


def _elsewhere(workspaces: Mapping[str, Workspace], app: App, namespace: str, peer: _Peer) -> str | None:
    first = peer.host.partition(".")[0]
    if f"{namespace}/{first}" in {use.app for use in app.uses}:
        return None
    if namespace not in workspaces:
        what = f"{peer.host} is in the namespace {namespace}, and workspaces reach no other"
        return f"{what}; use its public address, if it has one"
    what = f"{peer.host} is in the workspace {namespace}, and this app does not use it"
    return f"{what}; write uses: [{namespace}/{first}], or its public address, if it has one"


def _sibling(own: Workspace, name: str, peer: _Peer) -> str | None:
    app = own.apps[name]
    ports, open_ports = app_ports(app), sibling_ports(app)
    free = sorted(number for port, number in ports.items() if port in open_ports)
    if not ports:
        return f"{name} has no port, so nobody reaches it; give it one"
    if peer.port in ports.values() or peer.port is None:
        if peer.port in free or (peer.port is None and free):
            return None
        where = peer.host if peer.port is None else f"port {peer.port} of {name}"
        fix = f"write siblings: true there, or give {name} a second port"
        return f"{where} is closed to other apps: a port with a route is the controller's; {fix}"
    has = f"it has {', '.join(map(str, free))}" if free else "all that it has have routes and are the controller's"
    return f"{name} has no port {peer.port}; {has}"


def _home(
    stack: Stack, own: Workspace, address: ipaddress.IPv4Address | ipaddress.IPv6Address, peer: _Peer
) -> str | None:
    nodes = {node.ip for node in stack.cluster.nodes}
    if not (address.is_private or str(address) in nodes) or address.is_loopback or address.is_unspecified:
        return None
    for opening in own.egress.allow:
        if address in ipaddress.ip_network(opening.cidr) and (
            peer.port is None or not opening.ports or peer.port in opening.ports
        ):
            return None
    ports = f", ports: [{peer.port}]" if peer.port is not None else ""
    add = f"egress: {{ allow: [{{ cidr: {address}/{address.max_prefixlen}{ports} }}] }}"
    return f"{address} is on the home network, which is closed; add {add}"
