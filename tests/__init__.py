"""Tests, and the reference platform that they run on.

`reference/` has copies of Pulumi.home.yaml, Pulumi.sandbox.yaml and the workspaces that ship: what stands in their
places in a checkout may be a person's. `.ci/run` compares the two, and `conftest` lets no test read a person's.
"""

from __future__ import annotations

from pathlib import Path

REFERENCE = Path(__file__).with_name("reference")
