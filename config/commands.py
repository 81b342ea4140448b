"""The commands that messages print, so that what is copied from a message works where it was read.

A sandbox stack keeps its state and its passphrase inside the project, where a plain `pulumi` does not look: `make`
hands them on. Every other stack can be changed with either.
"""

from __future__ import annotations

CLOUDFLARE = "cloudflare:apiToken"
"""The one secret that is not of `warren:secrets`."""


def set_secret(name: str, stack_name: str, *, sandbox: bool) -> str:
    """The command that sets a secret: one of `warren:secrets`, or CLOUDFLARE. It asks for the value."""
    make = f"make secret NAME={name} STACK={stack_name}"
    if sandbox:
        return make
    key = name if name == CLOUDFLARE else f"--path 'secrets.{name}'"
    return f"{make} (or pulumi config set --secret {key} --stack {stack_name})"
