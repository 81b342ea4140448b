"""The real engine on an isolated copy of a project: what tests/engine is written with.

Owns: a project directory with its own state, and results as values.  Does not own: any expectation about the platform.

    project = platform()                      # a copy of this repository's program and stacks; or tiny(source)
    result = project.up()
    assert result.ok, result.output
    assert result.changes == {"create": 3}
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from manifests import connection
from sandbox.install import install
from scripts.project import WARREN
from scripts.stack import ENGINE_FILE, sandbox_environment
from tests import REFERENCE

PROGRAM_FILES = ("__main__.py", "Pulumi.yaml", "components", "config", "manifests")
TINY_PROJECT = "name: tiny\nruntime:\n  name: python\n  options:\n    virtualenv: .venv\n"
TINY_STACK = 'config:\n  pulumi:disable-default-providers: ["*"]\n  warren:sandbox: true\n'

PREAMBLE = '''
import os
import pulumi
from pulumi import CustomResource, ProviderResource, ResourceOptions

MANIFESTS = os.path.abspath(f".state/sandbox/manifests-{pulumi.get_stack()}")
ACCOUNT = "0123456789abcdef" * 2


def provider(package, **inputs):
    return ProviderResource(package, package, inputs)


def kubernetes(**inputs):
    return provider("kubernetes", renderYamlToDirectory=MANIFESTS, **inputs)


def native(provider, kind, name, namespace=None, api="v1", depends_on=(), **fields):
    """Register one Kubernetes object whose resource is called kind-name."""
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {}) | fields.pop("metadata", {})
    manifest = {"apiVersion": api, "kind": kind, "metadata": metadata, **fields}
    token = f"kubernetes:{'core/v1' if api == 'v1' else api}:{kind}"
    options = ResourceOptions(provider=provider, depends_on=list(depends_on))
    return CustomResource(token, f"{kind.lower()}-{name}", manifest, options)
'''
"""What every tiny program starts with."""

_WRITTEN_ONCE = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
"""The engine writes the state when it is done, and not after each resource as well, which is half of its time.  What is
interrupted in a test (``Project.start``), and every command of people's own, writes it as ever."""

_COLOR = re.compile(r"<\{%.*?%\}>|\x1b\[[0-9;]*m")


def engine() -> str:
    """Return the engine that ``make`` chose.

    Raises:
        FileNotFoundError: ``make setup`` has not run in this checkout.
    """
    return str(json.loads(ENGINE_FILE.read_text(encoding="utf-8"))["path"])


@dataclass(frozen=True)
class Step:
    """One planned or executed operation on one resource."""

    op: str
    """``create``, ``update``, ``delete``, ``same``, ``replace``, ``create-replacement``, ``delete-replaced`` ..."""
    type: str
    name: str
    urn: str
    details: dict[str, Any] = field(repr=False)
    """The engine's own metadata: ``old``, ``new``, ``diffs``, ``detailedDiff``."""


@dataclass(frozen=True)
class Result:
    """What one Pulumi command did."""

    code: int
    output: str
    """Standard output and error, without color."""
    events: tuple[dict[str, Any], ...] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the command succeeded."""
        return self.code == 0

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Every operation in the engine's order, unchanged resources included."""
        found = []
        for event in self.events:
            if "resourcePreEvent" in event:
                data = event["resourcePreEvent"]["metadata"]
                found.append(Step(data["op"], data["type"], data["urn"].rpartition("::")[2], data["urn"], data))
        return tuple(found)

    @cached_property
    def changes(self) -> dict[str, int]:
        """The engine's summary: operation to count, without unchanged resources and the stack itself."""
        found: dict[str, int] = {}
        for step in self.steps:
            if step.op != "same" and step.type != "pulumi:pulumi:Stack":
                found[step.op] = found.get(step.op, 0) + 1
        return found

    def changed(self, op: str | None = None) -> set[str]:
        """Return the names of the resources with this operation, or with any but ``same``."""
        return {step.name for step in self.steps if (step.op == op if op else step.op != "same")}

    @cached_property
    def errors(self) -> tuple[str, ...]:
        """The messages of severity error, without color, one entry each."""
        found = []
        for event in self.events:
            data = event.get("diagnosticEvent", {})
            if data.get("severity") == "error":
                found.append(_COLOR.sub("", data["message"]).strip())
        return tuple(found)

    @cached_property
    def messages(self) -> tuple[str, ...]:
        """Every diagnostic message of any severity, without color."""
        events = (event["diagnosticEvent"] for event in self.events if "diagnosticEvent" in event)
        return tuple(_COLOR.sub("", data["message"]).strip() for data in events if not data.get("ephemeral"))


@dataclass(frozen=True)
class Project:
    """A project directory with a sandbox of its own."""

    root: Path
    stack: str

    @property
    def manifests(self) -> Path:
        """Where ``up`` leaves its YAML."""
        return self.root / connection.manifests(self.stack)

    def manifest_files(self) -> set[str]:
        """Return the rendered files as ``namespace/kind-name.yaml``."""
        return {path.relative_to(self.manifests).as_posix() for path in self.manifests.glob("*/*.yaml")}

    def environment(self, **extra: str) -> dict[str, str]:
        """Return the sandbox's environment; nothing of the caller's Pulumi is in it."""
        # The event log, which results are read from, is one of the engine's flags for debugging.
        return sandbox_environment(self.root, dict(os.environ)) | {"PULUMI_DEBUG_COMMANDS": "true"} | extra

    def pulumi(self, *arguments: str, check: bool = True, stdin: str | None = None, **extra: str) -> str:
        """Run any Pulumi command and return its standard output.

        Raises:
            AssertionError: the command failed and ``check`` is set.
        """
        done = subprocess.run(
            [engine(), *arguments, "--stack", self.stack, "--non-interactive"],
            cwd=self.root,
            env=self.environment(**extra),
            capture_output=True,
            text=True,
            input=stdin,
            check=False,
        )
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done.stdout

    def start(self, command: str, *arguments: str, **extra: str) -> subprocess.Popen[str]:
        """Start a command without waiting, in a process group of its own."""
        return subprocess.Popen(
            self._command(command, *arguments),
            cwd=self.root,
            env=self.environment(**extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def preview(self, *arguments: str, **extra: str) -> Result:
        """Preview the stack; ``extra`` are environment variables."""
        return self._run("preview", *arguments, **extra)

    def up(self, *arguments: str, **extra: str) -> Result:
        """Create or change the stack."""
        return self._run("up", *arguments, **extra)

    def destroy(self, *arguments: str, **extra: str) -> Result:
        """Remove everything in the stack."""
        return self._run("destroy", *arguments, **extra)

    def refresh(self, *arguments: str, **extra: str) -> Result:
        """Refresh the state from the stand-ins."""
        return self._run("refresh", *arguments, **extra)

    def export(self) -> dict[str, Any]:
        """Return the state as ``pulumi stack export`` gives it, secrets encrypted."""
        state: dict[str, Any] = json.loads(self.pulumi("stack", "export"))
        return state

    def resources(self) -> list[dict[str, Any]]:
        """Return the resources in the state."""
        found: list[dict[str, Any]] = self.export()["deployment"].get("resources", [])
        return found

    def outputs(self, *, secrets: bool = False) -> dict[str, Any]:
        """Return the stack's outputs after ``up``."""
        shown = ("--show-secrets",) if secrets else ()
        values: dict[str, Any] = json.loads(self.pulumi("stack", "output", "--json", *shown))
        return values

    def everything_written(self) -> str:
        """Return the text of every file that the engine and the stand-ins left, to look for what must not be there."""
        files = (path for path in (self.root / ".state").rglob("*") if path.is_file())
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)

    def _command(self, command: str, *arguments: str) -> list[str]:
        unasked = [] if command == "preview" else ["--yes", "--skip-preview"]
        fixed = ["--stack", self.stack, "--non-interactive", "--color", "never", "--event-log", str(self._events)]
        return [engine(), command, *unasked, *fixed, *arguments]

    @property
    def _events(self) -> Path:
        return self.root / "events.jsonl"

    def _run(self, command: str, *arguments: str, **extra: str) -> Result:
        self._events.unlink(missing_ok=True)
        done = subprocess.run(
            self._command(command, *arguments),
            cwd=self.root,
            env=self.environment(**_WRITTEN_ONCE, **extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        lines = self._events.read_text(encoding="utf-8").splitlines() if self._events.exists() else []
        return Result(done.returncode, _COLOR.sub("", done.stdout), tuple(json.loads(line) for line in lines))


def make_platform(root: Path, stack: str = "sandbox") -> Project:
    """Copy this repository's program and the reference platform to ``root`` and make the stack."""
    copy_platform(root)
    return prepare(root, stack)


def copy_platform(root: Path) -> None:
    """Copy this repository's program and the reference platform to ``root``."""
    root.mkdir(parents=True, exist_ok=True)
    ignored = shutil.ignore_patterns("__pycache__")
    for source in (WARREN / name for name in PROGRAM_FILES):
        if source.is_dir():
            shutil.copytree(source, root / source.name, ignore=ignored)
        else:
            shutil.copy2(source, root / source.name)
    shutil.copytree(REFERENCE, root, dirs_exist_ok=True)


def make_tiny(root: Path, program: str, stack: str = "dev") -> Project:
    """Make a project of one file in ``root``; the program starts with ``PREAMBLE``."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "Pulumi.yaml").write_text(TINY_PROJECT, encoding="utf-8")
    (root / f"Pulumi.{stack}.yaml").write_text(TINY_STACK, encoding="utf-8")
    write_program(root, program)
    return prepare(root, stack)


def write_program(root: Path, program: str) -> None:
    """Write or replace the program of a tiny project."""
    (root / "__main__.py").write_text(PREAMBLE + program, encoding="utf-8")


def prepare(root: Path, stack: str) -> Project:
    """Give a project directory its own sandbox, and make the stack."""
    # The environment that runs the tests, not always the checkout's: they run with every Python that is supported.
    (root / ".venv").symlink_to(sys.prefix)
    install(root / ".state" / "pulumi-home")
    (root / ".state" / "backend").mkdir()
    project = Project(root, stack)
    project.pulumi("stack", "init")
    return project
