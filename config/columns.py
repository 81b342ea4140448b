"""Rows as columns of text. Standard library only: what runs before the engine uses it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def text_table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as columns of text, headed by their keys; empty text for no rows."""
    if not rows:
        return ""
    head = list(rows[0])
    cells = [head, *([str(row[key]) for key in head] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )
