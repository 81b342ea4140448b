"""The stacks that real programs are shown, and what the sandbox's `up` renders for each.

Owns: four stacks (the reference stack twice, the example suite, and one with every key switched on), with made-up
secrets. `everything/` beside this file is the fourth. `faults/` is one more, small, to break real nodes under, and
`shelf/` one with every example of docs/apps; what tests say of every stack is not asked of these two.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from manifests import platform
from scripts import examples
from scripts.project import WARREN
from tests import config_from_file
from tests.engine.harness import Project, copy_platform, prepare

Manifest = dict[str, Any]

STACKS = ("sandbox", "home", "suite", "everything")
SHELF = "shelf"
CONTROLLERS = ("traefik", "nginx")

_SUITE = WARREN / "docs" / "examples" / "suite" / "workspaces" / "suite.yaml"

PASSWORD = "open sesame"
SECRETS = {
    # `htpasswd -nbB ann "open sesame"`; bcrypt at its lowest cost, because the tests log in often.
    "password": "ann:$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy",
    "google-key": '{"type": "service_account", "client_email": "reader@example.iam", "private_key": "none"}',
}
"""Secrets that must have a form, by the end of their names; every other one is made up."""


def described(stack: str) -> platform.Platform:
    """What a stack's files say, decided, without running anything: for tables of tests."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        copy_platform(root)
        _write(root, stack, "traefik")
        written, secrets = config_from_file(root / f"Pulumi.{stack}.yaml")
        return platform.load(root, stack, written, secrets=[*secrets, *_named(root, written)])


@dataclass(frozen=True)
class Rendered:
    """A stack after `up`."""

    stack: str
    project: Project

    @cached_property
    def manifests(self) -> list[Manifest]:
        """Every object, secrets included, sorted by file."""
        files = sorted(self.project.manifests.glob("*/*.yaml"))
        return [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]

    @cached_property
    def platform(self) -> platform.Platform:
        """What the same files say, decided."""
        root = self.project.root
        written, secrets = config_from_file(root / f"Pulumi.{self.stack}.yaml")
        return platform.load(root, self.stack, written, secrets=secrets)

    def of(self, *kinds: str) -> list[Manifest]:
        """The objects of some kinds."""
        return [manifest for manifest in self.manifests if manifest["kind"] in kinds]


def make(root: Path, stack: str, controller: str) -> Project:
    """Write a stack's files below `root`, in a sandbox of its own and with every secret that they name."""
    copy_platform(root)
    _write(root, stack, controller)
    project = prepare(root, stack)
    written, known = config_from_file(root / f"Pulumi.{stack}.yaml")
    missing = sorted(_named(root, written) - set(known))
    if missing:
        values = [f"secrets.{name}={_secret(name)}" for name in missing]
        project.pulumi("config", "set-all", "--path", *(part for value in values for part in ("--secret", value)))
    return project


def render(root: Path, stack: str, controller: str) -> Rendered:
    """Bring a stack up in a sandbox of its own below `root`.

    Raises:
        AssertionError: the engine refused it.
    """
    project = make(root, stack, controller)
    result = project.up(WARREN_SANDBOX_SHOW_SECRETS="1")
    assert result.ok, result.output
    return Rendered(stack, project)


def rendered_once(folder: Path, stack: str, controller: str) -> Rendered:
    """As `render`, but once for all processes that say the same folder; nobody changes what is there."""
    folder.mkdir(exist_ok=True)
    root = folder / f"{stack}-{controller}"
    with root.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (done := root / "done").exists():
            render(root, stack, controller)
            done.touch()
    return Rendered(stack, Project(root, stack))


def _named(root: Path, written: Mapping[str, Any]) -> set[str]:
    """The secrets that workspace files and the stack's registries name."""
    texts = [(root / "workspaces" / f"{name}.yaml").read_text(encoding="utf-8") for name in written["workspaces"]]
    passwords = {each["password"]["secret"] for each in written.get("registries", {}).values()}
    return {name for text in texts for name in re.findall(r"secret: ([a-z0-9-]+) *}", text)} | passwords


def _secret(name: str) -> str:
    return next((value for end, value in SECRETS.items() if name.endswith(f"-{end}")), f"made-up-{name}-for-a-test")


def _write(root: Path, stack: str, controller: str) -> None:
    """Put the stack's own files into a copy of the program."""
    if (own := Path(__file__).with_name(stack)).is_dir():
        shutil.copytree(own, root, dirs_exist_ok=True)
    if stack in ("everything", "suite"):
        shutil.copy(_SUITE, root / "workspaces")
    for each in (root / "workspaces").glob("*.yaml") if controller == "nginx" else ():
        # Under nginx a stack with these is refused.
        text = re.sub(r"(?m)^clients:.*\n|, clients: \[.*?\]", "", each.read_text(encoding="utf-8"))
        each.write_text(text, encoding="utf-8")
    file = root / f"Pulumi.{stack}.yaml"
    source = root / "Pulumi.sandbox.yaml" if stack == "suite" else file
    written = yaml.safe_load(source.read_text(encoding="utf-8"))
    if stack == SHELF:
        _examples(root, written["config"])
    ingress = {**written["config"].get("warren:ingress", {}), "controller": controller}
    written["config"] |= {"warren:sandbox": True, "warren:ingress": ingress}
    if stack == "suite":
        written["config"]["warren:workspaces"] = ["suite"]
        del written["config"]["warren:secrets"], written["encryptionsalt"]
    file.write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")


def _examples(root: Path, config: dict[str, Any]) -> None:
    """Put every example into a project, and what they want of the stack into its config."""
    config["warren:workspaces"] = examples.names()
    for name in examples.names():
        shutil.copy(examples.path_of(name), root / "workspaces")
        for key, value in (yaml.safe_load(examples.needs(examples.text_of(name))) or {}).items():
            config[key] = together(config[key], value) if key in config else value


def together(one: Any, other: Any) -> Any:
    """What two stack files say, in one."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one | {key: together(one[key], value) if key in one else value for key, value in other.items()}
    if isinstance(one, list) and isinstance(other, list):
        return [*one, *(each for each in other if each not in one)]
    assert one == other, "two examples want a stack that is different"
    return one
