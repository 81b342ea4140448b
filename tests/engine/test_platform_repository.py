"""A platform repository from its first command to its last, in a folder with a space in its name.

Warren comes from a copy of this tree that is a git repository with releases. The engine, git and make are real.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.git import git
from scripts.project import WARREN
from scripts.stack import ENGINE_FILE, sandbox_environment
from tests.engine.harness import copy_platform, engine
from tests.engine.test_commands import MADE_OF, environment

VALUE = 'it\'s a $(made) "up" `value`'
SECRET = "notes-google-client-secret"
NOTES = f"""\
name: notes
host: notes
quota: {{ cpu: 500m, memory: 512Mi }}
auth:
  providers:
    - type: google
      id: google
      clientId: 1234567890-abc.apps.googleusercontent.com
      clientSecret: {{ secret: {SECRET} }}
  allow: {{ emails: [me@gmail.com] }}
apps:
  web: {{ image: docker.io/traefik/whoami:v1.11.0, args: [--port=8000], port: 8000, routes: [/] }}
"""
AUTHOR = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@x.test",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@x.test",
}
NEWS = "\n## 0.2.0\n\n### Breaking\n\n- Nothing of yours.\n"


def make(root: Path, *words: str, stdin: str = "", code: int = 0) -> str:
    """Run make and return everything it said; submodules may come from this machine here."""
    done = subprocess.run(
        ["make", *words],
        cwd=root,
        env=environment(root, GIT_ALLOW_PROTOCOL="file", **AUTHOR),
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def pulumi(folder: Path, root: Path, *words: str, stdin: str = "", stack: str = "sandbox", code: int = 0) -> str:
    """Run a plain Pulumi command in a folder, in the environment of the project's sandbox; returns what it printed."""
    done = subprocess.run(
        [engine(), *words, "--stack", stack, "--non-interactive", "--color=never"],
        cwd=folder,
        env=sandbox_environment(root, dict(os.environ)),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def set_up(warren: Path) -> None:
    """What `make setup` would install into a Warren: this checkout's packages and engine."""
    (warren / ".venv").symlink_to(sys.prefix)
    (warren / ".tools").mkdir(exist_ok=True)
    shutil.copy(ENGINE_FILE, warren / ".tools")
    with Path(git(warren, "rev-parse", "--absolute-git-dir"), "info", "exclude").open("a") as file:
        file.write("/.venv\n")  # .gitignore names a folder, and here it is a link


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """Warren, released as v0.1.0."""
    root = tmp_path / "up stream"
    copy_platform(root)
    for name in (*MADE_OF, "CHANGELOG.md", ".gitignore"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if (WARREN / name).is_dir():
            shutil.copytree(WARREN / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(WARREN / name, root / name)
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root, "v0.1.0")
    git(root, "tag", "v0.1.0")
    return root


def commit(root: Path, message: str) -> None:
    git(root, "add", "--all")
    git(root, "-c", "user.name=A", "-c", "user.email=a@x.test", "commit", "--quiet", f"--message={message}")


def release(upstream: Path) -> None:
    """A second release: a changelog, and code that changes nothing."""
    log = upstream / "CHANGELOG.md"
    log.write_text(log.read_text("utf-8").replace("\n## ", f"{NEWS}\n## ", 1), "utf-8")
    program = upstream / "__main__.py"
    program.write_text(program.read_text("utf-8") + "\n# Changed.\n", "utf-8")
    commit(upstream, "v0.2.0")
    git(upstream, "tag", "v0.2.0")


def without_places(text: str) -> str:
    """What `make new` says, but for where it was and which commit it had."""
    return re.sub(r"(?<=^Made )[^:]+|(?<=^Next: cd ).+(?= &&)|\b[0-9a-f]{12}\b", "_", text, flags=re.MULTILINE)


@pytest.mark.every_python
def test_a_platform_repository_from_new_to_destroy(upstream: Path, tmp_path: Path) -> None:
    casa = tmp_path / "a new user's" / "my casa"
    casa.parent.mkdir()
    said = make(upstream, "new", f"DIR={casa}", f"PYTHON={sys.executable}")
    assert f"Next: cd '{str(casa).replace(chr(39), chr(39) + chr(92) + chr(39) * 2)}' && make preview" in said
    readme = (WARREN / "README.md").read_text("utf-8")
    [shown] = re.findall(r"^```text\n(Made .*?)^```", readme, re.DOTALL | re.MULTILINE)
    assert without_places(shown) in without_places(said)
    set_up(casa / "warren")

    assert "https://warren.example/  public     landing  80    no" in make(casa, "preview")
    assert git(casa, "status", "--porcelain") == ""

    # The real stack names what is still to be found, each with its line.
    pulumi(casa, casa, "stack", "init", stack="home")
    told = pulumi(casa, casa, "preview", stack="home", code=1)
    assert "mistakes, nothing was changed:" in told
    for where in ("domain", "cluster.nodes[0].ip", "cloudflare.accountId", "cloudflare.zoneId"):
        assert re.search(rf"Pulumi\.home\.yaml:[0-9]+: {re.escape(where)}: .*is a placeholder; ", told), told
    git(casa, "checkout", "--quiet", "--", "Pulumi.home.yaml")

    # A workspace with sign-in, and its secret.
    (casa / "workspaces" / "notes.yaml").write_text(NOTES, "utf-8")
    for stack in ("sandbox", "home"):
        file = casa / f"Pulumi.{stack}.yaml"
        file.write_text(file.read_text("utf-8").replace("[public]", "[public, notes]"), "utf-8")
    assert f"has no secret '{SECRET}'" in make(casa, "preview", code=2)
    make(casa, "config", f"ARGS=set --secret --path 'secrets.{SECRET}'", stdin=VALUE)
    assert VALUE not in (casa / "Pulumi.sandbox.yaml").read_text("utf-8")
    manifests = casa / ".state" / "sandbox" / "manifests"
    assert f"the manifests are in {manifests.resolve()}\n" in make(casa, "up")
    assert {"public", "notes", "warren-tunnel"} <= {path.name for path in manifests.iterdir()}
    assert not (casa / "warren" / ".state").exists()
    commit(casa, "notes")

    # One of Warren's examples, with the domain of here.
    assert "  make secret NAME=photos-db-password STACK=home\n" in make(casa, "workspace", "NAME=photos", "FROM=immich")
    text = (casa / "workspaces" / "photos.yaml").read_text("utf-8")
    assert text.startswith("# yaml-language-server: $schema=../warren/workspaces/schema.json\n# Immich: ")
    git(casa, "clean", "--quiet", "--force")
    git(casa, "checkout", "--quiet", "--", ".")

    # Plain commands of Pulumi, at the root and below it.
    below = casa / "workspaces" / "public"
    assert {row["namespace"] for row in json.loads(pulumi(below, casa, "stack", "output", "routes"))} == {
        "public", "notes",
    }  # fmt: skip
    pulumi(below, casa, "config", "set", "--secret", "--path", f"secrets.{SECRET}", stdin=VALUE)
    assert pulumi(casa, casa, "config", "get", "--path", f"secrets.{SECRET}") == f"{VALUE}\n"
    assert "unchanged" in (plan := pulumi(below, casa, "preview"))
    assert not any(word in plan for word in (" to create", " to update", " to delete", " to replace"))
    git(casa, "checkout", "--quiet", "--", "Pulumi.sandbox.yaml")

    # An upgrade moves the pin. Declarations that the new version has no more, or has besides, are refused by nobody.
    release(upstream)
    project = casa / "Pulumi.yaml"
    project.write_text(project.read_text("utf-8").replace("  openings:\n", "  gone:\n"), "utf-8")
    file = casa / "Pulumi.sandbox.yaml"
    file.write_text(
        file.read_text("utf-8").replace("config:\n", "config:\n  warren:openings: { networks: [10.0.0.0/24] }\n", 1)
    )
    commit(casa, "declared by another version")
    said = make(casa, "upgrade")
    assert "Warren v0.1.0 -> v0.2.0\n\nBreaking:\n- Nothing of yours.\n\n" in said
    plan = said.partition("Previewing update")[2]
    assert "unchanged" in plan
    assert not any(word in plan for word in (" to create", " to update", " to delete", " to replace"))
    assert git(casa, "status", "--porcelain") == "M  .gitmodules\nM  warren"
    commit(casa, "Warren v0.2.0")

    # Another machine has it by a plain clone; a Warren that was left behind by a pull is named.
    other = casa.with_name("other casa")
    git(casa.parent, "clone", "--quiet", str(casa), str(other))
    assert not any((other / "warren").iterdir())
    assert "preview" in make(other, "help")
    set_up(other / "warren")
    assert "https://notes.warren.example/" in make(other, "preview")
    assert git(other, "status", "--porcelain") == ""
    git(other / "warren", "checkout", "--quiet", "v0.1.0")
    assert "setup: warren/ is not at the commit that this repository pins" in make(other, "setup")

    make(casa, "destroy")
    assert not [path for path in manifests.rglob("*") if path.is_file()]
    assert git(casa, "status", "--porcelain") == ""
