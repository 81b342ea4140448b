"""What an editor marks is what the models refuse: right files, wrong ones, and any two keys of any model."""

from __future__ import annotations

import copy
import functools
import ipaddress
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config import patterns
from config.fields.written import models
from config.files.editors import workspace_schema
from config.load import read
from config.mistakes import KeyPath
from tests.config.editors import BEYOND, WORKSPACE, WORKSPACES, Beyond, Data, Editor, beyond, marks, refused, shop
from tests.config.strategies import Project, projects
from tests.manifests.signin_examples import PROVIDERS


@settings(max_examples=30, deadline=None)
@given(projects(max_size=1))
def test_an_editor_accepts_what_the_program_accepts(project: Project) -> None:
    for data in project.workspaces.values():
        assert marks(WORKSPACE, data) == []


@pytest.mark.parametrize("row", BEYOND, ids=lambda row: row.why)
def test_what_is_beyond_a_schema_is_refused_by_the_models_alone(row: Beyond) -> None:
    assert [each.what for each in refused(row.example) if re.search(row.words, each.what)]
    assert marks(WORKSPACE, row.example) == []


EVERY_PROVIDER = [{"type": kind, "id": kind, **keys} for kind, keys in PROVIDERS.items()]
RIGHT: list[Data] = [
    *(read(file, file.name).data for file in WORKSPACES),
    {**shop(), "auth": {"providers": EVERY_PROVIDER, "allow": {"emails": ["ann@example.com"]}}},
]
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 1.0, 1.5, 99999, [], {}, [None], [""], {"a": 1}, {"secret": "x"}, {"secret": "X"}),
    *({"value": "x"}, {"secret": "x", "value": "y"}, "", "x", "X", "a b", "\n", "a\n", "*", " ", "é", "@", "a.b", "-a"),
    *("a:latest", "a:1", "0", "10", "0Mi", "1Gb", "0.5", "0.0005", "1e3", "5m", "0m", "13h", "721m", "43201s", "591s"),
    *("20/s", "0/s", "100001/s", "٣/s", "/", "//", "/a/../b", "/a:b", "/data/", "none", "common", "Consumers", "$x"),
    *("{{x", "https://a", "http://a.bc", "10.0.0.0/8", "10.0.0.1/8", "10.0.0.0", "fd00::/8", "::/0", "60 * * * *"),
    *("5-1 * * * *", "0 0 1-7 JAN-mar mon", "AAAA", "A===", "a@b", "a@b.c", "A@b.c", "a" * 41, "a" * 64, "a" * 300),
]
NAMES = ["X", "a b", "2", "", "a" * 41, "/", "/a/..", "A-B", "a/b"]


def paths(data: Any, at: KeyPath = ()) -> Iterator[KeyPath]:
    """Where something is written, however deep."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield (*at, key)
        yield from paths(value, (*at, key))


def at(data: Any, path: Iterable[str | int]) -> Any:
    for key in path:
        data = data[key]
    return data


@functools.cache
def values() -> dict[str, list[Any]]:
    """What is written at each key somewhere, examples included."""
    found: dict[str, list[Any]] = {}
    for right in RIGHT:
        for path in paths(right):
            found.setdefault(str(path[-1]), []).append(at(right, path))
    for part in (workspace_schema(), *workspace_schema()["$defs"].values()):
        for key, field in part.get("properties", {}).items():
            found.setdefault(key, []).extend(field["examples"])
    return found


@st.composite
def wrong(draw: st.DrawFn) -> Data:
    """A right workspace after one or two changes of any kind; now and then it is right still."""
    data = copy.deepcopy(draw(st.sampled_from(RIGHT)))
    for _ in range(draw(st.sampled_from([1, 1, 1, 2]))):
        *above, last = draw(st.sampled_from(list(paths(data))))
        part = at(data, above)
        change = draw(st.sampled_from(["replace", "replace", "add", "add", "take away", "rename"]))
        if change == "take away":
            del part[last]
        elif change == "rename" and isinstance(part, dict):
            part[draw(st.sampled_from([*NAMES, f"{last}x", str(last).upper()]))] = part.pop(last)
        elif change == "add" and isinstance(part, dict):
            key = draw(st.sampled_from(sorted(values())))
            part[key] = copy.deepcopy(draw(st.sampled_from(values()[key])))
        else:
            part[last] = copy.deepcopy(draw(st.sampled_from(ODD)))
    return data


@settings(max_examples=300, deadline=None)
@given(wrong())
def test_an_editor_marks_what_the_models_refuse_and_nothing_else(data: Data) -> None:
    found = refused(data)
    marked = marks(WORKSPACE, data)
    assert bool(marked) == bool(found) or not beyond(found), (marked, found)
    assert found or not marked, marked


MODELS = {each.__name__: each for each in models()}


@pytest.mark.parametrize("name", sorted(workspace_schema()["$defs"]))
def test_any_two_keys_of_a_model_go_together_for_an_editor_as_they_do_for_the_model(name: str) -> None:
    definitions = workspace_schema()["$defs"]
    part = definitions[name]
    editor = Editor({**part, "$defs": definitions})
    keys = part["properties"]
    needed = {key: keys[key]["examples"][0] for key in part.get("required", [])}
    right = part.get("examples", [needed])[0]
    assert editor.is_valid(right)
    # Nothing at all, too.
    found: list[Data] = [{}] if editor.is_valid({}) == bool(refused({}, MODELS[name])) else []
    for base in [right, *({key: value for key, value in right.items() if key != gone} for gone in right)]:
        for one, other in itertools.combinations_with_replacement(keys, 2):
            for value in (keys[other]["examples"][-1], None):
                data = {**base, one: keys[one]["examples"][0], other: value}
                if editor.is_valid(data) != (not refused(data, MODELS[name])):
                    found.append(data)
    assert found == []


@settings(max_examples=200, deadline=None)
@given(st.ip_addresses(), st.booleans(), st.integers(0, 128))
def test_every_address_and_network_has_a_pattern(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, exploded: bool, length: int
) -> None:
    text = address.exploded if exploded else str(address)
    network = ipaddress.ip_network((address, min(length, address.max_prefixlen)), strict=False)
    assert re.fullmatch(patterns.ADDRESS, text)
    assert re.fullmatch(patterns.CIDR, str(network))


@pytest.mark.parametrize("limit", [1, 9, 10, 59, 590, 720, 43200, 100_000])
def test_a_pattern_of_numbers_ends_at_its_limit(limit: int) -> None:
    tried = {0, 1, limit - 1, limit, limit + 1, limit * 10, *range(0, limit * 2, max(1, limit // 97))}
    assert {n for n in tried if re.fullmatch(patterns.up_to(limit), str(n))} == {n for n in tried if 1 <= n <= limit}
