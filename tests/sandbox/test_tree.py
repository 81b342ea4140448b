"""The resource tree that `make preview` draws where there is no terminal."""

from __future__ import annotations

from scripts.event_log import Resource
from scripts.tree import draw

STACK = "urn::pulumi:pulumi:Stack::dev"
TEAM = "urn::warren:components:Workspace::team"


def resource(name: str, kind: str, op: str = "create", parent: str = STACK) -> Resource:
    return Resource(f"urn::{kind}::{name}", kind, parent, op)


def test_children_are_below_their_parents_whatever_the_order_of_events() -> None:
    resources = [
        resource("quota", "kubernetes:core/v1:ResourceQuota", "replace", TEAM),
        resource("dev", "pulumi:pulumi:Stack", "same", ""),
        resource("team", "warren:components:Workspace"),
        resource("a", "kubernetes:core/v1:ConfigMap", "update", TEAM),
        resource("old", "kubernetes:core/v1:Secret", "delete", TEAM),
        resource("cluster", "pulumi:providers:kubernetes", "same"),
        resource("web", "cloudflare:index/dnsRecord:DnsRecord", "same"),
    ]
    expected = [
        "   └─ pulumi:pulumi:Stack  dev",
        "+     ├─ warren:components:Workspace  team  create",
        "~     │  ├─ kubernetes:core/v1:ConfigMap  a  update",
        "+-    │  ├─ kubernetes:core/v1:ResourceQuota  quota  replace",
        "-     │  └─ kubernetes:core/v1:Secret  old  delete",
        "      ├─ cloudflare:index:DnsRecord  web",
        "      └─ pulumi:providers:kubernetes  cluster",
    ]
    assert draw(resources) == expected
    assert draw(reversed(resources)) == expected


def test_an_empty_preview_draws_nothing() -> None:
    assert draw([]) == []
