"""The examples of docs/apps: each is right alone, and says what memory it takes and what it wants of the stack."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.checks.usage import at_least, workspace_pods
from config.load import parse_yaml
from config.mistakes import Mistakes
from config.workspace import Workspace
from manifests import platform
from manifests.platform import Platform
from scripts import examples
from tests.config.examples import stack

README = (examples.FOLDER / "README.md").read_text("utf-8")
ROWS = re.findall(r"^\| \[([^]]+)\]\(([\w-]+)\.yaml\) \| (.+) \| (.+) \| (.+) \|$", README, re.MULTILINE)

each_example = pytest.mark.parametrize("example", examples.names())


def load(name: str, text: str, needs: str, domain: str = examples.DOMAIN) -> Platform:
    """The platform of a stack that runs this workspace alone, and says this more in its file."""
    nodes = [
        {"name": f"node-{n}", "role": "worker", "ip": f"10.0.0.5{n}", "cpu": 8, "memory": "16Gi"} for n in range(2)
    ]
    nodes[0]["role"] = "control-plane"
    config: dict[str, Any] = {
        "domain": domain,
        "cluster": {"context": "home", "nodes": nodes},
        "cloudflare": {"accountId": "a" * 32, "zoneId": "b" * 32},
        "workspaces": [name],
    }
    config |= {key.removeprefix("warren:"): value for key, value in (yaml.safe_load(needs) or {}).items()}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "workspaces" / f"{name}.yaml"
        file.parent.mkdir()
        file.write_text(text, "utf-8")
        return platform.load(Path(folder), "home", config, secrets=sorted(named(text)))


def named(text: str) -> set[str]:
    """The secrets that a text names."""
    return set(re.findall(r"\bsecret: ([\w-]+)", text))


def own(example: str) -> Workspace:
    """An example as a workspace."""
    text = examples.text_of(example)
    [workspace] = load(example, text, examples.needs(text)).workspaces
    return workspace


def memory(example: str) -> tuple[str, str]:
    """What an example's pods ask for and may take, sign-in included."""
    total = at_least(workspace_pods(stack(domain=examples.DOMAIN), own(example)))
    return f"{total.memory}Mi", f"{total.memory_limit}Mi"


@each_example
def test_an_example_is_right_and_warned_about_nothing(example: str) -> None:
    text = examples.text_of(example)
    plan = load(example, text, examples.needs(text))
    assert plan.warnings == ()
    assert [workspace.name for workspace in plan.workspaces] == [example]
    assert {secret for secret, by in plan.readers.items() if by == (example,)} == named(text)
    assert all(secret.startswith(f"{example}-") for secret in named(text))


@each_example
def test_an_example_begins_with_what_it_is_its_memory_and_its_sources(example: str) -> None:
    requested, most = memory(example)
    schema, what, said, *rest = examples.text_of(example).splitlines()
    assert schema == "# yaml-language-server: $schema=../../workspaces/schema.json"
    assert re.match(r"# \S.*\.$", what)
    assert said == f"# Memory: {requested} requested, {most} at most."
    assert any(re.match(r"# Source: \S*https://", line) for line in rest)


@each_example
def test_what_an_example_wants_of_the_stack_is_all_of_it_and_nothing_that_it_could_do_without(example: str) -> None:
    text = examples.text_of(example)
    for key in (wanted := yaml.safe_load(examples.needs(text)) or {}):
        less = yaml.safe_dump({other: value for other, value in wanted.items() if other != key})
        with pytest.raises(Mistakes):
            load(example, text, less)


def test_every_example_is_in_the_table_with_its_memory_and_what_the_stack_must_allow() -> None:
    assert [file for _, file, *_ in ROWS] == examples.names()
    assert len(ROWS) == README.count(".yaml) |") >= 20
    for _, example, _, cost, wanted in ROWS:
        assert cost == "{}, at most {}".format(*memory(example)), example
        needs = yaml.safe_load(examples.needs(examples.text_of(example))) or {}
        assert set(re.findall(r"warren:\w+", wanted)) == set(needs), example
        assert ("nothing" in wanted) is not bool(needs), example


@each_example
def test_an_example_under_another_name_is_another_workspace(example: str) -> None:
    text = examples.text_of(example)
    copied = examples.renamed(text, example, "family-2", "casa.test")
    plan = load("family-2", copied, examples.needs(copied), "casa.test")
    assert plan.warnings == ()
    assert all(host == "casa.test" or host.endswith(".casa.test") for host in plan.hosts)
    assert {secret.removeprefix("family-2-") for secret in named(copied)} == {
        secret.removeprefix(f"{example}-") for secret in named(text)
    }
    # Nothing says the old name or domain where it is the workspace's; what is an image's, an app's or a person's stays.
    left = re.sub(r"@example\.com", "", copied)
    assert not re.search(rf"\.example\.com|^(name|host): {example}$|secret: {example}-", left, re.MULTILINE)
    before, after = (parse_yaml(each, "example").data["apps"] for each in (text, copied))
    assert list(after) == list(before)
    assert [app.get("image") for app in after.values()] == [app.get("image") for app in before.values()]
    assert copied.count("\n") == text.count("\n") - 1
