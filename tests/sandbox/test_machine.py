"""What a machine lacks for real nodes, and its control groups, decided on made-up ones; `tests/node` has the real one.

The files of version 2 are as the kernel documents them (Documentation/admin-guide/cgroup-v2.rst).
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from tests.node import machine

ALL = "cpuset cpu io memory hugetlb pids rdma misc"


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where control groups are; none are there yet. The machine is otherwise well."""
    folder = tmp_path / "cgroup"
    folder.mkdir()
    monkeypatch.setattr(machine, "CGROUPS", folder)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(programs(tmp_path / "bin")))
    return folder


def programs(folder: Path, **scripts: str) -> Path:
    """A PATH with every program that is needed; each succeeds, or runs its script."""
    folder.mkdir(exist_ok=True)
    for name in machine.NEEDED:
        (folder / name).write_text(f"#!/bin/sh\n{scripts.get(name, '')}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


def version_1(folder: Path, *controllers: str) -> None:
    for name in (*(controllers or machine.CONTROLLERS), "systemd"):
        (folder / name).mkdir()
        (folder / name / "tasks").touch()
    # Also on a machine with both, where it has no controllers.
    (folder / "unified").mkdir()


def version_2(folder: Path, controllers: str = ALL, handed_on: str = "", processes: str = "", kind: str = "") -> None:
    files = {"controllers": controllers, "subtree_control": handed_on, "procs": processes}
    # The topmost group of a machine has no type.
    files |= {"type": kind} if kind else {}
    for name, text in files.items():
        (folder / f"cgroup.{name}").write_text(f"{text}\n", encoding="utf-8")


def test_a_machine_with_either_version_lacks_nothing(groups: Path) -> None:
    version_1(groups)
    assert machine.missing() == []
    assert machine.version_1()
    version_2(groups)
    assert machine.missing() == []
    assert not machine.version_1()


def test_without_root_nothing_else_is_said(groups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert machine.missing() == ["real nodes need root: they mount, and they make control groups"]


def test_programs_that_are_not_there_are_named_by_their_packages(groups: Path, tmp_path: Path) -> None:
    version_1(groups)
    for name in ("nft", "unshare", "setpriv", "runc"):
        (tmp_path / "bin" / name).unlink()
    assert machine.missing() == ["programs are not here; run: apt-get install nftables runc util-linux"]


def test_control_groups_that_are_not_there_are_named(groups: Path) -> None:
    assert machine.missing() == [f"no control groups (version 1 or 2) for cpu, cpuset, memory, pids below {groups}"]
    version_1(groups, "cpu", "memory")
    assert machine.missing() == [f"no control groups (version 1 or 2) for cpuset, pids below {groups}"]
    # Raspberry Pi OS without `cgroup_enable=memory`.
    version_2(groups, "cpuset cpu io pids")
    assert machine.missing() == [f"no control groups (version 1 or 2) for memory below {groups}"]


def test_control_groups_that_cannot_be_written_are_told(groups: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version_2(groups)
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != groups and access(path, mode))
    assert machine.missing() == [f"control groups below {groups} are read-only"]


def test_a_group_with_processes_hands_no_controllers_on(groups: Path) -> None:
    """As in most containers; the topmost group of a machine is free to, and so is one that has done it."""
    version_2(groups, handed_on="cpu io", processes="1\n17", kind="domain")
    [told] = machine.missing()
    assert told == (
        f"cpuset, memory, pids, hugetlb: {groups} has processes itself, and so hands no controllers on; "
        "move them into a group below it"
    )
    version_2(groups, handed_on=ALL, processes="1\n17", kind="domain")
    assert machine.missing() == []
    version_2(groups, handed_on="cpu", kind="domain")
    assert machine.missing() == []


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        ("true", "namespaces of its own: unshare: Operation not permitted"),
        ("iptables", "NFQUEUE, by which NetworkPolicies are enforced: unshare: Operation not permitted"),
        ("mount", "overlayfs in "),
    ],
)
def test_what_the_kernel_refuses_is_told_in_its_words(refused: str, said: str, groups: Path, tmp_path: Path) -> None:
    version_1(groups)
    script = f'case "$*" in *" -- {refused}"*) echo "unshare: Operation not permitted" >&2; exit 1;; esac'
    programs(tmp_path / "bin", unshare=script)
    [told] = machine.missing()
    assert told.startswith(f"the kernel refuses {said}")
    assert told.endswith(": unshare: Operation not permitted")


def test_a_group_of_version_1_is_made_in_every_hierarchy(groups: Path) -> None:
    version_1(groups)
    for part in ("cpus", "mems"):
        (groups / "cpuset" / f"cpuset.{part}").write_text("0-3", encoding="utf-8")
    assert machine.make_cgroup("run-1") == "/run-1"
    assert {path.parent.name for path in groups.glob("*/run-1")} == {*machine.CONTROLLERS, "systemd"}
    # Without these, no process may join.
    assert [(groups / "cpuset" / "run-1" / f"cpuset.{part}").read_text() for part in ("cpus", "mems")] == ["0-3"] * 2


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is written to say which controllers groups below have; the kernel makes a list of it, which is not here."""
    asked: list[str] = []
    write = Path.write_text

    def written(self: Path, text: str, encoding: str) -> int:
        if self.name != "cgroup.subtree_control" or text[0] not in "+-":
            return write(self, text, encoding=encoding)
        asked.append(text)
        return len(text)

    monkeypatch.setattr(Path, "write_text", written)
    return asked


def test_a_group_of_version_2_has_the_controllers_that_kubelet_asks_for(groups: Path, handed: list[str]) -> None:
    version_2(groups, handed_on="cpu")
    assert machine.make_cgroup("run-1") == "/run-1"
    assert (groups / "run-1").is_dir()
    assert handed == ["+cpuset", "+memory", "+pids", "+hugetlb"]


def test_what_a_run_has_handed_on_is_taken_back_when_it_is_over(
    groups: Path, handed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Waiting:
        @staticmethod
        def read() -> str:
            version_2(groups, handed_on=ALL)
            return ""

    version_2(groups, handed_on="cpu io")
    monkeypatch.setattr(sys, "argv", ["machine", "1"])
    monkeypatch.setattr(sys, "stdin", Waiting)
    machine.main()
    assert sorted(handed) == ["-cpuset", "-hugetlb", "-memory", "-misc", "-pids", "-rdma"]


def test_the_memory_of_a_process_is_its_groups(groups: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = "4:memory:/run/pod\n3:cpuset:/run/pod\n1:name=systemd:/run/pod\n0::/elsewhere\n"
    monkeypatch.setattr(machine, "PROC", tmp_path / "proc")
    (tmp_path / "proc" / "7").mkdir(parents=True)
    (tmp_path / "proc" / "7" / "cgroup").write_text(entries, encoding="utf-8")
    version_1(groups)
    (groups / "memory" / "run" / "pod").mkdir(parents=True)
    for name, value in (("usage", 5), ("limit", 9)):
        (groups / "memory" / "run" / "pod" / f"memory.{name}_in_bytes").write_text(f"{value}\n", encoding="utf-8")
    assert machine.memory_of(7) == (5, 9)
    version_2(groups)
    (groups / "elsewhere").mkdir()
    (groups / "elsewhere" / "memory.current").write_text("6\n", encoding="utf-8")
    (groups / "elsewhere" / "memory.max").write_text("max\n", encoding="utf-8")
    assert machine.memory_of(7) == (6, sys.maxsize)
    (groups / "elsewhere" / "memory.max").write_text("8\n", encoding="utf-8")
    assert machine.memory_of(7) == (6, 8)


def test_only_what_ended_runs_have_left_is_removed(groups: Path, tmp_path: Path) -> None:
    version_1(groups)
    gone = 2**22 + 1  # no process has such an id
    places = (tmp_path, groups / "memory", groups / "unified")
    for place in places:
        for name in (f"{gone}-home", f"{gone}-home-pi-1", f"{os.getpid()}-home", "of-a-person"):
            (place / f"{machine.PREFIX}{name}").mkdir()
    (tmp_path / f"{machine.PREFIX}{gone}-home" / "log").touch()
    assert machine.tidy(gone + 1) == []
    left = {path.name for place in places for path in place.glob(f"{machine.PREFIX}*")}
    assert left == {f"{machine.PREFIX}{os.getpid()}-home", f"{machine.PREFIX}of-a-person"}
    assert machine.tidy(os.getpid()) == []
    left = {path.name for place in places for path in place.glob(f"{machine.PREFIX}*")}
    assert left == {f"{machine.PREFIX}of-a-person"}
