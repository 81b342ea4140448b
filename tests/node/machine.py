"""The machine that the nodes share: what it must have, its control groups, and leaving nothing behind.

Owns: everything that no namespace holds: ``python -m tests.node.machine PID`` removes what
a run with that process id has left, once its own input ends.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.project import WARREN

NEEDED = {
    "conntrack": "conntrack",
    "ip": "iproute2",
    "iptables": "iptables",
    "mount": "mount",
    "nft": "nftables",
    "nsenter": "util-linux",
    "openssl": "openssl",
    "runc": "runc",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
"""Program to Debian package."""
CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
"""What kubelet needs of either version of control groups."""

FOLDER = "WARREN_NODE_FOLDER"
"""The environment variable with the folder of a run; its name is the name of the run's control groups, too."""
PREFIX = "warren-node-"
"""How the names of runs, of their folders and of their control groups begin."""
CGROUPS = Path("/sys/fs/cgroup")


def run_name() -> str:
    """What everything of a run is called that outlives its processes."""
    return f"{PREFIX}{os.getpid()}"


def missing() -> list[str]:
    """Say what this machine lacks for real nodes, a sentence each."""
    if os.geteuid() != 0:
        return ["real nodes need root: they mount, and they make control groups"]
    found = []
    if packages := sorted({package for program, package in NEEDED.items() if shutil.which(program) is None}):
        found.append(f"programs are not here; run: apt-get install {' '.join(packages)}")
    here = set(_hierarchies())
    if lacking := [name for name in CONTROLLERS if name not in here]:
        found.append(f"no control groups (version 1 or 2) for {', '.join(lacking)} below {CGROUPS}")
    elif not all(os.access(path, os.W_OK) for path in _hierarchies().values()):
        found.append(f"control groups below {CGROUPS} are read-only")
    if not found and (reason := _refused()):
        found.append(f"the kernel refuses namespaces, or NFQUEUE in them, which enforces NetworkPolicies: {reason}")
    return found


def _refused() -> str | None:
    """Why a process here cannot have a network of its own with a queue of packets in it."""
    rule = ["-A", "POSTROUTING", "-j", "NFQUEUE", "--queue-num", "100"]
    command = ["unshare", "--net", "--mount", "--", "iptables", "-w", "-t", "mangle", *rule]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr.strip().replace("\n", "; ") if done.returncode else None


def _hierarchies() -> dict[str, Path]:
    """Controller to where its groups are; with version 1 these differ, and `systemd` is one that only counts."""
    unified = CGROUPS / "cgroup.controllers"
    if unified.is_file():
        return dict.fromkeys(unified.read_text(encoding="utf-8").split(), CGROUPS)
    return {path.name: path for path in CGROUPS.glob("*/") if (path / "tasks").is_file()}


def version_1() -> bool:
    """Whether control groups are of version 1, which kubelet has to be told."""
    return not (CGROUPS / "cgroup.controllers").is_file()


def make_cgroup(name: str) -> str:
    """Make an empty group in every hierarchy, and return its path as kubelet names it."""
    for controller, root in _hierarchies().items():
        group = root / name
        group.mkdir(exist_ok=True)
        if not version_1():
            for each in CONTROLLERS:
                (root / "cgroup.subtree_control").write_text(f"+{each}", encoding="utf-8")
        elif controller == "cpuset":
            for part in ("cpuset.cpus", "cpuset.mems"):
                (group / part).write_bytes((root / part).read_bytes())
    return f"/{name}"


def memory_of(pid: int) -> tuple[int, int]:
    """The bytes that the group of a process uses, and its limit."""
    lines = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8").splitlines()
    if version_1():
        [path] = [line.split(":", 2)[2] for line in lines if "memory" in line.split(":")[1].split(",")]
        group = CGROUPS / "memory" / path.lstrip("/")
        use, limit = "memory.usage_in_bytes", "memory.limit_in_bytes"
    else:
        group, use, limit = CGROUPS / lines[-1].split(":", 2)[2].lstrip("/"), "memory.current", "memory.max"
    return int((group / use).read_text()), int((group / limit).read_text())


def resident(pid: int) -> int:
    """The bytes that a process has in memory."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    [line] = [line for line in lines if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


@contextmanager
def leaving_nothing() -> Iterator[None]:
    """Remove at the end what this run has left outside its namespaces, and what runs before it have.

    Another process does it, when a pipe says that this one is gone: killed, say.
    """
    tidy(os.getpid())
    command = [sys.executable, "-m", "tests.node.machine", str(os.getpid())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=WARREN, start_new_session=True):
        yield


def tidy(run: int, seconds: float = 10) -> list[Path]:
    """Remove what this run and ended ones have left; return what would not go in time.

    Runs that go on are left alone: everything has its process's id in its name.
    """
    deadline = time.monotonic() + seconds
    while left := list(_leftovers(run)):
        for path in left:
            if path.is_relative_to(CGROUPS):
                _remove_cgroup(path)
            else:
                shutil.rmtree(path, ignore_errors=True)
        if time.monotonic() > deadline:
            return list(_leftovers(run))
        time.sleep(0.1)
    return []


def places() -> list[Path]:
    """Where a run leaves folders: where temporary ones are, and in every hierarchy of control groups.

    Also in those without a controller: runc makes a group in each, one for names only among them.
    """
    return [Path(tempfile.gettempdir()), CGROUPS, *CGROUPS.glob("*/")]


def _leftovers(run: int) -> Iterator[Path]:
    for parent in places():
        for path in parent.glob(f"{PREFIX}*"):
            number = re.match(rf"{PREFIX}(\d+)", path.name)
            if number and (int(number[1]) == run or not Path(f"/proc/{number[1]}").exists()):
                yield path


def _remove_cgroup(group: Path) -> None:
    for path, _, _ in os.walk(group, topdown=False):
        try:
            Path(path).rmdir()
        except OSError:
            return  # its processes have been killed and are not gone yet


def main() -> None:
    """Wait until the run is over, and tidy up behind it."""
    sys.stdin.read()
    if left := tidy(int(sys.argv[1])):
        print(f"left behind: {', '.join(map(str, left))}", file=sys.stderr)


if __name__ == "__main__":
    main()
