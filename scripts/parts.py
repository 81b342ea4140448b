"""Build real programs from their Go modules: ``python -m scripts.parts [NAME ...]``, by default all that tests need.

Owns: one folder below ``tools/`` a module, what is built from it into ``.tools/parts/<name>/``, and when it is built
again.  Building needs Go and takes minutes once; afterwards a run looks at a stamp and does nothing.  Does not own:
which engine is used (``setup.py``), and what tests do with the programs.

It runs before anything is installed: standard library only.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.project import WARREN

MODULES = WARREN / "tools"
BUILT = WARREN / ".tools" / "parts"

ENGINE = "pulumi"
"""Built by ``setup.py``, and only where there is no other engine."""

STATIC = {"CGO_ENABLED": "0"}
"""As upstreams build what they release: such a program is all that an image of a test has to hold."""

AT_ONCE = 2
"""How many modules are built at the same time: one compiles while the other is fetched or linked."""

_TOOLS = re.compile(r"^tool (?:\(\n(.*?)^\)|(\S+))", re.MULTILINE | re.DOTALL)
_KUBERNETES = re.compile(r"^\s*(?:require )?k8s\.io/kubernetes (v(\d+)\.(\d+)\S*)", re.MULTILINE)


def say(text: str) -> None:
    """Print one line at once, apart from what a command is run for: that may be piped somewhere."""
    print(text, file=sys.stderr, flush=True)


def names() -> list[str]:
    """Return what tests need, sorted: every module but the engine."""
    return sorted(path.parent.name for path in MODULES.glob("*/go.mod") if path.parent.name != ENGINE)


def programs(module: Path) -> dict[str, str]:
    """Return program to Go package: the ``tool`` lines of a module, or the commands of a module of our own.

    Raises:
        ValueError: the module has neither.
    """
    found = _TOOLS.search((module / "go.mod").read_text(encoding="utf-8"))
    if found is not None:
        packages = (found[1] or found[2]).split()
        # `go.etcd.io/etcd/server/v3` would be called `server`.
        return {package.rpartition("/")[2] if len(packages) > 1 else module.name: package for package in packages}
    own = {path.parent.name: f"./cmd/{path.parent.name}" for path in sorted(module.glob("cmd/*/main.go"))}
    if not own:
        raise ValueError(f"{module}/go.mod has no tool line, and there is no cmd/*/main.go")
    return own


def linker_flags(module: Path) -> str:
    """Return what the linker is told: no debug symbols, and for Kubernetes its version, which it cannot know itself."""
    found = _KUBERNETES.search((module / "go.mod").read_text(encoding="utf-8"))
    if found is None:
        return "-s -w"
    told = {"gitVersion": found[1], "gitMajor": found[2], "gitMinor": found[3]}
    return " ".join(["-s -w", *(f"-X k8s.io/component-base/version.{key}={value}" for key, value in told.items())])


def fingerprint(module: Path) -> str:
    """Return the hash of everything that decides what is built: the module's folder, and how all are built."""
    digest = hashlib.sha256(repr(STATIC).encode())
    for path in sorted(path for path in module.rglob("*") if path.suffix in (".go", ".mod", ".sum")):
        digest.update(f"{path.relative_to(module)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def go(module: Path, packages: Sequence[str], target: Path, *, link: str) -> bool:
    """Build packages of a module, one into the file ``target``, several into that folder; say whether that worked.

    Raises:
        FileNotFoundError: Go is not installed.
    """
    program = shutil.which("go")
    if program is None:
        raise FileNotFoundError("go")
    # Built beside its place, so that an interrupted build leaves nothing that looks finished.
    partial = target.with_name(f"{target.name}.partial")
    (partial if len(packages) > 1 else target.parent).mkdir(parents=True, exist_ok=True)
    finished = threading.Event()
    threading.Thread(target=_tell_time, args=(module.name, finished), daemon=True).start()
    command = [program, "build", "-trimpath", "-ldflags", link, "-o", str(partial), *packages]
    done = subprocess.run(command, cwd=module, env=os.environ | STATIC, check=False)
    finished.set()
    if done.returncode == 0 and len(packages) > 1:
        target.mkdir(exist_ok=True)
        for each in partial.iterdir():
            each.replace(target / each.name)
        partial.rmdir()
    elif done.returncode == 0:
        partial.replace(target)
    return done.returncode == 0


def _tell_time(name: str, finished: threading.Event) -> None:
    started = time.monotonic()
    while not finished.wait(30):
        say(f"setup: still building tools/{name} ({time.monotonic() - started:.0f} s)")


def build(name: str) -> None:
    """Build one module's programs, unless they are built from exactly these files.

    Raises:
        SystemExit: Go is missing or a program does not build; nothing half-built is left.
    """
    module, target = MODULES / name, BUILT / name
    stamp, wanted = target / "stamp", fingerprint(module)
    made = programs(module)
    if stamp.is_file() and stamp.read_text() == wanted and all((target / program).is_file() for program in made):
        return
    stamp.unlink(missing_ok=True)
    say(f"setup: building {', '.join(made)} from tools/{name}, once")
    # All at once, so that linking one, which keeps one core busy, does not wait for another.
    place = target if len(made) > 1 else target.joinpath(*made)
    try:
        built = go(module, list(made.values()), place, link=linker_flags(module))
    except FileNotFoundError:
        raise SystemExit("setup: these tests run real programs that are built with Go: install Go 1.26") from None
    if not built:
        raise SystemExit(f"setup: {', '.join(made)} could not be built; the message above says why")
    stamp.write_text(wanted)


def main() -> None:
    """Build what was asked for, or everything."""
    known = names()
    wanted = sys.argv[1:] or known
    if unknown := [name for name in wanted if name not in known]:
        raise SystemExit(f"setup: there is no tools/{unknown[0]}; there are {', '.join(known)}")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(build, wanted))


if __name__ == "__main__":
    main()
