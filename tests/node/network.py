"""The home network of the node tests, without a way out, and machines on it.

Owns: what is there before any Kubernetes: a bridge with a router, which also answers for neighbours and the internet,
and for each machine a network namespace, mounts and sysctls that are its own.  The tests themselves are in the router's
namespace, so what they ask comes from the home network.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.node import machine
from tests.real.control_plane import wait
from tests.real.programs import Process

PODS = ipaddress.ip_network("10.42.0.0/16")
"""As K3s has it, a network of 256 a node."""

SYSCTLS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""What kubelet sets for the whole machine; a file with the value is in the place of each, so nothing is set."""

_FORWARDS = "echo 1 > /proc/sys/net/ipv4/ip_forward"
SAYS_CLOSED = "echo 0 > /proc/sys/net/ipv4/icmp_ratemask"
"""Otherwise a kernel tells only now and then that nobody listens on a port, and here many are tried."""

_OWN = {"/var/lib/kubelet": "kubelet", "/var/lib/containerd": "containerd", "/var/log/pods": "pods"}
"""What a machine keeps on disk."""


def _run(*command: str, within: Sequence[str] = ()) -> None:
    done = subprocess.run([*within, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(command)}: {done.stderr}"


def make_network(nodes: Mapping[str, str]) -> str:
    """The home network of nodes (name to address) in this process's namespace; return the router's address in it.

    Ends the run if the namespace is the machine's.
    """
    links = subprocess.run(["ip", "-oneline", "link"], capture_output=True, text=True, check=True).stdout.splitlines()
    if len(links) != 1:
        pytest.exit("these tests need namespaces of their own: run `python -m tests.node`", returncode=2)
    home = ipaddress.ip_network(f"{next(iter(nodes.values()))}/24", strict=False)
    router = str(home[1])
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "link", "add", "home", "type", "bridge")
    _run("ip", "addr", "add", f"{router}/24", "dev", "home")
    _run("ip", "link", "set", "home", "up")
    _run("sh", "-c", f"{_FORWARDS}; {SAYS_CLOSED}")
    return router


def stand_for(addresses: Iterable[str]) -> None:
    """Let the router answer at further addresses: neighbours, and places on the internet."""
    for address in addresses:
        _run("ip", "addr", "replace", f"{address}/32", "dev", "home")


def send_through(host: Host, network: str) -> None:
    """Let the home network send what is for another network to a machine."""
    _run("ip", "route", "replace", network, "via", host.address)


@dataclass
class Host:
    """A machine on the home network."""

    name: str
    address: str
    pods: ipaddress.IPv4Network
    """The addresses of the pods on it."""
    folder: Path
    link: str
    """Its cable, as the router calls it."""
    routes: Sequence[str]
    holder: Process
    """What holds its namespaces open."""

    @property
    def within(self) -> list[str]:
        """What runs a command on this machine."""
        return ["nsenter", f"--target={self.holder.pid}", "--net", "--mount", "--"]

    def run(self, *command: str) -> str:
        """Run a command on this machine, and return what it printed.

        Raises:
            AssertionError: it failed; the message has what it said.
        """
        done = subprocess.run([*self.within, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{self.name}: {shlex.join(command)}: {done.stderr[-2000:]}"
        return done.stdout

    @property
    def store(self) -> Path:
        """What its containerd keeps."""
        return self.folder / _OWN["/var/lib/containerd"]

    @property
    def cgroup(self) -> str:
        """The control group of its pods."""
        return f"{Path(os.environ[machine.FOLDER]).name}-{self.name}"

    def connect(self) -> None:
        """Put it on the home network."""
        _run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        _run("ip", "link", "set", self.link, "master", "home", "up")
        addresses = f"addr add {self.address}/24 dev eth0"
        for line in ("link set lo up", addresses, "link set eth0 up", *(f"route add {each}" for each in self.routes)):
            self.run("ip", *line.split())
        self.run("sh", "-c", f"{_FORWARDS}; {SAYS_CLOSED}")

    def stop(self) -> None:
        """Let go of its namespaces; what runs in them ends with the run."""
        self.holder.stop(gracefully=False)

    def lose_power(self) -> None:
        """Cut it off first, so that it says goodbye to nobody, and kill whatever runs on it. Its disk stays."""
        _run("ip", "link", "delete", self.link)
        while found := self._processes():
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        self.stop()
        machine.remove_cgroup(self.cgroup)

    def power_on(self) -> None:
        """Let it be as after a start: what was on disk is there, everything else is new."""
        self.holder = _hold(self.folder)
        self.connect()

    def _processes(self) -> list[int]:
        """What sees its file system, and the pods, which see their own."""
        here, found = None, []
        with contextlib.suppress(OSError):  # it may have been killed already
            here = Path(f"/proc/{self.holder.pid}/ns/mnt").readlink()
        for each in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (each / "ns/mnt").readlink() == here or f"/{self.cgroup}/" in (each / "cgroup").read_text():
                    found.append(int(each.name))
        return found


def make_hosts(nodes: Mapping[str, str], router: str, folder: Path) -> list[Host]:
    """A machine for each node (name to address), each with a route to the pods of the others."""
    pods = {name: ipaddress.IPv4Network(each) for name, each in zip(nodes, PODS.subnets(new_prefix=24), strict=False)}
    hosts = []
    for number, (name, address) in enumerate(nodes.items()):
        own, others = folder / name, [f"{pods[other]} via {nodes[other]}" for other in nodes if other != name]
        hosts.append(
            Host(name, address, pods[name], own, f"node{number}", [f"default via {router}", *others], _hold(own))
        )
        hosts[-1].connect()
        _run("ip", "route", "add", str(pods[name]), "via", address)
    return hosts


def _hold(folder: Path) -> Process:
    """The process that holds a machine's namespaces open; returns when they are there."""
    account = folder / "account"
    for path in (*(folder / each for each in _OWN.values()), folder / "sysctl", account):
        path.mkdir(parents=True, exist_ok=True)
    lines = [
        "set -e",
        "mount --make-rprivate /",
        # What the machine itself keeps there stays as it is, and is not seen.
        *(f"mount -t tmpfs -o mode=755 tmpfs {each}" for each in ("/run", "/var/lib", "/var/log")),
        "mkdir -p /run/lock /run/netns /run/secrets/kubernetes.io/serviceaccount /var/log/containers",
        f"mount --bind {shlex.quote(str(account))} /run/secrets/kubernetes.io/serviceaccount",
    ]
    for place, name in _OWN.items():
        lines += [f"mkdir -p {place}", f"mount --bind {shlex.quote(str(folder / name))} {place}"]
    for name, value in SYSCTLS.items():
        file = folder / "sysctl" / name.replace("/", ".")
        file.write_text(f"{value}\n", encoding="utf-8")
        lines.append(f"mount --bind {shlex.quote(str(file))} /proc/sys/{name}")
    ready = folder / "namespaces"
    ready.unlink(missing_ok=True)
    # Kubelet's mounts have to reach containers, so the tree is shared, within this namespace.
    lines += ["mount --make-rshared /", f"echo > {shlex.quote(str(ready))}", "exec sleep infinity"]
    process = Process(["unshare", "--net", "--mount", "--", "sh", "-c", "; ".join(lines)], folder / "host.log")

    def there() -> bool:
        assert process.running, process.said()
        return ready.is_file()

    wait(f"namespaces of {folder.name}", there, 10)
    return process
