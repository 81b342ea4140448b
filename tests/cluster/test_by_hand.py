"""What a real API server says of changes by hand, beside what the sandbox's stand-in says of the same.

Does not prove what the official provider asks for: `sandbox/kubernetes/live.py` names its sources.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.kubernetes import live, render
from tests.cluster.conftest import Cluster, cases
from tests.real.api import Answer, Manifest

pytestmark = cases("sandbox", controllers=("traefik",), plane="by hand")

Change = Callable[[Manifest], None]


def _scaled(manifest: Manifest) -> None:
    manifest["spec"]["replicas"] = 4


def _other_image(manifest: Manifest) -> None:
    manifest["spec"]["template"]["spec"]["containers"][0]["image"] = "example.com/other:1.0"


def _by_kubectl_scale(cluster: Cluster, path: str) -> Answer:
    return cluster.api.request(
        "PATCH", f"{path}/scale", {"spec": {"replicas": 4}}, "application/merge-patch+json", fieldManager="kubectl"
    )


def _by_kubectl_set_image(cluster: Cluster, path: str) -> Answer:
    containers = [{"name": "helloworld", "image": "example.com/other:1.0"}]
    body = {"spec": {"template": {"spec": {"containers": containers}}}}
    content = "application/strategic-merge-patch+json"
    return cluster.api.request("PATCH", path, body, content, fieldManager="kubectl-set")


def _helloworld(cluster: Cluster) -> Manifest:
    [found] = [each for each in cluster.rendered.of("Deployment") if each["metadata"]["name"] == "helloworld"]
    return found


@pytest.mark.parametrize(
    ("by_kubectl", "by_hand", "real", "stand_in"),
    [
        (_by_kubectl_scale, _scaled, ".spec.replicas", "spec.replicas"),
        (
            _by_kubectl_set_image,
            _other_image,
            '.spec.template.spec.containers[name="helloworld"].image',
            "spec.template.spec.containers[0].image",
        ),
    ],
    ids=["scale", "set image"],
)
def test_rule_60_both_refuse_a_later_change_for_the_same_field_and_force_takes_it_back(
    cluster: Cluster,
    tmp_path: Path,
    by_kubectl: Callable[[Cluster, str], Answer],
    by_hand: Change,
    real: str,
    stand_in: str,
) -> None:
    manifest = _helloworld(cluster)
    path = cluster.api.path_of(manifest)
    tightened = copy.deepcopy(manifest)
    tightened["spec"]["revisionHistoryLimit"] = 1

    done = by_kubectl(cluster, path)
    assert done.ok, done.message
    refused = cluster.api.apply(tightened)
    assert refused.status == 409
    assert {cause["field"] for cause in refused.body["details"]["causes"]} == {real}

    file = render.write(tmp_path, manifest, "urn:x")
    edited = copy.deepcopy(manifest)
    by_hand(edited)
    notes = [line for line in file.read_text("utf-8").splitlines() if line.startswith("# ")]
    file.write_text("\n".join([yaml.safe_dump(edited).rstrip(), *notes, ""]), "utf-8")
    assert live.conflicts(tmp_path, manifest, tightened) == [stand_in]

    forced = cluster.api.apply(tightened, force="true")
    assert forced.ok, forced.message
    assert _set(forced.body, tightened)
    assert cluster.api.apply(manifest).ok, "after that nobody is in the way"


def _set(stored: Any, wanted: Any) -> bool:
    """Whether everything that is wanted is stored."""
    if isinstance(wanted, dict):
        return isinstance(stored, dict) and all(_set(stored.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return len(stored) == len(wanted) and all(map(_set, stored, wanted))
    return bool(stored == wanted)


def test_an_object_that_exists_is_refused_at_create_and_taken_over_by_a_forced_apply(cluster: Cluster) -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "left-by-a-killed-up", "namespace": "default"},
        "data": {"a": "1"},
    }
    made = cluster.api.create(manifest, fieldManager="pulumi-kubernetes")
    assert made.status == 201, made.message
    again = cluster.api.create(manifest, fieldManager="pulumi-kubernetes")
    assert (again.status, again.body["reason"]) == (409, "AlreadyExists")
    changed = {**manifest, "data": {"a": "2"}}
    assert cluster.api.apply(changed).status == 409
    assert cluster.api.apply(changed, force="true").ok
    assert cluster.api.request("DELETE", cluster.api.path_of(manifest)).ok
