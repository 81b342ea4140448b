"""Projects in a temporary directory, with an engine home and a state of their own: no real stack is touched.

Owns: what is copied, the stack file, the sandbox's environment and the preview command. Does not own: what is
measured (`measure`), nor the programs.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench import generate, measure
from sandbox.install import install
from scripts.stack import sandbox_environment

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "tests" / "reference"
STACK = "bench"
HOME = "home"
"""The size that is the reference stack, as it ships, instead of a number of generated workspaces."""

_CREATED = re.compile(r"\+ (\d+) to create")


class Failed(Exception):
    """A run that ended badly, with what it printed."""


@dataclass(frozen=True)
class Project:
    """A directory that `pulumi preview` runs in."""

    directory: Path
    environment: Mapping[str, str]

    def pulumi(self, *arguments: str) -> measure.Cost:
        """One Pulumi command in this project.

        Raises:
            Failed: it did not succeed.
        """
        engine = json.loads((ROOT / ".tools" / "engine.json").read_text())["path"]
        command = [engine, *arguments, "--stack", STACK, "--non-interactive", "--color", "never"]
        cost = measure.run(command, self.directory, self.environment)
        if cost.code != 0:
            raise Failed(f"pulumi {arguments[0]} in {self.directory}:\n{cost.output[-4000:]}")
        return cost

    def preview(self) -> tuple[measure.Cost, int]:
        """A preview of the whole stack from nothing, and how many resources it would create."""
        cost = self.pulumi("preview")
        created = _CREATED.search(cost.output)
        if created is None:
            raise Failed(f"the preview in {self.directory} created nothing:\n{cost.output[-4000:]}")
        return cost, int(created[1])

    def python(self, script: Path, *arguments: str) -> str:
        """What a script prints that is run by this Python in this project.

        Raises:
            Failed: it did not succeed.
        """
        command = [sys.executable, "-P", str(script), *arguments]
        done = subprocess.run(
            command, cwd=self.directory, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise Failed(f"{script.name} in {self.directory}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done.stdout


def warren(directory: Path, size: str) -> Project:
    """Warren's program with the stack of this size: `home`, or a number of generated workspaces."""
    directory.mkdir(parents=True)
    for package in ("components", "config", "manifests"):
        shutil.copytree(ROOT / package, directory / package)
    shutil.copy2(ROOT / "__main__.py", directory)
    if size == HOME:
        shutil.copytree(REFERENCE / "workspaces", directory / "workspaces")
        written = yaml.safe_load((REFERENCE / f"Pulumi.{HOME}.yaml").read_text())["config"]
        config = {**written, "warren:sandbox": True}
    else:
        config = {f"warren:{key}": value for key, value in generate.write(directory, int(size)).items()}
    project = _project(directory, config)
    files = (directory / "workspaces" / f"{name}.yaml" for name in config["warren:workspaces"])
    secrets = sorted(set().union(*(generate.secrets_of(yaml.safe_load(file.read_text())) for file in files)))
    if secrets:
        values = [word for name in secrets for word in ("--secret", f"warren:secrets.{name}=bench-{name}")]
        project.pulumi("config", "set-all", "--path", *values)
    (directory / "config.json").write_text(project.pulumi("config", "--json", "--show-secrets").output)
    return project


def bare(directory: Path, program: str, like: Project, listing: Path) -> Project:
    """A bare program of `bench/programs` with the resources in `listing` and the stack file of `like`."""
    directory.mkdir(parents=True)
    programs = ROOT / "bench" / "programs"
    shutil.copy2(programs / f"{program}.py", directory / "__main__.py")
    (directory / "bench" / "programs").mkdir(parents=True)
    shutil.copy2(programs / "listing.py", directory / "bench" / "programs")
    shutil.copy2(listing, directory / "listing.json")
    shutil.copy2(like.directory / "config.json", directory)
    stack_file = yaml.safe_load((like.directory / f"Pulumi.{STACK}.yaml").read_text())
    return _project(directory, stack_file["config"], salt=stack_file.get("encryptionsalt"))


def _project(directory: Path, config: Mapping[str, Any], salt: str | None = None) -> Project:
    shutil.copy2(ROOT / "Pulumi.yaml", directory)
    (directory / ".venv").symlink_to(sys.prefix)
    stack_file = {"config": {"pulumi:disable-default-providers": ["*"], **config}} | (
        {"encryptionsalt": salt} if salt else {}
    )
    (directory / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(stack_file, sort_keys=False))
    # Where Python is told not to write compiled files, every run would compile Warren's modules and none of the SDKs'.
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment = sandbox_environment(directory, kept)
    (directory / ".state" / "backend").mkdir(parents=True)
    install(directory / ".state" / "pulumi-home")
    project = Project(directory, environment)
    project.pulumi("stack", "init")
    return project
