"""The recording monitor itself: what it must never lose."""

from __future__ import annotations

import pulumi
import pytest

from components import native

from .recording import Secret, providers, random_bytes, record


def _thing(name: str, opts: pulumi.ResourceOptions, value: pulumi.Input[str] = "x") -> native.KubernetesObject:
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "n"},
        "data": {"a": value},
    }
    return native.KubernetesObject(name, manifest, opts)


def test_parents_providers_dependencies_and_protection_are_recorded() -> None:
    def program() -> None:
        parent = pulumi.ComponentResource(
            "warren:components:Box", "box", None, pulumi.ResourceOptions(providers=providers())
        )
        first = _thing("first", pulumi.ResourceOptions(parent=parent, protect=True, aliases=[pulumi.Alias(name="old")]))
        _thing("second", pulumi.ResourceOptions(parent=parent, depends_on=[first]))
        parent.register_outputs({"url": "https://x"})

    seen = record(program)
    first, second = seen.one("ConfigMap", "first"), seen.one("ConfigMap", "second")
    assert (first.parent, first.provider, first.protect) == ("Box/box", "kubernetes/kubernetes", True)
    assert [alias["spec"]["name"] for alias in first.aliases] == ["old"]
    assert second.dependencies == {"ConfigMap/first"}
    assert (second.protect, first.dependencies) == (False, frozenset())
    assert seen.one("Box").outputs == {"url": "https://x"}
    assert seen.ids() == {"Box/box", "ConfigMap/first", "ConfigMap/second"}


def test_secrets_are_seen_as_secrets_where_they_were_secret() -> None:
    def program() -> None:
        opts = pulumi.ResourceOptions(provider=providers()[0])
        _thing("a", opts, pulumi.Output.secret("s3cret"))
        _thing("b", opts, pulumi.Output.from_input("plain"))

    seen = record(program)
    assert seen.one("ConfigMap", "a").props["data"] == {"a": Secret("s3cret")}
    assert seen.manifest("ConfigMap", "a")["data"] == {"a": "s3cret"}
    assert seen.one("ConfigMap", "b").props["data"] == {"a": "plain"}


def test_random_bytes_are_secret_and_stable() -> None:
    def program() -> None:
        kubernetes, _, random = providers()
        salt = native.RandomBytes("salt", 32, pulumi.ResourceOptions(provider=random))
        _thing("a", pulumi.ResourceOptions(provider=kubernetes), salt.hex)

    seen = record(program)
    assert seen.one("ConfigMap").props["data"] == {"a": Secret(random_bytes("salt", 32).hex())}
    assert "RandomBytes/salt" in seen.one("ConfigMap").dependencies


def test_what_the_program_raises_comes_out() -> None:
    def program() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match=r"^no$"):
        record(program)


def test_a_preview_leaves_computed_values_unknown() -> None:
    known: list[bool] = []

    def program() -> None:
        salt = native.RandomBytes("salt", 32, pulumi.ResourceOptions(provider=providers()[2]))
        salt.hex.apply(lambda value: known.append(True))

    record(program, preview=True)
    assert known == []
    record(program)
    assert known == [True]
