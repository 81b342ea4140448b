"""What the bare programs share: walking the list of resources, in the order in which they were registered.

The list is JSON, made by `bench/inside.py`. A resource's parent and dependencies are places in the list. A secret is
`{"secret!": value}`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi

Make = Callable[[dict[str, Any], dict[str, Any], pulumi.ResourceOptions], pulumi.Resource]


def opened(value: Any) -> Any:
    """JSON as Pulumi inputs: secrets become secret Outputs."""
    if isinstance(value, dict):
        if set(value) == {"secret!"}:
            return pulumi.Output.secret(opened(value["secret!"]))
        return {key: opened(item) for key, item in value.items()}
    return [opened(item) for item in value] if isinstance(value, list) else value


def register(provider: Make, custom: Make) -> None:
    """Registers every resource of listing.json: components here, providers and the rest with the two functions."""
    made: list[Any] = []
    providers: list[Any] = []
    for entry in json.loads(Path("listing.json").read_text()):
        is_root = entry["parent"] is None
        opts = pulumi.ResourceOptions(
            parent=None if is_root else made[entry["parent"]],
            providers=providers if is_root and not entry["type"].startswith("pulumi:providers:") else None,
            depends_on=[made[place] for place in entry["dependencies"]],
            protect=entry["protect"],
        )
        inputs = opened(entry["inputs"])
        if entry["type"].startswith("pulumi:providers:"):
            providers.append(provider(entry, inputs, opts))
            made.append(providers[-1])
        elif entry["custom"]:
            made.append(custom(entry, inputs, opts))
        else:
            component = pulumi.ComponentResource(entry["type"], entry["name"], inputs, opts)
            component.register_outputs(opened(entry["outputs"]))
            made.append(component)
