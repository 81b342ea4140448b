"""Put the stand-ins into the plugin cache of a sandbox's ``PULUMI_HOME``: ``python -m sandbox.install <directory>``.

Owns: the launchers in ``<directory>/plugins``.  Running it again changes nothing.  Does not own: any other
``PULUMI_HOME``; it refuses the user's own, so that a stand-in can never serve a real stack.
"""

from __future__ import annotations

import os
import shlex
import sys
import sysconfig
from pathlib import Path

from sandbox.versions import PLUGINS, installed_version

_LAUNCHER = """#!/bin/sh
# Warren sandbox stand-in (see sandbox/ in the checkout).  Written by sandbox/install.py.
exec {python} -I -S {boot} {site} {role} "$@"
"""


_NO_LOGS = "The engine's debug logs are off here: they double its time.  Delete this file to have them.\n"


def launchers(python: str, site: str) -> dict[str, str]:
    """Return the files to write, as path below ``plugins/`` to content."""
    boot = str(Path(__file__).with_name("boot.py").resolve())

    def launcher(role: str) -> str:
        return _LAUNCHER.format(
            python=shlex.quote(python), boot=shlex.quote(boot), site=shlex.quote(site), role=shlex.quote(role)
        )

    files = {
        f"resource-{plugin}-v{installed_version(site, package)}/pulumi-resource-{plugin}": launcher(plugin)
        for plugin, package in PLUGINS.items()
    }
    files[f"language-python-v{installed_version(site, 'pulumi')}/pulumi-language-python"] = launcher("language")
    return files


def install(home: Path, python: str = sys.executable, site: str | None = None) -> list[Path]:
    """Write the launchers below ``home`` and return those that changed.

    Raises:
        ValueError: ``home`` is the user's own Pulumi home.
    """
    if home.resolve() == (Path.home() / ".pulumi").resolve():
        raise ValueError(f"{home} is your own Pulumi home; the stand-ins go only into a sandbox's")
    _without_debug_logs(home)
    changed = []
    for name, content in launchers(python, site or sysconfig.get_paths()["purelib"]).items():
        path = home / "plugins" / name
        if path.is_file() and path.read_text(encoding="utf-8") == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_text(content, encoding="utf-8")
        temporary.chmod(0o755)
        temporary.replace(path)
        changed.append(path)
    return changed


def _without_debug_logs(home: Path) -> None:
    """Make ``logs`` a file, so that the engine goes on without its automatic debug log.

    Engine 3.259 writes one for every command, as compressed JSON, and has no switch for it; it is half of the
    engine's own time in a preview.  A ``logs`` that is there already is left alone.
    """
    home.mkdir(parents=True, exist_ok=True)
    logs = home / "logs"
    if not logs.exists():
        logs.write_text(_NO_LOGS, encoding="utf-8")


if __name__ == "__main__":
    for written in install(Path(sys.argv[1])):
        print(f"sandbox stand-in installed: {written}", file=sys.stderr)
