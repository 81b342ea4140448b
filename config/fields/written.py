"""What everything that a person writes has in common, and text that stands for a mapping."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    GetCoreSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import core_schema


class Written(BaseModel):
    """The base of everything a person writes: frozen, strict, no unknown keys, and no values in its errors."""

    # Attribute docstrings reach the JSON schema through `schema`: pydantic would parse the source at every preview.
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True, defer_build=True)


def models(base: type[BaseModel] = Written) -> Iterator[type[BaseModel]]:
    """Every model of the modules that are imported."""
    for model in base.__subclasses__():
        yield model
        yield from models(model)


def like(pattern: str, about: str, *examples: Any, **more: Any) -> WithJsonSchema:
    """What an editor can check of a text, and says of it; the validator beside it has the last word."""
    such = f", such as {examples[0]}" if examples else ""
    told = {"description": about, "errorMessage": f"must be {about}{such}"} | (
        {"examples": list(examples)} if examples else {}
    )
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$", **more, **told})


def matching(pattern: str, refused: str, longest: int | None = None) -> AfterValidator:
    """Lets a text through that is all of a pattern and no longer than so many characters.

    `refused` is said of any other one, after the text itself; so not for what may be a secret.
    """

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text) or (longest is not None and len(text) > longest):
            raise ValueError(f"{text!r} {refused}")
        return text

    return AfterValidator(check)


def unit_missing(forms: str) -> BeforeValidator:
    """Tells a bare number what it lacks, once, instead of asking for quotes first and for a unit then.

    `forms` shows how to write the number, which is `{n}`, and `{m}` thousand times over.
    """

    def check(value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise ValueError(f"{value:g} {forms.format(n=f'{value:g}', m=f'{value * 1000:.0f}')}")
        return value

    return BeforeValidator(check)


# Unions are told apart by what was written, so that a mistake gets one message instead of one for each member. Tags in
# angle brackets are no keys that anybody writes; `refusals` leaves them out of paths.
TEXT, NUMBER, MAPPING = "<text>", "<number>", "<mapping>"


def written_as(value: Any) -> str | None:
    """Whether something was written as text, a number or a mapping; None for all else."""
    if type(value) in (int, float):
        return NUMBER
    return TEXT if isinstance(value, str) else None if isinstance(value, bool | list | None) else MAPPING


def either(what: str) -> Discriminator:
    """Tells a union of text and mapping apart; `what` says what it must be."""
    return Discriminator(written_as, custom_error_type="neither", custom_error_message=f"must be {what}")


@dataclass(frozen=True)
class ShortForm:
    """Lets a text or a number stand for a model with that at `key`: `/api` for a route, 8000 for a port."""

    key: str
    short: Any
    """The type of what is written instead."""
    what: str
    """What may be written, for messages."""
    form: str = TEXT
    """Whether that is a text or a number."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """The model's own schema, and that of the short form, by what was written."""
        short = core_schema.no_info_after_validator_function(
            lambda value: source(**{self.key: value}), handler.generate_schema(self.short)
        )
        return core_schema.tagged_union_schema(
            {self.form: short, MAPPING: handler(source)},
            discriminator=written_as,
            custom_error_type="neither",
            custom_error_message=f"must be {self.what}",
        )
