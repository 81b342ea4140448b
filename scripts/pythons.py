"""Run the fast tests with every other supported Python that is here: ``python -m scripts.pythons [pytest arguments]``.

Owns: finding the interpreters, an environment for each in ``.tools/python<version>`` from the same locked requirements,
and saying which were not found.  Does not own: the range that is supported (``setup.py``).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from scripts import setup
from scripts.parts import say
from scripts.project import WARREN

MINUTES = 15
"""How long one Python's tests may take: on two cores they take three minutes."""


def others(running: tuple[int, ...]) -> list[str]:
    """Return the supported versions besides the running one, oldest first."""
    (major, oldest), (_, newest) = setup.PYTHON_MINIMUM, setup.PYTHON_MAXIMUM
    return [f"{major}.{minor}" for minor in range(oldest, newest + 1) if (major, minor) != running[:2]]


def find(version: str, pyenv: Path) -> str | None:
    """Return an interpreter of this version that runs: from PATH, else the newest that pyenv has.

    pyenv's own ``python3.12`` on PATH runs only where that version is switched on.
    """
    on_path = shutil.which(f"python{version}")
    installed = sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"), key=_patch)
    for candidate in [*([on_path] if on_path else []), *map(str, reversed(installed))]:
        if ".".join(map(str, setup.version_of_python(candidate)[:2])) == version:
            return candidate
    return None


def _patch(interpreter: Path) -> int:
    text = interpreter.parents[1].name.rpartition(".")[2]
    return int(text) if text.isdecimal() else -1


def tests(version: str, python: str, arguments: list[str]) -> bool:
    """Run the tests with one interpreter and say whether they passed."""
    began = time.monotonic()
    venv = setup.TOOLS / f"python{version}"
    setup.set_up_packages(venv, python)
    # Compiled files and caches of other versions do not get into each other's way, but pytest's list of failures does.
    command = [str(venv / "bin" / "python"), "-m", "pytest", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadfile"]
    try:
        done = subprocess.run([*command, *arguments], cwd=WARREN, timeout=MINUTES * 60, check=False)
    except subprocess.TimeoutExpired:
        say(f"Python {version}: stopped after {MINUTES} minutes")
        return False
    ended = "passed" if done.returncode == 0 else "FAILED"
    say(f"Python {version} ({python}): {ended}, {time.monotonic() - began:.0f} s")
    return done.returncode == 0


def main() -> None:
    """Run them all, and leave with 1 where one failed."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    failed = False
    for version in others(tuple(sys.version_info[:2])):
        python = find(version, pyenv)
        if python is None:
            say(f"Python {version}: not found here, so not tried")
        else:
            failed |= not tests(version, python, sys.argv[1:])
    raise SystemExit(failed)


if __name__ == "__main__":
    main()
