"""What an app may have of the nodes: what its workspace's `podSecurity` and the stack's `trust` both say.

Whoever has the rights of a node's root gets past every wall. Device plugins hand out devices without that, and take the
stack's word alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from config.app import App
from config.checks.check_app import containers
from config.containers import Container
from config.mistakes import KeyPath, Loaded, Mistake
from config.routes import app_ports
from config.stack import Stack
from config.trust import Trust
from config.workspace import Workspace

BASELINE_CAPABILITIES = frozenset(
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID "
    "SYS_CHROOT".split()
)
SAFE_SYSCTLS = frozenset(
    "kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports "
    "net.ipv4.ip_unprivileged_port_start net.ipv4.ping_group_range net.ipv4.tcp_fin_timeout "
    "net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes net.ipv4.tcp_keepalive_time net.ipv4.tcp_rmem "
    "net.ipv4.tcp_syncookies net.ipv4.tcp_wmem".split()
)
"""What the Pod Security Standard `baseline` lets every pod have (kubernetes.io/docs/concepts/security/
pod-security-standards), as Kubernetes 1.33 has it."""

_LEVELS = ("restricted", "baseline", "privileged")


class Ask(NamedTuple):
    """One thing that an app asks for."""

    at: KeyPath
    what: str
    level: str
    """The strictest podSecurity that lets it in."""
    key: str | None
    """Where the stack says it too; None where the level is enough."""
    value: str | None = None
    """Which one, where that is a list."""


def asks(app: App) -> Iterator[Ask]:
    """What an app wants of the nodes."""
    for path, container in containers(app):
        yield from _of_container(path, container)
    for name, volume in app.volumes.items():
        if volume.hostPath is not None:
            what = f"the node's {volume.hostPath}"
            yield Ask(("volumes", name, "hostPath"), what, "privileged", "hostPath", volume.hostPath)
    if app.hostNetwork:
        yield Ask(("hostNetwork",), "the node's network", "privileged", "hostNetwork")
    for sysctl in app.sysctls:
        if sysctl not in SAFE_SYSCTLS:
            yield Ask(("sysctls", sysctl), sysctl, "privileged", "sysctls", sysctl)
    if app.daemonSet:
        yield Ask(("daemonSet",), "a pod on every node", "restricted", "daemonSet")
    for resource in app.extendedResources:
        yield Ask(("extendedResources", resource), resource, "restricted", "extendedResources", resource)


def _of_container(path: KeyPath, container: App | Container) -> Iterator[Ask]:
    if container.privileged:
        yield Ask((*path, "privileged"), "being the node's root", "privileged", "privileged")
    for mount, device in container.devices.items():
        yield Ask((*path, "devices", mount), f"the node's {device}", "privileged", "devices", device)
    for i, capability in enumerate(container.capabilities):
        common = capability in BASELINE_CAPABILITIES
        level, key = ("baseline", None) if common else ("privileged", "capabilities")
        yield Ask((*path, "capabilities", i), capability, level, key, capability)


def check_stack(file: Loaded[Stack]) -> Iterator[Mistake]:
    """Directories of nodes inside others: who has the outer one could put a link into the inner one's place."""
    every = [
        (key, i, PurePosixPath(path))
        for key, trust in file.model.trust.items()
        for i, path in enumerate(trust.hostPath)
    ]
    for key, i, path in every:
        if outer := next((each for _, _, each in every if each in path.parents), None):
            what = f"{path} is inside of {outer}, whose app could put a link in its place; name directories beside it"
            yield file.mistake(("trust", key, "hostPath", i), what)


def check(stack: Loaded[Stack], file: Loaded[Workspace]) -> Iterator[Mistake]:
    """What apps ask for that workspace and stack do not both give."""
    level = file.model.podSecurity
    for name, app in file.model.apps.items():
        key = f"{file.model.name}/{name}"
        trust = stack.model.trust.get(key, Trust())
        for ask in asks(app):
            missing = []
            if _LEVELS.index(level) < _LEVELS.index(ask.level):
                missing.append(f"podSecurity: {ask.level} here")
            if not _given(trust, ask):
                value = "true" if ask.value is None else f"[{ask.value}]"
                missing.append(f"in {stack.document.file} warren:trust: {{ {key}: {{ {ask.key}: {value} }} }}")
            if missing:
                what = f"{ask.what} is more than an app has by itself; leave it out, or write {' and '.join(missing)}"
                yield file.mistake(("apps", name, *ask.at), what)


def check_ports(stack: Stack, files: Sequence[Loaded[Workspace]]) -> Iterator[Mistake]:
    """Ports of the nodes' network that two apps want: the second one would find no node, or end at its start.

    K3s' ServiceLB takes what the stack offers at home from the nodes as well, before any program there sees it.
    """
    given = [(key, each.ports) for key, each in stack.loadBalancers.items() if each.loadBalancerIP is None]
    taken = {int(port.partition("/")[0]): key for key, ports in given for port in ports}
    for file in files:
        for name, app in file.model.apps.items():
            for number in app_ports(app).values() if app.hostNetwork else ():
                first = taken.setdefault(number, f"{file.model.name}/{name}")
                if first != f"{file.model.name}/{name}":
                    what = f"listens on the nodes' {number}, which is {first}'s; choose another port"
                    yield file.mistake(("apps", name), what)


def _given(trust: Trust, ask: Ask) -> bool:
    if ask.key is None:
        return True
    given = getattr(trust, ask.key)
    return bool(given) if ask.value is None else ask.value in given
