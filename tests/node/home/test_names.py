"""Cluster DNS as apps use it: by what kubelet wrote into the pod, over UDP and TCP, where the walls let them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cluster import reach
from tests.cluster.reach import Port
from tests.node.names import NO_ANSWER, NO_NAME, asked, settings
from tests.node.node import DNS_ADDRESS
from tests.node.walls import Ends, Place

_DOMAIN = "cluster.local"


@pytest.fixture(scope="module")
def ours(ends: Ends) -> dict[str, Place]:
    """A pod of everything in namespaces of ours."""
    return {name: place for name, (place, *_) in ends.places.items() if ends.matrix.ends[name].walled}


def test_every_pod_is_told_of_cluster_dns(ends: Ends, ours: dict[str, Place]) -> None:
    for name, place in ours.items():
        assert place.pid
        lines = settings(place.pid).splitlines()
        namespace = ends.matrix.ends[name].namespace
        assert f"nameserver {DNS_ADDRESS}" in lines
        assert f"search {namespace}.svc.{_DOMAIN} svc.{_DOMAIN} {_DOMAIN}" in lines


@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
def test_names_resolve_where_the_walls_let_them(ends: Ends, ours: dict[str, Place], protocol: str) -> None:
    services = [each for each in ends.cluster.api.get("v1", "Service") if each["spec"]["clusterIP"] != "None"]
    allowed = ends.matrix.sources(reach.DNS, Port(53, protocol)) & ours.keys()

    def wanted(name: str) -> dict[str, str]:
        if name not in allowed:
            return dict.fromkeys([f"kubernetes.default.svc.{_DOMAIN}.", f"nobody.{_DOMAIN}."], NO_ANSWER)
        found = {f"nobody.{_DOMAIN}": NO_NAME}
        for each in services:
            service, namespace = each["metadata"]["name"], each["metadata"]["namespace"]
            full = f"{service}.{namespace}.svc.{_DOMAIN}"
            known = [full, f"{full}.", f"{service}.{namespace}.svc", f"{service}.{namespace}"]
            if namespace == ends.matrix.ends[name].namespace:
                known.append(service)
            found |= dict.fromkeys(known, each["spec"]["clusterIP"])
        return found

    expected = {name: wanted(name) for name in ours}

    def asking(name: str) -> dict[str, str]:
        pid, names = ours[name].pid, list(expected[name])
        assert pid
        return asked(pid, names, tcp=protocol == "TCP", seconds=60 if name in allowed else 3)

    with ThreadPoolExecutor(4) as pool:
        found = dict(zip(ours, pool.map(asking, ours), strict=True))
    assert found == expected
    # Both kinds are there, so neither half of this is empty.
    assert 0 < len(allowed) < len(ours)
