"""The network of the live tests: a bridge in a network namespace without a way out, and a namespace a pod on it.

Owns: what a network plugin and a container runtime do before a pod's programs start.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.real.control_plane import wait
from tests.real.programs import Process

GATEWAY = "10.42.0.1"
"""The bridge: where the API server listens, and where the tests' requests come from, as cloudflared's would."""
STRANGER = "192.0.2.9"
"""An address outside the pod network, for requests that nobody should believe."""

OWN = ("etc", "run", "tmp")
"""The directories that a pod has of its own; the rest of the file system is the machine's."""


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"


def make_network(hosts: Path) -> None:
    """The bridge that pods hang on, in the network namespace of this process; ends the run if that is the machine's.

    `hosts` becomes its hosts file.
    """
    links = subprocess.run(["ip", "-oneline", "link"], capture_output=True, text=True, check=True).stdout.splitlines()
    if len(links) != 1:
        pytest.exit("the live tests need a network namespace of their own: run `make live`", returncode=2)
    _ip("link", "set", "lo", "up")
    _ip("link", "add", "pods", "type", "bridge")
    _ip("addr", "add", f"{GATEWAY}/16", "dev", "pods")
    _ip("addr", "add", f"{STRANGER}/32", "dev", "pods")
    _ip("link", "set", "pods", "up")
    # Requests of the tests' own find a Service as those of pods do. Nobody outside sees what is mounted here.
    subprocess.run(["mount", "--bind", str(hosts), "/etc/hosts"], check=True)


def hold(folder: Path) -> Process:
    """The process that holds a pod's namespaces open; returns when they are there."""
    binds = [f"mount --bind {shlex.quote(str(folder / part))} /{part}" for part in OWN]
    ready = folder / "namespaces"
    script = "; ".join(
        [
            "set -e",
            "mount --make-rprivate /",
            f"exec 8>{shlex.quote(str(ready))}",
            *binds,
            "echo >&8",
            "exec sleep infinity",
        ]
    )
    process = Process(["unshare", "--net", "--mount", "--", "sh", "-c", script], folder / "pause.log")
    wait(f"namespaces of {folder.name}", lambda: ready.is_file() and ready.stat().st_size > 0)
    return process


def attach(pause: Process, address: str, number: int) -> None:
    """Plug the pod into the bridge, as a network plugin does."""
    outside, inside = f"pod{number}", "eth0"
    _ip("link", "add", outside, "type", "veth", "peer", "name", inside, "netns", str(pause.pid))
    _ip("link", "set", outside, "master", "pods", "up")
    within = ["nsenter", f"--target={pause.pid}", "--net", "--"]
    for arguments in (
        ["link", "set", "lo", "up"],
        ["addr", "add", f"{address}/16", "dev", inside],
        ["link", "set", inside, "up"],
        ["route", "add", "default", "via", GATEWAY],
    ):
        subprocess.run([*within, "ip", *arguments], check=True, capture_output=True)


def overwrite(file: Path, text: str) -> None:
    """Never empty in between, because a program that reads it then would find no address; and the same file, because
    it may be mounted elsewhere."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.pwrite(handle, text.encode(), 0)
        os.ftruncate(handle, len(text.encode()))
    finally:
        os.close(handle)
