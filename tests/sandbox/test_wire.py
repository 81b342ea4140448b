"""Property values to and from the engine's wire form."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime import rpc

from sandbox import wire
from sandbox.wire import UNKNOWN, Secret, decode, decode_plain, encode, has_secret, redact, reveal

_plain = st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text(max_size=8) | st.just(UNKNOWN)
_values = st.recursive(
    _plain | st.builds(Secret, _plain),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), _values, max_size=4))
def test_what_is_encoded_is_decoded_alike(values: dict[str, Any]) -> None:
    assert decode(encode(values)) == values
    assert decode_plain(encode(values)) == reveal(values)


def test_the_signatures_are_the_sdk_s() -> None:
    assert rpc._special_sig_key == wire.SIGNATURE
    assert rpc._special_secret_sig == wire.SECRET
    assert rpc._special_output_value_sig == wire.OUTPUT_VALUE
    assert rpc.UNKNOWN == wire.UNKNOWN_STRING


def test_an_output_value_is_its_value_or_unknown() -> None:
    struct = struct_pb2.Struct()
    struct.update({"known": {wire.SIGNATURE: wire.OUTPUT_VALUE, "value": 1, "secret": True}})
    struct.update({"open": {wire.SIGNATURE: wire.OUTPUT_VALUE}})
    assert decode(struct) == {"known": Secret(1), "open": UNKNOWN}


def test_whole_numbers_stay_whole() -> None:
    assert isinstance(decode(encode({"port": 80}))["port"], int)
    assert decode(encode({"share": 0.5})) == {"share": 0.5}


def test_a_secret_shows_neither_in_repr_nor_redacted() -> None:
    value = {"a": [Secret("hunter2")], "b": Secret({"c": "hunter2"})}
    assert "hunter2" not in repr(value)
    assert "hunter2" not in repr(redact(value))
    assert reveal(value) == {"a": ["hunter2"], "b": {"c": "hunter2"}}


def test_a_secret_is_found_however_deep() -> None:
    assert has_secret({"a": [{"b": Secret(1)}]})
    assert not has_secret({"a": [{"b": 1}]})


def test_a_value_without_a_wire_form_is_an_error() -> None:
    with pytest.raises(TypeError, match="object has no wire form"):
        encode({"a": object()})
