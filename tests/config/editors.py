"""Files for editors to mark, and what they and the models say of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators  # type: ignore[import-untyped]
from pydantic import BaseModel

from config.files.editors import stack_schema, workspace_schema
from config.load import parse_yaml, validate
from config.mistakes import Document, Mistake, Mistakes
from config.workspace import Workspace
from tests import REFERENCE
from tests.config.files import FILES
from tests.manifests.signin_examples import PROVIDERS

ROOT = Path(__file__).parents[2]
WORKSPACES = sorted(
    [
        *(REFERENCE / "workspaces").glob("*.yaml"),
        *(ROOT / "docs/examples").rglob("workspaces/*.yaml"),
        *(ROOT / "tests/real/everything/workspaces").glob("*.yaml"),
    ]
)
STACKS = sorted([*REFERENCE.glob("Pulumi.*.yaml"), ROOT / "tests/real/everything/Pulumi.everything.yaml"])

Data = dict[str, Any]


def _pattern(_: Any, pattern: str, text: Any, __: Any) -> Iterator[ValidationError]:
    # ECMAScript's $ is the end. Python's is also before a last line break, which is what `|` in YAML leaves.
    if isinstance(text, str) and not re.search(re.sub(r"(?<!\^)\$", r"\\Z", pattern), text):
        yield ValidationError(f"{text!r} does not match {pattern}")


Editor = validators.extend(Draft202012Validator, {"pattern": _pattern})
WORKSPACE = Editor(workspace_schema())
STACK = Editor(stack_schema())


def marks(editor: Any, data: Any) -> list[tuple[str, str]]:
    """Where an editor puts a mark, and what it says."""
    return [
        (error.json_path, (error.schema or {}).get("errorMessage") or error.message)
        for error in editor.iter_errors(data)
    ]


def refused(data: Any, model: type[BaseModel] = Workspace) -> list[Mistake]:
    """What the model says about it."""
    try:
        validate(model, Document("x.yaml", data))
    except Mistakes as found:
        return found.mistakes
    return []


APP: Data = {"image": "ghcr.io/example/web:1.2.3", "port": 8000, "routes": ["/"]}


def shop(**app: Any) -> Data:
    """A workspace with one app; None takes a key away."""
    data: Data = parse_yaml(FILES["workspaces/shop.yaml"], "shop.yaml").data
    return {**data, "apps": {"web": {key: value for key, value in {**APP, **app}.items() if value is not None}}}


def policy(**provider: Any) -> Data:
    written = {"type": "github", "id": "x", "clientId": "a", "clientSecret": {"secret": "s"}, **provider}
    return {**shop(), "auth": {"providers": [written], "allow": {"groups": ["ops"]}}}


def signing_in(key: str, value: Any) -> Data:
    """A workspace with a sign-in in which one thing was changed."""
    data = policy()
    return {**data, "auth": {**data["auth"], key: value}}


SAML = {"type": "saml", "id": "saml", **PROVIDERS["saml"]}
CLIENT = {"id": "x", "clientId": "a", "clientSecret": {"secret": "s"}}
GOOGLE, OIDC = {"type": "google", **CLIENT}, {"type": "oidc", "issuer": "https://id.example.com", **CLIENT}


@dataclass(frozen=True)
class Beyond:
    """Something that the models refuse and that no JSON Schema can say."""

    why: str
    words: str
    """The model's, as a pattern."""
    example: Data


BEYOND = (
    Beyond(
        "that no bit is set after the prefix is arithmetic",
        r"'[0-9a-fA-F.:]+/[0-9.]+' is not a network",
        shop(routes=[{"path": "/", "allowFrom": ["10.0.0.1/8"]}]),
    ),
    Beyond(
        "that a range in a schedule goes up compares two numbers",
        r"'[^']*[0-9a-z]-[0-9a-z][^']*' is not a cron schedule",
        shop(port=None, routes=None, schedule="5-1 * * * *"),
    ),
    Beyond(
        "which time zones there are is a database",
        r"'[A-Za-z0-9_+/-]+' is not a time zone",
        shop(port=None, routes=None, schedule={"cron": "@daily", "timeZone": "Europe/Nowhere"}),
    ),
    Beyond(
        "which names a text has in it compares two keys",
        r"^(\$\([A-Z]+\) is none of its secrets|[A-Z]+ is nowhere in the text)",
        shop(files={"/a": {"text": "$(KEY)", "secrets": {"OTHER": {"secret": "shop-key"}}}}),
    ),
    Beyond(
        "that min is no more than max compares two keys",
        r"^min \d+ is more than max \d+$",
        shop(autoscale={"min": 3, "max": 2}),
    ),
    Beyond(
        "that an amount is below a bound in any of its units, fractions included, is arithmetic",
        r"^is more than (1024Ti|10000 cores); write less$",
        shop(requests={"memory": "99999999Ti"}),
    ),
    Beyond(
        "JSON has one kind of number, so 1.0 is a whole one",
        r"^must be a whole number, not a fraction",
        shop(replicas=1.0),
    ),
    Beyond(
        "patterns know capitals of the English alphabet only",
        r"'[^']*[^\x00-\x7f][^']*' is not an e-mail address",
        {**policy(), "auth": {**policy()["auth"], "allow": {"emails": ["É@example.com"]}}},
    ),
    Beyond(
        "what is inside base64 is for a decoder",
        r"^is not a certificate",
        {**policy(), "auth": {**policy()["auth"], "providers": [{**SAML, "caData": "AAAA"}]}},
    ),
)


def beyond(found: list[Mistake]) -> list[Mistake]:
    """The mistakes that a schema could say."""
    return [each for each in found if not any(re.search(row.words, each.what) for row in BEYOND)]
