"""The resource tree that `make preview` draws where there is no terminal."""

from __future__ import annotations

import json
from typing import Any

from scripts.tree import draw, told


def event(name: str, kind: str, op: str = "create", parent: str = "", **more: Any) -> str:
    metadata = {"urn": f"urn::{kind}::{name}", "type": kind, "op": op, "new": {"parent": parent}} | more
    return json.dumps({"resourcePreEvent": {"metadata": metadata}})


STACK = "urn::pulumi:pulumi:Stack::dev"
TEAM = "urn::warren:components:Workspace::team"


def test_children_are_below_their_parents_whatever_the_order_of_events() -> None:
    events = [
        event("quota", "kubernetes:core/v1:ResourceQuota", parent=TEAM),
        json.dumps({"summaryEvent": {}}),
        event("dev", "pulumi:pulumi:Stack", "same"),
        event("team", "warren:components:Workspace", parent=STACK),
        event("a", "kubernetes:core/v1:ConfigMap", "update", parent=TEAM),
        event("cluster", "pulumi:providers:kubernetes", "same", parent=STACK),
    ]
    expected = [
        "   └─ pulumi:pulumi:Stack  dev",
        "+     ├─ warren:components:Workspace  team  create",
        "~     │  ├─ kubernetes:core/v1:ConfigMap  a  update",
        "+     │  └─ kubernetes:core/v1:ResourceQuota  quota  create",
        "      └─ pulumi:providers:kubernetes  cluster",
    ]
    assert draw(events) == expected
    assert draw(reversed(events)) == expected


def test_a_deleted_resource_is_drawn_where_it_was() -> None:
    events = [
        event("dev", "pulumi:pulumi:Stack", "same"),
        event("old", "kubernetes:core/v1:Secret", "delete", new=None, old={"parent": STACK}),
    ]
    assert draw(events)[1] == "-     └─ kubernetes:core/v1:Secret  old  delete"


def test_an_empty_preview_draws_nothing() -> None:
    assert draw([]) == []


def diagnostic(message: str, severity: str = "info", **more: Any) -> str:
    return json.dumps({"diagnosticEvent": {"message": message, "severity": severity, **more}})


def test_what_the_program_said_to_stay_is_repeated_without_its_colors() -> None:
    events = [
        diagnostic("noise", "debug"),
        diagnostic("<{%reset%}>of a resource<{%reset%}>", urn="urn::kubernetes:core/v1:Secret::a"),
        diagnostic("gone soon", ephemeral=True),
        event("dev", "pulumi:pulumi:Stack"),
        diagnostic("retired\n", "warning", prefix="<{%fg 3%}>warning: <{%reset%}>", urn=STACK),
        diagnostic("<{%reset%}>Routes\nurl  auth\n<{%reset%}>"),
    ]
    assert told(events) == ["warning: retired", "Routes\nurl  auth"]
