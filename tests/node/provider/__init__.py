"""The kubernetes stand-in's second mode: it applies to the cluster of a run on real nodes, and to no other.

It is **not the official plugin**, and says so in its name and in what it logs.  It does what that one does when it is
connected (pulumi-kubernetes 4.32.0), as far as Warren's objects need it, and refuses by name what it has not learned:

- `boot`: the process that the engine starts, in the place of the sandbox's (`install`).
- `locks`: why it cannot reach any cluster but the run's own.
- `provider`: the provider protocol; what is in the state (`state`), what is asked of the API server (`server`), and
  what is waited for (`waiting`).

What a change means, and the names of settings, are the sandbox's own (`sandbox.kubernetes`).  The program never imports
this, and neither does `sandbox`.
"""

from __future__ import annotations

import shlex
import sys
import sysconfig
from pathlib import Path

from sandbox.versions import PLUGINS, installed_version

PLUGIN = "kubernetes"

_LAUNCHER = """#!/bin/sh
# Not the official plugin: Warren's stand-in for it, connected to a cluster of tests (tests/node/provider).
exec {python} -I -S {boot} {site} "$@"
"""


def install(home: Path) -> None:
    """Put it into a sandbox's `PULUMI_HOME`, in the place of the stand-in that renders."""
    site = sysconfig.get_paths()["purelib"]
    name = f"resource-{PLUGIN}-v{installed_version(site, PLUGINS[PLUGIN])}"
    launcher = home / "plugins" / name / f"pulumi-resource-{PLUGIN}"
    boot = Path(__file__).with_name("boot.py")
    parts = {"python": sys.executable, "boot": str(boot), "site": site}
    launcher.write_text(_LAUNCHER.format(**{key: shlex.quote(part) for key, part in parts.items()}), encoding="utf-8")
