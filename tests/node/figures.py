"""What a run on real nodes measured: lines that its end prints."""

from __future__ import annotations

FIGURES: list[str] = []
