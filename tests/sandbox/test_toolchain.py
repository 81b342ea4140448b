"""The scripts behind the Makefile, and the launchers they install."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

from sandbox import install, versions
from sandbox.language import required_plugins
from scripts import setup, stack

ROOT = Path(setup.__file__).resolve().parent.parent
SITE = sysconfig.get_paths()["purelib"]


def test_the_engine_s_version_is_the_sdk_s() -> None:
    pinned = setup.engine_version((ROOT / "tools" / "pulumi" / "go.mod").read_text())
    assert f"pulumi=={pinned}\n" in (ROOT / "requirements.in").read_text()


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
    assert "v3.100.0) is older than v3.259.0" in capsys.readouterr().out


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


def test_an_old_python_is_told_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.version_info", (3, 10, 1))
    with pytest.raises(SystemExit, match=r"Python 3\.10\.1 is too old: install Python 3\.11 or newer"):
        setup.main()


@pytest.mark.parametrize(
    ("text", "sandbox"),
    [
        ("config:\n  warren:sandbox: true\n", True),
        ('config:\n  "warren:sandbox": "true"  # yes\n', True),
        ("config:\n  warren:sandbox: false\n", False),
        ("config:\n  # warren:sandbox: true\n", False),
        ("config:\n  warren:domain: x\n", False),
        ("config:\n  warren:note: 'warren:sandbox: true'\n", False),
    ],
)
def test_a_stack_is_a_sandbox_only_when_its_file_says_so(tmp_path: Path, text: str, *, sandbox: bool) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(text)
    assert stack.is_sandbox(file) is sandbox


def test_a_stack_without_a_file_is_no_sandbox(tmp_path: Path) -> None:
    assert not stack.is_sandbox(tmp_path / "Pulumi.home.yaml")


def test_the_sandbox_s_environment_has_nothing_of_the_user_s_pulumi(tmp_path: Path) -> None:
    mine = {
        "PULUMI_ACCESS_TOKEN": "x",
        "PULUMI_STACK": "y",
        "KUBECONFIG": "z",
        "CLOUDFLARE_API_TOKEN": "t",
        "HOME": "/h",
    }
    environment = stack.sandbox_environment(tmp_path, mine)
    assert not {"PULUMI_ACCESS_TOKEN", "PULUMI_STACK", "KUBECONFIG", "CLOUDFLARE_API_TOKEN"} & environment.keys()
    assert environment["HOME"] == "/h"
    assert environment["PULUMI_HOME"] == f"{tmp_path}/.state/pulumi-home"
    assert environment["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/.state/backend?metadata=skip"


def test_another_stack_keeps_the_user_s_login(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text(json.dumps({"current": "https://api.example.com"}))
    mine = {"PULUMI_HOME": str(tmp_path), "PULUMI_CONFIG_PASSPHRASE": "mine"}
    assert stack.user_environment(mine) == mine
    chosen = {"PULUMI_HOME": "/nowhere", "PULUMI_BACKEND_URL": "s3://bucket"}
    assert stack.user_environment(chosen) == chosen


def test_another_stack_s_state_is_never_in_the_checkout() -> None:
    assert stack.user_environment({"PULUMI_HOME": "/nowhere"})["PULUMI_BACKEND_URL"] == "file://~"


def test_only_the_sandbox_is_changed_without_a_question() -> None:
    assert stack.arguments("up", "sandbox", sandbox=True) == ["up", "--stack", "sandbox", "--yes", "--skip-preview"]
    assert stack.arguments("preview", "sandbox", sandbox=True) == ["preview", "--stack", "sandbox"]
    assert stack.arguments("destroy", "home", sandbox=False) == ["destroy", "--stack", "home"]


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
        text = (ROOT / name).read_text()
        packages = re.findall(r"^[a-z][\w.-]*==.*\\\n    --hash=sha256:", text, re.MULTILINE)
        assert len(packages) == len(re.findall(r"^[a-z]", text, re.MULTILINE))
        assert "http" not in text
        assert not re.search(r"^-", text, re.MULTILINE)


def test_every_runtime_pin_is_the_same_for_developers() -> None:
    pins = re.findall(r"^([a-z][\w.-]*==\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    developers = (ROOT / "requirements-dev.txt").read_text()
    assert pins
    for pin in pins:
        assert f"{pin} " in developers


def test_git_ignores_all_that_make_sets_up() -> None:
    names = [".venv/x", ".tools/bin/pulumi", ".state/sandbox/manifests/x.yaml", "spec/__pycache__/x.pyc"]
    done = subprocess.run(["git", "check-ignore", *names], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == names


def test_help_lists_every_target() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("preview", "up", "destroy", "test", "check", "bench", "clean"):
        assert re.search(rf"^  {target} ", listed, re.MULTILINE), target
