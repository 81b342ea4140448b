"""The arithmetic of requests: what pods ask for, what a workspace's quota must hold, and what fits on the nodes."""

from __future__ import annotations

from typing import Any

import pytest

from config import compute
from config.app import App
from config.checks.capacity import capacity, over_capacity
from config.checks.usage import app_pods, at_least, at_most, own_volumes, recreates, storage, workspace_pods
from config.load import validate
from config.mistakes import Document
from config.stack import Stack
from config.workspace import Workspace

SMALL = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "32Mi"}}
LARGE = {"requests": {"cpu": "100m", "memory": "8Mi"}, "limits": {"memory": "64Mi"}}
IMAGE = {"image": "ghcr.io/example/app:1"}
OWN_DISK = {"data": {"mount": "/data", "size": "1Gi"}}


def model(cls: Any, data: dict[str, Any]) -> Any:
    """A model from plain data, as YAML gives it."""
    return validate(cls, Document("x.yaml", data)).model


def app(**data: Any) -> App:
    result: App = model(App, {**IMAGE, **SMALL, **data})
    return result


def workspace(auth: Any = "none", **apps: dict[str, Any]) -> Workspace:
    data = {"name": "w", "host": "w", "quota": {"cpu": "1", "memory": "1Gi"}, "auth": auth}
    result: Workspace = model(
        Workspace, {**data, "apps": {name: {**IMAGE, **SMALL, **given} for name, given in apps.items()}}
    )
    return result


def stack(*nodes: tuple[str, int, str], **more: Any) -> Stack:
    given = [
        {"name": f"n{i}", "role": role, "ip": f"10.0.0.{i + 1}", "cpu": cpu, "memory": memory}
        for i, (role, cpu, memory) in enumerate(nodes or [("control-plane", 4, "8Gi")])
    ]
    ids = {"accountId": "0" * 32, "zoneId": "0" * 32}
    cluster = {"context": "x", "nodes": given}
    result: Stack = model(Stack, {"domain": "example.com", "cluster": cluster, "cloudflare": ids, **more})
    return result


@pytest.mark.parametrize(
    ("given", "cpu", "memory", "limit"),
    [
        ({}, 10, 16, 32),
        ({"sidecars": {"a": {**IMAGE, **LARGE}, "b": {**IMAGE, **LARGE}}}, 210, 32, 160),
        ({"init": {"a": {**IMAGE, **LARGE}}}, 100, 16, 64),
        ({"init": {"a": {**IMAGE, **LARGE}}, "sidecars": {"b": {**IMAGE, **LARGE}}}, 110, 24, 96),
        ({"requests": {}, "limits": {}}, compute.DEFAULT_APP.cpu_millis, compute.DEFAULT_APP.memory_mib, 256),
    ],
)
def test_a_pod_asks_for_its_containers_or_for_its_greediest_init_container(
    given: dict[str, Any], cpu: int, memory: int, limit: int
) -> None:
    pods = app_pods("a", app(**given))
    assert (pods.cpu, pods.memory, pods.memory_limit) == (cpu, memory, limit)


@pytest.mark.parametrize(
    ("given", "low", "high", "surges"),
    [
        ({}, 1, 1, True),
        ({"replicas": 3}, 3, 3, True),
        ({"replicas": 0}, 0, 0, True),
        ({"autoscale": {"min": 2, "max": 5}}, 2, 5, True),
        ({"schedule": "0 3 * * *"}, 1, 1, False),
        ({"schedule": {"cron": "0 3 * * *", "concurrencyPolicy": "Replace"}}, 1, 1, True),
        ({"volumes": OWN_DISK}, 1, 1, False),
        ({"volumes": {"c": {"mount": "/c", "claim": "there"}}}, 1, 1, False),
        ({"volumes": {"c": {"mount": "/c", "size": "1Gi", "scratch": True}}}, 1, 1, True),
        ({"volumes": {"c": {"mount": "/c", "size": "1Gi", "accessMode": "ReadWriteMany"}}}, 1, 1, True),
        ({"volumes": {"c": {"mount": "/c", "size": "1Gi", "nfs": {"server": "nas", "path": "/c"}}}}, 1, 1, False),
    ],
)
def test_replicas_and_volumes_say_how_many_pods_run(given: dict[str, Any], low: int, high: int, surges: bool) -> None:
    pods = app_pods("a", app(**given))
    assert (pods.low, pods.high, pods.surges) == (low, high, surges)
    assert recreates(app(**given)) is ("volumes" in given and not surges)


def test_sign_in_counts_one_dex_and_one_proxy_for_each_protected_host() -> None:
    client = {"clientId": "a", "clientSecret": {"secret": "s"}}
    auth = {"providers": [{"type": "github", "id": "g", **client}], "allow": {"emails": ["a@example.com"]}}
    signed_in = workspace(auth, web={"port": 80, "routes": ["/"]}, api={"port": 80, "routes": ["/"], "host": "api"})
    counted = {pods.what: pods.high for pods in workspace_pods(stack(), signed_in)}
    assert counted == {"api": 1, "web": 1, "Dex": 1, "OAuth2-Proxy": 2}
    assert [pods.what for pods in workspace_pods(stack(), workspace(web={"port": 80, "routes": ["/"]}))] == ["web"]


def test_the_most_is_every_replica_and_one_more_of_the_largest_that_rolls() -> None:
    pods = workspace_pods(
        stack(), workspace(a={"autoscale": {"max": 3}}, b=LARGE, c={"schedule": "0 3 * * *", **LARGE})
    )
    least, most = at_least(pods), at_most(pods)
    assert (least.cpu, least.memory, least.pods) == (210, 32, 3)
    assert (most.cpu, most.memory, most.pods) == (330, 80, 6)


def test_nothing_rolls_where_every_app_has_a_disk_of_its_own() -> None:
    pods = workspace_pods(stack(), workspace(a={"volumes": OWN_DISK}))
    assert at_most(pods) == at_least(pods)


def test_storage_is_what_claims_are_made_for() -> None:
    volumes = {
        **OWN_DISK,
        "nas": {"mount": "/nas", "size": "2Gi", "nfs": {"server": "10.0.0.5", "path": "/nas"}},
        "tmp": {"mount": "/cache", "size": "4Gi", "scratch": True},
        "old": {"mount": "/old", "claim": "there"},
    }
    given = workspace(a={"volumes": volumes})
    assert storage(given) == 3 * 1024
    assert list(own_volumes(given.apps["a"])) == ["data", "nas"]


def test_the_table_lists_the_platform_the_workspaces_the_nodes_and_both_sums() -> None:
    given = stack(("control-plane", 4, "8Gi"), ("worker", 4, "4Gi"))
    assert capacity(given, [workspace(web={})]).table().splitlines() == [
        "cloudflared              50m      96Mi",
        "traefik                 200m     256Mi",
        "w                        10m      16Mi",
        "sum of requests         260m     368Mi",
        "n0 after Kubernetes    3700m    6579Mi",
        "n1 after Kubernetes    3900m    3828Mi",
        "room on the nodes      7600m   10407Mi",
    ]


def test_the_other_controller_and_more_replicas_are_counted() -> None:
    given = stack(ingress={"controller": "nginx", "replicas": 3}, tunnel={"replicas": 1})
    rows = {row.what: row.memory for row in capacity(given, []).asked}
    assert rows == {"cloudflared": compute.CLOUDFLARED.memory_mib, "nginx": 3 * compute.NGINX.memory_mib}


@pytest.mark.parametrize(
    ("node", "app_given", "says"),
    [
        (("control-plane", 1, "8Gi"), {"requests": {"cpu": "440m"}}, []),
        (("control-plane", 1, "8Gi"), {"requests": {"cpu": "451m"}}, ["701m of cpu asked for, 700m there"]),
        (("control-plane", 4, "2Gi"), {"requests": {"memory": "83Mi"}}, []),
        (("control-plane", 4, "2Gi"), {"requests": {"memory": "84Mi"}}, ["436Mi of memory asked for, 435Mi there"]),
    ],
)
def test_the_sum_may_fill_the_nodes_and_not_more(node: tuple[str, int, str], app_given: Any, says: list[str]) -> None:
    given = {"limits": {}, **app_given}
    found = over_capacity(stack(node), [workspace(a=given)])
    assert [any(part in what for what in found) for part in says] == [True] * len(says)
    assert len(found) == len(says)


def test_a_pod_larger_than_any_node_is_told_although_the_sum_fits() -> None:
    nodes = stack(("control-plane", 2, "4Gi"), ("worker", 2, "4Gi"))
    assert over_capacity(nodes, [workspace(big={"requests": {"memory": "4Gi"}, "limits": {}})]) == [
        "has no node for a pod of big in w, which asks for 50m and 4096Mi; lower its requests"
    ]
