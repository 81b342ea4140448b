"""TenantApp: which objects an app becomes, what each waits for, and that secrets stay secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from components.app import TenantApp, TenantAppArgs
from components.native import KubernetesObject, RandomBytes
from config.app import App
from manifests.app import account, apps, reads, replicas, storage
from tests.config.examples import SITE, app, assert_valid, stack, workspace

from .recording import Recording, Secret, providers, record

SECRETS = {"db-password": "hunter2", "api-key": "k3y", "unrelated": "other"}


def _unit(made: App) -> apps.Unit:
    return apps.Unit("team", "web", made, files=SITE if made.static else None)


def _record(made: App, secrets: Mapping[str, str] = SECRETS, **more: Any) -> Recording:
    def program() -> None:
        opts = pulumi.ResourceOptions(providers=providers())
        parent = pulumi.ComponentResource("warren:components:Workspace", "team", None, opts)
        inside = pulumi.ResourceOptions(parent=parent)
        namespace = KubernetesObject(
            "team-namespace", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}}, inside
        )
        deny = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "deny", "namespace": "team"},
        }
        args: dict[str, Any] = {
            "unit": _unit(made),
            "namespace": namespace,
            "salt": RandomBytes("team-salt", 32, inside),
            "secrets": {name: pulumi.Output.secret(value) for name, value in secrets.items()},
            "guards": [KubernetesObject("team-wall", deny, inside)],
            **more,
        }
        TenantApp("team.web", TenantAppArgs(**args), inside)

    return record(program)


def _own(seen: Recording) -> dict[str, str]:
    """The app's own objects: `Kind/name` -> metadata.name."""
    return {made.id: made.key[2] for made in seen if made.parent == "TenantApp/team.web"}


FULL = {
    "routes": ["/"],
    "env": {"PASSWORD": {"secret": "db-password"}},
    "files": {"/etc/web.conf": "x"},
    "autoscale": {"max": 3},
    "volumes": {
        "media": {
            "mount": "/media",
            "size": "1Gi",
            "accessMode": "ReadWriteMany",
            "nfs": {"server": "10.0.0.9", "path": "/m"},
        },
        "data": {"mount": "/data", "size": "1Gi", "accessMode": "ReadWriteMany"},
    },
}


def test_what_is_offered_at_home_waits_for_the_wall() -> None:
    made = app(port={"number": 53, "protocol": "UDP", "loadBalancer": 53})
    given = {"ports": ["53/UDP"], "loadBalancerSourceRanges": ["10.0.0.0/24"]}
    platform = stack(loadBalancers={"team/web": given})
    team = workspace(apps={"web": made.model_dump(mode="json", exclude_unset=True)})
    [unit] = apps.units(platform, team, {})
    seen = _record(made, unit=unit)
    assert _own(seen) == {
        "NetworkPolicy/team.web-wall": "web",
        "Deployment/team.web-deployment": "web",
        "Service/team.web-service": "web",
        "Service/team.web-lan": "web-lan",
    }
    offered = seen.one("Service", "team.web-lan")
    assert offered.manifest == apps.at_home(unit)
    assert "NetworkPolicy/team.web-wall" in offered.dependencies
    assert "NetworkPolicy/team-wall" in offered.dependencies


def test_a_plain_app_is_a_deployment_a_service_and_a_wall() -> None:
    seen = _record(app(routes=["/"]))
    assert _own(seen) == {
        "NetworkPolicy/team.web-wall": "web",
        "Deployment/team.web-deployment": "web",
        "Service/team.web-service": "web",
    }
    assert seen.one("TenantApp").type == "warren:components:TenantApp"
    assert seen.one("TenantApp").outputs == {"service": "web", "ports": {"http": 8000}}


def test_an_app_with_everything_has_one_of_each() -> None:
    seen = _record(app(**FULL))
    assert _own(seen) == {
        "NetworkPolicy/team.web-wall": "web",
        "ConfigMap/team.web-config": "web",
        "Secret/team.web-secret": "web",
        "PersistentVolume/team.web.media-volume": "team.web.media",
        "PersistentVolumeClaim/team.web.media-claim": "web-media",
        "PersistentVolumeClaim/team.web.data-claim": "web-data",
        "Deployment/team.web-deployment": "web",
        "Service/team.web-service": "web",
        "HorizontalPodAutoscaler/team.web-autoscaler": "web",
        "PodDisruptionBudget/team.web-budget": "web",
    }
    for made in seen.kubernetes():
        if made.parent == "TenantApp/team.web":
            assert_valid(made.manifest)
            assert made.provider == "kubernetes/kubernetes"


def test_an_account_with_its_roles_is_there_before_the_pods() -> None:
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    made = app(serviceAccount={"rules": [rule], "clusterRules": [rule]})
    seen = _record(made)
    decided = account.objects(_unit(made))
    ids = {f"{manifest['kind']}/team.web-{role}" for role, manifest in decided.items()}
    assert len(ids) == 5
    made_so = [each.manifest for each in seen if each.id in ids]
    assert len(made_so) == len(decided)
    assert [each for each in decided.values() if each not in made_so] == []
    assert ids <= set(seen.one("Deployment").dependencies)


def test_the_objects_are_those_that_were_decided() -> None:
    seen, unit = _record(app(**FULL)), _unit(app(**FULL))
    decided = [
        apps.wall(unit),
        reads.config_map(unit),
        apps.deployment(unit, _annotation(seen)),
        apps.service(unit),
        replicas.autoscaler(unit),
        replicas.budget(unit),
        *storage.nfs_volumes("team", "web", unit.app).values(),
        *storage.claims("team", "web", unit.app).values(),
    ]
    made = [each.manifest for each in seen if each.parent == "TenantApp/team.web" and each.kind != "Secret"]
    assert len(made) == len(decided)
    assert [manifest for manifest in decided if manifest not in made] == []


def test_an_app_on_a_schedule_is_a_cron_job_and_a_wall() -> None:
    seen = _record(app(schedule="0 3 * * *"))
    assert _own(seen) == {"NetworkPolicy/team.web-wall": "web", "CronJob/team.web-cronjob": "web"}
    assert seen.one("TenantApp").outputs["ports"] == {}


def test_an_app_that_runs_once_is_a_job_and_a_wall() -> None:
    seen = _record(app(once="10m", port=None))
    assert _own(seen) == {"NetworkPolicy/team.web-wall": "web", "Job/team.web-job": "web"}
    assert seen.one("TenantApp").outputs["ports"] == {}


def test_a_static_site_has_its_files_and_port_80() -> None:
    seen = _record(app(static="team/web", routes=["/"]))
    assert seen.one("TenantApp").outputs == {"service": "web", "ports": {"http": 80}}
    assert set(seen.manifest("ConfigMap")["data"]) == {"index.html", "_sws.toml"}


@pytest.mark.parametrize("written", [{}, {"schedule": "0 3 * * *"}, {"static": "x"}, {"port": None}, FULL])
def test_every_app_has_exactly_one_wall_and_it_stands_before_the_pods(written: dict[str, Any]) -> None:
    seen = _record(app(**written))
    walls = [made for made in seen.of("NetworkPolicy") if made.parent == "TenantApp/team.web"]
    assert len(walls) == 1
    pods = [*seen.of("Deployment"), *seen.of("CronJob")]
    assert len(pods) == 1
    assert {"NetworkPolicy/team.web-wall", "NetworkPolicy/team-wall", "Namespace/team-namespace"} <= pods[
        0
    ].dependencies


def test_pods_wait_for_all_they_read_and_never_for_their_service() -> None:
    seen = _record(app(**FULL))
    deployment = seen.one("Deployment")
    assert {
        "ConfigMap/team.web-config",
        "Secret/team.web-secret",
        "PersistentVolumeClaim/team.web.data-claim",
        "PersistentVolumeClaim/team.web.media-claim",
    } <= deployment.dependencies
    assert [name for name in deployment.dependencies if name.startswith("Service/")] == []
    assert "PersistentVolume/team.web.media-volume" in seen.one("PersistentVolumeClaim", "web-media").dependencies


def test_everything_in_the_namespace_waits_for_it() -> None:
    seen = _record(app(**FULL))
    for made in seen.kubernetes():
        if made.parent == "TenantApp/team.web":
            assert "Namespace/team-namespace" in made.dependencies, made.id


def test_the_apps_secret_holds_what_it_reads_as_secrets_and_nothing_else() -> None:
    seen = _record(app(env={"PASSWORD": {"secret": "db-password"}, "PLAIN": "x"}))
    assert seen.one("Secret").props["stringData"] == {"db-password": Secret("hunter2")}
    assert seen.one("Secret").props["type"] == "Opaque"
    assert seen.one("Secret").secret_outputs == {"data", "stringData"}
    for made in seen:
        if made.kind not in ("Secret", "RandomBytes"):
            assert "hunter2" not in str(made.props)
    assert "other" not in str([made.props for made in seen])


def _annotation(seen: Recording) -> str | None:
    found = seen.one("Deployment").props["spec"]["template"]["metadata"].get("annotations", {})
    value: str | None = found.get("warren/config")
    return value


def test_a_changed_secret_or_file_changes_the_checksum_and_nothing_else_in_the_pod() -> None:
    def template(made: App, **more: Any) -> tuple[str | None, dict[str, Any]]:
        seen = _record(made, **more)
        pod = seen.one("Deployment").manifest["spec"]["template"]
        return _annotation(seen), {**pod, "metadata": {**pod["metadata"], "annotations": None}}

    wants = {"env": {"PASSWORD": {"secret": "db-password"}}, "files": {"/a": "1"}}
    first, pod = template(app(**wants))
    second, same = template(app(**{**wants, "files": {"/a": "2"}}))
    third, again = template(app(**wants), secrets={"db-password": "changed"})
    assert len({first, second, third}) == 3
    assert pod == same == again


def test_a_secret_that_the_app_does_not_read_does_not_restart_it() -> None:
    wants = app(env={"PASSWORD": {"secret": "db-password"}})
    changed = SECRETS | {"unrelated": "new"}
    assert _annotation(_record(wants)) == _annotation(_record(wants, changed))


def test_the_checksum_is_plain_text_and_is_known_in_a_preview_without_secrets() -> None:
    assert _annotation(_record(app())) is None
    keyed = _annotation(_record(app(env={"A": {"secret": "api-key"}})))
    assert isinstance(keyed, str)
    plain = _record(app(files={"/a": "1"})).one("Deployment")
    assert [name for name in plain.dependencies if name.startswith("RandomBytes")] == []


def test_an_update_is_waited_for_more_shortly_than_a_new_app_and_as_long_as_its_start_takes() -> None:
    assert _record(app()).one("Deployment").timeouts == ("600s", "340s")
    slow = _record(app(health={"http": "/up", "start": "20m"})).one("Deployment")
    assert slow.timeouts == ("1540s", "1540s")


def test_volumes_are_protected_only_where_the_stack_protects_data() -> None:
    kinds = ("PersistentVolume", "PersistentVolumeClaim")
    protected = [made for made in _record(app(**FULL)) if made.protect]
    assert {made.kind for made in protected} == set(kinds)
    assert len(protected) == 3
    assert [made for made in _record(app(**FULL), protect_data=False) if made.protect] == []
