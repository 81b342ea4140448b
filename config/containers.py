"""What an app says about its containers: image, command, env, compute."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Tag, WithJsonSchema

from config.fields.containers import EnvName, Image, MountPath
from config.fields.hardware import Capability, Device
from config.fields.quantities import Cpu, Memory
from config.fields.secrets import SecretRef
from config.fields.written import MAPPING, TEXT, ShortForm, Written, written_as
from config.together import such_as

Word = Annotated[str, WithJsonSchema({"type": "string", "examples": ["--verbose"]})]


class Literally(Written):
    """A value that looks like a secret by its name and is none: `{ value: ... }`."""

    value: Annotated[str, such_as("change-me-later")]
    """The text itself."""


def _no_secret(value: Any) -> Any:
    if isinstance(value, dict) and "secret" in value:
        raise ValueError("is a secret, and every app would get it; name it in the env of the workspaces that need it")
    return value


EnvText = Annotated[
    Literally,
    ShortForm("value", str, "text; write numbers and booleans in quotes"),
    BeforeValidator(_no_secret),
]

_ENV = "text or { secret: NAME }; write numbers and booleans in quotes"


def _env(value: Any) -> str | None:
    if written_as(value) != MAPPING:
        return written_as(value)
    keys = value if isinstance(value, dict) else type(value).model_fields
    return TEXT if "value" in keys and "secret" not in keys else None if "value" in keys else MAPPING


EnvValue = Annotated[
    Annotated[Literally, ShortForm("value", str, _ENV), Tag(TEXT)] | Annotated[SecretRef, Tag(MAPPING)],
    Discriminator(_env, custom_error_type="neither", custom_error_message=f"must be {_ENV}"),
]


class Amount(Written):
    """Compute: cores and memory."""

    cpu: Cpu | None = None
    """Cores or millicores."""
    memory: Memory | None = None
    """A number with a unit."""


Devices = Annotated[
    dict[MountPath, Device], such_as({"/dev/ttyACM0": "/dev/serial/by-id/usb-stick", "/dev/dri": "/dev/dri/"})
]


Capabilities = Annotated[tuple[Capability, ...], such_as(["NET_ADMIN"])]


class Container(Written):
    """A second container in the pod: an init container or a sidecar. It sees the app's volumes and env."""

    image: Image
    """With a tag or digest."""
    command: tuple[Word, ...] = ()
    """Instead of the image's entrypoint."""
    args: tuple[Word, ...] = ()
    """Instead of the image's arguments."""
    env: dict[EnvName, EnvValue] = {}
    """Added to the app's env."""
    requests: Amount = Amount()
    """What the container needs at least."""
    limits: Amount = Amount()
    """What it may take at most."""
    privileged: bool = False
    """It may do what the node's root may. Takes podSecurity: privileged and the stack's `trust`."""
    capabilities: Capabilities = ()
    """What it may do of what root may; they count for user 0 alone. Beyond those of PodSecurity `baseline`: as
    `privileged`."""
    devices: Devices = {}
    """Devices of the node for this container: path in it -> device."""
