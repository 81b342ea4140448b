"""What a preview says of the nodes' room."""

from __future__ import annotations

from typing import Any

import pytest

from config.load import validate
from config.mistakes import Document
from config.stack import Stack
from config.workspace import Workspace
from manifests import capacity

APP = {"image": "ghcr.io/example/app:1", "requests": {"cpu": "100m", "memory": "128Mi"}}
DISK = {"mount": "/data", "size": "3Gi"}


def stack(*nodes: tuple[str, int, str], distribution: str = "k3s") -> Stack:
    given = [
        {"name": f"n{i}", "role": role, "ip": f"10.0.0.{i + 1}", "cpu": cpu, "memory": memory}
        for i, (role, cpu, memory) in enumerate(nodes or [("control-plane", 4, "8Gi"), ("worker", 4, "4Gi")])
    ]
    cluster = {"context": "x", "nodes": given, "distribution": distribution}
    ids = {"accountId": "0" * 32, "zoneId": "0" * 32}
    data = {"domain": "example.com", "cluster": cluster, "cloudflare": ids}
    return validate(Stack, Document("x.yaml", data)).model


def workspace(name: str, quota: dict[str, Any] | None = None, **apps: dict[str, Any]) -> Workspace:
    limits = {"cpu": "2", "memory": "2Gi"} | (quota or {})
    given = {app: {**APP, **more} for app, more in apps.items()}
    data = {"name": name, "host": name, "quota": limits, "auth": "none", "apps": given}
    return validate(Workspace, Document("x.yaml", data)).model


def test_the_tables_say_what_each_asks_for_what_it_may_and_how_much_of_all_that_is() -> None:
    team = workspace("team", {"pods": 7}, web={"replicas": 2}, db={"volumes": {"data": DISK}})
    assert capacity.text(stack(), [workspace("a", {"storage": "1Gi"}), team]).splitlines() == [
        "             asks for cpu  and memory  may ask for cpu  memory      pods  storage",
        "cloudflared  50m 0%        96Mi 0%     75m 0%           144Mi 1%",
        "traefik      200m 2%       256Mi 2%    300m 3%          384Mi 3%",
        "a            0m 0%         0Mi 0%      2000m 26%        2048Mi 19%  20    1Gi",
        "team         300m 3%       384Mi 3%    2000m 26%        2048Mi 19%  7     3Gi",
        "all          550m 7%       736Mi 7%    4375m 57%        4624Mi 44%",
        "",
        "node  has           for Kubernetes  for pods      bound to it  without it",
        "n0    4000m 8192Mi  300m 1613Mi     3700m 6579Mi               all fits",
        "n1    4000m 4096Mi  100m 268Mi      3900m 3828Mi               all fits",
        "Pods go to any node with room for them; none asks for more than 100m and 128Mi.",
        "These stay on the node that has their volumes: team/db.",
    ]


def test_a_workspace_with_the_name_of_a_part_has_a_row_of_its_own() -> None:
    rows = [(row[""], row["pods"]) for row in capacity.asked(stack(), [workspace("traefik", {"pods": 3})])]
    assert rows == [("cloudflared", ""), ("traefik", ""), ("traefik", 3), ("all", "")]


@pytest.mark.parametrize(
    ("nodes", "says"),
    [
        ([("control-plane", 4, "8Gi"), ("worker", 1, "8Gi")], ["all fits", "all fits"]),
        ([("control-plane", 4, "8Gi"), ("worker", 1, "512Mi")], ["short of 108Mi", "all fits"]),
        ([("control-plane", 1, "8Gi")], ["short of 250m and 352Mi"]),
    ],
)
def test_a_node_can_be_missed_when_the_others_hold_what_everything_asks_for(
    nodes: list[tuple[str, int, str]], says: list[str]
) -> None:
    assert [row["without it"] for row in capacity.nodes(stack(*nodes), [])] == says


def test_what_names_a_node_is_bound_to_it_and_waits_for_it() -> None:
    pinned = workspace("b", web={"nodeSelector": {"kubernetes.io/hostname": "n1"}})
    other = workspace("a", web={"nodeSelector": {"disk": "n1"}}, app={"nodeSelector": {"kubernetes.io/hostname": "n1"}})
    assert [(row["bound to it"], row["without it"]) for row in capacity.nodes(stack(), [pinned, other])] == [
        ("", "all fits"),
        ("a/app, b/web", "what is bound waits"),
    ]


@pytest.mark.parametrize(
    ("volume", "distribution", "stays"),
    [
        (DISK, "k3s", True),
        (DISK, "talos", False),
        ({**DISK, "storageClass": "local-path"}, "k3s", True),
        ({**DISK, "storageClass": "longhorn"}, "k3s", False),
        ({**DISK, "nfs": {"server": "10.0.0.5", "path": "/nas"}}, "k3s", False),
        ({**DISK, "scratch": True}, "k3s", False),
    ],
)
def test_an_app_stays_with_a_volume_on_the_disk_of_a_node(
    volume: dict[str, Any], distribution: str, stays: bool
) -> None:
    told = capacity.text(stack(distribution=distribution), [workspace("team", web={"volumes": {"data": volume}})])
    assert told.endswith("These stay on the node that has their volumes: team/web.") is stays


def test_nodes_without_room_give_no_shares() -> None:
    [first, *_] = capacity.asked(stack(("control-plane", 1, "1Gi")), [])
    assert (first["asks for cpu"], first["and memory"]) == ("50m 7%", "96Mi")
