"""What `make check-files` says: the words of a preview, of every stack, without an engine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from config.files.written import as_the_engine_would
from config.mistakes import Mistake, Mistakes
from manifests import platform
from scripts import check_files
from scripts.project import WARREN
from tests import REFERENCE, config_from_file
from tests.config.files import FILES, PROJECT, edited, write
from tests.config.mistakes import Case, cases

TOKEN = "  cloudflare:apiToken: { secure: AAAA }\n"


def with_token(files: dict[str, str]) -> dict[str, str]:
    """A project with the token that a real stack needs, below everything that a mistake is made in."""
    stack = files["Pulumi.home.yaml"]
    more = "" if "apiToken" in stack else TOKEN
    return {"Pulumi.yaml": PROJECT, **files, "Pulumi.home.yaml": stack + more}


def told(root: Path, *stacks: str, later: bool = False) -> list[str]:
    return [
        f"{row['severity']}: {Mistake(row['file'], row['line'], row['key'], row['message'])}"
        for row in check_files.examine(root, stacks, later=later).rows()
    ]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.title) for case in cases()])
def test_every_mistake_is_refused_in_the_words_of_the_program(case: Case, tmp_path: Path) -> None:
    write(tmp_path, with_token(edited(case.file, (case.old, case.new))))
    assert [line for line in told(tmp_path, "home") if line.startswith("error")] == [
        f"error: {case.file}:{case.message}"
    ]


def test_the_reference_is_refused_for_what_has_to_be_filled_in_and_that_can_come_later(tmp_path: Path) -> None:
    shutil.copytree(REFERENCE, tmp_path, dirs_exist_ok=True)
    shutil.copy(WARREN / "Pulumi.yaml", tmp_path)
    written, names = config_from_file(tmp_path / "Pulumi.home.yaml")
    with pytest.raises(Mistakes) as refused:
        platform.load(tmp_path, "home", written, secrets=names, cloudflare_token=False, kubeconfig=True)
    mistakes = [str(mistake) for mistake in refused.value.mistakes if mistake.where != "cluster.kubeconfig"]
    assert len(mistakes) == len(refused.value.mistakes) - 1 == 4, "all but what is of this machine"
    assert told(tmp_path, "home") == [f"error: {mistake}" for mistake in mistakes]
    assert told(tmp_path, "home", later=True) == [f"warning: {mistake}" for mistake in mistakes]
    assert told(tmp_path, "sandbox") == []


def test_a_secret_that_comes_later_is_a_warning_and_hides_no_mistake(tmp_path: Path) -> None:
    files = edited("workspaces/mcd.yaml", ("secret: mcd-entra", "secret: mcd-other"))
    files["workspaces/shop.yaml"] = FILES["workspaces/shop.yaml"].replace("port: 8000", "port: 80000")
    files["Pulumi.home.yaml"] += "  warren:secretReaders: { shared: [shop] }\n"
    write(tmp_path, {"Pulumi.yaml": PROJECT, **files})
    before = told(tmp_path, "home")
    assert [line.split(": ")[:3] for line in before] == [
        ["error", "Pulumi.home.yaml", "cloudflare:apiToken"],
        ["error", "Pulumi.home.yaml:16", "secretReaders.shared"],
        ["error", "workspaces/mcd.yaml:10", "auth.providers[0].clientSecret"],
        ["error", "workspaces/shop.yaml:8", "apps.web.port"],
    ]
    assert told(tmp_path, "home", later=True) == [
        *(line.replace("error: ", "warning: ", 1) for line in before[:3]),
        before[3],
    ]


def test_the_same_mistake_in_two_stacks_is_told_once_with_both(tmp_path: Path) -> None:
    files = with_token(edited("workspaces/shop.yaml", ("port: 8000", "port: 80000")))
    write(tmp_path, {**files, "Pulumi.away.yaml": files["Pulumi.home.yaml"]})
    assert check_files.examine(tmp_path, ["away", "home"]).rows() == [
        {
            "file": "workspaces/shop.yaml",
            "line": 8,
            "key": "apps.web.port",
            "message": "80000 is not a port (1-65535)",
            "severity": "error",
            "stacks": ["away", "home"],
        }
    ]


COMMON = f"""\
{PROJECT}\
  domain: example.com
  warren:workspaces: {{ type: array, items: {{ type: string }}, value: [mcd, shop] }}
  ingress: {{ type: object, default: {{ controller: nginx }} }}
  tunnel: {{ type: object, default: {{}} }}
"""


def test_what_pulumi_yaml_gives_to_every_stack_counts_as_it_does_for_the_engine(tmp_path: Path) -> None:
    stack = FILES["Pulumi.home.yaml"] + TOKEN
    for line in ("  warren:domain: example.com\n", "  warren:workspaces: [mcd, shop]\n"):
        assert line in stack
        stack = stack.replace(line, "")
    write(tmp_path, {**FILES, "Pulumi.home.yaml": stack, "Pulumi.yaml": COMMON})
    assert told(tmp_path, "home") == []
    (tmp_path / "Pulumi.home.yaml").write_text(stack.replace("controller: traefik", "replicas: 2"))
    assert as_the_engine_would(tmp_path, "home").config["ingress"] == {"replicas": 2}, "a key counts as a whole"
    (tmp_path / "Pulumi.home.yaml").write_text(stack.replace("  warren:ingress: { controller: traefik }\n", ""))
    assert as_the_engine_would(tmp_path, "home").config["ingress"] == {"controller": "nginx"}
    assert told(tmp_path, "home") == []


def test_rule_62_a_token_in_pulumi_yaml_is_refused_and_not_repeated(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "Pulumi.yaml": f"{PROJECT}  cloudflare:apiToken: hunter2\n"})
    [refused] = told(tmp_path, "home")
    assert "cloudflare:apiToken: is in plain text in Pulumi.yaml" in refused
    assert "hunter2" not in refused


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("zoneId: 0123456789abcdef0123456789abcdef", "zoneId: { secure: AAAA }", "10: cloudflare.zoneId: is encrypted"),
        ("config:\n", "environment: [home]\nconfig:\n", "1: environment: brings values that only Pulumi knows"),
    ],
    ids=["an encrypted id", "an environment"],
)
def test_what_only_the_engine_can_read_is_said_and_not_guessed(tmp_path: Path, old: str, new: str, where: str) -> None:
    files = edited("Pulumi.home.yaml", (old, new), ("example.com", "not a domain"))
    write(tmp_path, with_token(files))
    [warned] = told(tmp_path, "home")
    assert warned.startswith(f"warning: Pulumi.home.yaml:{where}")


@pytest.mark.parametrize(
    ("name", "text", "answer"),
    [
        ("Pulumi.home.yaml", "config: [\n", "Pulumi.home.yaml:1: is not YAML"),
        ("Pulumi.home.yml", "config: {}\n", "Pulumi.home.yaml: is called Pulumi.home.yml"),
        ("Pulumi.home.yaml", "encryptionsalt: v1:x\nconfig: { warren:a: { secure: me } }\n", "is nothing that Pulumi"),
    ],
)
def test_what_is_said_before_the_engine_starts_is_said_here_too(
    tmp_path: Path, name: str, text: str, answer: str
) -> None:
    write(tmp_path, {"Pulumi.yaml": PROJECT, name: text})
    [line] = told(tmp_path, "home")
    assert answer in line


def run(root: Path, monkeypatch: pytest.MonkeyPatch, stack: str, *words: str) -> int:
    monkeypatch.setattr(check_files, "PROJECT", root)
    return check_files.main(stack, words)


def test_text_ends_with_what_was_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, with_token(FILES))
    (tmp_path / "Pulumi.away.yaml").write_text(FILES["Pulumi.home.yaml"].replace("traefik", "nginx"))
    assert run(tmp_path, monkeypatch, "home") == 0
    assert capsys.readouterr().out == "checked Pulumi.home.yaml and the workspaces listed there: nothing wrong\n"
    assert run(tmp_path, monkeypatch, "") == 1
    head, *_, last = capsys.readouterr().out.splitlines()
    assert head == "1 mistake, nothing was changed:"
    assert last == "checked Pulumi.away.yaml, Pulumi.home.yaml and the workspaces listed there: 1 mistake"
    assert run(tmp_path, monkeypatch, "", "--later") == 0
    head, *_, last = capsys.readouterr().out.splitlines()
    assert head == "1 warning, in case it is not meant:"
    assert last.endswith(": 1 warning")


def test_json_is_all_that_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, with_token(FILES))
    assert run(tmp_path, monkeypatch, "home", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []
    (tmp_path / "workspaces" / "mcd.yaml").write_text("")
    assert run(tmp_path, monkeypatch, "home", "--json") == 1
    [row] = json.loads(capsys.readouterr().out)
    assert list(row) == ["file", "line", "key", "message", "severity", "stacks"]


def test_a_stack_that_is_not_there_and_a_project_without_one_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, monkeypatch, "") == 1
    assert "there is no Pulumi.<stack>.yaml in" in capsys.readouterr().err
    write(tmp_path, with_token(FILES))
    with pytest.raises(SystemExit, match=r"there is no Pulumi\.hom\.yaml; the stacks here are: home"):
        run(tmp_path, monkeypatch, "hom")
    assert run(tmp_path, monkeypatch, "me/warren/home") == 0
