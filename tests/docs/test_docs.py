"""The documentation: links resolve, examples load, commands and names exist, generated pages are current."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from config.columns import text_table
from config.files import reference
from config.load import parse_yaml
from config.mistakes import Mistake, Mistakes
from config.stack import Stack
from manifests import k3s, platform, report
from manifests.ingress import controller
from sandbox.kubernetes.schema import KUBERNETES_VERSION
from scripts import check_files, parts
from smoke import floors
from tests import REFERENCE, config_from_file
from tests.real import control_plane

ROOT = Path(__file__).parents[2]
OWN = ("CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md", ".github/pull_request_template.md")
PAGES = sorted([*(ROOT / name for name in OWN), *(ROOT / "docs").rglob("*.md")])
README = (ROOT / "README.md").read_text("utf-8")
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
GENERATED = {"workspace-reference.md": reference.workspace_page, "stack-reference.md": reference.stack_page}

pages = pytest.mark.parametrize("page", PAGES, ids=IDS)


def blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """The code blocks of a language, each with its first line's number."""
    found, inside, start = [], None, 0
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        if inside is None and line.startswith("```"):
            inside, start, kept = line.removeprefix("```"), number + 1, list[str]()
        elif inside is not None and line == "```":
            if inside == language:
                found.append((start, "\n".join(kept) + "\n"))
            inside = None
        elif inside is not None:
            kept.append(line)
    assert inside is None, f"{page.name}:{start}: the block does not end"
    return found


def prose(page: Path) -> str:
    """A page without its code blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {reference.anchor(heading) for heading in headings}


@pages
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    links = re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", prose(page))
    broken = []
    for link in links:
        if link.startswith(("https://", "http://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize(("name", "page"), GENERATED.items(), ids=list(GENERATED))
def test_a_generated_page_is_current(name: str, page: Any) -> None:
    assert (ROOT / "docs" / name).read_text("utf-8") == page(), "run: make generate"


@pytest.mark.parametrize("kind", [kind for kind, (_, _, example) in reference.KINDS.items() if example is not None])
def test_the_example_of_every_kind_of_value_is_one(kind: str) -> None:
    alias, _, example = reference.KINDS[kind]
    read = TypeAdapter(alias).validate_python(example)
    assert read == example or read.secret == example["secret"]


def test_every_key_has_words_in_the_reference() -> None:
    rows = [line for name in GENERATED for line in (ROOT / "docs" / name).read_text("utf-8").splitlines()]
    empty = [row for row in rows if re.match(r"\| (\*\*)?`", row) and row.endswith("|  |") and "`type`" not in row]
    assert empty == []


def yaml_blocks() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for line, text in blocks(page, "yaml"):
            yield f"{page.relative_to(ROOT)}:{line}", text


YAML = dict(yaml_blocks())


def _at_home(keys: dict[str, Any], workspace: dict[str, Any]) -> list[str]:
    """The stack gives what the workspace takes of the home network, and runs what the stack gives to others."""
    given = keys.setdefault("loadBalancers", {})
    for name, app in workspace["apps"].items():
        ports = [port for port in (app.get("port"), *app.get("ports", {}).values()) if isinstance(port, dict)]
        if taken := [f"{p['loadBalancer']}/{p.get('protocol', 'TCP')}" for p in ports if "loadBalancer" in p]:
            given[f"{workspace['name']}/{name}"] = {"ports": taken, "loadBalancerSourceRanges": ["10.0.0.0/24"]}
    for key in given:
        workspace["apps"].setdefault(key.partition("/")[2], {"image": "docker.io/traefik/whoami:v1.11.0"})
    return sorted({key.partition("/")[0] for key in given} - {workspace["name"]})


def trusted(page: str) -> dict[str, Any]:
    """App -> what the stack files on a page trust it with."""
    stacks = [parse_yaml(text, place).data for place, text in YAML.items() if place.startswith(page)]
    given = [written["config"].get("warren:trust", {}) for written in stacks if "config" in written]
    return {key.partition("/")[2]: what for each in given for key, what in each.items()}


def _partners(workspace: dict[str, Any]) -> dict[str, Any]:
    """The apps of the workspaces that a block speaks of, with what the other file says."""
    found: dict[str, Any] = {}
    image = "docker.io/traefik/whoami:v1.11.0"
    for name, app in workspace["apps"].items():
        for use in app.get("uses", ()):
            other, _, offering = use.partition("/")
            found[other] = {offering: {"image": image, "port": {"number": 8000, "offeredTo": [workspace["name"]]}}}
        if isinstance(app.get("port"), dict):
            for other in app["port"].get("offeredTo", ()):
                found[other] = {"web": {"image": image, "uses": [f"{workspace['name']}/{name}"]}}
    return found


@pytest.mark.parametrize("place", YAML)
def test_every_yaml_block_is_right(place: str, tmp_path: Path) -> None:
    written = parse_yaml(YAML[place], place).data
    keys, known = config_from_file(REFERENCE / "Pulumi.home.yaml")
    named = re.findall(r"secret: ([a-z0-9-]+) }", YAML[place])
    workspace: dict[str, Any] = {"name": "docs", "host": "docs", "quota": {"cpu": "3", "memory": "4Gi"}, "auth": "none"}
    workspace["apps"] = {"web": {"image": "docker.io/traefik/whoami:v1.11.0"}}
    workspace["name"] = named[0].partition("-")[0] if named else "docs"
    if "config" in written:
        keys |= {
            key.removeprefix("warren:"): value
            for key, value in written["config"].items()
            if not key.startswith("pulumi:")
        }
    else:
        workspace |= written
    for key in keys.get("trust", {}):
        workspace["apps"].setdefault(key.partition("/")[2], workspace["apps"]["web"])
    given = {app: what for app, what in trusted(place.partition(":")[0]).items() if app in workspace["apps"]}
    keys["trust"] = {f"{workspace['name']}/{app}": what for app, what in given.items()}
    shared = keys.get("secretReaders", {})
    others = sorted({reader for readers in shared.values() for reader in readers} - {workspace["name"]})
    named += shared
    others += _at_home(keys, workspace)
    partners = _partners(workspace)
    keys["workspaces"] = [workspace["name"], *others, *partners]
    folder = tmp_path / "workspaces"
    folder.mkdir()
    for app in workspace["apps"].values():
        if "static" in app:
            shutil.copytree(REFERENCE / "workspaces" / "public" / "landing", folder / app["static"])
        for content in app.get("files", {}).values():
            if isinstance(content, dict) and "folder" in content:
                shutil.copytree(REFERENCE / "workspaces" / "public" / "landing", folder / content["folder"])
    for name in keys["workspaces"]:
        text = yaml.safe_dump(
            workspace
            if name == workspace["name"]
            else {**workspace, "name": name, "host": name, **({"apps": partners[name]} if name in partners else {})}
        )
        (folder / f"{name}.yaml").write_text(text)
    if "access" in workspace:
        keys["people"] = {"issuer": "https://id.example.com", "clientId": "kubectl"}
    if "10.0.0.7" in YAML[place]:
        keys["openings"] = {"networks": ["10.0.0.7/32"]}

    plan = platform.load(tmp_path, "home", keys, secrets=[*known, *named])

    assert [each.name for each in plan.workspaces] == sorted(keys["workspaces"])


@pages
def test_every_stack_key_exists(page: Path) -> None:
    named = set(re.findall(r"\bwarren:([a-zA-Z]+)", page.read_text("utf-8")))
    assert named - set(Stack.model_fields) - {"components"} == set()


@pages
def test_every_make_target_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    named = re.findall(r"`make ([a-z0-9-]+)|^(?:\w+=\S+ )*make ([a-z0-9-]+)", text, re.MULTILINE)
    rules = "".join((ROOT / name).read_text() for name in ("Makefile", "platform.mk"))
    targets = set(re.findall(r"^([a-z0-9-]+):", rules, re.MULTILINE))
    assert {first or second for first, second in named} - targets == set()


def test_readme_help_and_the_page_of_commands_name_the_same_in_the_same_order() -> None:
    # Within the `make check` that runs the tests, make would say in which folder it is.
    call = ["make", "--no-print-directory", "help"]
    helped = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    first = helped.partition("\n\n")[0].splitlines()[1:]
    listed = [re.split(" +", line.strip(), maxsplit=1) for line in first]
    assert len(listed) > 10
    shown = "\n".join(f"| `make {name}` | {text} |" for name, text in listed)
    assert f"| | |\n| --- | --- |\n{shown}\n" in README, shown
    explained = re.findall(r"^\| `make ([a-z0-9-]+)", (ROOT / "docs" / "commands.md").read_text("utf-8"), re.MULTILINE)
    assert explained == [name for name, _ in listed]


def test_editors_find_a_mistake_by_the_pattern_of_the_page_of_commands() -> None:
    [(_, text)] = blocks(ROOT / "docs" / "commands.md", "json")
    matcher = json.loads(text)["tasks"][0]["problemMatcher"]["pattern"]
    line = str(Mistakes([Mistake("workspaces/notes.yaml", 12, "apps.web.port", "80800 is not a port")])).splitlines()[1]
    found = re.search(matcher["regexp"], line)
    assert found is not None
    told = [found.group(matcher[part]) for part in ("file", "line", "message")]
    assert told == ["workspaces/notes.yaml", "12", "apps.web.port: 80800 is not a port"]


def test_every_key_of_a_mistake_as_json_is_explained() -> None:
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    [row] = check_files.Found({Mistake("a", 1, "b", "c"): ["home"]}).rows()
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(row)


@pages
def test_every_module_that_is_run_exists(page: Path) -> None:
    for module in re.findall(r"python -m ([\w.]+)", page.read_text("utf-8")):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module


@pages
def test_every_command_parses(page: Path) -> None:
    wrong = []
    for line, text in blocks(page, "sh"):
        said = subprocess.run(
            ["bash", "-n"], input=re.sub(r"<[a-z][^<>\n]*>", "X", text), capture_output=True, text=True, check=False
        )
        if said.returncode or said.stderr:
            wrong.append(f"{line}: {said.stderr}")
    assert wrong == []


@pages
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = set(
        re.findall(
            r"`((?:components|config|manifests|sandbox|scripts|smoke|tools|tests|workspaces|docs)/[\w./-]+\.\w+)`",
            prose(page),
        )
    )
    made_up = {"workspaces/notes.yaml"}
    there = {name for name in named for root in (ROOT, REFERENCE) if (root / name).exists()}
    assert named - made_up - there == set()


def test_every_field_of_the_access_log_is_explained() -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert [field for field in controller.LOG_FIELDS.values() if f"`{field}`" not in page] == []


def security_rows() -> dict[str, list[str]]:
    rows = re.findall(r"^\| (\d+|[A-Z]) \|(.*)\|$", (ROOT / "docs" / "security.md").read_text("utf-8"), re.MULTILINE)
    return {sign: cells.split(" | ") for sign, cells in rows}


def test_every_security_rule_has_a_row() -> None:
    assert [sign for sign in security_rows() if sign.isdigit()] == [str(number) for number in range(1, 68)]


@pytest.mark.parametrize("rule", security_rows())
def test_a_security_rule_names_tests_that_exist(rule: str) -> None:
    known = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)\(", file.read_text("utf-8"), re.MULTILINE)
    }
    tests = security_rows()[rule][-1]
    named = re.findall(r"`(test_\w+\*?)`", tests)
    missing = [
        name
        for name in named
        if not (any(test.startswith(name[:-1]) for test in known) if name.endswith("*") else name in known)
    ]
    assert missing == []
    assert named or "words, not code" in tests


EDITS = {
    "mcd.yaml": {
        "tenant: 00000000-0000-0000-0000-00000000002a": "tenant: common",
        "    port: 8000\n    routes: [/helloworld]": "    port: 80800\n    routes: [/helloworld]",
        "health: /health": "helth: /health",
    },
    "perso.yaml": {"rateLimit: 20/s": "rateLimit: 20/h"},
}
"""The slips that README shows the answer to."""


def told(root: Path, *, secrets: list[str], cloudflare_token: bool) -> str:
    """What a preview of the home stack says about the files below `root`."""
    written, _ = config_from_file(root / "Pulumi.home.yaml")
    with pytest.raises(Mistakes) as mistakes:
        platform.load(root, "home", written, secrets=secrets, cloudflare_token=cloudflare_token)
    return str(mistakes.value)


def in_a_block(text: str) -> bool:
    return f"```text\n{text}\n```\n" in README


def mistakes_of_edited_files(tmp_path: Path) -> str:
    shutil.copytree(REFERENCE, tmp_path, dirs_exist_ok=True)
    for name, edits in EDITS.items():
        file = tmp_path / "workspaces" / name
        for old, new in edits.items():
            text = file.read_text("utf-8")
            assert text.count(old) == 1, old
            file.write_text(text.replace(old, new), "utf-8")
    return told(tmp_path, secrets=["mcd-entra-client-secret"], cloudflare_token=True)


def test_readme_shows_mistakes_as_they_are_told(tmp_path: Path) -> None:
    text = mistakes_of_edited_files(tmp_path)
    assert text.startswith("4 mistakes")
    assert in_a_block(text), text


def test_readme_shows_what_a_stack_without_secrets_says() -> None:
    text = told(REFERENCE, secrets=[], cloudflare_token=False)
    assert in_a_block(text), text


def url_rows() -> list[dict[str, Any]]:
    written, _ = config_from_file(REFERENCE / "Pulumi.home.yaml")
    plan = platform.load(REFERENCE, "home", written, secrets=["mcd-entra-client-secret"])
    return report.url_table(plan.routes)


def test_readme_shows_the_url_table_as_it_is_printed() -> None:
    text = text_table(url_rows())
    assert in_a_block(text), text


def test_getting_started_shows_the_install_commands_of_the_home_stack() -> None:
    page = ROOT / "docs" / "getting-started.md"
    shown = {text.rstrip("\n") for _, text in blocks(page, "sh")}
    commands = [part.split("\n")[1] for part in k3s.commands_of_file(REFERENCE, "home").split("\n\n")]
    assert set(commands) <= shown


def test_every_decision_is_listed_and_has_its_four_parts() -> None:
    folder = ROOT / "docs" / "decisions"
    records = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text("utf-8"))
    assert listed == [path.name for path in records]
    for record in records:
        text = record.read_text("utf-8")
        for part in ("**Context.**", "**Decision.**", "**Consequences.**", "**What would change our mind.**"):
            assert text.count(part) == 1, record.name


def test_the_kubernetes_versions_that_readme_names_are_those_that_the_tests_run() -> None:
    def built(module: str) -> tuple[int, ...]:
        flags = parts.linker_flags(parts.MODULES / module)
        return tuple(int(number) for number in re.findall(r"git(?:Major|Minor)=(\d+)", flags))

    oldest, newest = built(control_plane.OLDEST), built(control_plane.NEWEST)
    assert (oldest, newest) == (floors.OLDEST_KUBERNETES, floors.NEWEST_KUBERNETES)
    assert ".".join(map(str, newest)) == KUBERNETES_VERSION
    assert "Kubernetes {}.{} to {}.{}".format(*oldest, *newest) in README
