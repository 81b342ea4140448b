"""Secrets by name. Their values are never in a file."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from config import patterns
from config.fields.written import Written, like


def is_secret_name(text: object) -> bool:
    """Whether this is what a secret may be called. A long run without a dash is what tokens look like, so it is not."""
    return (
        isinstance(text, str)
        and re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", text) is not None
        and len(text) <= 63
        and all(len(part) <= 20 for part in text.split("-"))
    )


def _secret_name(text: str) -> str:
    if not is_secret_name(text):
        # The text is never repeated: people paste secrets here.
        raise ValueError(
            "is not a secret's name: a-z, 0-9 and -, such as web-db-password; the value goes into the stack config"
        )
    return text


SecretName = Annotated[
    str,
    AfterValidator(_secret_name),
    like(patterns.SECRET_NAME, "the name of a secret: a-z, 0-9 and -", "web-db-password", maxLength=63),
]
"""What a secret of the stack is called."""


class SecretRef(Written):
    """A secret of the stack config, by name: `{ secret: mcd-entra-client-secret }`."""

    secret: SecretName = Field(description="The key under warren:secrets that holds the value.")


def _reference(value: Any) -> Any:
    if not isinstance(value, dict | SecretRef):
        raise ValueError(
            "must be a reference such as { secret: NAME }; the value goes into the stack config, by the command that "
            "a preview then prints"
        )
    return value


Secret = Annotated[SecretRef, BeforeValidator(_reference)]
"""A place for a secret: a reference and never the secret itself."""
