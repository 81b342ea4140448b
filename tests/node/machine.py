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
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
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
COMMON = "WARREN_NODE_COMMON"
"""The one with the folder of what the clusters of several groups have in common; without it a run has its own."""
PLACE = "WARREN_NODE_PLACE"
"""And the one that says how many groups of a run are more urgent than this."""
PREFIX = "warren-node-"
"""How the names of runs, of their folders and of their control groups begin."""
CGROUPS, PROC = Path("/sys/fs/cgroup"), Path("/proc")


def run_name() -> str:
    """What everything of a run is called that outlives its processes."""
    return f"{PREFIX}{os.getpid()}"


def missing() -> list[str]:
    """Say what this machine lacks for real nodes, a sentence each."""
    if os.geteuid() != 0:
        return ["real nodes need root: they mount, and they make control groups"]
    found = [*_programs(), *_control_groups()]
    return found or _refused()


def _programs() -> Iterator[str]:
    if packages := sorted({package for program, package in NEEDED.items() if shutil.which(program) is None}):
        yield f"programs are not here; run: apt-get install {' '.join(packages)}"


def _control_groups() -> Iterator[str]:
    here = _hierarchies()
    if lacking := [name for name in CONTROLLERS if name not in here]:
        yield f"no control groups (version 1 or 2) for {', '.join(lacking)} below {CGROUPS}"
    elif not all(os.access(path, os.W_OK) for path in here.values()):
        yield f"control groups below {CGROUPS} are read-only"
    elif _to_hand_on() and (CGROUPS / "cgroup.type").exists() and _words("cgroup.procs"):
        # As in a container: only the machine's own topmost group may have processes and hand controllers on.
        yield (
            f"{', '.join(_to_hand_on())}: {CGROUPS} has processes itself, and so hands no controllers on; "
            "move them into a group below it"
        )


def _refused() -> list[str]:
    """What the kernel does not let a process have here, and its words."""
    with tempfile.TemporaryDirectory() as folder:
        layers = {name: Path(folder) / name for name in ("lower", "upper", "work", "merged")}
        for layer in layers.values():
            layer.mkdir()
        options = "lowerdir={lower},upperdir={upper},workdir={work}".format(**layers)
        tried = {
            "namespaces of its own": ["true"],
            "NFQUEUE, by which NetworkPolicies are enforced": [
                *("iptables", "-w", "-t", "mangle", "-A", "POSTROUTING", "-j", "NFQUEUE", "--queue-num", "100")
            ],
            f"overlayfs in {tempfile.gettempdir()}, of which containers' file systems are made": [
                *("mount", "-t", "overlay", "overlay", "-o", options, str(layers["merged"]))
            ],
        }
        for what, command in tried.items():
            within = ["unshare", "--net", "--mount", "--pid", "--fork", "--", *command]
            done = subprocess.run(within, capture_output=True, text=True, check=False)
            if done.returncode:
                reason = "; ".join(done.stderr.strip().splitlines())
                return [f"the kernel refuses {what}: {reason}"]
    return []


def version_1() -> bool:
    """Whether control groups are of version 1, which kubelet has to be told."""
    return not (CGROUPS / "cgroup.controllers").is_file()


def _hierarchies() -> dict[str, Path]:
    """Controller to where its groups are; with version 1 these differ, and `systemd` is one that only counts."""
    if not version_1():
        return dict.fromkeys(_words("cgroup.controllers"), CGROUPS)
    return {path.name: path for path in CGROUPS.glob("*/") if (path / "tasks").is_file()}


def _words(file: str) -> list[str]:
    return (CGROUPS / file).read_text(encoding="utf-8").split()


def _handed_on() -> list[str]:
    """The controllers that groups below have, of version 2."""
    return [] if version_1() else _words("cgroup.subtree_control")


def _to_hand_on() -> list[str]:
    """Those that kubelet wants below, where they are, and that are not: it refuses a group without them."""
    there = [] if version_1() else _words("cgroup.controllers")
    return [name for name in (*CONTROLLERS, "hugetlb") if name in there and name not in _handed_on()]


def _hand_on(controllers: Iterable[str], sign: str) -> None:
    for each in controllers:
        (CGROUPS / "cgroup.subtree_control").write_text(f"{sign}{each}", encoding="utf-8")


def make_cgroup(name: str) -> str:
    """Make an empty group in every hierarchy, and return its path as kubelet names it."""
    _hand_on(_to_hand_on(), "+")
    for controller, root in _hierarchies().items():
        group = root / name
        group.mkdir(exist_ok=True)
        if controller == "cpuset" and version_1():
            for part in ("cpuset.cpus", "cpuset.mems"):
                (group / part).write_bytes((root / part).read_bytes())
    return f"/{name}"


def remove_cgroup(name: str, seconds: float = 10) -> None:
    """Remove a group whose processes have ended, in every hierarchy.

    Raises:
        AssertionError: one is still there when the time is up.
    """
    deadline = time.monotonic() + seconds
    while left := [path for parent in places() if (path := parent / name).is_dir()]:
        assert time.monotonic() < deadline, left
        for path in left:
            _remove_cgroup(path)
        time.sleep(0.1)


def memory_of(pid: int) -> tuple[int, int]:
    """The bytes that the group of a process uses, and its limit."""
    lines = (PROC / str(pid) / "cgroup").read_text(encoding="utf-8").splitlines()
    use, limit = _memory_files(lines)
    most = limit.read_text(encoding="utf-8").strip()
    return int(use.read_text(encoding="utf-8")), sys.maxsize if most == "max" else int(most)


def processes_of(pid: int) -> tuple[int, int]:
    """How many processes and threads the pod of a process has, and its limit."""
    pod = _group((PROC / str(pid) / "cgroup").read_text(encoding="utf-8").splitlines(), "pids").parent
    most = (pod / "pids.max").read_text(encoding="utf-8").strip()
    return int((pod / "pids.current").read_text(encoding="utf-8")), sys.maxsize if most == "max" else int(most)


def _memory_files(lines: Iterable[str]) -> tuple[Path, Path]:
    """Where the use and the limit stand, of a process whose groups are these."""
    group = _group(lines, "memory")
    if version_1():
        return group / "memory.usage_in_bytes", group / "memory.limit_in_bytes"
    return group / "memory.current", group / "memory.max"


def _group(lines: Iterable[str], controller: str) -> Path:
    entries = [line.split(":", 2) for line in lines]
    if version_1():
        [path] = [path for _, controllers, path in entries if controller in controllers.split(",")]
        return CGROUPS / controller / path.lstrip("/")
    [path] = [path for number, _, path in entries if number == "0"]
    return CGROUPS / path.lstrip("/")


def resident(pid: int) -> int:
    """The bytes that a process has in memory."""
    lines = (PROC / str(pid) / "status").read_text(encoding="utf-8").splitlines()
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
            if number and (int(number[1]) == run or not (PROC / number[1]).exists()):
                yield path


def _remove_cgroup(group: Path) -> None:
    for path, _, _ in os.walk(group, topdown=False):
        try:
            Path(path).rmdir()
        except OSError:
            return  # its processes have been killed and are not gone yet


def main() -> None:
    """Wait until the run is over, and tidy up behind it."""
    before = _handed_on()
    sys.stdin.read()
    if left := tidy(int(sys.argv[1])):
        print(f"left behind: {', '.join(map(str, left))}", file=sys.stderr)
    # Also what runc has handed on. Where another run needs it, the kernel refuses.
    for each in set(_handed_on()) - set(before):
        with suppress(OSError):
            _hand_on([each], "-")


if __name__ == "__main__":
    main()
