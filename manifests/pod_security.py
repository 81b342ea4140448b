"""Which Pod Security Standard a pod fits into, as the API server judges it: said before it is asked.

Source: k8s.io/pod-security-admission/policy, its newest checks, for what is ever written into a pod here. Does not own
the settings that apps get (`pods`), nor which level a workspace has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from config.fields.containers import PodSecurity

Manifest = dict[str, Any]

LEVELS: tuple[PodSecurity, ...] = ("restricted", "baseline", "privileged")
"""From the strictest to the loosest."""

_CAPABILITIES = frozenset(
    """
    AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT
    """.split()
)
_SYSCTLS = frozenset(
    """
    kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports
    net.ipv4.ip_unprivileged_port_start net.ipv4.ping_group_range net.ipv4.tcp_fin_timeout
    net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes net.ipv4.tcp_keepalive_time net.ipv4.tcp_rmem
    net.ipv4.tcp_syncookies net.ipv4.tcp_wmem
    """.split()
)
_VOLUMES = frozenset(
    "configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret".split()
)


def needs(pod: Manifest) -> tuple[PodSecurity, str]:
    """The strictest level that admits a pod's spec, and what the one below it refuses; "" for the strictest."""
    if (what := next(_beyond_baseline(pod), None)) is not None:
        return "privileged", what
    if (what := next(_beyond_restricted(pod), None)) is not None:
        return "baseline", what
    return "restricted", ""


def _containers(pod: Manifest) -> list[Manifest]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def _contexts(pod: Manifest) -> Iterator[Manifest]:
    yield pod.get("securityContext") or {}
    for container in _containers(pod):
        yield container.get("securityContext") or {}


def _beyond_baseline(pod: Manifest) -> Iterator[str]:
    yield from (key for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key))
    if any("hostPath" in volume for volume in pod.get("volumes", [])):
        yield "a hostPath volume"
    for sysctl in (pod.get("securityContext") or {}).get("sysctls") or []:
        if sysctl["name"] not in _SYSCTLS:
            yield f"the sysctl {sysctl['name']}"
    for container in _containers(pod):
        context = container.get("securityContext") or {}
        if context.get("privileged"):
            yield "privileged: true"
        yield from (f"the capability {each}" for each in _added(context) if each not in _CAPABILITIES)
        if any(port.get("hostPort") for port in container.get("ports", [])):
            yield "a hostPort"
        if context.get("procMount") not in (None, "Default"):
            yield "procMount"
    for context in _contexts(pod):
        if (context.get("seccompProfile") or {}).get("type") == "Unconfined":
            yield "no filter of system calls"


def _beyond_restricted(pod: Manifest) -> Iterator[str]:
    whole = pod.get("securityContext") or {}
    for volume in pod.get("volumes", []):
        yield from (f"a volume of the kind {kind}" for kind in volume if kind != "name" and kind not in _VOLUMES)
    if any(context.get("runAsUser") == 0 for context in _contexts(pod)):
        yield "user 0, which is root"
    for container in _containers(pod):
        own = container.get("securityContext") or {}
        if (own.get("runAsNonRoot") if own.get("runAsNonRoot") is not None else whole.get("runAsNonRoot")) is not True:
            yield "a user that may be root"
        if own.get("allowPrivilegeEscalation") is not False:
            yield "a way to more privileges"
        if "ALL" not in ((own.get("capabilities") or {}).get("drop") or []):
            yield "capabilities that are not dropped"
        yield from (f"the capability {each}" for each in _added(own) if each != "NET_BIND_SERVICE")
        if not (own.get("seccompProfile") or whole.get("seccompProfile")):
            yield "no word on system calls"


def _added(context: Manifest) -> list[str]:
    return (context.get("capabilities") or {}).get("add") or []
