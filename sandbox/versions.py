"""Versions of the installed SDK packages, without importing them.

Owns: the one rule that a stand-in has the version of the SDK package it stands in for.
"""

from __future__ import annotations

import glob
import os

PLUGINS = {"kubernetes": "pulumi_kubernetes", "cloudflare": "pulumi_cloudflare", "random": "pulumi_random"}
"""Resource plugin to the SDK package that names it."""


def installed_version(site: str, package: str) -> str:
    """Return the version of an installed distribution, read from the name of its ``.dist-info``.

    Raises:
        FileNotFoundError: the package is not installed in ``site``.
    """
    found = glob.glob(os.path.join(glob.escape(site), f"{package}-*.dist-info"))
    if not found:
        raise FileNotFoundError(f"{package} is not installed in {site}; `make setup` installs it")
    return os.path.basename(found[0]).removeprefix(f"{package}-").removesuffix(".dist-info")
