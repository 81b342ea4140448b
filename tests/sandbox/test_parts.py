"""Which programs a module in tools/ is built into, and when."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from scripts import parts

REAL_GO = parts.go


def module(folder: Path, go_mod: str, *commands: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text(go_mod)
    for command in commands:
        (folder / "cmd" / command).mkdir(parents=True)
        (folder / "cmd" / command / "main.go").write_text("package main\n")
    return folder


def test_a_single_tool_is_called_after_its_folder(tmp_path: Path) -> None:
    folder = module(tmp_path / "etcd", "module x\n\ntool go.etcd.io/etcd/server/v3\n")
    assert parts.programs(folder) == {"etcd": "go.etcd.io/etcd/server/v3"}


def test_several_tools_keep_their_names(tmp_path: Path) -> None:
    folder = module(tmp_path / "kubernetes", "module x\n\ntool (\n\tk8s.io/a/cmd/one\n\tk8s.io/a/cmd/two\n)\n")
    assert parts.programs(folder) == {"one": "k8s.io/a/cmd/one", "two": "k8s.io/a/cmd/two"}


def test_a_module_of_our_own_is_built_into_its_commands(tmp_path: Path) -> None:
    assert parts.programs(module(tmp_path / "own", "module x\n", "echo")) == {"echo": "./cmd/echo"}


def test_a_module_with_nothing_to_build_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no tool line"):
        parts.programs(module(tmp_path / "empty", "module x\n"))


def test_kubernetes_is_told_its_version(tmp_path: Path) -> None:
    told = parts.linker_flags(module(tmp_path / "k", "module x\n\nrequire k8s.io/kubernetes v1.36.3\n"))
    assert "version.gitVersion=v1.36.3" in told
    assert "version.gitMinor=36" in told


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A module `own` with one command; says what was built."""
    done: list[str] = []

    def go(folder: Path, packages: Sequence[str], target: Path, *, link: str) -> bool:
        done.extend(packages)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("built")
        return True

    module(tmp_path / "tools" / "own", "module x\n", "echo")
    monkeypatch.setattr(parts, "MODULES", tmp_path / "tools")
    monkeypatch.setattr(parts, "BUILT", tmp_path / "built")
    monkeypatch.setattr(parts, "go", go)
    return done


def test_nothing_is_built_twice(builds: list[str]) -> None:
    parts.build("own")
    parts.build("own")
    assert builds == ["./cmd/echo"]


def test_a_changed_source_is_built_again(builds: list[str]) -> None:
    parts.build("own")
    (parts.MODULES / "own" / "cmd" / "echo" / "main.go").write_text("package main // changed\n")
    parts.build("own")
    assert len(builds) == 2


def test_a_program_that_is_gone_is_built_again(builds: list[str]) -> None:
    parts.build("own")
    (parts.BUILT / "own" / "echo").unlink()
    parts.build("own")
    assert len(builds) == 2


def test_a_build_that_fails_leaves_no_stamp(builds: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "go", lambda *_, **__: False)
    with pytest.raises(SystemExit, match="echo could not be built"):
        parts.build("own")
    assert not (parts.BUILT / "own" / "stamp").exists()


def test_without_go_it_says_what_to_install(builds: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> bool:
        raise FileNotFoundError("go")

    monkeypatch.setattr(parts, "go", missing)
    with pytest.raises(SystemExit, match=r"install Go 1\.26"):
        parts.build("own")


GO = """#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in -o) out=$2; shift;; ./*) packages="$packages $1";; esac
  shift
done
for package in $packages; do
  if [ -d "$out" ]; then echo "$package" >"$out/${package##*/}"; else echo "$package" >"$out"; fi
done
exit $GO_ENDS
"""
"""Writes as `go build` does: into a folder that is there, else into a file."""


@pytest.mark.parametrize("commands", [["echo"], ["echo", "pause"]])
def test_programs_are_in_their_place_when_all_are_built_and_not_before(
    commands: list[str], tmp_path: Path, builds: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "go", REAL_GO)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "go").write_text(GO)
    (tmp_path / "bin" / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    module(parts.MODULES / "two", "module x\n", *commands)
    monkeypatch.setenv("GO_ENDS", "1")
    with pytest.raises(SystemExit, match=f"{', '.join(commands)} could not be built"):
        parts.build("two")
    assert not any((parts.BUILT / "two" / name).exists() for name in ["stamp", *commands])
    monkeypatch.setenv("GO_ENDS", "0")
    parts.build("two")
    assert {path.name for path in (parts.BUILT / "two").iterdir()} == {"stamp", *commands}
    assert [(parts.BUILT / "two" / name).read_text() for name in commands] == [f"./cmd/{name}\n" for name in commands]
    assert not (parts.BUILT / "two.partial").exists()


def test_one_that_fails_among_several_fails_the_run(builds: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    module(parts.MODULES / "bad", "module x\n", "bad")
    made = parts.go
    monkeypatch.setattr(parts, "go", lambda folder, *rest, **more: folder.name != "bad" and made(folder, *rest, **more))
    monkeypatch.setattr("sys.argv", ["parts"])
    with pytest.raises(SystemExit, match="bad could not be built"):
        parts.main()
    monkeypatch.setattr("sys.argv", ["parts", "own", "absent"])
    with pytest.raises(SystemExit, match="there is no tools/absent; there are bad, own"):
        parts.main()


def test_every_module_in_tools_can_be_read() -> None:
    assert {"containerd", "etcd", "kubernetes", "kubernetes-oldest", "oauth2-proxy", "traefik"} <= set(parts.names())
    assert parts.ENGINE not in parts.names()
    assert all(parts.programs(parts.MODULES / name) for name in parts.names())
