"""Every container of the stack runs as it is rendered: what the kernel says of its process, held against the manifest.

Nothing is asked of the API server but which pod a process belongs to; what is expected comes from the rendered files.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.node import machine
from tests.node.cluster import Cluster, Container

CAPABILITIES = {"NET_BIND_SERVICE": 1 << 10}
"""Those that somebody of ours may add, with their bit."""

_KERNELS = re.compile(r"/(proc|sys|dev)(/.*)?")
UNITS = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


@pytest.fixture(scope="module")
def running(home: Cluster) -> dict[str, list[tuple[Container, dict[str, Any], dict[str, Any]]]]:
    """Container by name: each that runs, with the pod's spec and its own as they were rendered."""
    rendered = {
        f"{each['metadata']['namespace']}/{each['metadata']['name']}": each["spec"]["template"]["spec"]
        for each in home.rendered.of("Deployment")
    }
    found: dict[str, list[tuple[Container, dict[str, Any], dict[str, Any]]]] = {}
    for each in home.containers():
        if each.app in rendered:
            spec = rendered[each.app]
            [own] = [one for one in spec["containers"] if one["name"] == each.spec["name"]]
            found.setdefault(each.name, []).append((each, spec, own))
    wanted = {f"{name}/{one['name']}" for name, spec in rendered.items() for one in spec["containers"]}
    assert found.keys() == wanted
    return found


Running = dict[str, list[tuple[Container, dict[str, Any], dict[str, Any]]]]


def status(pid: int) -> dict[str, str]:
    """What the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def said(pod: dict[str, Any], own: dict[str, Any], key: str) -> Any:
    """What a container's security context says, or else its pod's."""
    return own.get("securityContext", {}).get(key, pod.get("securityContext", {}).get(key))


def differences(running: Running, expected: Any, actual: Any) -> dict[str, tuple[Any, Any]]:
    """Where what is rendered is not what runs."""
    found = {}
    for name, each in running.items():
        for container, pod, own in each:
            want, have = expected(pod, own), actual(container)
            if want != have:
                found[f"{name} on {container.pod['spec']['nodeName']}"] = (want, have)
    return found


def test_user_and_group(running: Running) -> None:
    def expected(pod: dict[str, Any], own: dict[str, Any]) -> tuple[set[str], set[str]]:
        user, group = said(pod, own, "runAsUser"), said(pod, own, "runAsGroup")
        assert user, "every container is to say who it runs as"
        return {str(user)}, {str(group)}

    def actual(container: Container) -> tuple[set[str], set[str]]:
        lines = status(container.pid)
        return set(lines["Uid"].split()), set(lines["Gid"].split())

    assert differences(running, expected, actual) == {}


def test_further_groups(running: Running) -> None:
    def expected(pod: dict[str, Any], own: dict[str, Any]) -> set[int]:
        context = pod.get("securityContext", {})
        further = {*context.get("supplementalGroups", []), *({context["fsGroup"]} if "fsGroup" in context else ())}
        return further - {said(pod, own, "runAsGroup")}

    def actual(container: Container) -> set[int]:
        lines = status(container.pid)
        return {int(each) for each in lines["Groups"].split()} - {int(lines["Gid"].split()[0])}

    assert differences(running, expected, actual) == {}


def test_capabilities(running: Running) -> None:
    def expected(_: dict[str, Any], own: dict[str, Any]) -> dict[str, int]:
        asked = own["securityContext"]["capabilities"]
        assert asked["drop"] == ["ALL"]
        bits = sum(CAPABILITIES[each] for each in asked.get("add", []))
        # A process that is not root has none of its own unless its file brings them.
        return {"CapBnd": bits, "CapAmb": 0, "CapInh": 0, "CapEff": 0, "CapPrm": 0}

    def actual(container: Container) -> dict[str, int]:
        lines = status(container.pid)
        return {key: int(lines[key], 16) for key in ("CapBnd", "CapAmb", "CapInh", "CapEff", "CapPrm")}

    assert differences(running, expected, actual) == {}


def test_nobody_gains_privileges_and_system_calls_are_filtered(running: Running) -> None:
    def expected(pod: dict[str, Any], own: dict[str, Any]) -> dict[str, str]:
        assert own["securityContext"]["allowPrivilegeEscalation"] is False
        assert said(pod, own, "seccompProfile") == {"type": "RuntimeDefault"}
        return {"NoNewPrivs": "1", "Seccomp": "2"}

    def actual(container: Container) -> dict[str, str]:
        lines = status(container.pid)
        return {key: lines[key] for key in ("NoNewPrivs", "Seccomp")}

    assert differences(running, expected, actual) == {}


def test_only_what_is_declared_can_be_written(running: Running) -> None:
    def expected(pod: dict[str, Any], own: dict[str, Any]) -> set[str]:
        writable = {each["name"] for each in pod.get("volumes", []) if not {"configMap", "projected"} & each.keys()}
        mounts = own.get("volumeMounts", [])
        found = {each["mountPath"] for each in mounts if each["name"] in writable and not each.get("readOnly")}
        return found | (set() if own["securityContext"].get("readOnlyRootFilesystem") else {"/"})

    def actual(container: Container) -> set[str]:
        lines = Path(f"/proc/{container.pid}/mountinfo").read_text(encoding="utf-8").splitlines()
        mounts = [line.split() for line in lines]
        return {each[4] for each in mounts if "rw" in each[5].split(",") and not _KERNELS.fullmatch(each[4])} - GIVEN

    assert differences(running, expected, actual) == {}


GIVEN = {"/etc/hostname", "/etc/hosts", "/etc/resolv.conf"}
"""Files that the runtime gives to every container; root owns them, and no container is root."""


def test_memory_has_the_limit_that_is_rendered(running: Running) -> None:
    def expected(_: dict[str, Any], own: dict[str, Any]) -> int:
        limit = own["resources"]["limits"]["memory"]
        return int(limit[:-2]) * UNITS[limit[-2:]]

    assert differences(running, expected, lambda container: machine.memory_of(container.pid)[1]) == {}
