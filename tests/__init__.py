"""Tests, and the reference platform that they run on.

`reference/` has copies of Pulumi.home.yaml, Pulumi.sandbox.yaml and the workspaces that ship: what stands in their
places in a checkout may be a person's. `.ci/run` compares the two, and `conftest` lets no test read a person's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config.files.written import as_the_engine_would

REFERENCE = Path(__file__).with_name("reference")


def config_from_file(path: Path) -> tuple[dict[str, Any], list[str]]:
    """What `platform.load` is given for a stack file: the config, and the names of the secrets."""
    written = as_the_engine_would(path.parent, path.name.removeprefix("Pulumi.").removesuffix(".yaml"))
    return written.config, written.secrets
