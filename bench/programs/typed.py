"""The rival: the same resources from the typed SDKs, imported as their documentation does, with no Warren code.

The classes are the SDKs' own; what is inside them (specs, metadata) is given as dicts, which the SDKs accept and
which is faster for them than their argument classes.
"""

from __future__ import annotations

import re
from typing import Any

import pulumi
import pulumi_cloudflare as cloudflare
import pulumi_kubernetes as k8s
import pulumi_random as random

from bench.programs import listing

_PACKAGES = {"kubernetes": k8s, "cloudflare": cloudflare, "random": random}


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()


def _class(token: str) -> Any:
    package, module, kind = token.split(":")
    found: Any = _PACKAGES[package]
    if package == "kubernetes":
        group, _, version = module.partition("/")
        found = getattr(getattr(found, group.split(".")[0]), version)
    return getattr(found, kind)


def _custom(entry: dict[str, Any], inputs: dict[str, Any], opts: pulumi.ResourceOptions) -> pulumi.Resource:
    # apiVersion and kind are the class's own.
    kubernetes = entry["type"].startswith("kubernetes:")
    arguments = {
        _snake(key): value for key, value in inputs.items() if not (kubernetes and key in ("apiVersion", "kind"))
    }
    made: pulumi.Resource = _class(entry["type"])(entry["name"], opts=opts, **arguments)
    return made


def _provider(entry: dict[str, Any], inputs: dict[str, Any], opts: pulumi.ResourceOptions) -> pulumi.Resource:
    package = _PACKAGES[entry["type"].rpartition(":")[2]]
    # The engine wants text for the settings of a provider that are not; the SDK makes it.
    arguments = {
        _snake(key): {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
        for key, value in inputs.items()
    }
    made: pulumi.Resource = package.Provider(entry["name"], opts=opts, **arguments)
    return made


listing.register(_provider, _custom)
