"""Run tests with every other supported Python that is here, all at once: ``python -m scripts.pythons [arguments]``.

Everything that runs without the engine, and what is marked ``every_python``: the engine and its scenarios are the same
whatever Python the program has, but for how a process of Python begins, is interrupted and ends.

Owns: finding the interpreters, an environment for each in ``.tools/python<version>`` from the same locked requirements,
and saying which were not found.  Does not own: the range that is supported (``setup.py``).
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from scripts import setup, side_by_side
from scripts.parts import say
from scripts.side_by_side import Command

CHOSEN = "every_python or not engine"
"""Which tests, by their marks (pyproject.toml says what each means)."""
MINUTES = 15
"""How long one Python's tests may take: on two cores they take two minutes."""


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


def tests(version: str, python: str, arguments: list[str]) -> Command:
    """Make an environment for one interpreter, and return what runs the tests in it."""
    venv = setup.TOOLS / f"python{version}"
    setup.set_up_packages(venv, python)
    # Compiled files and caches of other versions do not get into each other's way, but pytest's list of failures does.
    command = [str(venv / "bin" / "python"), "-m", "pytest", "-p", "no:cacheprovider", "-n", "2", "-m", CHOSEN]
    # Tests run `make`, which is not to take part in one that runs them.
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    return Command(f"Python {version} ({python})", [*command, *arguments], environment)


def main() -> None:
    """Run them all, and leave with 1 where one failed."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = {version: find(version, pyenv) for version in others(tuple(sys.version_info[:2]))}
    for version, python in found.items():
        if python is None:
            say(f"Python {version}: not found here, so not tried")
    commands = [tests(version, python, sys.argv[1:]) for version, python in found.items() if python is not None]
    codes = side_by_side.run(commands, at_once=len(commands), seconds=MINUTES * 60)
    raise SystemExit(any(codes.values()))


if __name__ == "__main__":
    main()
