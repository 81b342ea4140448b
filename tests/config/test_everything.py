"""The stack that the tests with real programs run says everything that a stack can say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from config import providers
from config.fields.written import models
from tests.manifests.signin_examples import PROVIDERS
from tests.real.stacks import described

SAID_NOWHERE = {
    ("Allow", "directory"): "lets everybody in whom the provider knows, and tests need somebody refused at every host",
    ("Folder", "folder"): "is read, and its files are written at the app",
    ("Stack", "secrets"): "comes from Pulumi, not from the file",
    ("Stack", "services"): "takes {} only",
}


def said(value: Any) -> Iterator[tuple[str, str]]:
    """Model and key of everything that was written, however deep."""
    if isinstance(value, BaseModel):
        for key in value.model_fields_set:
            yield type(value).__name__, key
            yield from said(getattr(value, key))
    elif isinstance(value, dict):
        for each in value.values():
            yield from said(each)
    elif isinstance(value, tuple | list | frozenset):
        for each in value:
            yield from said(each)


def test_every_key_is_used_at_least_once() -> None:
    plan = described("everything")
    used = {*said(plan.stack), *(pair for each in plan.workspaces for pair in said(each))}
    known = {
        (model.__name__, key)
        for model in models()
        # Of each provider, what most people write.
        if not model.__module__.startswith(f"{providers.__name__}.")
        for key in model.model_fields
    }
    missing = sorted(known - used - set(SAID_NOWHERE))
    assert missing == [], "write it in tests/real/everything, so that real programs read what comes of it"


def test_every_kind_of_provider_is_used_but_the_one_that_dex_no_longer_maintains() -> None:
    plan = described("everything")
    used = {provider.type for each in plan.workspaces if each.auth != "none" for provider in each.auth.providers}
    assert set(PROVIDERS) - used == {"saml"}
