"""What all identity providers have in common, and the texts that Dex can be given."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator

from config.fields.names import Name
from config.fields.secrets import Secret
from config.fields.written import Written, like
from config.together import such_as


def _https(text: str) -> str:
    if not text.startswith("https://") or len(text) < 12:
        raise ValueError(f"{text!r} is not an https:// address")
    return text


def plain(text: str) -> str:
    """The text, which reaches Dex as it is.

    Raises:
        ValueError: it would not: Dex' image expands it.
    """
    if "{{" in text or "$" in text:
        raise ValueError("has {{ or $, which Dex's image would expand; leave them out")
    return text


def _certificate(text: str) -> str:
    try:
        pem = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pem = b""
    if b"-----BEGIN CERTIFICATE-----" not in pem:
        raise ValueError("is not a certificate: write the base64 of its PEM file on one line (base64 -w0 ca.pem)")
    return text


_UNEXPANDED = r"(?![\s\S]*\{\{)"
Certificate = Annotated[
    str,
    AfterValidator(_certificate),
    like("[A-Za-z0-9+/]+={0,2}", "a PEM file in base64, on one line", "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t"),
]
Https = Annotated[
    str,
    AfterValidator(_https),
    AfterValidator(plain),
    like(rf"{_UNEXPANDED}https://[^$]{{4,}}", "an address that starts with https://", "https://git.example.com"),
]
"""As it is written: some issuers and endpoints end in a slash, and Dex compares an issuer letter by letter."""
BaseUrl = Annotated[Https, AfterValidator(lambda text: text.rstrip("/"))]
"""What paths are added to."""
Text = Annotated[str, AfterValidator(plain), like(rf"{_UNEXPANDED}[^$]*", "text without {{ and $")]
Texts = tuple[Text, ...]


class Connector(Written):
    """What Dex calls an identity provider; its keys are those that each kind has."""

    id: Annotated[Name, such_as("company")]
    """Stays as it is for the life of the workspace: people's identities hang on it."""
    name: Annotated[Text | None, such_as("Company account")] = None
    """What the sign-in page shows; the id when left out."""


class OAuthClient(Connector):
    """A provider that knows Dex as an application of its own."""

    clientId: Annotated[Text, such_as("0123-4567")]
    """The application's id at the provider."""
    clientSecret: Secret
    """Its secret, by name."""
