"""How much may be in a workspace: what its file makes, and what people with kubectl may make beside it."""

from __future__ import annotations

from typing import Any

import pytest

from config import compute
from config.workspace import Workspace
from manifests.tenant import bounds
from manifests.workspace import counts
from tests.config.examples import stack, workspace
from tests.real.stacks import STACKS, described

APPS: dict[str, Any] = {
    "web": {
        "image": "x/web:1",
        "port": 80,
        "routes": ["/", {"path": "/a", "basicAuth": {"secret": "team-web"}}],
        "env": {"KEY": {"secret": "team-key"}},
        "files": {"/etc/web": "x"},
        "autoscale": {"max": 3},
    },
    "site": {"static": "team/site", "routes": ["/site"]},
    "db": {"image": "x/db:1", "volumes": {"data": {"mount": "/d", "size": "1Gi"}}},
    "backup": {"image": "x/db:1", "schedule": "0 3 * * *"},
}


def test_every_object_of_the_file_is_counted() -> None:
    assert counts.objects(stack(), workspace(apps=APPS)) == {
        "secrets": 2,
        "configmaps": 3,
        "services": 2,
        "persistentvolumeclaims": 1,
        "count/deployments.apps": 3,
        "count/replicasets.apps": 15,
        "count/cronjobs.batch": 1,
        "count/jobs.batch": 4,
        "count/horizontalpodautoscalers.autoscaling": 1,
        "count/pods": workspace().quota.pods + 6,
    }


def test_every_run_that_a_schedule_keeps_is_counted() -> None:
    kept = {"cron": "@daily", "successfulJobsHistoryLimit": 10, "failedJobsHistoryLimit": 4}
    counted = counts.objects(stack(), workspace(apps={"backup": {"image": "x/db:1", "schedule": kept}}))
    assert counted["count/jobs.batch"] == 1 + 14
    assert counted["count/pods"] == workspace().quota.pods + 2 * 14


def test_an_app_that_runs_once_is_a_job_and_no_deployment() -> None:
    apps = {"migrate": {"image": "x/db:1", "once": "10m"}}
    with_it, without = (counts.objects(stack(), workspace(apps=each)) for each in (apps, {}))
    assert {kind: with_it[kind] - number for kind, number in without.items() if with_it[kind] != number} == {
        "count/jobs.batch": 1,
        # Both tries stay, for their logs.
        "count/pods": 2,
    }


def test_the_room_of_people_stays_the_same_whatever_the_file_adds() -> None:
    """So that a full room never stops `up`."""
    for apps in ({"web": APPS["web"]}, APPS):
        made = workspace(apps=apps)
        own, most = counts.objects(stack(), made), counts.most(stack(), made)
        room = {kind: most[kind] - own[kind] for kind in most}
        assert room == {**counts.ROOM, "persistentvolumeclaims": 0}


def test_disk_is_enough_for_an_update_of_everything_at_once() -> None:
    requests, limits = counts.disk(stack(), workspace(apps={"db": APPS["db"]}))
    # It stops the old pod first, so there is one at a time.
    assert (requests, limits) == (1024 + 32, 8192 + 640)
    requests, limits = counts.disk(stack(), workspace(apps={"web": APPS["web"]}))
    assert (requests, limits) == (1024 + 4 * 32, 8192 + 4 * 640)
    sidecars = {"one": {"image": "x/one:1"}, "two": {"image": "x/two:1"}}
    requests, limits = counts.disk(stack(), workspace(apps={"db": {**APPS["db"], "sidecars": sidecars}}))
    assert (requests, limits) == (1024 + 3 * 32, 8192 + 640 + 2 * 128)


MEASURED = 2.2
"""Bytes of Traefik's memory for a byte of Secrets and ConfigMaps: 1.5 when they come one by one, up to 2.2 when it has
listed them at its start. Measured with Traefik 3.7.12 and objects of 64 KiB; the live tests measure again."""
AT_REST = 135
"""MiB of a Traefik that has just listed an empty cluster."""


def reach(made: Workspace) -> float:
    """MiB of the controller's memory that the people of a workspace can fill, the platform's own objects included."""
    most = counts.most(stack(), made)
    config = (most["secrets"] + most["configmaps"]) * bounds.CONFIG_BYTES
    # A Service's labels are on its EndpointSlice as well.
    services = most["services"] * 2 * bounds.METADATA_BYTES
    return (config + services) * MEASURED / 2**20


@pytest.mark.parametrize("name", STACKS)
def test_all_tenants_together_leave_the_controller_its_memory(name: str) -> None:
    platform = described(name)
    assert AT_REST + sum(map(reach, platform.workspaces)) < compute.TRAEFIK.memory_limit_mib


def test_twenty_tenants_leave_the_controller_its_memory() -> None:
    assert AT_REST + 20 * reach(workspace(apps=APPS)) < compute.TRAEFIK.memory_limit_mib
