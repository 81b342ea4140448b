"""The server's k3s away: on the small stack, for the whole run of this group."""

from __future__ import annotations

from tests.node.small import ann, faults

__all__ = ["ann", "faults"]
