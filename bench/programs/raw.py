"""The floor: the same resources as plain CustomResources from dicts, with no SDK but Pulumi's and no Warren code."""

from __future__ import annotations

from typing import Any

import pulumi

from bench.programs import listing


def _options(entry: dict[str, Any], opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    opts.version = entry["version"]
    opts.additional_secret_outputs = entry["secretOutputs"]
    return opts


listing.register(
    lambda entry, inputs, opts: pulumi.ProviderResource(
        entry["type"].rpartition(":")[2], entry["name"], inputs, _options(entry, opts)
    ),
    lambda entry, inputs, opts: pulumi.CustomResource(entry["type"], entry["name"], inputs, _options(entry, opts)),
)
