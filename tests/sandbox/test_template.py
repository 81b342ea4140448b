"""What a new repository has for its host: the pull requests' workflow, run here step by step, and Renovate's config."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.git import git
from scripts.new import TEMPLATE
from scripts.project import WARREN

ME = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@x.test",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@x.test",
}
# This loader makes nothing but text: `on` is a key.
WORKFLOW: dict[str, Any] = yaml.load(
    (TEMPLATE / ".github" / "workflows" / "preview.yaml").read_text("utf-8"), Loader=yaml.BaseLoader
)
JOBS = WORKFLOW["jobs"]
STEPS = {step["name"]: step for job in JOBS.values() for step in job["steps"] if "name" in step}


# The workflow: what it may.


def test_what_a_pull_request_brings_runs_where_nothing_can_be_written() -> None:
    assert WORKFLOW["on"] == "pull_request", (
        "pull_request_target would run a stranger's code with the repository's rights"
    )
    assert WORKFLOW["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == {
        "preview": {"contents": "read"},
        "comment": {"pull-requests": "write"},
    }
    checkout = JOBS["preview"]["steps"][0]
    assert checkout["with"]["persist-credentials"] == "false"
    assert "token" not in json.dumps(JOBS["preview"]), "no token where a pull request's code runs"
    assert [list(step) for step in JOBS["comment"]["steps"]] == [["name", "env", "run"]], "nothing of it is checked out"


def test_actions_are_pinned_by_their_commit_and_no_text_of_a_stranger_is_put_into_a_script() -> None:
    used = [step["uses"] for job in JOBS.values() for step in job["steps"] if "uses" in step]
    assert len(used) == 1
    assert re.fullmatch(r"actions/checkout@[0-9a-f]{40}", used[0]), "a cache would carry one push's code into the next"
    for name, step in STEPS.items():
        assert "${{" not in step["run"], name


# The workflow: what it does.


def run(step: str, folder: Path, path: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a step as the runner does."""
    files = {key: str(folder.parent / key.lower()) for key in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT", "MAKE"))}
    search = {"PATH": f"{path}:{os.environ['PATH']}"} if path else {}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[step]["run"]],
        cwd=folder,
        env={**kept, **files, **search, "RUNNER_TEMP": str(folder.parent), "GIT_ALLOW_PROTOCOL": "file", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def output(folder: Path) -> str:
    """What the step hands on, as the runner reads it: up to the first line that is the end."""
    first, _, rest = (folder.parent / "github_output").read_text().partition("\n")
    name, _, end = first.partition("<<")
    assert name == "changes"
    text, _, after = rest.partition(f"\n{end}\n")
    assert after == ""
    return text


@pytest.fixture
def merge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The merge of a pull request that moves Warren, whose `make` writes down what it is run on."""
    for key, value in {**ME, "GIT_CONFIG_GLOBAL": os.devnull}.items():
        monkeypatch.setenv(key, value)
    upstream, root = tmp_path / "upstream", tmp_path / "casa"
    for folder in (upstream, root):
        folder.mkdir()
        git(folder, "init", "--quiet", "--initial-branch=main")
    pins = []
    for tag in ("v0.1.0", "v0.2.0"):
        (upstream / "version").write_text(tag)
        git(upstream, "add", "--all")
        git(upstream, "commit", "--quiet", f"--message={tag}")
        pins.append(git(upstream, "rev-parse", "HEAD"))
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(upstream), "warren")
    git(root / "warren", "checkout", "--quiet", pins[0])
    does = "@echo $@ $(STACK) `cat warren/version mine` >> ../done; cat ../$@.sh 2>/dev/null | sh"
    (root / "Makefile").write_text(f"up preview:\n\t{does}\n")
    (root / "mine").write_text("before")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message=base")
    git(root, "checkout", "--quiet", "-b", "head")
    (root / "mine").write_text("after")
    git(root, "update-index", "--cacheinfo", f"160000,{pins[1]},warren")
    git(root, "commit", "--quiet", "--message=head", "--", "mine")
    git(root, "update-index", "--cacheinfo", f"160000,{pins[1]},warren")
    git(root, "commit", "--quiet", "--message=pin")
    git(root, "checkout", "--quiet", "main")
    git(root, "merge", "--quiet", "--no-ff", "--message=merge", "head")
    git(root, "submodule", "--quiet", "deinit", "--force", "warren")
    shutil.rmtree(root / ".git" / "modules")
    return root


def test_the_base_comes_up_with_its_own_warren_and_the_merge_is_previewed_with_its_own(merge: Path) -> None:
    assert run("Bring Warren", merge).returncode == 0
    done = run("Bring up the base", merge, GITHUB_SHA=git(merge, "rev-parse", "HEAD"))
    assert done.returncode == 0, done.stderr
    (merge.parent / "preview.sh").write_text('echo "notes: 3 created" > "$WARREN_CHANGES"')
    done = run("Preview the merge", merge)
    assert done.returncode == 0, done.stderr
    assert (merge.parent / "done").read_text().splitlines() == [
        "up sandbox v0.1.0before",
        "preview sandbox v0.2.0after",
    ]
    assert output(merge) == "notes: 3 created\n"
    assert (merge.parent / "github_step_summary").read_text() == "notes: 3 created\n"


def test_a_base_that_does_not_come_up_is_a_warning(merge: Path) -> None:
    assert run("Bring Warren", merge).returncode == 0
    (merge.parent / "up.sh").write_text("exit 1")
    done = run("Bring up the base", merge, GITHUB_SHA=git(merge, "rev-parse", "HEAD"))
    assert done.returncode == 0
    assert "::warning::The base does not come up" in done.stdout
    assert (merge / "mine").read_text() == "after"


def test_a_preview_that_fails_fails_the_run_and_its_end_is_handed_on(merge: Path) -> None:
    assert run("Bring Warren", merge).returncode == 0
    (merge.parent / "preview.sh").write_text("echo '1 mistake, nothing was changed:'; exit 3")
    assert run("Preview the merge", merge).returncode == 2  # what make makes of it
    assert output(merge).startswith("The preview failed:\n\n    1 mistake, nothing was changed:\n")


LOOK = "Look for what the text below cannot be trusted to tell"
CODE = "**This changes more than workspaces and stack files.** Read that first: it ran before this was written."
OTHERS = "**This changes files that the sandbox does not read**, of which nothing is told here."


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("workspaces/a.yaml", ""),
        ("workspaces/a/run.sh", ""),
        ("workspaces.sandbox/a.yaml", ""),
        ("Pulumi.sandbox.yaml", ""),
        ("workspaces.home/a.yaml", OTHERS),
        ("Pulumi.home.yaml", OTHERS),
        ("Pulumi.yaml", CODE),
        ("workspaces", CODE),
        ("workspaces.mk", CODE),
        ("Pulumi.x/a.yaml", CODE),
        (".github/workflows/preview.yaml", CODE),
        ("warren", CODE),
        ("Makefile workspaces.home/a.yaml", f"{CODE} {OTHERS}"),
    ],
)
def test_what_a_preview_cannot_be_trusted_to_tell_is_told_before_anything_runs(
    file: str, said: str, merge: Path
) -> None:
    assert list(STEPS)[:2] == ["Bring Warren", LOOK]
    assert run("Bring Warren", merge).returncode == 0
    if file == "warren":  # hidden as well as one can
        git(merge, "config", "submodule.warren.ignore", "all")
        git(merge, "update-index", "--cacheinfo", f"160000,{'ab' * 20},warren")
    else:
        for name in file.split():
            (merge / name).parent.mkdir(parents=True, exist_ok=True)
            (merge / name).write_text("x")
            git(merge, "add", name)
    git(merge, "commit", "--quiet", "--message=x")
    assert run(LOOK, merge).returncode == 0
    told = {name: merge.parent / name for name in ("github_output", "github_step_summary")}
    assert [each.exists() for each in told.values()] == [bool(said)] * 2
    if said:
        assert told["github_output"].read_text() == f"said={said}\n"
        assert told["github_step_summary"].read_text() == f"{said}\n\n"


@pytest.mark.parametrize("known", [True, False])
def test_a_warren_that_only_a_fork_has_is_told(known: bool, merge: Path) -> None:
    upstream = merge.parent / "upstream"
    # As hosts do, for whom all forks are one repository.
    git(upstream, "config", "uploadpack.allowAnySHA1InWant", "true")
    commit = git(upstream, "commit-tree", "-p", "HEAD", "-m", "v0.2.1", "HEAD^{tree}")
    if known:
        git(upstream, "update-ref", "refs/heads/main", commit)
    git(merge, "update-index", "--cacheinfo", f"160000,{commit},warren")
    git(merge, "commit", "--quiet", "--message=Warren v0.2.1")
    assert run("Bring Warren", merge).returncode == 0
    assert git(merge / "warren", "rev-parse", "HEAD") == commit
    assert run(LOOK, merge).returncode == 0
    said = (merge.parent / "github_output").read_text()
    assert said.endswith("no tag of its origin has.**\n") is not known


def obeyed(log: str) -> list[str]:
    """The lines of a step's output that the runner takes for commands (actions/runner, ActionCommand.cs)."""
    found, end = [], ""
    for line in log.splitlines():
        if end:
            end = "" if line == f"::{end}::" else end
        elif line.startswith("::stop-commands::"):
            end = line.removeprefix("::stop-commands::")
        elif line.lstrip().startswith("::") or "##[" in line:
            found.append(line)
    return found if not end else [*found, "never ends"]


@pytest.mark.parametrize("code", [0, 1])
def test_nothing_that_a_preview_prints_is_a_command_or_leaves_its_block_in_the_comment(code: int, merge: Path) -> None:
    assert run("Bring Warren", merge).returncode == 0
    says = "::add-mask::a\\nx ##[error]made up\\n::stop-commands::x\\r@everybody\\r\\r[here](https://x.test)"
    (merge.parent / "preview.sh").write_text(f"printf '{says}'; exit {code}\n")
    done = run("Preview the merge", merge)
    assert obeyed("::error::x\n") == ["::error::x"], "the runner would"
    assert obeyed(done.stdout) == []
    if code:
        head, _, block = output(merge).partition("\n\n")
        assert head == "The preview failed:"
        assert "@everybody" in block
        assert all(line.startswith("    ") for line in block.splitlines())


def test_what_is_handed_on_is_bounded_and_cannot_end_early(merge: Path) -> None:
    assert run("Bring Warren", merge).returncode == 0
    (merge.parent / "preview.sh").write_text('{ echo 0; echo EOF; echo "x<<y"; seq 100000; } > "$WARREN_CHANGES"')
    assert run("Preview the merge", merge).returncode == 0
    assert output(merge).startswith("0\nEOF\nx<<y\n1\n2\n")
    assert len(output(merge)) == 60000


@pytest.mark.parametrize("doubts", ["", "**It brings code.**"])
@pytest.mark.parametrize(
    ("there", "asked"),
    [
        ("", "--silent --method POST repos/a/b/issues/7/comments --raw-field body={body}"),
        ("11\n22", "--silent --method PATCH repos/a/b/issues/comments/11 --raw-field body={body}"),
    ],
)
def test_there_is_one_comment_which_is_written_anew(there: str, asked: str, doubts: str, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "casa").mkdir()
    gh = tmp_path / "bin" / "gh"
    gh.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n[ "$2" = --silent ] || printf "{there}"\n')
    gh.chmod(0o755)
    names = {"COMMENTS": "repos/a/b/issues/7/comments", "ONE": "repos/a/b/issues/comments"}
    text = "notes: `3` $(touch made) created\n\nEnd"
    done = run(
        "Write the comment, or write it anew", tmp_path / "casa", gh.parent, DOUBTS=doubts, CHANGES=text, **names
    )
    assert done.returncode == 0, done.stderr
    first, _, rest = (tmp_path / "asked").read_text().partition("\n")
    assert first.startswith("api --paginate repos/a/b/issues/7/comments --jq .[] | select(.user.login == ")
    body = "\n".join(["<!-- what changes, by workspace -->", *([doubts, ""] if doubts else []), text])
    assert rest == f"api {asked.format(body=body)}\n"
    assert not (tmp_path / "casa" / "made").exists()


# Renovate.

RENOVATE = json.loads((TEMPLATE / "renovate.json").read_text("utf-8"))
MANAGERS = RENOVATE["customManagers"]


def found(path: str, text: str) -> list[tuple[str, str, str | None]]:
    """What Renovate would look up in a file: name, tag and digest of each image."""
    made = []
    for manager in MANAGERS:
        if any(re.search(pattern.strip("/"), path) for pattern in manager["managerFilePatterns"]):
            for expression in manager["matchStrings"]:
                for match in re.finditer(expression.replace("(?<", "(?P<"), text):
                    made.append((match["depName"], match["currentValue"], match["currentDigest"]))
    return made


PATHS = {
    "workspaces/notes.yaml": True,
    "workspaces.cabin/notes.yaml": True,
    "workspaces.my.cabin/notes.yaml": True,
    "workspaces/notes/openapi.yaml": False,
    "workspaces.cabin/notes/openapi.yaml": False,
}
"""Whether a file is a workspace's, or part of what one publishes."""


@pytest.mark.parametrize("path", PATHS)
def test_editors_and_renovate_take_the_workspaces_of_one_stack_and_no_static_file(path: str) -> None:
    assert bool(found(path, "image: ghcr.io/example/web:1.2.3")) == PATHS[path]
    schemas = json.loads((TEMPLATE / ".vscode" / "settings.json").read_text("utf-8"))["yaml.schemas"]
    # As editors match: a star ends at a slash.
    one = [re.escape(pattern).replace(r"\*", "[^/]*") for pattern in schemas["./warren/workspaces/schema.json"]]
    assert any(re.fullmatch(pattern, path) for pattern in one) == PATHS[path]


def images(node: Any) -> list[str]:
    """Every image that a file says, wherever."""
    if isinstance(node, list):
        return [image for item in node for image in images(item)]
    if not isinstance(node, dict):
        return []
    own = [node["image"]] if isinstance(node.get("image"), str) else []
    own += list(node["warren:images"].values()) if isinstance(node.get("warren:images"), dict) else []
    return own + [image for value in node.values() for image in images(value)]


FILES = sorted(
    file
    for root in (
        WARREN / "tests" / "reference",
        WARREN / "tests" / "real" / "everything",
        WARREN / "docs" / "examples" / "suite",
    )
    for file in [*root.glob("workspaces/*.yaml"), *root.glob("Pulumi.*.yaml")]
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_renovate_finds_every_image_of_a_file_and_nothing_else(file: Path) -> None:
    text = "\n".join(line for line in file.read_text("utf-8").splitlines() if not line.lstrip().startswith("#"))
    path = f"workspaces/{file.name}" if file.parent.name == "workspaces" else file.name
    written = images(yaml.safe_load(text))
    assert sorted(f"{name}:{tag}" + (f"@{digest}" if digest else "") for name, tag, digest in found(path, text)) == (
        sorted(written)
    )


def test_the_files_that_were_looked_at_have_images() -> None:
    assert sum(len(images(yaml.safe_load(file.read_text("utf-8")))) for file in FILES) > 10


DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("workspaces/a.yaml", "{ image: reg.lan:5000/a/b:1.2-rc.1, port: 1 }", ("reg.lan:5000/a/b", "1.2-rc.1", None)),
        ("workspaces/a.yaml", f'  image: "nginx:1.27@{DIGEST}"', ("nginx", "1.27", DIGEST)),
        ("workspaces.home/a.yaml", "image: 'ghcr.io/a/b:v1'", ("ghcr.io/a/b", "v1", None)),
        ("Pulumi.home.yaml", '    "team/hello": ghcr.io/a/b:v1 # why', ("ghcr.io/a/b", "v1", None)),
    ],
)  # fmt: skip
def test_every_form_of_an_image_is_read(path: str, text: str, expected: tuple[str, str, str | None]) -> None:
    assert found(path, text) == [expected]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("workspaces/public/landing/a/b.yaml", "image: nginx:1.27"),
        ("Pulumi.yaml", "image: nginx:1.27"),
        ("Pulumi.home.yaml", "    key: v1:VxN7gecEMnyrdj5U:g/Gty0vi1Y5Ap6oZHVKdM6Y9K7"),
        ("Pulumi.home.yaml", "# yaml-language-server: $schema=warren/workspaces/stack-schema.json"),
    ],
)
def test_what_is_no_image_is_left_alone(path: str, text: str) -> None:
    assert found(path, text) == []


def test_renovate_moves_the_submodule_from_release_to_release() -> None:
    # `make new` and `make upgrade` keep the release as `branch` in .gitmodules, and that is what it goes on from.
    assert RENOVATE["git-submodules"] == {"enabled": True, "versioning": "semver"}
