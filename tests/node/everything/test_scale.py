"""An autoscaled app has its least number of pods, and in use its greatest, and no more."""

from __future__ import annotations

import ipaddress
from typing import Any

from tests.node.cluster import Cluster, app
from tests.node.everything import measures
from tests.real.control_plane import wait

NAME = "team/hello"


def test_an_app_in_use_gets_as_many_pods_as_it_may(everything: Cluster) -> None:
    [scaler] = everything.rendered.of("HorizontalPodAutoscaler")
    least, greatest = scaler["spec"]["minReplicas"], scaler["spec"]["maxReplicas"]

    def asked() -> dict[str, Any] | None:
        status: dict[str, Any] = everything.api.get("autoscaling/v2", "HorizontalPodAutoscaler", *NAME.split("/"))[
            "status"
        ]
        return status if status.get("desiredReplicas") == wanted else None

    def pods() -> int:
        return sum(app(pod) == NAME and "deletionTimestamp" not in pod["metadata"] for pod in everything.pods())

    wanted = least
    wait("its least number", asked, 60, pause=0.5)
    everything.await_ready()
    assert pods() == least

    wanted = greatest
    router = ipaddress.ip_interface(f"{everything.nodes[0].host.address}/24").network[1]
    # Ten times what it asked for: as the target says, for more pods than it may have.
    with measures.used(everything, str(router), NAME, "100m"):
        conditions = {each["type"]: each for each in wait("its greatest number", asked, 90, pause=0.5)["conditions"]}
    assert conditions["ScalingLimited"]["reason"] == "TooManyReplicas"
    everything.await_ready()
    assert pods() == greatest
