"""The reference pages of docs/, made from the models: `python -m config.files.reference` writes them.

Owns the tables of docs/workspace-reference.md and docs/stack-reference.md, and an example of each kind of value. What
a key is for is said by the docstring below it in its model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticUndefined

from config import registries, route_rule
from config.containers import Literally
from config.fields import addresses, containers, hardware, names, quantities, secrets, written
from config.files.schema import schema_of
from config.providers import common
from config.stack import Stack
from config.workspace import Workspace

DOCS = Path(__file__).parents[2] / "docs"

_TYPES: dict[str, Any] = {
    "name": names.Name,
    "API group": names.ApiGroup,
    "API resource": names.ApiResource,
    "host label": addresses.HostLabel,
    "domain": addresses.Domain,
    "port": addresses.Port,
    "route path": addresses.RoutePath,
    "path and query": addresses.AskedPath,
    "host name": addresses.HostName,
    "network": addresses.Cidr,
    "address": addresses.Address,
    "cpu": quantities.Cpu,
    "memory": quantities.Memory,
    "duration": quantities.Duration,
    "image": containers.Image,
    "registry": registries.RegistryName,
    "e-mail": addresses.Email,
    "e-mail domain": addresses.EmailDomain,
    "Cloudflare id": names.CloudflareId,
    "variable": containers.EnvName,
    "absolute path": containers.ContainerPath,
    "mount path": containers.MountPath,
    "device": hardware.Device,
    "sysctl": hardware.Sysctl,
    "extended resource": hardware.ExtendedResource,
    "label": names.LabelKey,
    "label value": names.LabelValue,
    "server": addresses.Server,
    "workspace and app": names.AppPath,
    "cron": containers.Cron,
    "time zone": containers.TimeZone,
    "rate": route_rule.Rate,
    "https address": common.Https,
    "certificate": common.Certificate,
}


def _kinds_of_values() -> dict[str, tuple[Any, str, Any]]:
    known: dict[str, tuple[Any, str, Any]] = {}
    for kind, alias in _TYPES.items():
        looks = TypeAdapter(alias).json_schema()
        known[kind] = (alias, looks["description"], looks["examples"][0])
    secret = (secrets.Secret, "the name of a secret in the stack's config", {"secret": "web-db-password"})
    return {**known, "certificate": (*known["certificate"][:2], None), "secret": secret}


KINDS = _kinds_of_values()
"""Kind -> its type, what it looks like, and an example (none where an example would be a page long)."""

_KIND_OF = {get_args(alias)[1]: kind for kind, (alias, _, _) in KINDS.items()}
_PLAIN: dict[Any, str] = {str: "text", bool: "true or false", int: "number", float: "number", Any: "anything"}
_HIDDEN = (secrets.SecretRef, Literally)
"""Models that are a kind of value rather than a section."""

_WORKSPACE_HEAD = """\
# Workspace reference

Every key of a file in `workspaces/`. [workspaces.md](workspaces.md) shows how to use them.
<!-- Made by `python -m config.files.reference` from the models in config/; a test checks that it is current. -->

Keys that are not listed here are refused. Keys in bold are required.
"""

_STACK_HEAD = """\
# Stack reference

Every key under `warren:` in a `Pulumi.<stack>.yaml`. `warren:secrets` holds the secrets that workspaces name; set one
with `pulumi config set --secret --path 'secrets.NAME'`. The one secret without `warren:` is `cloudflare:apiToken`. A
secret in plain text is refused.

Every stack file also has the line below. Without it, a resource that names no provider goes to whatever cluster or
account the machine is signed in to.

```yaml
config:
  pulumi:disable-default-providers: ["*"]
```

<!-- Made by `python -m config.files.reference` from the models in config/; a test checks that it is current. -->

Keys that are not listed here are refused. Keys in bold are required.
"""


def workspace_page() -> str:
    """The text of docs/workspace-reference.md."""
    return _page(_WORKSPACE_HEAD, Workspace, "a workspace file")


def stack_page() -> str:
    """The text of docs/stack-reference.md."""
    return _page(_STACK_HEAD, Stack, "warren:")


def _page(head: str, model: type[BaseModel], title: str) -> str:
    places: dict[type[BaseModel], list[str]] = {}
    for part, place in _walk(model, ""):
        known = places.setdefault(part, [])
        if place not in known:
            known.append(place)
    firsts = Counter(at[0] for at in places.values())
    titles = {part: _title(part, at[0], firsts[at[0]]) if part is not model else title for part, at in places.items()}
    words = _Words(titles)
    sections = [_section(part, words, places[part][1:], model) for part in places]
    return "\n".join([head, *sections, _kinds(words.used)])


def _walk(model: type[BaseModel], place: str) -> Iterator[tuple[type[BaseModel], str]]:
    yield model, place
    for key, hint in _hints(model).items():
        yield from _models(hint, f"{place}.{key}" if place else key)


def _models(hint: Any, place: str) -> Iterator[tuple[type[BaseModel], str]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        if hint not in _HIDDEN:
            yield from _walk(hint, place)
    elif get_origin(hint) is dict:
        yield from _models(get_args(hint)[1], f"{place}.NAME")
    elif get_origin(hint) is not Literal:
        for part in get_args(hint):
            yield from _models(part, f"{place}[]" if get_origin(hint) is tuple else place)


def _hints(model: type[BaseModel]) -> dict[str, Any]:
    hints = get_type_hints(model, include_extras=True)
    return {key: hints[key] for key in model.model_fields}


def _title(model: type[BaseModel], place: str, models: int) -> str:
    kind = model.model_fields.get("type")
    if kind is not None:
        return f"{place}, type: {get_args(kind.annotation)[0]}"
    # Of several at one place, each is known by the first key that it has to have.
    needed = next((key for key, about in model.model_fields.items() if about.is_required()), "")
    return f"{place}, with {needed}" if models > 1 else place


def _section(model: type[BaseModel], words: _Words, also: list[str], root: type[BaseModel]) -> str:
    about = " ".join(str(model.__doc__).split())
    schema = schema_of(root)
    documented = schema if model is root else schema["$defs"][model.__name__]
    rows = []
    for key, hint in _hints(model).items():
        about_key = model.model_fields[key]
        name = f"`warren:{key}`" if model is Stack else f"`{key}`"
        text = documented["properties"][key].get("description", "")
        if key == "secrets" and model is Stack:
            text = "The secrets that workspaces name."
        cells = [
            f"**{name}**" if about_key.is_required() else name,
            words.of(hint),
            _default(about_key.default),
            " ".join(text.split()),
        ]
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    more = f" Also at {', '.join(f'`{place}`' for place in also)}." if also else ""
    table = "\n".join(["| key | value | default | |", "| --- | --- | --- | --- |", *rows]) if rows else ""
    return f"## {_heading(words.titles[model])}\n\n{about}{more}\n\n{table}\n"


def _heading(title: str) -> str:
    return title if title.startswith("a ") else f"`{title}`"


def anchor(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    kept = "".join(mark for mark in title.lower() if mark.isalnum() or mark in " -_")
    return kept.replace(" ", "-")


@dataclass
class _Words:
    """What the types of keys are called on one page."""

    titles: dict[type[BaseModel], str]
    used: set[str] = field(default_factory=set)
    """The kinds of value that were named."""

    def of(self, hint: Any) -> str:
        """A type in words, with links to the sections that say more."""
        if kind := _kind(hint):
            self.used.add(kind)
            return f"[{kind}](#values)"
        if hint in _PLAIN:
            return _PLAIN[hint]
        if isinstance(hint, type) and issubclass(hint, BaseModel):
            return self._model(hint)
        by_origin: dict[Any, Callable[[Any], str]] = {
            Annotated: self._marked,
            Literal: _literal,
            dict: self._mapping,
            tuple: self._list,
            frozenset: self._list,
        }
        return by_origin.get(get_origin(hint), self._union)(hint)

    def _model(self, model: type[BaseModel]) -> str:
        return "`{ value: TEXT }`" if model is Literally else f"[mapping](#{anchor(self.titles[model])})"

    def _mapping(self, hint: Any) -> str:
        key, value = get_args(hint)
        return f"mapping of {self.of(key)} to {self.of(value)}"

    def _list(self, hint: Any) -> str:
        return f"list of {self.of(get_args(hint)[0])}"

    def _marked(self, hint: Any) -> str:
        plain, *marks = get_args(hint)
        short = [self.of(mark.short) for mark in marks if isinstance(mark, written.ShortForm)]
        return _or([*short, self.of(plain) + _bounds(marks)])

    def _union(self, hint: Any) -> str:
        members = [part for part in get_args(hint) if part is not type(None)]
        branches = [self.of(part) for part in members]
        if len(branches) > 1 and all(branch.startswith("[mapping]") for branch in branches):
            return "mapping, one of " + _or([f"[{_tag(part)}](#{anchor(self.titles[part])})" for part in members])
        return _or(branches)


def _literal(hint: Any) -> str:
    return _or([f"`{str(value).lower() if isinstance(value, bool) else value}`" for value in get_args(hint)])


def _tag(model: Any) -> str:
    return str(get_args(model.model_fields["type"].annotation)[0])


def _kind(hint: Any) -> str | None:
    if hint is secrets.SecretRef:
        return "secret"
    return next((_KIND_OF[mark] for mark in getattr(hint, "__metadata__", ()) if mark in _KIND_OF), None)


def _bounds(marks: Iterable[Any]) -> str:
    found = [mark for outer in marks for mark in getattr(outer, "metadata", [outer])]
    low = next((mark.ge for mark in found if hasattr(mark, "ge")), None)
    high = next((mark.le for mark in found if hasattr(mark, "le")), None)
    return f" from {low} to {high}" if low is not None and high is not None else ""


def _or(options: list[str]) -> str:
    return options[0] if len(options) == 1 else f"{', '.join(options[:-1])} or {options[-1]}"


def _default(value: Any) -> str:
    if value is PydanticUndefined or value is None or value in ((), {}, frozenset()) or isinstance(value, BaseModel):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _kinds(used: set[str]) -> str:
    rows = [
        f"| {kind} | {about} | {'' if example is None else _example(example)} |"
        for kind, (_, about, example) in KINDS.items()
        if kind in used
    ]
    return "\n".join(["## Values", "", "| value | what it looks like | example |", "| --- | --- | --- |", *rows, ""])


def _example(value: Any) -> str:
    return f"`{{ secret: {value['secret']} }}`" if isinstance(value, dict) else f"`{value}`"


if __name__ == "__main__":
    (DOCS / "workspace-reference.md").write_text(workspace_page(), "utf-8")
    (DOCS / "stack-reference.md").write_text(stack_page(), "utf-8")
