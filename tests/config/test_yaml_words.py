"""The slips that make a file no YAML at all: the line that has to be mended, and how, whichever parser read it."""

from __future__ import annotations

import pytest
import yaml

from config import load
from config.load import parse_yaml
from config.mistakes import Mistakes

NO_SPACE = "misses a space after the colon; write key: value"
NO_COLON = "is neither key: value nor a list's - item; add what is missing"
DEEPER = "is indented deeper than line {}, which has its value already; line them up"
TWO = "has two colons; put quotes around the value, or begin a new line for the second key"

SLIPS = {
    "tab": ("a:\n\tb:\n", 2, "is indented with a tab; use spaces"),
    "tab after spaces": ("a:\n  b:\n  \t c: 1\n", 3, "is indented with a tab; use spaces"),
    "tab in a Windows file": ("a:\r\n\tb: 1\r\n", 2, "is indented with a tab; use spaces"),
    "deeper than its sibling": ("name: a\n  host: b\n", 2, DEEPER.format(1)),
    "deeper than its sibling, comments between": (
        "a:\n  b: x\n  # c\n\n    d: 1\n", 5, "is indented by 4, and what is around it by 2; line it up"
    ),
    "between two levels": (
        "apps:\n  web:\n    image: x\n   port: 1\n", 4, "is indented by 3, and what is around it by 2 or 4; line it up"
    ),
    "shallower than its siblings": (
        "apps:\n    web: {}\n  db: {}\n", 3, "is indented by 2, and what is around it by 0 or 4; line it up"
    ),
    "crooked list": ("r:\n  - /\n - /a\n", 3, "is indented by 1, and what is around it by 0 or 2; line it up"),
    "item among keys": ("e:\n  A: 1\n  - B\n", 3, "is a list's item among keys; line it up with what it belongs to"),
    "key among items": ("e:\n  - A\n  B: 2\n", 3, "is a key among a list's items; line it up with what it belongs to"),
    "no space, first": ("name:a\nhost: b\n", 1, NO_SPACE),
    "no space, between": ("name: a\nport:80\nhost: b\n", 2, NO_SPACE),
    "no space, last": ("name: a\nport:80\n", 2, NO_SPACE),
    "no colon": ("name a\nhost: b\n", 1, NO_COLON),
    "no dash": ("r:\n  - /\n  /b\nx: 1\n", 3, NO_COLON),
    "colon in a value": ("c: foo: bar\n", 1, TWO),
    "two keys on a line": ("name: a host: b\n", 1, TWO),
    "double quote": ('name: "a\nhost: b\nport: 1\n', 1, "has a quote that never ends; close it"),
    "double quote that a later one ends": ('a: "b\nc: "d"\n', 1, "has a quote that never ends; close it"),
    "single quote": ("name: 'a\nhost: b\n", 1, "has a quote that never ends; close it"),
    "more after a quote": ('a: "x" y\n', 1, "goes on after a value that has ended; put quotes around all of it"),
    "escape": ('a: "C:\\d"\n', 1, "has a \\ in double quotes, which begins an escape; use single quotes"),
    "bracket": (
        "r: [/\np: 1\nx: 2\n", 1, "has a [ that is never closed, or misses a comma before line 2; close it with ]"
    ),
    "brace": ("q: { c: 1\np: 1\n", 1, "has a { that is never closed, or misses a comma before line 2; close it with }"),
    "comma": ('q: { c: "1" m: 2Gi }\n', 1, "misses a comma, or the } that closes its {"),
    "nothing in a bracket": ("a: 1\napps: [\n", 2, "misses a comma, or the ] that closes its ["),
    "nothing in a brace": ("a: 1\napps: {\n", 2, "misses a comma, or the } that closes its {"),
    "brace too many": ("q: { c: 1 }}\np: 1\n", 1, "has a } too many"),
    "at": ("host: @\n", 1, "has a value that begins with @; put quotes around it"),
    "percent": ("a: %x\n", 1, "has a value that begins with %; put quotes around it"),
    "star": (
        "host: *.example.com\n", 1, "has a value that begins with * or &, which is YAML's own; put quotes around it"
    ),
    "block text": ("a: |x\n  b\n", 1, "has text behind | or >; the text begins on the next line, indented"),
    "half a merge": ("<<<<<<< HEAD\na: b\n=======\na: c\n>>>>>>> x\n", 1,
                     "is half merged; choose one side and delete the marks"),
    "control character": ("a: 1\nb: \x07\n", 2, "has a control character; delete it"),
}  # fmt: skip


@pytest.mark.parametrize("parser", ["CSafeLoader", "SafeLoader"])
@pytest.mark.parametrize(("text", "line", "words"), SLIPS.values(), ids=list(SLIPS))
def test_a_slip_is_told_with_the_line_that_has_it_and_the_fix(
    text: str, line: int, words: str, parser: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "_Loader", getattr(yaml, parser))
    with pytest.raises(Mistakes) as refused:
        parse_yaml(text, "x.yaml")
    assert [str(mistake) for mistake in refused.value.mistakes] == [f"x.yaml:{line}: is not YAML: this line {words}"]


def test_a_template_says_that_it_wants_quotes() -> None:
    with pytest.raises(Mistakes, match=r"x\.yaml:1: a: .* \{\{ \}\} needs quotes around it"):
        parse_yaml("a: {{ x }}\n", "x.yaml")


@pytest.mark.parametrize("text", ["a: 'hunter2\nb: 1\n", "hunter2\na: 1\n", "a: @hunter2\n", "a: hunter2: x\n"])
def test_no_value_is_repeated(text: str) -> None:
    with pytest.raises(Mistakes) as refused:
        parse_yaml(text, "x.yaml")
    assert "hunter2" not in str(refused.value)
