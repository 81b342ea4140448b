"""Rule 67: a roll-out of the ingress controller under load loses nothing; and without the wait it does.

What is not seen here stands in `test_rollouts`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from manifests import names
from tests.live.conftest import Live
from tests.live.load import Target
from tests.live.test_faults import mixture, wrong
from tests.live.test_rollouts import CONTROLLER, lost, rolled, without_the_wait
from tests.live.visitor import PORT


def by_name(live: Live) -> list[Target]:
    """Requests of every kind to the controller's Service, as cloudflared sends them."""
    service = names.service_host(names.INGRESS_SERVICE, names.INGRESS_NAMESPACE)
    return [replace(each, address=f"{service}:{PORT}") for each in mixture(live, live.node.of(CONTROLLER)[0])]


def test_rule_67_a_roll_out_of_the_controller_loses_nothing(live: Live, tmp_path: Path) -> None:
    targets = by_name(live)
    hits = rolled(live, tmp_path, CONTROLLER, targets)
    assert lost(hits) == {}
    assert wrong(hits) == []
    assert {hit.target.name for hit in hits if hit.code == 200} == {each.name for each in targets if each.app}


def test_rule_67_without_the_wait_a_roll_out_of_the_controller_loses_requests(live: Live, tmp_path: Path) -> None:
    """So the test above can fail: this is what it would see."""
    with without_the_wait(live, *CONTROLLER.split("/")):
        hits = rolled(live, tmp_path, CONTROLLER, by_name(live))
    assert lost(hits).total() > 0
    assert wrong(hits) == []
