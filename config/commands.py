"""The commands that messages print, so that what is copied from a message works where it was read.

A sandbox stack keeps its state and its passphrase inside the checkout, where a plain `pulumi` does not look: `make`
hands them on.
"""

from __future__ import annotations


def config(arguments: str, stack_name: str, *, sandbox: bool) -> str:
    """The command that changes a stack's config; `arguments` follow `pulumi config` and hold no double quote."""
    if sandbox:
        return f'make config ARGS="{arguments}" STACK={stack_name}'
    return f"pulumi config {arguments} --stack {stack_name}"


def set_secret(name: str, stack_name: str, *, sandbox: bool) -> str:
    """The command that sets one of `warren:secrets`; it asks for the value."""
    return config(f"set --secret --path 'secrets.{name}'", stack_name, sandbox=sandbox)
