"""How keys go together, as an editor can check it: written beside the validator that has the last word.

A key counts as written where it says something: null, false, an empty list and an empty mapping say nothing.
`errorMessage` is what VS Code and the YAML language server show instead of words about schemas; other editors show the
description of the key.
"""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict
from pydantic.fields import FieldInfo

Rule = dict[str, Any]

_NOTHING: list[Any] = [None, False, [], {}]


def has(*keys: str, says: str | None = None) -> Rule:
    """All of these keys are written; a condition, or with words a demand."""
    if says is None:
        return {"required": list(keys), "properties": {key: {"not": {"enum": _NOTHING}} for key in keys}}
    # Editors have no words of ours for `not`; nothing that says nothing is text.
    some = {"if": {"enum": _NOTHING}, "then": {"type": "string", "errorMessage": says}}
    return {"required": list(keys), "properties": dict.fromkeys(keys, some), "errorMessage": says}


def has_none(*keys: str, says: str) -> Rule:
    """None of these keys is written."""
    return {"properties": {key: {"enum": _NOTHING, "errorMessage": says} for key in keys}}


def where(condition: Rule, then: Rule, otherwise: Rule | None = None) -> Rule:
    """A rule that holds under a condition."""
    rule = {"if": condition, "then": then}
    return rule if otherwise is None else rule | {"else": otherwise}


def has_any(*keys: str, says: str) -> Rule:
    """At least one of these keys is written."""
    first, *others = keys
    return where(has(first), {}, has_any(*others, says=says)) if others else has(first, says=says)


def one_of(*keys: str, says: str, needed: bool = True) -> list[Rule]:
    """At most one of these keys is written, or exactly one."""
    rest = [(key, keys[at + 1 :]) for at, key in enumerate(keys[:-1])]
    rules = [where(has(key), has_none(*others, says=says)) for key, others in rest]
    return [*rules, has_any(*keys, says=says)] if needed else rules


def editor(*rules: Rule, example: dict[str, Any] | None = None) -> ConfigDict:
    """What a model's schema says besides its keys: rules between them, and a whole example where some must be there."""
    extra: dict[str, Any] = {"allOf": list(rules)} if rules else {}
    return ConfigDict(json_schema_extra=extra if example is None else extra | {"examples": [example]})


def such_as(*examples: Any) -> Any:
    """Examples of a key whose type has none."""
    found: FieldInfo = FieldInfo(examples=list(examples))
    return found
