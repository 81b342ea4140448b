"""The scripts behind the Makefile, and the launchers they install."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from sandbox import install, versions
from sandbox.language import required_plugins
from scripts import pythons, setup
from scripts.project import WARREN
from scripts.side_by_side import Command

SITE = sysconfig.get_paths()["purelib"]


def test_the_engine_s_version_is_the_sdk_s() -> None:
    pinned = setup.engine_version((WARREN / "tools" / "pulumi" / "go.mod").read_text())
    assert f"pulumi=={pinned}\n" in (WARREN / "requirements.in").read_text()


def test_a_go_mod_without_an_engine_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not pin"):
        setup.engine_version("module x\n")


@pytest.mark.parametrize(
    ("have", "enough"),
    [
        ("v3.259.0", True),
        ("v3.260.1", True),
        ("v4.0.0", True),
        ("v3.259.1-alpha.3", True),
        ("v3.258.9", False),
        ("v2.900.0", False),
        ("", False),
        ("dev", False),
    ],
)
def test_an_engine_is_new_enough_or_not(have: str, *, enough: bool) -> None:
    assert setup.is_new_enough(have, "3.259.0") is enough


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the set-up at an empty checkout where nothing can be downloaded."""
    tools = tmp_path / ".tools"
    monkeypatch.setattr(setup, "TOOLS", tools)
    monkeypatch.setattr(setup, "BUILT", tools / "bin" / "pulumi")
    monkeypatch.setattr(setup, "ENGINE_FILE", tools / "engine.json")
    monkeypatch.setenv("WARREN_PULUMI", "build")
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    return tmp_path


def fake_engine(path: Path, version: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)


def test_the_engine_on_path_is_taken_when_it_is_new_enough(checkout: Path) -> None:
    fake_engine(checkout / "path" / "pulumi", "v3.300.0")
    engine = setup.choose_engine("3.259.0")
    assert (engine["source"], engine["version"]) == ("on PATH", "v3.300.0")


def test_an_old_engine_on_path_is_passed_over_aloud(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake_engine(checkout / "path" / "pulumi", "v3.100.0")
    fake_engine(checkout / ".tools" / "bin" / "pulumi", "v3.259.0")
    assert setup.choose_engine("3.259.0")["source"] == "built from its Go module"
    assert "v3.100.0) is older than v3.259.0" in capsys.readouterr().err


def test_a_second_run_does_not_even_start_the_engine(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_engine(checkout / ".tools" / "bin" / "pulumi", "v3.259.0")
    first = setup.choose_engine("3.259.0")
    monkeypatch.setattr(setup, "version_of", lambda pulumi: pytest.fail("the engine was started"))
    assert setup.choose_engine("3.259.0") == first


def test_an_engine_that_was_replaced_is_looked_at_again(checkout: Path) -> None:
    fake_engine(checkout / ".tools" / "bin" / "pulumi", "v3.259.0")
    setup.choose_engine("3.259.0")
    fake_engine(checkout / ".tools" / "bin" / "pulumi", "v3.259.12")
    assert setup.choose_engine("3.259.0")["version"] == "v3.259.12"


def test_no_engine_and_no_go_says_what_to_install(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(SystemExit, match=r"install Pulumi \(pulumi.com\) or Go"):
        setup.choose_engine("3.259.0")


@pytest.mark.parametrize(
    "left", ["", "{", "[]", '{"path": "/x"}', '{"path": 1, "source": 1, "version": 1, "stamp": 1}', "\udcff"]
)
def test_a_broken_note_of_the_engine_is_made_again(checkout: Path, left: str) -> None:
    fake_engine(checkout / ".tools" / "bin" / "pulumi", "v3.259.0")
    first = setup.choose_engine("3.259.0")
    setup.ENGINE_FILE.write_bytes(left.encode("utf-8", "surrogateescape"))
    assert setup.choose_engine("3.259.0") == first
    assert setup.remembered_engine() == first


@pytest.mark.parametrize("version", [(3, 10, 1), (3, 14, 0)])
def test_a_python_that_is_not_tested_is_told_which_are(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]
) -> None:
    monkeypatch.setattr("sys.version_info", version)
    shown = ".".join(map(str, version))
    with pytest.raises(SystemExit, match=f"this is Python {shown}, and Warren is tested with 3.11 to 3.13: install"):
        setup.main()


def test_the_range_of_pythons_is_the_same_wherever_it_is_said() -> None:
    (_, oldest), (_, newest) = setup.PYTHON_MINIMUM, setup.PYTHON_MAXIMUM
    named = [f"3.{minor}" for minor in range(oldest, newest + 1)]
    makefile, readme = ((WARREN / name).read_text() for name in ("platform.mk", "README.md"))
    assert f'requires-python = ">=3.{oldest},<3.{newest + 1}"' in (WARREN / "pyproject.toml").read_text()
    assert f"not (3, {oldest}) <= sys.version_info[:2] <= (3, {newest})" in makefile
    assert re.findall(r"python(3\.\d+)\b", makefile.split("done)")[0]) == named[::-1]
    assert f"Python {', '.join(named[:-1])} or {named[-1]} is needed" in makefile
    assert f"Python {named[0]} to {named[-1]}" in readme
    assert f"Python {named[0]} to {named[-1]}" in (WARREN / "docs" / "getting-started.md").read_text()


@pytest.fixture
def installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Stand in for `venv` and `pip`; says which commands they got."""
    run, called = subprocess.run, list[list[str]]()

    def instead(command: list[str], **more: Any) -> Any:
        if "venv" in command:
            folder = Path(command[-1])
            shutil.rmtree(folder, ignore_errors=True)
            (folder / "lib" / "python{}.{}".format(*sys.version_info) / "site-packages").mkdir(parents=True)
            (folder / "bin").mkdir()
            (folder / "bin" / "python").symlink_to(sys.executable)
        elif "pip" not in command:
            return run(command, **more)
        called.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", instead)
    return called


def test_packages_are_installed_once(tmp_path: Path, installs: list[list[str]]) -> None:
    for _ in range(2):
        setup.set_up_packages(tmp_path / "venv", sys.executable)
    assert ["venv" in command for command in installs] == [True, False]
    assert "--require-hashes" in installs[1]


def test_an_installation_that_was_interrupted_is_done_again_for_whichever_list(
    tmp_path: Path, installs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = tmp_path / "venv"
    setup.set_up_packages(venv, sys.executable)
    old = (venv / "warren-stamp").read_text()
    (venv / "warren-stamp").write_text("of another list")
    run = subprocess.run

    def interrupted(command: list[str], **more: Any) -> Any:
        if "pip" in command:
            raise KeyboardInterrupt
        return run(command, **more)

    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            setup.set_up_packages(venv, sys.executable)
    assert not (venv / "warren-stamp").exists()
    setup.set_up_packages(venv, sys.executable)
    assert (venv / "warren-stamp").read_text() == old
    assert len(installs) == 3


def test_after_an_upgrade_of_python_the_environment_is_made_again(tmp_path: Path, installs: list[list[str]]) -> None:
    venv = tmp_path / "venv"
    setup.set_up_packages(venv, sys.executable)
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to("/nowhere/python3")
    setup.set_up_packages(venv, sys.executable)
    assert len(installs) == 4
    shutil.move(next((venv / "lib").iterdir()), venv / "lib" / "python3.9")
    setup.set_up_packages(venv, sys.executable)
    assert len(installs) == 6
    assert setup.is_whole(venv)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A Makefile with its scripts, and a PATH of its own with a shell and `make`, below a folder with a space."""
    root = tmp_path / "my warren"
    shutil.copytree(WARREN / "scripts", root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "platform.mk"):
        shutil.copy(WARREN / name, root)
    (tmp_path / "path").mkdir()
    for name in ("make", "sh"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / "path" / name).symlink_to(found)
    return root


def python_named(bare: Path, name: str, version: str) -> Path:
    """Put a program there that says it is a Python of this version, and otherwise what it is asked to run."""
    program = bare.parent / "path" / name if "/" not in name else bare / name
    program.parent.mkdir(parents=True, exist_ok=True)
    check = f"import sys; sys.version_info = ({version}); exec(sys.argv[1])"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = -c ] && exec {shlex.quote(sys.executable)} -c "{check}" "$2"\necho "{name}:" "$@"\n'
    )
    program.chmod(0o755)
    return program


def make_there(bare: Path, *words: str, **more: str) -> str:
    done = subprocess.run(
        ["make", *words],
        cwd=bare,
        env={"PATH": str(bare.parent / "path"), **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize("target", ["setup", "preview", "parts"])
def test_without_a_python_make_says_so_in_one_sentence(bare: Path, target: str) -> None:
    python_named(bare, "python3", "3, 14, 0")
    python_named(bare, "python3.12", "3, 10, 2")
    [line] = make_there(bare, target).splitlines()
    assert "*** Python 3.11, 3.12 or 3.13 is needed and not here: install one, or name one: make setup PYTHON=" in line


def test_make_takes_the_first_python_that_is_supported_and_its_own_before_any(bare: Path) -> None:
    python_named(bare, "python3", "3, 14, 0")
    python_named(bare, "python3.12", "3, 12, 0")
    assert make_there(bare, "setup") == "python3.12: -m scripts.setup\n"
    assert make_there(bare, "setup", "PYTHON=echo mine:") == "mine: -m scripts.setup\n"
    own = python_named(bare, ".venv/bin/python", "3, 11, 0")
    assert make_there(bare, "setup") == ".venv/bin/python: -m scripts.setup\n"
    own.unlink()
    own.symlink_to("/nowhere/python3")
    assert make_there(bare, "setup") == "python3.12: -m scripts.setup\n"


def test_no_cdpath_leads_to_another_folder_of_that_name(bare: Path) -> None:
    casa, others = bare.with_name("casa"), bare.with_name("others")
    (others / "warren").mkdir(parents=True)
    casa.mkdir()
    bare.rename(casa / "warren")
    (casa / "Makefile").write_text("WARREN := warren\ninclude $(WARREN)/platform.mk\n")
    python_named(casa, "python3.12", "3, 12, 0")
    assert make_there(casa, "setup", CDPATH=str(others)) == "python3.12: -m scripts.setup\n"


def test_the_other_pythons_are_those_of_the_range() -> None:
    assert pythons.others((3, 11)) == ["3.12", "3.13"]
    assert pythons.others((3, 12)) == ["3.11", "3.13"]


def test_a_python_is_found_where_pyenv_keeps_it_and_only_when_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answering(path: Path, answer: str) -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{answer}\n")
        path.chmod(0o755)
        return str(path)

    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/bin")
    assert pythons.find("3.77", tmp_path) is None
    answering(tmp_path / "path" / "python3.77", "exit 127")
    assert pythons.find("3.77", tmp_path) is None
    answering(tmp_path / "versions" / "3.77.9" / "bin" / "python3.77", "echo 3 77 9")
    newest = answering(tmp_path / "versions" / "3.77.10" / "bin" / "python3.77", "echo 3 77 10")
    answering(tmp_path / "versions" / "3.77.11" / "bin" / "python3.77", "exit 1")
    assert pythons.find("3.77", tmp_path) == newest
    first = answering(tmp_path / "path" / "python3.77", "echo 3 77 2")
    assert pythons.find("3.77", tmp_path) == first


def test_what_was_not_found_is_said_and_what_failed_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["pythons"])
    monkeypatch.setattr(pythons, "others", lambda running: ["3.11", "3.12", "3.13"])
    monkeypatch.setattr(pythons, "find", lambda version, pyenv: None if version == "3.12" else "python")
    for codes in ((0, 0), (0, 1), (1, 0)):
        ending = dict(zip(("3.11", "3.13"), (f"raise SystemExit({code})" for code in codes), strict=True))
        monkeypatch.setattr(
            pythons,
            "tests",
            lambda version, *_, ending=ending: Command(version, [sys.executable, "-c", ending[version]]),
        )
        with pytest.raises(SystemExit) as left:
            pythons.main()
        assert bool(left.value.code) is any(codes)
        assert capsys.readouterr().err == "Python 3.12: not found here, so not tried\n"


def test_the_engine_writes_no_debug_logs_there_and_a_folder_that_somebody_made_stays(tmp_path: Path) -> None:
    install.install(tmp_path / "home", site=SITE)
    assert "Delete this file" in (tmp_path / "home" / "logs").read_text("utf-8")
    (tmp_path / "other" / "logs").mkdir(parents=True)
    install.install(tmp_path / "other", site=SITE)
    assert (tmp_path / "other" / "logs").is_dir()


def test_the_launchers_have_the_sdks_versions_and_are_installed_once(tmp_path: Path) -> None:
    first = install.install(tmp_path / "home", site=SITE)
    assert len(first) == len(versions.PLUGINS) + 1
    assert all(os.access(path, os.X_OK) for path in first)
    names = {path.parent.name for path in first}
    for plugin in required_plugins(SITE):
        assert f"resource-{plugin.name}-{plugin.version}" in names
    assert install.install(tmp_path / "home", site=SITE) == []


def test_a_launcher_runs_from_a_path_with_spaces_and_quotes() -> None:
    [text] = {content for name, content in install.launchers("/a b/it's/python", SITE).items() if "random" in name}
    command = text.splitlines()[-1].replace("exec", "printf '%s\\n'")
    printed = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout.splitlines()
    assert printed[0] == "/a b/it's/python"


def test_the_stand_ins_do_not_go_into_the_user_s_own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ValueError, match="your own Pulumi home"):
        install.install(tmp_path / ".pulumi", site=SITE)


def test_the_lock_files_have_a_hash_for_every_package_and_name_no_host() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (WARREN / name).read_text()
        packages = re.findall(r"^[a-z][\w.-]*==.*\\\n    --hash=sha256:", text, re.MULTILINE)
        assert len(packages) == len(re.findall(r"^[a-z]", text, re.MULTILINE))
        assert "http" not in text
        assert not re.search(r"^-", text, re.MULTILINE)


def test_every_runtime_pin_is_the_same_for_developers() -> None:
    pins = re.findall(r"^([a-z][\w.-]*==\S+)", (WARREN / "requirements.txt").read_text(), re.MULTILINE)
    developers = (WARREN / "requirements-dev.txt").read_text()
    assert pins
    for pin in pins:
        assert f"{pin} " in developers


def test_git_ignores_all_that_make_sets_up() -> None:
    names = [".venv/x", ".tools/bin/pulumi", ".state/sandbox/manifests/x.yaml", "config/__pycache__/x.pyc"]
    done = subprocess.run(["git", "check-ignore", *names], cwd=WARREN, capture_output=True, text=True, check=False)
    assert done.stdout.split() == names


@pytest.mark.parametrize("typed", ["x'; : > made; '", '"; : > made; "', "$(shell : > made)", "`: > made`"])
@pytest.mark.parametrize("target", ["preview", "smoke"])
def test_the_stacks_name_is_no_command(bare: Path, target: str, typed: str) -> None:
    python_named(bare, ".venv/bin/python", "3, 12, 0")
    assert typed in make_there(bare, target, f"STACK={typed}")
    assert typed in make_there(bare, target, STACK=typed)
    assert typed in make_there(bare, "help", f"STACK={typed}")
    assert list(bare.rglob("made")) == []


def test_help_lists_every_target() -> None:
    listed = subprocess.run(["make", "help"], cwd=WARREN, capture_output=True, text=True, check=True).stdout
    text = (WARREN / "platform.mk").read_text() + (WARREN / "Makefile").read_text()
    named = re.findall(r"^([a-z0-9-]+):(?!=)", text, re.MULTILINE)
    assert {"preview", "config", "pulumi", "test"} <= set(named)
    for target in named:
        assert re.search(rf"^  {target} ", listed, re.MULTILINE), target
