"""YAML: what is read, and what is refused before anybody asks what it means."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.load import MAX_BYTES, MAX_DEPTH, parse_yaml, read
from config.mistakes import Mistakes, dotted
from config.stack import Stack


def refusal(text: str) -> list[str]:
    with pytest.raises(Mistakes) as refused:
        parse_yaml(text, "x.yaml")
    return [str(mistake) for mistake in refused.value.mistakes]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None), ("12", 12), ("-3", -3), ("1.5", 1.5),
        ("1e3", 1000.0), ("yes", "yes"), ("on", "on"), ("12:30", "12:30"), ("0x10", "0x10"), ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"), ('"12"', "12"), ("'true'", "true"), ("!!str 12", "12"), ("9" * 50, "9" * 50),
    ],
)  # fmt: skip
def test_scalars_are_read_as_editors_read_them(text: str, value: object) -> None:
    assert parse_yaml(f"a: {text}", "x.yaml").data == {"a": value}


def test_every_key_and_item_knows_its_line_and_others_that_of_their_parent() -> None:
    document = parse_yaml("a:\n  b:\n    - 1\n    - c: 2\n", "x.yaml")
    assert [document.line(path) for path in [(), ("a",), ("a", "b", 1, "c"), ("a", "b", 7), ("z",)]] == [1, 1, 4, 2, 1]


def test_anchors_aliases_and_merge_keys_are_read() -> None:
    text = "base: &base { a: 1, b: 2 }\nuse: { <<: *base, b: 3 }\nlist: &l [1]\nagain: *l\n"
    assert parse_yaml(text, "x.yaml").data == {
        "base": {"a": 1, "b": 2},
        "use": {"a": 1, "b": 3},
        "list": [1],
        "again": [1],
    }


def test_a_path_is_written_as_people_write_it() -> None:
    assert dotted(("apps", "web", "routes", 0, "path")) == "apps.web.routes[0].path"


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 10)}]\n" for old, new in zip("abcde", "bcdef", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.yaml:1: is empty; the smallest workspace has name, host, quota, auth and apps"),
        ("# nothing\n", "x.yaml:1: is empty; the smallest workspace has name, host, quota, auth and apps"),
        ("---\n", "x.yaml:1: is empty; the smallest workspace has name, host, quota, auth and apps"),
        ("a: [1", "x.yaml:1: is not YAML: this line misses a comma, or the ] that closes its ["),
        ("a: 1\na: 2\n", "x.yaml:2: a: is written twice, first at line 1; keep one"),
        ("a:\n  b: {c: 1, c: 2}\n", "x.yaml:2: a.b.c: is written twice, first at line 2; keep one"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2: has a second document; keep one in each file"),
        ("a: !!python/name:os.system x", "x.yaml:1: a: has the tag python/name:os.system; write plain YAML"),
        ("a: !secret x", "x.yaml:1: a: has the tag !secret; write plain YAML"),
        ("a: !!binary aGk=", "x.yaml:1: a: has the tag binary; write plain YAML"),
        ("a: &a [*a]", "x.yaml:1: a[0]: is an alias to something that contains it; write it out"),
        ("a: *b", "x.yaml:1: a: is an alias to b, which is nowhere; write it out"),
        (
            "? [a]\n: b\n",
            "x.yaml:1: has a key that is not text; keys are plain names, and {{ }} needs quotes around it",
        ),
        ("a: \x01", "x.yaml:1: is not YAML: this line has a control character; delete it"),
        (
            BOMB,
            "x.yaml:5: e[0]: expands to more than 20000 values; "
            "write out what the aliases repeat, or split the workspace",
        ),
        ("[" * 5000, f"x.yaml:1: [0][0][0]: is more than {MAX_DEPTH} levels deep; no key needs that"),
    ],
)
def test_yaml_that_is_not_a_plain_document_is_refused(text: str, message: str) -> None:
    assert refusal(text) == [message]


def test_an_empty_stack_file_is_told_every_key_that_it_has_to_have() -> None:
    with pytest.raises(Mistakes) as refused:
        parse_yaml("", "Pulumi.casa.yaml")
    named = re.findall(r"warren:(\w+)", str(refused.value))
    assert named == [name for name, field in Stack.model_fields.items() if field.is_required()]


def test_several_mistakes_of_one_file_are_told_together() -> None:
    assert refusal("a: 1\na: 2\nb: !x 1\nc: 1\nc: 2\n") == [
        "x.yaml:2: a: is written twice, first at line 1; keep one",
        "x.yaml:3: b: has the tag !x; write plain YAML",
        "x.yaml:5: c: is written twice, first at line 4; keep one",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: \xff", "x.yaml: cannot be read as UTF-8 text"),
        (b"#" * (MAX_BYTES + 1), "x.yaml: is larger than 1 MB; big files belong into a static folder or a volume"),
        (None, "x.yaml: is not a file"),
    ],
)
def test_a_file_that_is_no_text_is_refused(content: bytes | None, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(Mistakes) as refused:
        read(path, "x.yaml")
    assert [str(mistake) for mistake in refused.value.mistakes] == [message]


def test_a_key_cannot_write_to_the_terminal_what_it_likes() -> None:
    with pytest.raises(Mistakes) as refused:
        parse_yaml('"a\\e[2J\\nall is well": 1\n"a\\e[2J\\nall is well": 2\n', "x.yaml")
    [line] = [str(mistake) for mistake in refused.value.mistakes]
    assert line == "x.yaml:2: a\\x1b[2J\\nall is well: is written twice, first at line 1; keep one"


def test_the_summary_counts_and_sorts() -> None:
    with pytest.raises(Mistakes) as refused:
        parse_yaml("a: 1\na: 2\n", "x.yaml")
    assert str(refused.value) == (
        "1 mistake, nothing was changed:\n  x.yaml:2: a: is written twice, first at line 1; keep one"
    )
