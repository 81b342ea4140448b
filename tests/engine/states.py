"""States that releases left behind, and what a later tree may change about them.

Owns: `releases/<version>/<name>.tar.xz` beside this file (a state, the files it was made from, the manifests that stand
for its cluster), `releases/<version>/changes.yaml`, and the command that makes a release's states:

    .venv/bin/python -m tests.engine.states

Does not own: the comparison with the tree of today, which is `test_releases`. The secrets in a state are made up or
random, open nothing, and are encrypted with the sandbox's public passphrase.
"""

from __future__ import annotations

import fnmatch
import io
import json
import lzma
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from config.version import VERSION
from scripts.project import WARREN
from tests.engine.harness import Project, Step, copy_platform, prepare
from tests.real import stacks

FOLDER = Path(__file__).with_name("releases")
MADE = {
    "sandbox": ("sandbox", "traefik"),
    "everything": ("everything", "traefik"),
    "everything-nginx": ("everything", "nginx"),
}
"""What a release leaves: the name of each archive, its stack and its ingress controller."""

_STATE = "state.json"
_OF_THE_MACHINE = ("sourcePosition", "stackTrace", "created", "modified")
"""What the engine notes of each resource and never compares: lines of files on the machine, and times."""

_KINDS = {
    "create": "create",
    "update": "update",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "delete": "delete",
}
"""An operation of the engine, and the list of changes.yaml that may allow it."""

CHANGES = """\
# What later trees may change about the states beside this file: a pattern of URNs, and why. An entry that nothing needs
# fails. A replacement or a deletion takes something away from people who upgrade: it needs an entry of its own here,
# and one under "Breaking" in CHANGELOG.md.
create: []
update: []
replace: []
delete: []
"""


@dataclass(frozen=True)
class Archive:
    """One state of one release."""

    version: str
    name: str

    @property
    def file(self) -> Path:
        """Where it is checked in."""
        return FOLDER / self.version / f"{self.name}.tar.xz"


@dataclass(frozen=True)
class Allowed:
    """Something that later trees may do to a state, on purpose."""

    kind: str
    """``create``, ``update``, ``replace`` or ``delete``."""
    urn: str
    """A pattern as in a shell."""
    why: str

    def covers(self, step: Step) -> bool:
        """Say whether a planned operation is this one."""
        return _KINDS.get(step.op) == self.kind and fnmatch.fnmatchcase(step.urn, self.urn)


def archives() -> list[Archive]:
    """Return every state that is checked in."""
    return [Archive(file.parent.name, file.name.removesuffix(".tar.xz")) for file in sorted(FOLDER.glob("*/*.tar.xz"))]


def allowed(version: str) -> list[Allowed]:
    """Return what a release's changes.yaml allows.

    Raises:
        ValueError: an entry gives no reason, or covers resources of any type.
    """
    file = FOLDER / version / "changes.yaml"
    written: dict[str, list[dict[str, str]]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    if set(written) != set(_KINDS.values()):
        raise ValueError(f"{file}: write the lists {', '.join(dict.fromkeys(_KINDS.values()))}, and no others")
    found = [
        Allowed(kind, entry["urn"], entry.get("why", "")) for kind, entries in written.items() for entry in entries
    ]
    for entry in found:
        parts = entry.urn.split("::")
        if not entry.why.strip():
            raise ValueError(f"{file}: {entry.kind} {entry.urn}: say why")
        if len(parts) != 4 or not parts[2].rpartition("$")[2].strip("*?"):
            raise ValueError(
                f"{file}: {entry.kind} {entry.urn}: name the type, as in urn:pulumi:*::warren::*Type::name"
            )
    return found


def unexplained(steps: Iterable[Step], entries: Iterable[Allowed]) -> list[str]:
    """Return the planned operations that change something and that no entry allows, one line each."""
    entries = list(entries)
    return [
        f"{step.op} {step.urn}: {', '.join(step.details.get('detailedDiff') or []) or 'the whole resource'}"
        for step in steps
        if step.op != "same" and not any(entry.covers(step) for entry in entries)
    ]


def restore(archive: Archive, root: Path) -> Project:
    """Put today's program into ``root``, with the files and the state of a release, in a backend of its own."""
    copy_platform(root)
    shutil.rmtree(root / "workspaces")
    for file in root.glob("Pulumi.*.yaml"):
        file.unlink()
    with tarfile.open(archive.file) as packed:
        packed.extractall(root, filter="data")
    [stack] = [file.name.split(".")[1] for file in root.glob("Pulumi.*.yaml")]
    project = prepare(root, stack)
    project.pulumi("stack", "import", "--file", str(root / _STATE))
    return project


def make(version: str) -> list[Path]:
    """Bring the stacks up with the tree of now, and write their states.

    Raises:
        AssertionError: the engine refused a stack, or something of this machine is in its state.
        SystemExit: the version has its states already.
    """
    folder = FOLDER / version
    if folder.exists():
        raise SystemExit(f"{folder} is there already; what people have running cannot be made again")
    folder.mkdir(parents=True)
    for name, (stack, controller) in MADE.items():
        with tempfile.TemporaryDirectory() as temporary:
            project = stacks.make(Path(temporary) / "platform", stack, controller)
            result = project.up()
            assert result.ok, result.output
            packed = pack(project)
        Archive(version, name).file.write_bytes(packed)
    (folder / "changes.yaml").write_text(CHANGES, encoding="utf-8")
    return sorted(folder.iterdir())


def pack(project: Project) -> bytes:
    """Return a project's own files, manifests and state: the same bytes for the same content, wherever it is."""
    state = json.dumps(_without_machine(project.export()), indent=1, sort_keys=True)
    files = {_STATE: state.encode()}
    stack_file = project.root / f"Pulumi.{project.stack}.yaml"
    written = yaml.safe_load(stack_file.read_text(encoding="utf-8"))["config"]["warren:workspaces"]
    own = [path for name in written for path in sorted((project.root / "workspaces").glob(f"{name}.yaml"))]
    folders = [project.manifests, *(path.with_suffix("") for path in own)]
    content = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in [stack_file, *own, *content]:
        files[path.relative_to(project.root).as_posix()] = path.read_bytes()
    for name, data in files.items():
        for place in (project.root, WARREN, Path.home(), Path(sys.prefix), Path(sys.base_prefix)):
            assert str(place).encode() not in data, f"{name} has {place} in it"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(files[name]), 0o600
            tar.addfile(entry, io.BytesIO(files[name]))
    return lzma.compress(packed.getvalue(), preset=9)


def _without_machine(state: dict[str, Any]) -> dict[str, Any]:
    deployment = state["deployment"]
    resources = [
        {key: value for key, value in resource.items() if key not in _OF_THE_MACHINE}
        for resource in deployment["resources"]
    ]
    manifest = deployment["manifest"] | {"time": "2000-01-01T00:00:00Z"}
    return state | {"deployment": deployment | {"manifest": manifest, "resources": resources}}


if __name__ == "__main__":
    for made in make(VERSION):
        print(made)
