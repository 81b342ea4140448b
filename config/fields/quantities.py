"""Amounts as Kubernetes writes them, cpu and memory, and durations: what they are worth, and how they are written."""

from __future__ import annotations

import functools
import re
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator

from config import patterns
from config.fields.written import like, unit_missing

MAX_TEBIBYTES = 1024
MAX_HOURS = 168
MAX_CORES = 10_000
"""More than anybody means. nginx loads no part of a config with a number in it that is too large for it, so that one
route would stand in the way of everybody's next change."""

_SCALE = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


@functools.cache
def millicores(text: str) -> int:
    """A cpu quantity ("2", "0.5", "250m") in thousandths of a core.

    Raises:
        ValueError: it is not a cpu quantity, or is finer than a millicore.
    """
    if match := re.fullmatch(r"([0-9]+)m|([0-9]+(?:\.[0-9]{1,3})?)", text):
        amount = int(match[1]) if match[1] else int(Decimal(match[2]) * 1000)
        if amount > 0:
            return amount
    raise ValueError(f'{text!r} is not a cpu quantity: write cores ("2", "0.5") or millicores ("250m")')


@functools.cache
def mebibytes(text: str) -> int:
    """A memory or storage quantity ("512Mi", "2Gi", "1G") in whole MiB, rounded down (but at least 1).

    Raises:
        ValueError: it is not such a quantity, or has no unit (bytes are never meant).
    """
    if match := re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(k|M|G|T|Ki|Mi|Gi|Ti)", text):
        amount = Decimal(match[1]) * _SCALE[match[2]]
        if amount > 0:
            return max(1, int(amount / 2**20))
    meant = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([kmgt])i?b?", text, re.IGNORECASE)
    example = f"{meant[1]}{meant[2].upper()}i" if meant and Decimal(meant[1]) else "512Mi or 2Gi"
    raise ValueError(f"{text!r} is not a memory quantity: write a number with a unit, such as {example}")


def memory_quantity(mib: int) -> str:
    """Whole MiB in Kubernetes' canonical form, which has the largest unit that needs no fraction.

    Other forms mean the same, but pulumi-kubernetes rewrites them, and the API server compares text.
    """
    for unit, size in (("Ti", 1024**2), ("Gi", 1024)):
        if mib and mib % size == 0:
            return f"{mib // size}{unit}"
    return f"{mib}Mi" if mib else "0"


def cpu_quantity(millis: int) -> str:
    """Millicores in the same form."""
    return f"{millis}m" if millis % 1000 else str(millis // 1000)


def seconds(text: str) -> int:
    """A duration ("90s", "5m", "12h") in seconds.

    Raises:
        ValueError: it is not a duration.
    """
    if (match := re.fullmatch(r"([0-9]+)(s|m|h)", text)) and int(match[1]):
        return int(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]
    raise ValueError(f"{text!r} is not a duration: write 90s, 5m or 12h")


def _cpu(text: str) -> str:
    if millicores(text) > MAX_CORES * 1000:
        raise ValueError(f"is more than {MAX_CORES} cores; write less")
    return text


Cpu = Annotated[
    str,
    AfterValidator(_cpu),
    like(patterns.CPU, 'cores ("2", "0.5") or thousandths of one; numbers in quotes', "250m"),
    unit_missing('is a number; write "{n}" in quotes for cores, or {m}m'),
]


def _memory(text: str) -> str:
    if mebibytes(text) > MAX_TEBIBYTES * 2**20:
        raise ValueError(f"is more than {MAX_TEBIBYTES}Ti; write less")
    return text


Memory = Annotated[
    str,
    AfterValidator(_memory),
    like(patterns.MEMORY, "a number with a unit: Ki, Mi, Gi, Ti, k, M, G or T", "512Mi"),
    unit_missing("has no unit; write {n}Mi or {n}Gi"),
]


def _duration(text: str) -> str:
    if seconds(text) > MAX_HOURS * 3600:
        raise ValueError(f"{text!r} is longer than {MAX_HOURS}h; write less")
    return text


Duration = Annotated[
    str,
    AfterValidator(_duration),
    like(patterns.durations_up_to(MAX_HOURS * 3600), "a whole number with s, m or h", "90s"),
    unit_missing("has no unit; write {n}s or {n}m"),
]
