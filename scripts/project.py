"""Where a command finds things: Warren's own checkout, and the project whose platform it is about.

In a platform repository Warren is a submodule and the project is the repository around it.  In Warren's checkout both
are one folder, and its reference platform is the project.

It runs before anything is installed: standard library only.
"""

from __future__ import annotations

import os
from pathlib import Path

WARREN = Path(__file__).resolve().parent.parent
"""What belongs to Warren: its code, its packages (.venv) and its programs (.tools)."""

PROJECT = Path(os.environ.get("WARREN_PROJECT") or WARREN).resolve()
"""What belongs to a person: Pulumi.yaml, the stack files, workspaces/, and the sandbox's state (.state).

The Makefile hands it over as ``WARREN_PROJECT``.
"""
