"""`make new`: what it takes, what it refuses, what it writes, and that it leaves nothing of what it did not finish."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from config.load import parse_yaml
from config.mistakes import Mistakes
from manifests import platform
from scripts import new
from scripts.git import git
from scripts.new import PLACEHOLDER_DOMAIN, PLACEHOLDER_NODES, Wanted
from scripts.project import WARREN
from tests import config_from_file

ME = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@x.test",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@x.test",
}


def want(folder: Path, stack: str = "home", domain: str = PLACEHOLDER_DOMAIN, nodes: str = PLACEHOLDER_NODES) -> Wanted:
    return Wanted(folder, stack, domain, new.machines(nodes))


def write(root: Path, wanted: Wanted) -> Path:
    """The files of a new repository, with nothing in the submodule's place."""
    for name, text in new.files(wanted).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


# What is asked.


@pytest.mark.parametrize("text", ["", "Home", "my home", "1", "-a", "a" * 41, "sandbox", "a/b", "../x", "home.eu"])
def test_a_name_that_can_be_no_stacks_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"such as home$"):
        new.stack_name(text)


@pytest.mark.parametrize("text", ["", "casa", "https://example.com", "a b.com", "-a.com", "a..com", "x" * 250 + ".com"])
def test_what_is_no_domain_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no domain; write only its name, such as example.com$"):
        new.domain_name(text)


def test_a_domain_is_written_as_dns_has_it() -> None:
    assert new.domain_name("My-Casa.co.UK.") == "my-casa.co.uk"


@pytest.mark.parametrize(
    "text", ["a=10.0.0.1,b=10.0.0.2", "a=10.0.0.1 b=10.0.0.2", " a=10.0.0.1, b=10.0.0.2 ,", "a=10.0.0.1\nb=10.0.0.2"]
)
def test_nodes_are_names_and_addresses(text: str) -> None:
    assert new.machines(text) == (("a", "10.0.0.1"), ("b", "10.0.0.2"))
    assert new.machines("a=fd00:0::1") == (("a", "fd00::1"),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "does not say a node's name and address"),
        ("pi-1", "does not say a node's name and address"),
        ("pi-1=pi-1.local", "does not say a node's name and address"),
        ("Pi=10.0.0.1", "does not say a node's name and address"),
        ("=10.0.0.1", "does not say a node's name and address"),
        ("a=10.0.0.1,a=10.0.0.2", "is there twice"),
        ("a=10.0.0.1,b=10.0.0.1", "is there twice"),
        ("a=10.42.3.1", "is in 10.42.0.0/16, which is the cluster's own"),
    ],
)
def test_nodes_that_are_none_are_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        new.machines(text)


def test_a_repository_goes_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / ".hidden").touch()
    (tmp_path / "empty").mkdir()
    assert new.place(str(tmp_path / "empty")) == tmp_path / "empty"
    assert new.place(str(tmp_path / "not there")) == tmp_path / "not there"
    assert new.place(f"{tmp_path}/full/../x") == tmp_path / "x"
    for text, said in {
        "": "say where: make new DIR=../casa",
        str(tmp_path / "full"): "is there and not empty; nothing is overwritten",
        str(tmp_path / "a file"): "is there and not empty; nothing is overwritten",
        str(tmp_path / "no" / "folder"): f"there is no folder {tmp_path / 'no'} to make folder in",
        ".": "is inside Warren's own folder",
        "docs/../casa": "is inside Warren's own folder",
        str(WARREN / "a" / "b"): "is inside Warren's own folder",
    }.items():
        with pytest.raises(ValueError, match=re.escape(said)):
            new.place(text)


def test_a_path_starts_where_it_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARREN_CWD", str(tmp_path / "below"))
    assert new.place("../casa") == tmp_path / "casa"
    monkeypatch.delenv("WARREN_CWD")
    monkeypatch.setattr(new, "PROJECT", tmp_path / "mine" / "home")
    (tmp_path / "mine").mkdir()
    assert new.place("../casa") == tmp_path / "mine" / "casa"


def test_a_folder_that_leads_into_warren_by_a_link_is_inside_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(WARREN)
    with pytest.raises(ValueError, match="inside Warren's own folder"):
        new.place(str(tmp_path / "link" / "casa"))


# What is written.


def test_the_sandbox_previews_at_once_and_the_real_stack_names_what_is_missing(tmp_path: Path) -> None:
    root = write(tmp_path, want(tmp_path))
    written, secrets = config_from_file(root / "Pulumi.sandbox.yaml")
    assert [route.path for route in platform.load(root, "sandbox", written, kubeconfig=True).routes] == ["/"]
    written, secrets = config_from_file(root / "Pulumi.home.yaml")
    written["cluster"]["kubeconfig"] = "nothing/is/here"
    with pytest.raises(Mistakes) as refused:
        platform.load(root, "home", written, secrets=secrets, cloudflare_token=False, kubeconfig=True)
    lines = (root / "Pulumi.home.yaml").read_text("utf-8").splitlines()
    missing = {mistake.where: lines[mistake.line - 1] for mistake in refused.value.mistakes}
    assert list(missing) == [
        "cloudflare:apiToken",
        "domain",
        "cluster.kubeconfig",
        "cluster.nodes[0].ip",
        "cluster.nodes[1].ip",
        "cloudflare.accountId",
        "cloudflare.zoneId",
    ]
    assert "yours" in missing["domain"]


def test_what_was_asked_is_in_the_files(tmp_path: Path) -> None:
    root = write(tmp_path, want(tmp_path, "casa", "example.org", "one=10.0.0.1,two=fd00::2,three=10.0.0.3"))
    assert not (root / "Pulumi.home.yaml").exists()
    for stack in ("casa", "sandbox"):
        written, _ = config_from_file(root / f"Pulumi.{stack}.yaml")
        loaded = platform.load(root, stack, written)
        assert loaded.hosts == ("example.org",)
        assert [(node.name, node.role, node.ip) for node in loaded.stack.cluster.nodes] == [
            ("one", "control-plane", "10.0.0.1"),
            ("two", "worker", "fd00::2"),
            ("three", "worker", "10.0.0.3"),
        ]


def test_no_word_of_the_template_is_left(tmp_path: Path) -> None:
    for name, text in new.files(want(tmp_path)).items():
        assert not re.search("__[A-Z]+__", text + name), name
        if name.endswith((".yaml", ".yml")):
            assert parse_yaml(text, name).data
        if name.endswith(".json"):
            json.loads(text)


def test_the_hint_for_sign_in_is_right_as_it_stands(tmp_path: Path) -> None:
    root = write(tmp_path, want(tmp_path))
    file = root / "workspaces" / "public.yaml"
    lines = file.read_text("utf-8").replace("auth: none\n", "").splitlines()
    begin = lines.index("# auth:")
    lines[begin : begin + 7] = [line.removeprefix("# ") for line in lines[begin : begin + 7]]
    file.write_text("\n".join(lines), "utf-8")
    written, _ = config_from_file(root / "Pulumi.sandbox.yaml")
    plan = platform.load(root, "sandbox", written, secrets=["public-google-client-secret"])
    assert [where.host for where in plan.sign_in] == [PLACEHOLDER_DOMAIN]


def test_the_declarations_are_warrens_own(tmp_path: Path) -> None:
    made = yaml.safe_load(new.files(want(tmp_path))["Pulumi.yaml"])
    own = yaml.safe_load((WARREN / "Pulumi.yaml").read_text("utf-8"))
    assert made["config"] == own["config"]
    assert (made["name"], made["main"], made["runtime"]["options"]["virtualenv"]) == (
        "warren",
        "warren",
        "warren/.venv",
    )
    assert {**made["runtime"]["options"], "virtualenv": ".venv"} == own["runtime"]["options"]
    assert made.keys() - own.keys() == {"main"}


def test_editors_find_the_schemas(tmp_path: Path) -> None:
    made = new.files(want(tmp_path))
    named = [*json.loads(made[".vscode/settings.json"])["yaml.schemas"]]
    for name, text in made.items():
        for schema in re.findall(r"^# yaml-language-server: \$schema=(\S+)$", text, re.MULTILINE):
            named.append(os.path.normpath(Path(name).parent / schema))
    assert len(named) == 5
    for path in named:
        assert (WARREN / Path(path).relative_to("warren")).is_file(), path


# What becomes of it.


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout that stands for Warren's, by a git that knows nobody's name."""
    root = tmp_path / "upstream"
    root.mkdir()
    for key in list(os.environ):
        if key.startswith(("GIT_", "WARREN_")):
            monkeypatch.delenv(key)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setattr(new, "WARREN", root)
    monkeypatch.setattr(new, "PROJECT", root)
    (root / "Pulumi.yaml").write_text("name: warren\nconfig:\n  domain: {type: string}\n")
    (root / ".gitignore").write_text("/.tools/\n")
    git(root, "init", "--quiet", "--initial-branch=trunk")
    git(root, "add", "--all")
    subprocess.run(["git", "commit", "-qm", "1"], cwd=root, env=os.environ | ME, check=True)
    git(root, "tag", "v0.1.0")
    git(root, "remote", "add", "origin", "https://git.example.com/warren.git")
    git(root, "update-ref", "refs/remotes/origin/trunk", "HEAD")
    return root


def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **given: str) -> str:
    """Make `casa`, and return what was said."""
    for key, value in {"DIR": str(tmp_path / "casa"), **given}.items():
        monkeypatch.setenv(f"WARREN_{key}", value)
    new.main()
    out, err = capsys.readouterr()
    return out + err


def test_warren_is_pinned_at_this_commit_and_nothing_is_cloned_from_elsewhere(
    upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = made(tmp_path, monkeypatch, capsys)
    casa, commit = tmp_path / "casa", git(upstream, "rev-parse", "HEAD")
    assert f"with Warren {commit[:12]} in warren/." in said
    assert git(casa, "ls-files", "--stage", "warren").split()[:2] == ["160000", commit]
    assert git(casa, "config", "--file", ".gitmodules", "--list").splitlines() == [
        "submodule.warren.path=warren",
        "submodule.warren.url=https://git.example.com/warren.git",
        "submodule.warren.branch=v0.1.0",
    ]
    assert git(casa / "warren", "remote", "get-url", "origin") == "https://git.example.com/warren.git"
    assert git(casa / "warren", "for-each-ref", "--format=%(refname)") == "refs/tags/v0.1.0"
    assert (casa / "warren" / ".git").read_text() == "gitdir: ../.git/modules/warren\n", "it can be moved"
    assert git(casa, "submodule", "status") == f" {commit} warren (v0.1.0)"
    assert "which no other machine" not in said


def test_without_a_name_it_is_staged_and_said_so_and_with_one_it_is_committed(
    upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMAIL", "guessed@x.test")  # without a name of its own git would take this and the account's
    said = made(tmp_path, monkeypatch, capsys)
    assert 'All of it is staged: run `git commit -m "A platform of my own"`' in said
    assert {line[:3] for line in git(tmp_path / "casa", "status", "--porcelain").splitlines()} == {"A  "}
    for key, value in ME.items():
        monkeypatch.setenv(key, value)
    assert "staged" not in made(tmp_path, monkeypatch, capsys, DIR=str(tmp_path / "my casa"))
    assert git(tmp_path / "my casa", "status", "--porcelain") == ""
    assert git(tmp_path / "my casa", "log", "--format=%an %s") == "A A platform of my own"


@pytest.mark.parametrize(
    ("origin", "given", "pinned", "said"),
    [
        ("https://me:ghp_x@git.example.com/w.git", "", "https://git.example.com/w.git", "the token in the address of"),
        ("git@github.com:a/warren.git", "", "git@github.com:a/warren.git", "asks for a key, and the workflow"),
        ("ssh://git@host:2222/w.git", "", "ssh://git@host:2222/w.git", "asks for a key, and the workflow"),
        ("ssh://git:ghp_x@host:2222/w.git", "", "ssh://git@host:2222/w.git", "the token in the address of origin"),
        ("HTTPS://ghp_x@[::1]/a@b.git", "", "HTTPS://[::1]/a@b.git", "the token in the address of origin stays out"),
        ("https://[::1/w.git", "", "https://[::1/w.git", ""),
        ("../elsewhere", "", "{parent}/elsewhere", "which no other machine can fetch"),
        ("", "", "{upstream}", "which no other machine can fetch; FROM=<address> names another place"),
        ("https://a.test/w", "https://b.test/w", "https://b.test/w", ""),
    ],
)
def test_the_address_of_warren_is_origins_or_the_one_that_is_given_and_has_no_token(
    origin: str, given: str, pinned: str, said: str, upstream: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    git(upstream, "remote", *(["set-url", "origin", origin] if origin else ["remove", "origin"]))
    told = made(tmp_path, monkeypatch, capsys, FROM=given)
    url = git(tmp_path / "casa", "config", "--file", ".gitmodules", "submodule.warren.url")
    assert url == pinned.format(upstream=upstream, parent=upstream.parent)
    assert (said in told) if said else ("new: " not in told), told
    assert "ghp_x" not in told
    assert subprocess.run(["grep", "-rq", "ghp_x", str(tmp_path / "casa")], check=False).returncode == 1


def test_what_the_pin_will_not_have_is_said(
    upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (upstream / "mine.py").touch()
    subprocess.run(["git", "commit", "-q", "--allow-empty", "-m2"], cwd=upstream, env=os.environ | ME, check=True)
    said = made(tmp_path, monkeypatch, capsys)
    assert "this checkout has changes; what is not committed is not in the new repository" in said
    assert "is on no branch of origin yet; push it, or only this machine has it" in said
    assert not (tmp_path / "casa" / "warren" / "mine.py").exists()
    git(upstream, "update-ref", "-d", "refs/remotes/origin/trunk")
    assert "on no branch" not in made(tmp_path, monkeypatch, capsys, DIR=str(tmp_path / "unknown"))


def test_an_engine_that_was_built_is_handed_over(
    upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (upstream / new.BUILT).parent.mkdir(parents=True)
    (upstream / new.BUILT).write_text("an engine")
    made(tmp_path, monkeypatch, capsys)
    assert (tmp_path / "casa" / "warren" / new.BUILT).samefile(upstream / new.BUILT)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("the disk is full"), SystemExit(143)])
def test_of_what_was_not_finished_nothing_is_left(
    error: BaseException | type[BaseException], upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise error

    before = sorted(tmp_path.iterdir())
    monkeypatch.setenv("WARREN_DIR", str(tmp_path / "casa"))
    monkeypatch.setattr(new, "hand_over", interrupted)
    (upstream / new.BUILT).parent.mkdir(parents=True)
    (upstream / new.BUILT).touch()
    with pytest.raises((KeyboardInterrupt, OSError, SystemExit)):
        new.main()
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_that_filled_meanwhile_is_not_overwritten(
    upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    casa = tmp_path / "casa"
    monkeypatch.setenv("WARREN_DIR", str(casa))

    def meanwhile(*_: object) -> None:
        casa.mkdir()
        (casa / "mine").touch()

    monkeypatch.setattr(new, "hand_over", meanwhile)
    (upstream / new.BUILT).parent.mkdir(parents=True)
    (upstream / new.BUILT).touch()
    with pytest.raises(OSError, match="not empty"):
        new.main()
    assert [path.name for path in casa.iterdir()] == ["mine"]
    assert not list(tmp_path.glob(".casa*"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"NAME": "Casa"}, "new: NAME: 'Casa' can be no stack's name"),
        ({"DOMAIN": "casa"}, "new: DOMAIN: 'casa' is no domain"),
        ({"NODES": "pi"}, "new: NODES: 'pi' does not say a node's name and address"),
        ({"DIR": ""}, "new: DIR: say where: make new DIR=../casa"),
    ],
)
def test_where_nobody_can_be_asked_what_is_wrong_is_one_sentence(
    given: dict[str, str], said: str, upstream: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    with pytest.raises(SystemExit, match=f"^{re.escape(said)}[^\n]*$"):
        made(tmp_path, monkeypatch, capsys, **given)
    assert not (tmp_path / "casa").exists()


def test_at_a_terminal_it_asks_for_what_was_not_given_and_again_where_that_was_wrong(
    upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    said = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal(f"\n{tmp_path}/casa\nsandbox\n\npi\npi=10.0.0.1\n"))
    monkeypatch.setattr("sys.stderr", said)
    made(tmp_path, monkeypatch, capsys, DIR="", DOMAIN="casa.example.org")
    answers = ["say where: make new", "sandbox is the stack that", "'pi' does not say a node's name"]
    places = [said.getvalue().index(f":   {answer}") for answer in answers]
    assert places == sorted(places)
    assert said.getvalue().count("Your domain") == 0, "it was given"
    stack = (tmp_path / "casa" / "Pulumi.home.yaml").read_text("utf-8")
    assert "warren:domain: casa.example.org " in stack
    assert stack.count(" role: ") == 1
    assert "{ name: pi, role: control-plane, ip: 10.0.0.1, cpu: 4, memory: 4Gi }" in stack


def test_an_end_of_input_at_a_question_makes_nothing(
    upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin.readline", lambda: "", raising=False)
    with pytest.raises(SystemExit, match=r"^new: nothing was made$"):
        made(tmp_path, monkeypatch, capsys)
    assert not (tmp_path / "casa").exists()


def test_a_folder_that_is_no_checkout_has_no_commit_to_pin(
    upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (upstream / ".git").rename(tmp_path / "gone")
    with pytest.raises(SystemExit, match="is no git checkout, so there is no commit to pin"):
        made(tmp_path, monkeypatch, capsys)
