"""What smoke looks for in a cluster is what an `up` puts there, object by object."""

from __future__ import annotations

from typing import Any

import pytest

from smoke.checks import walls
from smoke.plan import Plan
from tests.real.stacks import Rendered, render

Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """The stack with every key switched on."""
    return render(tmp_path_factory.mktemp("smoke") / "everything", "everything", "traefik")


@pytest.fixture(scope="module")
def plan(rendered: Rendered) -> Plan:
    """The same files, as smoke reads them."""
    return Plan("everything", rendered.platform)


def test_smoke_knows_every_wall_whole(rendered: Rendered, plan: Plan) -> None:
    made: dict[str, dict[str, Manifest]] = {}
    for manifest in rendered.of("NetworkPolicy"):
        made.setdefault(manifest["metadata"]["namespace"], {})[manifest["metadata"]["name"]] = manifest["spec"]
    assert walls.policies(plan) == made


def test_smoke_knows_what_every_namespace_says(rendered: Rendered, plan: Plan) -> None:
    made = {manifest["metadata"]["name"]: manifest["metadata"] for manifest in rendered.of("Namespace")}
    parts = ("labels", "annotations")
    assert walls.namespaces(plan) == {
        name: {part: metadata[part] for part in parts if part in metadata} for name, metadata in made.items()
    }


def test_smoke_knows_every_admission_policy(rendered: Rendered, plan: Plan) -> None:
    made = rendered.of("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    assert len(made) == len(walls.admission(plan))
    assert [each for each in walls.admission(plan) if each not in made] == []
