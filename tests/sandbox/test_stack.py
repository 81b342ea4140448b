"""Which environment a stack runs in, and what is said before the engine would fail."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import stack
from scripts.project import WARREN


@pytest.mark.parametrize(
    ("text", "sandbox"),
    [
        ("config:\n  warren:sandbox: true\n", True),
        ('config:\n  "warren:sandbox": "true"  # yes\n', True),
        ("config:\n  warren:sandbox: false\n", False),
        ("config:\n  # warren:sandbox: true\n", False),
        ("config:\n  warren:domain: x\n", False),
        ("config:\n  warren:note: 'warren:sandbox: true'\n", False),
        ("config:\n  warren:sandbox: True\n", True),
        ("config:\n  warren:sandbox: TRUE\n", True),
        ("config:\n  warren:sandbox: False\n", False),
        ("config: { warren:sandbox: true }\n", True),
        ("warren:sandbox: true\nconfig: {}\n", False),
        ("", False),
        ("- 1\n", False),
        # Not YAML: the engine says so, in the environment that the line asks for.
        ("config:\n  warren:sandbox: true\n\twarren:domain: x\n", True),
        ("config:\n  warren:domain: x\n\tx: y\n", False),
    ],
)
def test_a_stack_is_a_sandbox_only_when_its_file_says_so(tmp_path: Path, text: str, *, sandbox: bool) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(text)
    assert stack.is_sandbox(file) is sandbox


@pytest.mark.parametrize("word", ["yes", "on", "y", "'True'", "tRUE", "1", "", "[true]", "{ secure: x }"])
def test_a_word_that_the_engine_does_not_take_for_true_is_answered_with_its_line(tmp_path: Path, word: str) -> None:
    (tmp_path / "Pulumi.x.yaml").write_text(f"config:\n  warren:domain: x\n  warren:sandbox: {word}\n")
    with pytest.raises(SystemExit, match=r"Pulumi\.x\.yaml:3: warren:sandbox: write true or false"):
        stack.look_for("x", tmp_path)


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
    assert stack.arguments("up", "", sandbox=True) == ["up", "--suppress-outputs", "--yes", "--skip-preview"]
    assert stack.arguments("preview", "", sandbox=True) == ["preview", "--suppress-outputs"]
    assert stack.arguments("destroy", "", sandbox=False) == ["destroy", "--suppress-outputs"]
    assert stack.arguments("pulumi", "up", sandbox=True) == ["up"]


def test_words_are_taken_as_they_were_typed() -> None:
    typed = "set --secret --path 'secrets.a-b'"
    assert stack.arguments("config", typed, sandbox=True) == ["config", "set", "--secret", "--path", "secrets.a-b"]
    assert stack.arguments("pulumi", """stack tag set "a b" '$x `y`'""", sandbox=True)[3:] == ["a b", "$x `y`"]
    assert stack.arguments("config", "", sandbox=True) == ["config"]


@pytest.mark.parametrize(
    ("command", "typed"),
    [
        ("config", "set --secret --path 'secrets.a' hunter2"),
        ("config", "set --path 'secrets.a' hunter2 --secret"),
        ("config", "set secrets.a --type string hunter2 --secret"),
        ("config", "set-all --path --secret secrets.a=hunter2"),
        ("config", "set-all --path --secret=secrets.a=hunter2"),
        ("config", "set --secret=true secrets.a hunter2"),
        ("pulumi", "config set --secret a hunter2"),
        ("pulumi", "-v 3 config set --secret a hunter2"),
        ("config", "set --secret a hunter2's"),
    ],
)
def test_a_secret_on_the_command_line_is_refused_and_not_repeated(command: str, typed: str) -> None:
    with pytest.raises(SystemExit) as refused:
        stack.arguments(command, typed, sandbox=False)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "typed",
    [
        "set --secret --path 'secrets.a'",
        "set --secret cloudflare:apiToken --stack home",
        "set warren:domain example.com",
        "set-all --plaintext warren:domain=example.com",
    ],
)
def test_what_gives_no_secret_away_is_not_refused(typed: str) -> None:
    assert stack.arguments("config", typed, sandbox=False)[0] == "config"


def test_nothing_to_run_is_said() -> None:
    with pytest.raises(SystemExit, match="say what to run: make pulumi ARGS="):
        stack.arguments("pulumi", " ", sandbox=True)


def test_an_empty_or_unknown_stack_says_what_there_is(tmp_path: Path) -> None:
    for name in ("home", "my.cabin", "sandbox"):
        (tmp_path / f"Pulumi.{name}.yaml").write_text("config: {}\n")
    with pytest.raises(SystemExit, match="STACK= is empty"):
        stack.look_for("", tmp_path)
    with pytest.raises(SystemExit, match=r"no Pulumi\.hom\.yaml; the stacks here are: home, my\.cabin, sandbox$"):
        stack.look_for("hom", tmp_path)
    assert not stack.look_for("somebody/warren/home", tmp_path)


def test_a_sandbox_stack_is_found_by_its_whole_name_too(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: warren\n")
    file = stack.checkpoint_of(tmp_path, "sandbox")
    assert file == tmp_path / ".state/backend/.pulumi/stacks/warren/sandbox.json"
    assert stack.checkpoint_of(tmp_path, "organization/warren/sandbox") == file


def test_a_stack_file_that_was_deleted_is_brought_back_by_git(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.sandbox.yaml"
    file.write_text("config:\n  warren:sandbox: true\n")
    for words in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    file.unlink()
    with pytest.raises(SystemExit, match="is gone") as told:
        stack.look_for("sandbox", tmp_path)
    subprocess.run(str(told.value).rpartition("run: ")[2].split(), cwd=tmp_path, capture_output=True, check=True)
    assert stack.look_for("sandbox", tmp_path)


def test_a_language_host_is_found_wherever_the_engine_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    home = {"PULUMI_HOME": str(tmp_path / "home")}
    linked = tmp_path / "pulumi"
    linked.symlink_to(tmp_path / "real" / "pulumi")
    engine = {"path": str(linked)}
    for place in ("path", "real", "home/plugins/language-python-v3.259.0"):
        assert not stack.language_host(engine, home)
        host = tmp_path / place / "pulumi-language-python"
        host.parent.mkdir(parents=True)
        host.touch(0o755)
        assert stack.language_host(engine, home), place
        shutil.rmtree(host.parent)


def test_an_interrupt_is_the_engine_s_to_answer() -> None:
    program = "import os, signal, sys; os.kill(os.getppid(), signal.SIGINT); sys.exit(7)"
    assert stack.run([sys.executable, "-c", program], dict(os.environ)) == 7
    died = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    assert stack.run([sys.executable, "-c", died], dict(os.environ)) == 143


def test_what_is_looked_at_before_the_engine_starts_needs_no_models() -> None:
    """They take a quarter of a second to import, and every command would wait for it."""
    asked = "import sys, scripts.stack; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], cwd=WARREN, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
