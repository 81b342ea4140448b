"""An app that misbehaves, a full quota, roll-outs: on the small stack, for the whole run of this group."""

from __future__ import annotations

from tests.node.small import ann, faults

__all__ = ["ann", "faults"]
