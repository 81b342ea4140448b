"""What apps name of a node: devices, and resources that device plugins bring."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from config import patterns
from config.fields.written import like


def _device(text: str) -> str:
    if not re.fullmatch(patterns.DEVICE, text):
        raise ValueError(
            f"{text!r} is not a device below /dev, such as /dev/ttyACM0, nor a folder of them, such as /dev/dri/"
        )
    return text


Device = Annotated[
    str,
    AfterValidator(_device),
    like(patterns.DEVICE, "a device below /dev, or a folder of them with / at its end", "/dev/ttyACM0", "/dev/dri/"),
]


def _extended(text: str) -> str:
    if not re.fullmatch(patterns.EXTENDED_RESOURCE, text) or len(text) > 120:
        raise ValueError(f"{text!r} is not a resource of a device plugin, such as gpu.intel.com/i915")
    return text


ExtendedResource = Annotated[
    str,
    AfterValidator(_extended),
    like(patterns.EXTENDED_RESOURCE, "a resource of a device plugin", "gpu.intel.com/i915", maxLength=120),
]
