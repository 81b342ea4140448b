"""Who can reach whom, tried with packets: no difference from the published matrix, and without walls all is open."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cluster import reach
from tests.cluster.reach import Matrix, Port
from tests.node.attempts import CLOSED, OPEN, ask
from tests.node.cluster import Cluster
from tests.node.figures import FIGURES
from tests.node.node import DNS_ADDRESS
from tests.node.walls import Connection, Ends, Place, connections, expected, outcomes, stand_in


@pytest.fixture(scope="module")
def matrix(home: Cluster) -> Matrix:
    """What Cyclonus says, which tests/cluster holds against the published file."""
    return reach.matrix(home.rendered, "traefik")


@pytest.fixture(scope="module")
def ends(home: Cluster, matrix: Matrix) -> Ends:
    """Everybody who is tried."""
    found = stand_in(home, matrix)
    assert found.places.keys() | found.left_out.keys() == matrix.ends.keys()
    return found


def different(wanted: dict[Connection, str], found: dict[Connection, str]) -> list[str]:
    """What came out otherwise, a line each."""
    return sorted(
        f"{source} -> {destination} {port}: {found[source, destination, port]}, and should be {outcome}"
        for (source, destination, port), outcome in wanted.items()
        if found[source, destination, port] != outcome
    )


def test_packets_go_where_the_published_matrix_says_and_nowhere_else(matrix: Matrix, ends: Ends) -> None:
    began = time.monotonic()
    wanted = expected(matrix, connections(matrix, ends))
    found = outcomes(wanted, ends)
    opened = sum(outcome == OPEN for outcome in found.values())
    FIGURES.append(
        f"walls: {len(found)} connections tried in {time.monotonic() - began:.0f} s, {opened} are open; not tried: "
        + "; ".join(f"{name} ({reason})" for name, reason in ends.left_out.items())
    )
    assert "\n".join(different(wanted, found)) == ""
    assert set(wanted.values()) == {OPEN, CLOSED}


def test_without_walls_every_one_of_them_is_open(home: Cluster, matrix: Matrix, ends: Ends) -> None:
    began = time.monotonic()
    wanted = dict.fromkeys(connections(matrix, ends), OPEN)
    for node in home.nodes:
        node.enforce(False)
    try:
        found = outcomes(wanted, ends)
    finally:
        for node in home.nodes:
            node.enforce(True)
    FIGURES.append(f"without walls: the same in {time.monotonic() - began:.0f} s")
    assert "\n".join(different(wanted, found)) == ""


def test_names_resolve_where_the_walls_let_them(home: Cluster, matrix: Matrix, ends: Ends) -> None:
    allowed = matrix.sources(reach.DNS, Port(53, "UDP"))
    services = {
        f"{each['metadata']['name']}.{each['metadata']['namespace']}.svc.cluster.local": each["spec"]["clusterIP"]
        for each in home.api.get("v1", "Service")
        if each["metadata"]["name"] in ("kubernetes", "ingress-controller", "dex")
    }
    assert len(services) == 3
    # Its own cache would answer the DNS server itself.
    pods = {name: place for name, place in ends.places.items() if place.pid is not None and name != reach.DNS}
    ours = {name: place for name, place in pods.items() if matrix.ends[name].walled}

    def asked(place: Place) -> dict[str, str | None]:
        return {service: ask(place.pid, DNS_ADDRESS, service) for service in services}

    with ThreadPoolExecutor(len(ours)) as pool:
        answers = dict(zip(ours, pool.map(asked, ours.values()), strict=True))
    assert answers == {name: services if name in allowed else dict.fromkeys(services) for name in ours}
    # Both kinds are there, so neither half of this is empty.
    assert 0 < len(allowed & ours.keys()) < len(ours)
