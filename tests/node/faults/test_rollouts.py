"""Roll-outs without a lost request: preStop, SIGTERM, kube-proxy, probes and the scheduler are all real (rule 67)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.node.cluster import Cluster
from tests.node.figures import FIGURES
from tests.node.load import CODES, ROGUE, asking, lost, slowest
from tests.node.operating import roll_out
from tests.node.visitor import Inside


@pytest.mark.parametrize(
    "rolled",
    [["open/once", "open/twice", "shop/oauth2-proxy", "shop/dex"], ["warren-ingress/ingress-controller"]],
    ids=["apps and sign-in", "the controller"],
)
def test_no_request_is_lost(faults: Cluster, ann: Inside, tmp_path: Path, rolled: list[str]) -> None:
    began = time.monotonic()
    with asking(ann, tmp_path, rate=60) as run:
        roll_out(faults, *rolled)
    hits = run.hits()
    FIGURES.append(
        f"roll-out of {' and '.join(rolled)}: {len(hits)} requests in {time.monotonic() - began:.0f} s, {slowest(hits)}"
    )
    assert lost(hits) == {}, [hit for hit in hits if hit.code not in (200, 302)]
    assert {hit.target.name for hit in hits} == CODES.keys() - {ROGUE}
