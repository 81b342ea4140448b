"""The commands that a new user types, `make` and all, in a checkout whose path has a space in it."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from config.columns import text_table
from manifests import platform, report
from scripts.project import WARREN
from scripts.stack import ENGINE_FILE, checkpoint_of
from tests import config_from_file
from tests.engine.harness import copy_platform

MADE_OF = (
    "Makefile",
    "platform.mk",
    "bin",
    "docs/apps",
    "requirements-dev.txt",
    "scripts",
    "sandbox",
    "tools/pulumi/go.mod",
)
SECRET = "notes-entra-client-secret"
VALUE = 'it\'s a $(made) "up" `value`'
HOSTILE = ["$(shell touch made-by-make)", "`touch made-by-a-shell`", "a.b", 'a"b', "a\nb", "it's", "../a"]
NOTES = """\
name: notes
host: notes
quota: { cpu: 500m, memory: 512Mi }
auth:
  providers:
    - type: microsoft
      id: entra
      tenant: 00000000-0000-0000-0000-00000000002a
      clientId: 00000000-0000-0000-0000-00000000002b
      clientSecret: { secret: notes-entra-client-secret }
  allow: { emailDomains: [devailab.work] }
apps:
  web: { image: docker.io/traefik/whoami:v1.11.0, args: [--port=8000], port: 8000, routes: [/] }
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make setup` has set up: this checkout's engine and packages, and a state of its own."""
    root = tmp_path / "a new user's" / "warren"
    copy_platform(root)
    for name in MADE_OF:
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (WARREN / name).is_dir():
            shutil.copytree(WARREN / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(WARREN / name, target)
    (root / ".tools").mkdir()
    shutil.copy(ENGINE_FILE, root / ".tools")
    (root / ".venv").symlink_to(sys.prefix)
    return root


def environment(root: Path, **more: str) -> dict[str, str]:
    """The user's own: nothing of the `make` that runs the tests, and a home without a login."""
    ours = ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "MAKELEVEL", "STACK", "ARGS", "PYTHON", "PULUMI_HOME")
    kept = {key: value for key, value in os.environ.items() if key not in ours and not key.startswith("PULUMI_")}
    return kept | {"HOME": str(root.parent / "home")} | more


def make(root: Path, *words: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *words],
        cwd=root,
        env=environment(root, **more),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_a_piped_preview_ends_with_the_url_table_and_what_changes_whatever_python_is_told_to_write(
    checkout: Path,
) -> None:
    done = make(checkout, "preview", PYTHONIOENCODING="latin1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "└─ pulumi:pulumi:Stack  warren-sandbox" in done.stdout
    written, secrets = config_from_file(checkout / "Pulumi.sandbox.yaml")
    routes = platform.load(checkout, "sandbox", written, secrets=secrets).routes
    table = text_table(report.url_table(routes))
    shown, _, changed = done.stdout.partition("\n\nWhat changes\n")
    assert shown.endswith(f"Routes\n{table}")
    assert [line.split()[0] for line in changed.splitlines()[:4]] == ["workspace", "mcd", "perso", "public"]
    assert "Pulumi v" not in done.stdout + done.stderr, "what was there already is not told at every command"


@pytest.mark.every_python
def test_a_workspace_is_put_behind_sign_in_with_the_commands_of_the_readme(checkout: Path) -> None:
    file = checkout / "Pulumi.sandbox.yaml"
    file.write_text(file.read_text("utf-8").replace("[public, mcd, perso]", "[public, notes]"), "utf-8")
    (checkout / "workspaces" / "notes.yaml").write_text(NOTES, "utf-8")
    refused = make(checkout, "preview")
    assert refused.returncode != 0
    told = refused.stdout + refused.stderr
    assert f"has no secret '{SECRET}'" in told
    for noise in ("unhandled error", "non-zero exit code", "Traceback"):
        assert noise not in told
    asked = f"make secret NAME={SECRET} STACK=sandbox"
    assert asked in told
    given = make(checkout, *asked.split()[1:], stdin=f"{VALUE}\n")
    assert given.returncode == 0, given.stderr
    assert given.stdout == f"Pulumi.sandbox.yaml has {SECRET} now, encrypted, read by notes\n"
    assert make(checkout, "preview").returncode == 0
    kept = make(checkout, "config", f"ARGS=get --path 'secrets.{SECRET}'")
    assert kept.stdout == f"{VALUE}\n"
    assert VALUE not in given.stdout + given.stderr + file.read_text("utf-8")


def test_files_are_checked_in_the_words_of_a_preview_without_an_engine_and_in_about_a_second(checkout: Path) -> None:
    assert make(checkout, "check-files", "ARGS=--later").returncode == 0, "as before a commit"
    file = checkout / "Pulumi.sandbox.yaml"
    file.write_text(file.read_text("utf-8").replace("[public, mcd, perso]", "[public, mcd, notes]"), "utf-8")
    (checkout / "workspaces" / "notes.yaml").write_text(NOTES.replace("port: 8000", "prot: 8000"), "utf-8")
    previewed = make(checkout, "preview")
    assert previewed.returncode != 0
    (checkout / ".tools" / "engine.json").unlink()
    begun = time.monotonic()
    checked = make(checkout, "check-files", "STACK=sandbox")
    seconds = time.monotonic() - begun
    assert checked.returncode != 0
    mistakes, last = checked.stdout.rstrip("\n").rsplit("\n", 1)
    assert mistakes.startswith("2 mistakes, nothing was changed:\n")
    said = previewed.stdout + previewed.stderr
    assert [line for line in mistakes.splitlines() if f"{line.strip()}\n" not in said] == []
    assert last == "checked Pulumi.sandbox.yaml and the workspaces listed there: 2 mistakes"
    assert not (checkout / ".tools" / "engine.json").exists(), "an engine was asked for"
    assert seconds < 5, "an editor waits for it"
    everything = make(checkout, "check-files", "ARGS=--json --later")
    rows = json.loads(everything.stdout)
    assert [row["key"] for row in rows if row["severity"] == "error"] == ["apps.web.prot"]
    assert {stack for row in rows for stack in row["stacks"]} == {"home", "sandbox"}


def test_a_workspace_is_begun_with_one_command_and_previews(checkout: Path) -> None:
    done = make(checkout, "workspace", "NAME=club")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "workspaces/club.yaml: written"
    assert re.findall(r"^(\S+): lists club", done.stdout, re.MULTILINE) == ["Pulumi.home.yaml", "Pulumi.sandbox.yaml"]
    previewed = make(checkout, "preview")
    assert previewed.returncode == 0, previewed.stdout + previewed.stderr
    assert re.search(r"^https://club\.devailab\.work/ +club +web +8000 +no$", previewed.stdout, re.MULTILINE)
    before = sorted(path for path in checkout.rglob("*") if ".venv" not in path.parts)
    for name in HOSTILE:
        refused = make(checkout, "workspace", f"NAME={name}")
        assert refused.returncode != 0
        assert "is not a name: a letter" in refused.stderr
    assert sorted(path for path in checkout.rglob("*") if ".venv" not in path.parts) == before


def test_an_example_is_copied_with_one_command(checkout: Path) -> None:
    done = make(checkout, "workspace", "NAME=photos", "FROM=immich", "STACK=sandbox")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "workspaces/photos.yaml: written",
        "Pulumi.sandbox.yaml: lists photos, as https://photos.devailab.work/",
        "Its secrets for sandbox, each asked for, or made up: openssl rand -hex 24 | make secret ...",
        "  make secret NAME=photos-db-password STACK=sandbox",
        "Look at it: make preview STACK=sandbox",
    ]
    checked = make(checkout, "check-files", "STACK=sandbox", "ARGS=--later")
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.endswith("listed there: 1 warning\n"), "the secret"
    before = sorted(path for path in checkout.rglob("*") if ".venv" not in path.parts)
    for example in [*HOSTILE, "README.md", "/etc/passwd"]:
        refused = make(checkout, "workspace", "NAME=club", f"FROM={example}")
        assert refused.returncode != 0
        assert refused.stderr.startswith("workspace: FROM: there is no example of that name")
    assert sorted(path for path in checkout.rglob("*") if ".venv" not in path.parts) == before


def test_commands_run_from_a_folder_below(checkout: Path) -> None:
    below = checkout / "workspaces" / "mcd"
    done = subprocess.run(
        [checkout / "bin" / "warren", "check-files", "STACK=sandbox"],
        cwd=below,
        env=environment(checkout, PWD=str(below)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "checked Pulumi.sandbox.yaml and the workspaces listed there: nothing wrong\n", done.stderr


def test_any_command_of_pulumi_runs_as_it_was_typed(checkout: Path) -> None:
    assert make(checkout, "up").returncode == 0
    shown = make(checkout, "pulumi", "ARGS=stack output routes --json")
    assert {row["namespace"] for row in json.loads(shown.stdout)} == {"public", "mcd", "perso"}
    typed = "$(shell touch made-by-make) `touch made-by-a-shell` a  b; $HOME #"
    assert make(checkout, "pulumi", f"ARGS=stack tag set note '{typed}'").returncode == 0
    assert make(checkout, "pulumi", "ARGS=stack tag get note").stdout == f"{typed}\n"
    assert list(checkout.glob("made-by-*")) == []


KEY = '-----BEGIN KEY-----\nit\'s $(touch made-by-make) `touch made-by-a-shell` "up"\n-----END KEY-----\n'


@pytest.mark.parametrize("value", [KEY, '{\n  "a": [1]\n}', "true", "0123", "-x", "$HOME ${HOME} %s \\n"])
def test_a_secret_is_kept_as_it_was_given_and_is_nowhere_else(checkout: Path, value: str) -> None:
    given = make(checkout, "secret", "NAME=notes-key", stdin=value)
    assert given.returncode == 0, given.stderr
    assert "no workspace of sandbox reads notes-key" in given.stderr
    kept = make(checkout, "pulumi", "ARGS=config get --path secrets.notes-key")
    assert kept.stdout == f"{value}\n"
    assert make(checkout, "check-files", "STACK=sandbox").returncode == 0, "what the engine wrote is read again"
    assert list(checkout.rglob("made-by-*")) == []
    if value is KEY:
        written = [
            path for path in checkout.rglob("*") if path.is_file() and not path.is_relative_to(checkout / ".venv")
        ]
        assert [path for path in written if b"-----END KEY" in path.read_bytes()] == []
        assert "-----END KEY" not in given.stdout + given.stderr


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_of_a_secret_changes_nothing(checkout: Path, name: str) -> None:
    before = (checkout / "Pulumi.sandbox.yaml").read_bytes()
    refused = make(checkout, "secret", f"NAME={name}", stdin=VALUE)
    assert refused.returncode != 0
    assert "NAME is not a secret's name" in refused.stderr
    assert VALUE not in refused.stdout + refused.stderr
    assert (checkout / "Pulumi.sandbox.yaml").read_bytes() == before
    assert list(checkout.rglob("made-by-*")) == []


RECORDER = """\
#!{python}
import json, os, sys
kept = {{key: os.environ.get(key) for key in ("PULUMI_STACK", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_BACKEND_URL")}}
print(json.dumps([sys.argv[1:], sys.stdin.read(), kept]), file=open(os.path.dirname(__file__) + "/called", "w"))
"""


def recorder(checkout: Path) -> Path:
    """Stand for a Pulumi that runs real stacks; returns where it writes what it was asked."""
    engine = checkout / ".tools" / "engine" / "pulumi"
    engine.parent.mkdir()
    engine.write_text(RECORDER.format(python=sys.executable))
    engine.chmod(0o755)
    status = engine.stat()
    chosen = {"path": str(engine), "source": "built", "version": "v3.999.0"}
    chosen["stamp"] = f"{status.st_size} {status.st_mtime_ns}"
    (checkout / ".tools" / "engine.json").write_text(json.dumps(chosen))
    return engine.with_name("called")


def in_a_terminal(root: Path, *words: str, typed: Mapping[str, bytes] = MappingProxyType({})) -> tuple[int, str]:
    """Run `make` in a terminal of its own, and type each text of `typed` a second after what it waits for was shown."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (50, 200))
    process = subprocess.Popen(
        ["make", *words],
        cwd=root,
        env=environment(root, TERM="xterm-256color"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    said, waiting = b"", dict(typed)
    while True:
        try:
            said += os.read(ours, 65536)
        except OSError:  # how a terminal says that nobody has it open
            break
        for shown in [each for each in waiting if each.encode() in said]:
            time.sleep(1)
            os.write(ours, waiting.pop(shown))
    os.close(ours)
    assert not waiting, said
    return process.wait(), re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", said.decode()).replace("\r\n", "\n")


def test_a_secret_of_a_real_stack_is_asked_for_without_echo_and_so_is_the_passphrase(checkout: Path) -> None:
    called = recorder(checkout)
    with (checkout / "Pulumi.home.yaml").open("a") as file:
        file.write("encryptionsalt: v1:x\n")
    typed = {
        f"Value of {SECRET} (not shown): ": f"{VALUE}\n".encode(),
        "Passphrase of the stack home (not shown): ": b"open sesame\n",
    }
    code, shown = in_a_terminal(checkout, "secret", f"NAME={SECRET}", "STACK=home", typed=typed)
    assert code == 0, shown
    assert VALUE not in shown
    assert "sesame" not in shown
    words, stdin, kept = json.loads(called.read_text())
    assert words[:-1] == ["config", "set", "--secret", "--raw", "--path", f"secrets.{SECRET}"]
    assert stdin == VALUE
    assert kept == {
        "PULUMI_STACK": "home",
        "PULUMI_CONFIG_PASSPHRASE": "open sesame",
        "PULUMI_BACKEND_URL": "file://~",
    }


def test_the_token_of_a_real_stack_is_read_from_a_pipe(checkout: Path) -> None:
    called = recorder(checkout)
    given = make(checkout, "secret", "NAME=cloudflare:apiToken", "STACK=home", stdin=f"{VALUE}\n")
    assert given.stdout == "Pulumi.home.yaml has cloudflare:apiToken now, encrypted\n", given.stderr
    words, stdin, _ = json.loads(called.read_text())
    assert words[:-1] == ["config", "set", "--secret", "--raw", "cloudflare:apiToken"]
    assert stdin == VALUE


def test_a_real_stack_that_was_never_made_says_how_it_is(checkout: Path) -> None:
    refused = make(checkout, "secret", f"NAME={SECRET}", "STACK=home", stdin=VALUE)
    assert refused.returncode != 0
    assert "home has to be made once: make pulumi ARGS='stack init home' STACK=home" in refused.stderr
    assert VALUE not in refused.stdout + refused.stderr


def test_after_a_destroy_the_stack_s_file_is_not_to_be_deleted(checkout: Path) -> None:
    done = make(checkout, "destroy")
    assert done.returncode == 0, done.stderr
    assert "pulumi stack rm sandbox" in done.stdout, "the engine's advice has changed"
    assert done.stdout.splitlines()[-1].startswith("Leave out the `pulumi stack rm`: it deletes Pulumi.sandbox.yaml")


@pytest.mark.parametrize("left", ["", '{"version": 3, "check'], ids=["nothing", "a beginning"])
def test_a_state_that_a_full_disk_left_says_how_to_begin_again(checkout: Path, left: str) -> None:
    state = checkpoint_of(checkout, "sandbox")
    state.parent.mkdir(parents=True)
    state.write_text(left)
    done = make(checkout, "pulumi", "ARGS=stack ls")
    assert done.returncode != 0
    assert "state is not whole (was the disk full?); start it again with: make clean" in done.stderr
    assert make(checkout, "clean").returncode == 0
    assert make(checkout, "pulumi", "ARGS=stack ls").returncode == 0


def test_a_real_stack_with_an_engine_that_cannot_run_it_is_told_so_before_anything_runs(checkout: Path) -> None:
    engine = checkout / ".tools" / "engine" / "pulumi"
    engine.parent.mkdir()
    engine.write_text('#!/bin/sh\necho "$@" >> "$(dirname "$0")/called"\n')
    engine.chmod(0o755)
    status = engine.stat()
    chosen = {"path": str(engine), "source": "built", "version": "v3.999.0"}
    chosen["stamp"] = f"{status.st_size} {status.st_mtime_ns}"
    (checkout / ".tools" / "engine.json").write_text(json.dumps(chosen))
    refused = make(checkout, "preview", "STACK=home")
    assert "install Pulumi: https://www.pulumi.com/docs/install/" in refused.stderr
    assert not (engine.parent / "called").exists()
    # What needs no program needs no host either; and beside the engine is one of the places where it is found.
    assert make(checkout, "config", "STACK=home").returncode == 0
    (engine.parent / "pulumi-language-python").touch()
    assert make(checkout, "up", "STACK=home").returncode == 0
    assert (engine.parent / "called").read_text() == "config\nup --suppress-outputs\n"


def test_in_a_terminal_what_changes_comes_after_the_engine_s_own_display(checkout: Path) -> None:
    code, said = in_a_terminal(checkout, "preview")
    assert code == 0, said
    shown, _, changed = said.partition("\n\nWhat changes\n")
    assert "132 to create" in shown
    assert "Resource tree:" not in shown
    lines = changed.splitlines()
    assert lines[0].split() == ["workspace", "create", "update", "replace", "delete", "what"]
    assert [line.split()[0] for line in lines[1:4]] == ["mcd", "perso", "public"]
    assert lines[-1].startswith("stack (platform)"), "nothing comes after it"


@pytest.mark.every_python
def test_ctrl_c_in_a_terminal_is_the_engine_s(checkout: Path) -> None:
    code, said = in_a_terminal(checkout, "preview", typed={"Previewing": b"\x03"})
    assert code != 0
    assert "cancel" in said
    assert "Traceback" not in said
    assert "What changes" not in said
    assert make(checkout, "preview").returncode == 0, "a lock was left behind"


def test_what_changes_goes_into_a_file_for_a_pull_request(checkout: Path) -> None:
    file = checkout / "out" / "changes.md"
    refused = make(checkout, "preview", "WARREN_CHANGES=out/changes.md")
    assert refused.returncode != 0
    assert f"{file} cannot be written: No such file or directory" in refused.stderr
    assert "Previewing" not in refused.stdout
    file.parent.mkdir()
    assert make(checkout, "preview", "WARREN_CHANGES=out/changes.md").returncode == 0
    assert file.read_text("utf-8").startswith("### What changes on `sandbox`\n\n| workspace | create |")
    broken = checkout / "workspaces" / "perso.yaml"
    broken.write_text(broken.read_text("utf-8").replace("port: 8000", "port: 80000"), "utf-8")
    assert make(checkout, "preview", WARREN_CHANGES=str(file)).returncode != 0
    assert file.read_text("utf-8") == "", "of an older preview"


@pytest.mark.every_python
def test_an_interrupted_preview_ends_in_order(checkout: Path) -> None:
    assert make(checkout, "pulumi", "ARGS=stack ls").returncode == 0
    process = subprocess.Popen(
        ["make", "preview"],
        cwd=checkout,
        env=environment(checkout),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    )
    assert process.stdout is not None
    said = ""
    while "Previewing" not in said:
        said += (line := process.stdout.readline())
        assert line, said
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    said += process.communicate(timeout=60)[0]
    assert process.returncode != 0
    assert re.search("cancel", said)
    assert "Traceback" not in said
    assert make(checkout, "preview").returncode == 0, "a lock was left behind"


def test_a_reader_who_has_enough_gets_no_traceback(checkout: Path) -> None:
    command = ["sh", "-c", "make preview | sed 1q"]
    done = subprocess.run(command, cwd=checkout, env=environment(checkout), capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
