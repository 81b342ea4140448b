"""`warren`, from any folder of a project: which project it finds, and that it hands everything on as it was typed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.project import WARREN

PROGRAM = WARREN / "bin" / "warren"
MAKEFILE = "unexport NAME\nprint:\n\t@printf '%s|%s|%s\\n' '$(CURDIR)' '$(value NAME)' \"$$WARREN_CWD\"\n"


def project(root: Path, name: str = "name: warren\n") -> Path:
    root.mkdir(parents=True)
    (root / "Makefile").write_text(MAKEFILE)
    (root / "Pulumi.yaml").write_text(name)
    return root


def warren(folder: Path, *words: str, program: Path = PROGRAM) -> subprocess.CompletedProcess[str]:
    folder.mkdir(parents=True, exist_ok=True)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MAKE") and key != "WARREN_CWD"}
    environment = kept | {"PWD": str(folder)}
    return subprocess.run([program, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("below", [".", "workspaces", "a/b c/d"])
def test_the_project_is_found_from_any_folder_below_it(tmp_path: Path, below: str) -> None:
    root = project(tmp_path / "my own" / "casa")
    done = warren(root / below, "print")
    assert done.stdout == f"{root}||{(root / below)}\n", done.stderr
    assert done.stderr == ""


def test_the_nearest_project_is_meant_and_others_are_passed_over(tmp_path: Path) -> None:
    project(tmp_path / "out")
    casa = project(tmp_path / "out" / "casa", "# mine\nname: 'warren' # as it must be\n")
    project(casa / "other", "name: warren-of-mine\n")
    project(casa / "other" / "windows", "name: warren\r\n")
    assert warren(casa / "other" / "x", "print").stdout.startswith(f"{casa}|")
    assert warren(casa / "other" / "windows" / "x", "print").stdout.startswith(f"{casa}/other/windows|")


def test_what_was_typed_reaches_make_word_for_word(tmp_path: Path) -> None:
    root = project(tmp_path / "casa")
    typed = '$(shell touch made) `touch made` "a"  b * ;'
    assert warren(root, "print", f"NAME={typed}").stdout == f"{root}|{typed}|{root}\n"
    assert warren(root, "nothing-of-the-kind").returncode == 2
    assert not (root / "made").exists()


def test_a_link_to_it_does_the_same(tmp_path: Path) -> None:
    root = project(tmp_path / "casa")
    link = tmp_path / "bin" / "warren"
    link.parent.mkdir()
    link.symlink_to(PROGRAM)
    assert warren(root / "x", "print", program=link).stdout.startswith(f"{root}|")


def test_where_there_is_no_project_it_says_what_one_is(tmp_path: Path) -> None:
    done = warren(tmp_path / "x", "preview")
    assert done.returncode == 2
    assert done.stderr == (
        f"warren: no Warren project in {tmp_path / 'x'} or above it: "
        "a folder with a Makefile, and a Pulumi.yaml that says name: warren\n"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
@pytest.mark.parametrize("name", [".", "Makefile"])
def test_a_project_that_somebody_else_left_above_is_not_run(name: str, tmp_path: Path) -> None:
    root = project(tmp_path / "casa")
    os.chown(root / name, 12345, -1)
    done = warren(root / "x", "print")
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"{root} or its Makefile belongs to somebody else" in done.stderr


@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_makefile_of_ones_own_is_not_run_where_anybody_could_say_what_it_includes(mode: int, tmp_path: Path) -> None:
    mine = project(tmp_path / "casa")
    (mine / "Makefile").write_text("include warren/platform.mk\n")
    shared = tmp_path / "shared"
    (shared / "warren").mkdir(parents=True)
    (shared / "Makefile").symlink_to(mine / "Makefile")
    (shared / "Pulumi.yaml").write_text("name: warren\n")
    (shared / "warren" / "platform.mk").write_text("print:\n\t@echo theirs\n")
    shared.chmod(mode)
    done = warren(shared / "x", "print")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"anybody may write into {shared}" in done.stderr


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_every_shell_takes_it(tmp_path: Path, shell: str) -> None:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"there is no {shell} here")
    root = project(tmp_path / "casa")
    words = [found, *(["sh"] if shell == "busybox" else [])]
    done = subprocess.run([*words, PROGRAM, "print"], cwd=root, capture_output=True, text=True, check=False)
    assert done.stdout == f"{root}||{root}\n", done.stderr
