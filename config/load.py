"""YAML files in, checked models out, and every mistake with its file and line.

Owns: reading YAML safely (YAML 1.2 core scalars, no tags, bounded aliases) and knowing the line of every key. Does not
own: what a mistake is (`mistakes`), what a stack or a workspace may say (`stack`, `workspace`), how a refusal is worded
(`files.refusals`), nor the rules between files (`checks`).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from config.mistakes import Document, KeyPath, Loaded, Mistake, Mistakes, Model, dotted
from config.printable import printable

# libyaml's parser where the wheel has it: ten times faster than the pure Python one, with the same marks.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
MAX_NODES = 20_000
"""More YAML nodes than this in one file, aliases expanded, is an alias bomb and not a workspace."""


def read(path: Path, shown: str) -> Document:
    """Reads one YAML file; `shown` is the name that mistakes carry.

    Raises:
        Mistakes: it is no file, not UTF-8, not YAML, empty, has duplicate keys or tags, or explodes through aliases.
    """
    try:
        if not path.is_file():
            raise Mistakes([Mistake(shown, 0, "", absent(path))])
        if path.stat().st_size > MAX_BYTES:
            raise Mistakes(
                [Mistake(shown, 0, "", "is larger than 1 MB; big files belong into a static folder or a volume")]
            )
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise Mistakes([Mistake(shown, 0, "", "cannot be read as UTF-8 text")]) from None
    return parse_yaml(text, shown)


def absent(path: Path) -> str:
    """Why there is no file at `path`, as far as one can see."""
    other = path.with_suffix(".yml")
    if path.is_symlink():
        return f"is a link to {printable(str(path.readlink()))}, where nothing is; mend or delete it"
    if path.suffix == ".yaml" and other.is_file():
        return f"is called {other.name}; nobody reads .yml here, so rename it to {path.name}"
    return "is not a file" if path.exists() else "is not there"


def parse_yaml(text: str, shown: str) -> Document:
    """`read` for text that is already at hand."""
    try:
        reader = _Reader(text, shown)
        data = reader.document()
    except yaml.YAMLError as error:
        from config.files.yaml_words import explain  # a good file never needs it

        line, words = explain(text, error)
        raise Mistakes([Mistake(shown, line, "", f"is not YAML: this line {words}")]) from None
    if reader.mistakes:
        raise Mistakes(reader.mistakes)
    if data is None:
        needs = (
            "the smallest stack file has warren:domain, warren:cluster and warren:cloudflare below config:"
            if shown.startswith("Pulumi.")
            else "the smallest workspace has name, host, quota, auth and apps"
        )
        raise Mistakes([Mistake(shown, 1, "", f"is empty; {needs}")])
    return Document(shown, data, reader.lines)


def child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """What stands at a key of a composed mapping; None where that is no mapping, or has no such key."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


_INT = re.compile(r"[-+]?[0-9]+").fullmatch
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?").fullmatch
_TRUE, _FALSE, _NULL = ("true", "True", "TRUE"), ("false", "False", "FALSE"), ("", "~", "null", "Null", "NULL")
_WORDS = {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False), **dict.fromkeys(_NULL)}
_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {None, *(_TAG + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))}


def _plain(text: str) -> Any:
    """An unquoted scalar by the YAML 1.2 core schema, as editors read it: `yes` and `12:30` are text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "+-.0123456789":
        if _INT(text):
            return int(text) if len(text) < 40 else text
        if _FLOAT(text):
            return float(text)
    return text


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


class _Reader:
    """One pass over the events of a YAML text: its data, its lines, and the mistakes of YAML itself."""

    def __init__(self, text: str, shown: str) -> None:
        self.shown = shown
        self.lines: dict[KeyPath, int] = {}
        self.mistakes: list[Mistake] = []
        self._next = _Loader(text).get_event
        self._nodes = 0
        self._anchors: dict[str, tuple[Any, int] | None] = {}
        """What an alias stands for and how many nodes that is; None while it is still being read."""

    def document(self) -> Any:
        """The data of the only document; None when there is nothing in it."""
        self._next()
        if isinstance(self._next(), yaml.StreamEndEvent):
            return None
        data = self._value(self._next(), ())
        self._next()
        end: Any = self._next()
        if not isinstance(end, yaml.StreamEndEvent):
            self._refuse(end, (), "has a second document; keep one in each file")
        return data

    def _value(self, event: Any, path: KeyPath) -> Any:
        self._nodes += 1
        if path not in self.lines:
            self.lines[path] = _line(event)
        kind = type(event)
        if kind is yaml.AliasEvent:
            return self._alias(event, path)
        if event.tag not in _PLAIN_TAGS:
            self._refuse(event, path, f"has the tag {printable(event.tag.removeprefix(_TAG))}; write plain YAML")
        if len(path) > MAX_DEPTH or self._nodes > MAX_NODES:
            self._give_up(event, path)
        anchor, before = event.anchor, self._nodes
        if anchor is not None:
            self._anchors[anchor] = None
        if kind is yaml.ScalarEvent:
            data = event.value if event.style or event.tag == f"{_TAG}str" else _plain(event.value)
        elif kind is yaml.SequenceStartEvent:
            data = []
            while type(item := self._next()) is not yaml.SequenceEndEvent:
                data.append(self._value(item, (*path, len(data))))
        else:
            data = self._mapping(path)
        if anchor is not None:
            self._anchors[anchor] = (data, self._nodes - before)
        return data

    def _mapping(self, path: KeyPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while type(event := self._next()) is not yaml.MappingEndEvent:
            if type(event) is not yaml.ScalarEvent:
                self._refuse(
                    event, path, "has a key that is not text; keys are plain names, and {{ }} needs quotes around it"
                )
                self._value(event, path)
                self._value(self._next(), path)
                continue
            key = event.value
            at = (*path, key)
            if key == "<<" and not event.style:
                source = self._value(self._next(), path)
                for part in source if isinstance(source, list) else [source]:
                    merged = {**(part if isinstance(part, dict) else {}), **merged}
                continue
            if key in data:
                self._refuse(event, at, f"is written twice, first at line {self.lines[at]}; keep one")
            else:
                self.lines[at] = _line(event)
            data[key] = self._value(self._next(), at)
        return {**merged, **data}

    def _alias(self, event: Any, path: KeyPath) -> Any:
        if event.anchor not in self._anchors:
            self._refuse(event, path, f"is an alias to {event.anchor}, which is nowhere; write it out")
            return None
        known = self._anchors[event.anchor]
        if known is None:
            self._refuse(event, path, "is an alias to something that contains it; write it out")
            return None
        data, size = known
        self._nodes += size
        if self._nodes > MAX_NODES:
            self._give_up(event, path)
        return data

    def _give_up(self, event: Any, path: KeyPath) -> None:
        deep = len(path) > MAX_DEPTH
        what = f"is more than {MAX_DEPTH} levels deep" if deep else f"expands to more than {MAX_NODES} values"
        fix = "no key needs that" if deep else "write out what the aliases repeat, or split the workspace"
        raise Mistakes([Mistake(self.shown, _line(event), dotted(path[:3]), f"{what}; {fix}")])

    def _refuse(self, event: Any, path: KeyPath, what: str) -> None:
        self.mistakes.append(Mistake(self.shown, _line(event), dotted(path), what))


def validate(model: type[Model], document: Document) -> Loaded[Model]:
    """The document as `model`.

    Validated as JSON, so that pydantic's strict mode means what a YAML writer means: a list is a list, `"1"` is not 1.

    Raises:
        Mistakes: everything the model refuses, each with its line.
    """
    from pydantic import ValidationError  # a quarter of a second that who only reads a file need not wait

    try:
        return Loaded(model.model_validate_json(json.dumps(document.data)), document)
    except ValidationError as refused:
        from config.files.refusals import mistakes_of  # a good file never needs it

        raise Mistakes(mistakes_of(model, document, refused)) from None
