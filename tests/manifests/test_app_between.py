"""The rules that open a way between two apps of two workspaces, and nothing beside it."""

from __future__ import annotations

from typing import Any

import pytest

from manifests import report
from manifests.app import apps, between
from manifests.app.between import Way
from manifests.workspace import mark
from tests.config.examples import stack, workspace

DATA = workspace(
    name="data",
    apps={
        "db": {"image": "x/db:1", "ports": {"sql": {"number": 5432, "offeredTo": ["shop"]}, "metrics": 9100}},
        "cache": {"image": "x/cache:1", "port": 6379},
    },
)
SHOP = workspace(
    name="shop",
    apps={
        "web": {"image": "x/web:1", "port": 8000, "uses": [{"app": "data/db", "port": "sql"}]},
        "blog": {"image": "x/blog:1", "port": 8000},
    },
)
WAYS = between.ways([DATA, SHOP])


def peer(workspace: str, app: str) -> dict[str, Any]:
    return {
        "podSelector": {"matchLabels": {"warren/app": app}},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": workspace}},
    }


def walls(of: Any, ways: tuple[Way, ...]) -> dict[str, Any]:
    return {unit.name: apps.wall(unit)["spec"] for unit in apps.units(stack(), of, {}, ways)}


PORTS = [{"protocol": "TCP", "port": 5432}]


def test_both_walls_open_for_these_two_apps_and_this_port() -> None:
    assert (Way("data", "db", "sql", 5432, "shop", "web"),) == WAYS
    offered, used = walls(DATA, WAYS)["db"], walls(SHOP, WAYS)["web"]
    assert offered["ingress"][-1] == {"from": [peer("shop", "web")], "ports": PORTS}
    assert used["egress"] == [{"to": [peer("data", "db")], "ports": PORTS}]
    assert used["policyTypes"] == ["Ingress", "Egress"]


def test_a_port_by_udp_is_open_by_udp_alone() -> None:
    ports = {"dns": {"number": 53, "protocol": "UDP", "offeredTo": ["shop"]}, "same": 53}
    names = workspace(name="names", apps={"dns": {"image": "x/dns:1", "ports": ports}})
    user = workspace(name="shop", apps={"web": {"image": "x/web:1", "uses": [{"app": "names/dns", "port": "dns"}]}})
    ways = between.ways([names, user])
    udp = [{"protocol": "UDP", "port": 53}]
    assert walls(names, ways)["dns"]["ingress"][-1] == {"from": [peer("shop", "web")], "ports": udp}
    assert walls(user, ways)["web"]["egress"] == [{"to": [peer("names", "dns")], "ports": udp}]


def test_an_app_with_an_account_keeps_the_api_server_beside_it() -> None:
    user = workspace(
        name="shop",
        apps={
            "web": {
                "image": "x/web:1",
                "serviceAccount": {"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]},
                "uses": [{"app": "data/db", "port": "sql"}],
            }
        },
    )
    ways = between.ways([DATA, user])
    egress = walls(user, ways)["web"]["egress"]
    assert egress == [*walls(user, ())["web"]["egress"], {"to": [peer("data", "db")], "ports": PORTS}]
    assert len(egress) == 2


@pytest.mark.parametrize(("of", "app"), [(DATA, "cache"), (SHOP, "blog")])
def test_the_walls_of_their_neighbours_stay_as_they_are(of: Any, app: str) -> None:
    assert walls(of, WAYS)[app] == walls(of, ())[app]


def test_the_one_side_opens_nothing_of_the_other_ones_direction() -> None:
    """Letting somebody in lets nobody out, and the other way round."""
    assert "egress" not in walls(DATA, WAYS)["db"]
    assert walls(SHOP, WAYS)["web"]["ingress"] == walls(SHOP, ())["web"]["ingress"]


def test_a_workspace_of_a_similar_name_has_no_part_in_it() -> None:
    twin = workspace(name="shop-web", apps={"web": {"image": "x/web:1", "port": 8000}})
    assert walls(twin, WAYS) == walls(twin, ())


def test_both_workspaces_have_another_mark_with_a_way_and_others_do_not() -> None:
    for each in (DATA, SHOP):
        assert mark.of(stack(), each, {}, WAYS) != mark.of(stack(), each, {})
    assert mark.of(stack(), workspace(), {}, WAYS) == mark.of(stack(), workspace(), {})


def test_who_can_reach_shows_it() -> None:
    assert report.who_can_reach([DATA, SHOP], [], WAYS) == [
        {"host": "db.data:5432", "path": "", "providers": [], "allow": "the app shop/web"}
    ]
    assert report.between(WAYS) == [{"app": "data/db", "port": "5432/TCP", "used by": "shop/web"}]
