"""Apps as Kubernetes objects: whole manifests, and every one of them known to the Kubernetes schemas."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests import images, pods
from manifests.app import apps, containers, reads, replicas, static
from manifests.app.apps import Unit
from tests.config.examples import PEER, SITE, app, assert_valid, stack, workspace

LABELS = {
    "app.kubernetes.io/name": "web",
    "app.kubernetes.io/part-of": "warren",
    "app.kubernetes.io/managed-by": "pulumi",
    "warren/workspace": "team",
    "warren/app": "web",
}
META = {"name": "web", "namespace": "team", "labels": LABELS}


def _unit(**written: Any) -> Unit:
    made = app(**written)
    return Unit("team", "web", made, files=SITE if made.static else None)


def _pod(**written: Any) -> dict[str, Any]:
    spec: dict[str, Any] = apps.pod_template(_unit(**written))["spec"]
    return spec


def _container(**written: Any) -> dict[str, Any]:
    found: dict[str, Any] = _pod(**written)["containers"][0]
    return found


def test_the_whole_deployment_of_a_plain_app() -> None:
    made = apps.deployment(_unit(routes=["/"]))
    assert_valid(made)
    assert made == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": META,
        "spec": {
            "replicas": 1,
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": 600,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "selector": {"matchLabels": {"warren/app": "web"}},
            "template": {
                "metadata": {"labels": LABELS},
                "spec": {
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": 65532,
                        "runAsGroup": 65532,
                        "fsGroup": 65532,
                        "fsGroupChangePolicy": "OnRootMismatch",
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "terminationGracePeriodSeconds": 40,
                    "tolerations": pods.leave_dead_nodes(),
                    "containers": [
                        {
                            "name": "web",
                            "image": "ghcr.io/x/web:1.0",
                            "ports": [{"containerPort": 8000, "protocol": "TCP"}],
                            "readinessProbe": {
                                "tcpSocket": {"port": 8000},
                                "periodSeconds": 10,
                                "timeoutSeconds": 3,
                                "failureThreshold": 3,
                            },
                            "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
                            "resources": {
                                "requests": {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "32Mi"},
                                "limits": {"memory": "256Mi", "ephemeral-storage": "640Mi"},
                            },
                            "securityContext": {
                                "allowPrivilegeEscalation": False,
                                "readOnlyRootFilesystem": True,
                                "capabilities": {"drop": ["ALL"]},
                            },
                            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
                        }
                    ],
                    "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "512Mi"}}],
                },
            },
        },
    }


def test_the_whole_deployment_of_a_static_site() -> None:
    made = apps.deployment(_unit(static="team/web", routes=["/", "/landing"]))
    assert_valid(made)
    pod = made["spec"]["template"]["spec"]
    assert pod["containers"] == [
        {
            "name": "web",
            "image": images.STATIC_SERVER,
            "env": [{"name": name, "value": value} for name, value in sorted(static.ENVIRONMENT.items())],
            "ports": [{"containerPort": 8080, "protocol": "TCP"}],
            "readinessProbe": {
                "tcpSocket": {"port": 8080},
                "periodSeconds": 10,
                "timeoutSeconds": 3,
                "failureThreshold": 3,
            },
            "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
            "resources": {
                "requests": {"cpu": "5m", "memory": "16Mi", "ephemeral-storage": "32Mi"},
                "limits": {"memory": "48Mi", "ephemeral-storage": "640Mi"},
            },
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [
                {"name": "tmp", "mountPath": "/tmp"},
                {"name": "server-config", "mountPath": "/etc/static-web-server", "readOnly": True},
                {"name": "static", "mountPath": "/public", "readOnly": True},
            ],
        }
    ]
    assert pod["volumes"] == [
        {"name": "tmp", "emptyDir": {"sizeLimit": "512Mi"}},
        {
            "name": "server-config",
            "configMap": {"name": "web", "defaultMode": 365, "items": [{"key": "_sws.toml", "path": "sws.toml"}]},
        },
        {
            "name": "static",
            "configMap": {
                "name": "web",
                "defaultMode": 365,
                "items": [
                    {"key": "index.html", "path": "index.html"},
                    {"key": "index.html", "path": "landing/index.html"},
                    {"key": "logo.png", "path": "landing/logo.png"},
                    {"key": "logo.png", "path": "logo.png"},
                ],
            },
        },
    ]


def test_the_whole_cron_job() -> None:
    _, made = apps.runs(_unit(schedule="0 3 * * *", args=["dump"]), "abc")
    assert_valid(made)
    template = made["spec"]["jobTemplate"]["spec"]["template"]
    assert made == {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": META,
        "spec": {
            "schedule": "0 3 * * *",
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 300,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 2,
            "jobTemplate": {"metadata": {"labels": LABELS}, "spec": {"backoffLimit": 1, "template": template}},
        },
    }
    assert template["metadata"] == {"labels": LABELS, "annotations": {"warren/config": "abc"}}
    assert template["spec"]["restartPolicy"] == "Never"
    assert template["spec"]["containers"][0]["args"] == ["dump"]
    assert [key for key in template["spec"]["containers"][0] if "Probe" in key] == []


def test_a_schedule_says_whose_clock_what_overlaps_and_what_is_kept() -> None:
    written = {
        "timeZone": "Europe/Berlin",
        "concurrencyPolicy": "Replace",
        "startingDeadlineSeconds": 60,
        "successfulJobsHistoryLimit": 0,
        "failedJobsHistoryLimit": 5,
    }
    _, made = apps.runs(_unit(schedule={"cron": "@daily", **written}))
    assert_valid(made)
    template = made["spec"].pop("jobTemplate")
    assert made["spec"] == {"schedule": "@daily", **written}
    assert template["spec"]["backoffLimit"] == 1


def test_the_whole_job_of_an_app_that_runs_once() -> None:
    unit = _unit(once="10m", port=None, command=["migrate"])
    _, made = apps.runs(unit, "abc")
    assert_valid(made)
    template = made["spec"]["template"]
    assert made == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {**META, "annotations": {"pulumi.com/replaceUnready": "true"}},
        "spec": {
            "parallelism": 1,
            "completions": 1,
            "backoffLimit": 1,
            "activeDeadlineSeconds": 600,
            "podReplacementPolicy": "Failed",
            "template": template,
        },
    }
    assert template["metadata"] == {"labels": LABELS, "annotations": {"warren/config": "abc"}}
    assert template["spec"]["restartPolicy"] == "Never"
    assert [key for key in template["spec"]["containers"][0] if "Probe" in key or key == "lifecycle"] == []
    assert (apps.service(unit), replicas.budget(unit), replicas.autoscaler(unit)) == (None, None, None)


def test_up_waits_as_long_as_an_app_may_run_once() -> None:
    # To stop the old one, to run, and to pull.
    assert apps.rollout_seconds(_unit(once="1h", port=None).app) == 30 + 3600 + 300
    assert apps.rollout_seconds(_unit(once="1m", port=None).app) == 600


def test_apps_are_made_after_those_that_they_wait_for() -> None:
    written = {"a": ["c"], "b": [], "c": ["d", "b"], "d": [], "e": ["a", "d"]}
    here = workspace(apps={name: {"image": "x/web:1", "after": after} for name, after in written.items()})
    made = [unit.name for unit in apps.made_in_order(apps.units(stack(), here, {}))]
    assert sorted(made) == list(written)
    assert all(made.index(other) < made.index(name) for name, after in written.items() for other in after)


def test_the_whole_service_and_none_without_ports() -> None:
    made = apps.service(_unit(ports={"web": 8000, "metrics": 9100}))
    assert made is not None
    assert_valid(made)
    assert made == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**META, "annotations": {"pulumi.com/skipAwait": "true"}},
        "spec": {
            "type": "ClusterIP",
            "selector": {"warren/app": "web"},
            "ports": [
                {"name": "metrics", "port": 9100, "targetPort": 9100, "protocol": "TCP"},
                {"name": "web", "port": 8000, "targetPort": 8000, "protocol": "TCP"},
            ],
        },
    }
    assert apps.service(_unit(port=None)) is None
    assert apps.service(_unit(schedule="0 3 * * *")) is None


def test_a_static_site_is_on_port_80_and_listens_on_8080() -> None:
    made = apps.service(_unit(static="x"))
    assert made is not None
    assert made["spec"]["ports"] == [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]


def test_a_port_with_a_route_is_for_the_controller_and_one_without_for_the_workspace() -> None:
    made = apps.wall(_unit(ports={"web": 8000, "metrics": 9100, "admin": 9000}, routes=[{"path": "/", "port": "web"}]))
    assert_valid(made)
    assert made == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": META,
        "spec": {
            "podSelector": {"matchLabels": {"warren/app": "web"}},
            "policyTypes": ["Ingress"],
            "ingress": [
                {"from": [PEER], "ports": [{"protocol": "TCP", "port": 8000}]},
                {
                    "from": [{"podSelector": {"matchExpressions": [{"key": "warren/app", "operator": "Exists"}]}}],
                    "ports": [{"protocol": "TCP", "port": 9000}, {"protocol": "TCP", "port": 9100}],
                },
            ],
        },
    }


def test_a_port_with_a_route_may_be_open_to_siblings_too() -> None:
    shared = {"web": {"number": 8000, "siblings": True}, "admin": 9000}
    routes = [{"path": "/", "port": "web"}, {"path": "/admin", "port": "admin"}]
    assert apps.wall(_unit(ports=shared, routes=routes))["spec"]["ingress"] == [
        {"from": [PEER], "ports": [{"protocol": "TCP", "port": 8000}, {"protocol": "TCP", "port": 9000}]},
        {
            "from": [{"podSelector": {"matchExpressions": [{"key": "warren/app", "operator": "Exists"}]}}],
            "ports": [{"protocol": "TCP", "port": 8000}],
        },
    ]


DNS = {"dns": 53, "dns-udp": {"number": 53, "protocol": "UDP"}, "web": 8080}


def test_one_number_may_be_a_tcp_port_and_a_udp_port() -> None:
    unit = _unit(ports=DNS, routes=[{"path": "/", "port": "web"}])
    made = apps.service(unit)
    assert made is not None
    assert_valid(made)
    assert [(port["name"], port["port"], port["protocol"]) for port in made["spec"]["ports"]] == [
        ("dns", 53, "TCP"),
        ("dns-udp", 53, "UDP"),
        ("web", 8080, "TCP"),
    ]
    both = [{"protocol": "TCP", "port": 53}, {"protocol": "UDP", "port": 53}]
    wall = apps.wall(unit)
    assert_valid(wall)
    assert [rule["ports"] for rule in wall["spec"]["ingress"]] == [[{"protocol": "TCP", "port": 8080}], both]
    opened = apps.pod_template(unit)["spec"]["containers"][0]["ports"]
    assert [(port["containerPort"], port["protocol"]) for port in opened] == [(53, "TCP"), (53, "UDP"), (8080, "TCP")]


def test_health_is_never_asked_of_a_udp_port() -> None:
    game = {"number": 34197, "protocol": "UDP"}
    assert "readinessProbe" not in _container(port=game)
    only = _container(ports={"a": game, "rcon": 27015})
    assert only["readinessProbe"]["tcpSocket"] == {"port": 27015}
    assert _container(port=game, health={"tcp": True, "port": 27015})["livenessProbe"]["tcpSocket"] == {"port": 27015}


def test_a_route_leads_to_a_tcp_port_where_it_says_none() -> None:
    unit = _unit(ports={"a": {"number": 5000, "protocol": "UDP"}, "b": 8000}, routes=["/"])
    assert apps.wall(unit)["spec"]["ingress"] == [
        {"from": [PEER], "ports": [{"protocol": "TCP", "port": 8000}]},
        {"from": [apps.APP_PODS], "ports": [{"protocol": "UDP", "port": 5000}]},
    ]


def test_an_app_without_ports_lets_nobody_in() -> None:
    for unit in (_unit(port=None), _unit(schedule="0 3 * * *")):
        wall = apps.wall(unit)["spec"]
        assert "Ingress" in wall["policyTypes"]
        assert "ingress" not in wall


def test_the_wall_of_a_static_site_opens_the_port_of_the_pod_not_of_the_service() -> None:
    rules = apps.wall(_unit(static="x", routes=["/"]))["spec"]["ingress"]
    assert rules == [{"from": [PEER], "ports": [{"protocol": "TCP", "port": 8080}]}]


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1024, 65535), min_size=1).flatmap(
        lambda ports: st.tuples(st.just(ports), st.sets(st.sampled_from(sorted(ports))))
    )
)
def test_every_port_is_open_to_exactly_one_kind_of_peer(case: tuple[dict[str, int], set[str]]) -> None:
    ports, routed = case
    if len(set(ports.values())) < len(ports):
        return
    unit = _unit(ports=ports, routes=[{"path": f"/{name}", "port": name} for name in sorted(routed)])
    rules = apps.wall(unit)["spec"]["ingress"]
    opened = {(rule["from"][0] == PEER, port["port"]) for rule in rules for port in rule["ports"]}
    assert opened == {(name in routed, number) for name, number in ports.items()}
    assert all(len(rule["from"]) == 1 for rule in rules)


def test_every_object_but_the_persistent_volume_is_in_the_workspaces_namespace() -> None:
    unit = _unit(replicas=2, files={"/etc/a": "x"})
    made = [
        apps.deployment(unit),
        apps.service(unit),
        apps.wall(unit),
        reads.config_map(unit),
        replicas.budget(unit),
    ]
    assert [m["metadata"]["namespace"] for m in made if m is not None] == ["team"] * 5


# Replicas


def test_several_replicas_are_spread_and_drained_one_by_one() -> None:
    unit = _unit(replicas=3)
    made = replicas.budget(unit)
    assert made is not None
    assert_valid(made)
    assert made["spec"] == {
        "maxUnavailable": 1,
        "selector": {"matchLabels": {"warren/app": "web"}},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    assert _pod(replicas=3)["topologySpreadConstraints"] == [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"warren/app": "web"}},
            "matchLabelKeys": ["pod-template-hash"],
        }
    ]


def test_one_replica_has_neither_budget_nor_spread() -> None:
    assert replicas.budget(_unit()) is None
    assert "topologySpreadConstraints" not in _pod()


def test_an_autoscaler_sets_the_replicas_so_the_deployment_does_not() -> None:
    unit = _unit(autoscale={"min": 1, "max": 4, "cpu": 70})
    made = replicas.autoscaler(unit)
    assert made is not None
    assert_valid(made)
    assert made == {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": META,
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 1,
            "maxReplicas": 4,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
                }
            ],
        },
    }
    assert "replicas" not in apps.deployment(unit)["spec"]
    assert replicas.budget(unit) is not None
    assert replicas.autoscaler(_unit()) is None


@pytest.mark.parametrize("mode", ["ReadWriteOnce", "ReadWriteOncePod"])
def test_a_volume_for_one_pod_stops_the_old_pod_first(mode: str) -> None:
    made = apps.deployment(_unit(volumes={"data": {"mount": "/data", "size": "1Gi", "accessMode": mode}}))
    assert made["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize(
    "volume",
    [
        {"mount": "/data", "size": "1Gi", "accessMode": "ReadWriteMany"},
        {"mount": "/data", "size": "1Gi", "scratch": True},
    ],
)
def test_a_shared_or_scratch_volume_does_not(volume: dict[str, Any]) -> None:
    made = apps.deployment(_unit(volumes={"data": volume}))
    assert made["spec"]["strategy"]["type"] == "RollingUpdate"


def test_an_app_that_starts_slowly_has_the_time_to() -> None:
    made = apps.deployment(_unit(health={"http": "/up", "start": "20m"}))
    assert made["spec"]["progressDeadlineSeconds"] == 1200 + 300 + 40


# The pod


def test_root_is_only_root_where_asked_and_gets_only_what_images_need_at_start() -> None:
    pod = _pod(user=0)
    assert pod["securityContext"]["runAsNonRoot"] is False
    assert pod["containers"][0]["securityContext"]["capabilities"] == {
        "drop": ["ALL"],
        # KILL: a server that switched its workers' user could not stop them without it.
        "add": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"],
    }
    assert "add" not in _container(user=999)["securityContext"]["capabilities"]


def test_a_writable_root_needs_no_tmp() -> None:
    pod = _pod(writableRoot=True)
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is False
    assert "volumes" not in pod
    assert "volumeMounts" not in pod["containers"][0]


def test_a_pod_has_the_names_groups_and_resolver_that_are_written() -> None:
    made = apps.deployment(
        _unit(
            supplementalGroups=[1001, 44],
            hostAliases=[{"ip": "10.0.0.7", "hostnames": ["nas", "nas.lan"]}],
            dnsConfig={
                "searches": ["lan.example.com"],
                "options": [{"name": "ndots", "value": "1"}, {"name": "rotate"}],
            },
        )
    )
    assert_valid(made)
    spec = made["spec"]["template"]["spec"]
    assert spec["securityContext"]["supplementalGroups"] == [1001, 44]
    assert spec["hostAliases"] == [{"ip": "10.0.0.7", "hostnames": ["nas", "nas.lan"]}]
    assert spec["dnsConfig"] == {
        "searches": ["lan.example.com"],
        "options": [{"name": "ndots", "value": "1"}, {"name": "rotate"}],
    }


def test_node_selector_and_tolerations_are_as_written() -> None:
    pod = _pod(nodeSelector={"disk": "ssd"}, tolerations=[{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}])
    assert pod["nodeSelector"] == {"disk": "ssd"}
    own = {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}
    assert pod["tolerations"] == [own, *pods.leave_dead_nodes()]


def test_an_app_leaves_a_dead_node_unless_its_data_may_be_there_or_the_file_says_otherwise() -> None:
    assert {each["key"]: each["tolerationSeconds"] for each in _pod()["tolerations"]} == {
        "node.kubernetes.io/not-ready": 30,
        "node.kubernetes.io/unreachable": 30,
    }
    assert "tolerations" not in _pod(volumes={"data": {"mount": "/data", "size": "1Gi"}})
    shared = {"mount": "/data", "nfs": {"server": "10.0.0.7", "path": "/srv"}, "size": "1Gi"}
    assert _pod(volumes={"data": {**shared, "accessMode": "ReadWriteMany"}})["tolerations"] == pods.leave_dead_nodes()
    stays = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"}
    assert [each for each in _pod(tolerations=[stays])["tolerations"] if each["key"] == stays["key"]] == [stays]


@pytest.mark.parametrize(
    ("written", "waits"),
    [
        ({"routes": ["/"]}, True),
        ({}, True),
        ({"static": "team/web", "routes": ["/"]}, True),
        ({"port": None}, False),
        ({"port": None, "schedule": "0 3 * * *"}, False),
        # Its update stops the old pod first, and the wait would only be added to what people miss it.
        ({"volumes": {"data": {"mount": "/data", "size": "1Gi"}}}, False),
    ],
    ids=["routed", "inside only", "static", "no port", "on a schedule", "one pod at a time"],
)
def test_rule_67_a_pod_that_another_one_replaces_serves_on_until_nobody_asks_it(
    written: dict[str, Any], waits: bool
) -> None:
    pod = _pod(**written)
    [container] = pod["containers"]
    assert container.get("lifecycle") == ({"preStop": {"sleep": {"seconds": 10}}} if waits else None)
    assert pod["terminationGracePeriodSeconds"] == (40 if waits else 30)


@given(st.integers(1, 590), st.booleans())
def test_rule_67_a_grace_period_is_the_programs_own_and_never_longer_than_a_drain_may_wait(
    stop: int, serves: bool
) -> None:
    pod = _pod(gracePeriod=f"{stop}s", **({} if serves else {"port": None}))
    wait = pod["containers"][0].get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert wait == (10 if serves else 0)
    assert pod["terminationGracePeriodSeconds"] - wait == stop
    assert pod["terminationGracePeriodSeconds"] <= pods.MAX_GRACE_SECONDS


def test_an_update_waits_for_an_app_that_stops_slowly() -> None:
    unit = _unit(gracePeriod="590s", volumes={"data": {"mount": "/data", "size": "1Gi"}})
    assert apps.deployment(unit)["spec"]["progressDeadlineSeconds"] > 590 + 60


def test_the_units_of_a_workspace_are_its_apps_with_their_files_and_the_stacks_images() -> None:
    here = workspace(apps={"web": {"image": "x/web:1", "port": 80}, "a": {"static": "team/a", "routes": ["/"]}})
    made = apps.units(stack(images={"team/web": "x/web:2", "other/a": "x/a:3"}), here, {"a": SITE})
    assert made == (
        Unit("team", "a", here.apps["a"], files=SITE),
        Unit("team", "web", here.apps["web"], image="x/web:2"),
    )


@pytest.mark.parametrize(
    ("written", "role", "kind"),
    [
        ({}, "deployment", "Deployment"),
        ({"schedule": "0 3 * * *"}, "cronjob", "CronJob"),
        ({"once": "5m", "port": None}, "job", "Job"),
    ],
)
def test_an_app_runs_as_a_deployment_by_its_schedule_or_once(written: dict[str, Any], role: str, kind: str) -> None:
    named, made = apps.runs(_unit(**written), "a-checksum")
    assert (named, made["kind"]) == (role, kind)
    assert "a-checksum" in repr(made)


def test_the_ports_of_a_service_are_those_that_it_says() -> None:
    for written in ({}, {"static": "x"}, {"ports": {"web": 80, "admin": 81}}, {"port": None}):
        unit = _unit(**written)
        made = apps.service(unit)
        said = {} if made is None else {port["name"]: port["port"] for port in made["spec"]["ports"]}
        assert apps.service_ports(unit) == said


def test_the_stack_overrides_the_image() -> None:
    unit = Unit("team", "web", app(), image="ghcr.io/x/web:2.0")
    assert apps.pod_template(unit)["spec"]["containers"][0]["image"] == "ghcr.io/x/web:2.0"


def test_sidecars_start_before_init_containers_and_both_see_env_and_volumes() -> None:
    pod = _pod(
        env={"A": "1", "B": "2"},
        volumes={"data": {"mount": "/data", "size": "1Gi"}},
        init={"migrate": {"image": "x/m:1", "args": ["up"], "env": {"B": "3"}}, "early": {"image": "x/e:1"}},
        sidecars={"proxy": {"image": "x/p:1", "requests": {"memory": "200Mi"}}},
    )
    assert_valid(apps.deployment(_unit(sidecars={"proxy": {"image": "x/p:1"}})))
    others = pod["initContainers"]
    assert [(c["name"], c.get("restartPolicy")) for c in others] == [
        ("proxy", "Always"),
        ("early", None),
        ("migrate", None),
    ]
    assert others[2]["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "3"}]
    assert others[0]["resources"] == {
        "requests": {"cpu": "50m", "memory": "200Mi", "ephemeral-storage": "32Mi"},
        "limits": {"memory": "400Mi", "ephemeral-storage": "128Mi"},
    }
    mounts = [{"name": "data-data", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/tmp"}]
    assert [c["volumeMounts"] for c in [*others, *pod["containers"]]] == [mounts] * 4
    restricted = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert [c["securityContext"] for c in others] == [restricted] * 3


def test_no_pod_gets_a_service_account_token_or_the_addresses_of_its_neighbours() -> None:
    for written in ({}, {"schedule": "0 3 * * *"}, {"static": "x"}, {"user": 0, "writableRoot": True}):
        pod = _pod(**written)
        assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)


# Containers


def test_env_has_secrets_first_then_plain_values_then_those_that_refer_to_others() -> None:
    env = _container(
        env={
            "URL": "postgres://$(USER):$(PASSWORD)@db",
            "USER": "me",
            "PASSWORD": {"secret": "db-password"},
            "API_KEY": {"secret": "api-key"},
            "A": "x",
        }
    )["env"]
    assert env == [
        {"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": "web", "key": "api-key"}}},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "web", "key": "db-password"}}},
        {"name": "A", "value": "x"},
        {"name": "USER", "value": "me"},
        {"name": "URL", "value": "postgres://$(USER):$(PASSWORD)@db"},
    ]


def test_the_apps_secrets_are_those_of_all_its_containers_each_once() -> None:
    made = app(
        env={"A": {"secret": "one"}, "B": {"secret": "two"}, "C": "plain"},
        init={"i": {"image": "x/i:1", "env": {"A": {"secret": "three"}}}},
        sidecars={"s": {"image": "x/s:1", "env": {"A": {"secret": "one"}}}},
    )
    assert containers.secrets_of(made) == ("one", "three", "two")
    assert containers.secrets_of(app()) == ()


def test_a_health_path_gives_three_probes_and_the_start_its_time() -> None:
    found = containers.probes(app(health={"http": "/up", "start": "62s"}))
    get = {"httpGet": {"path": "/up", "port": 8000, "scheme": "HTTP"}}
    assert found == {
        "startupProbe": {**get, "periodSeconds": 5, "timeoutSeconds": 3, "failureThreshold": 13},
        "readinessProbe": {**get, "periodSeconds": 10, "timeoutSeconds": 3, "failureThreshold": 3},
        "livenessProbe": {**get, "periodSeconds": 20, "timeoutSeconds": 5, "failureThreshold": 6},
    }
    assert_valid(apps.deployment(_unit(health="/up")))


def test_health_can_be_a_connection_or_a_command_on_any_port() -> None:
    several = {"ports": {"http": 80, "admin": 9000}}
    assert containers.probes(app(health={"tcp": True, "port": "admin"}, **several))["livenessProbe"]["tcpSocket"] == {
        "port": 9000
    }
    assert containers.probes(app(health={"exec": ["pg_isready"]}))["livenessProbe"]["exec"] == {
        "command": ["pg_isready"]
    }
    assert containers.probes(app(ports={"b": 2, "a": 1}))["readinessProbe"]["tcpSocket"] == {"port": 1}


def test_a_health_check_may_ask_with_a_query_and_at_a_port_that_nobody_else_uses() -> None:
    found = containers.probes(app(health={"http": "/up?deep=1&all", "port": 9090}))
    assert found["readinessProbe"]["httpGet"] == {"path": "/up?deep=1&all", "port": 9090, "scheme": "HTTP"}
    internal = _unit(port=None, health={"tcp": True, "port": 9090})
    assert containers.probes(internal.app)["livenessProbe"]["tcpSocket"] == {"port": 9090}
    # The node asks, which no wall keeps out, and nobody else may.
    assert apps.service(internal) is None
    assert apps.wall(internal) == apps.wall(_unit(port=None))


def test_an_app_that_speaks_https_is_asked_in_https() -> None:
    found = containers.probes(app(health="/up", routes=[{"path": "/", "protocol": "https"}]))
    assert found["readinessProbe"]["httpGet"]["scheme"] == "HTTPS"


def test_a_worker_without_ports_has_no_probes_unless_it_has_a_command_for_them() -> None:
    assert containers.probes(app(port=None)) == {}
    assert set(containers.probes(app(port=None, health={"exec": ["true"]}))) == {
        "startupProbe",
        "readinessProbe",
        "livenessProbe",
    }


def test_a_static_site_can_have_a_health_path() -> None:
    assert containers.probes(app(static="x", health="/index.html"))["readinessProbe"]["httpGet"]["port"] == 8080


def test_requests_and_limits_are_as_written() -> None:
    found = _container(requests={"cpu": "250m", "memory": "1Gi"}, limits={"memory": "2Gi", "cpu": "1"})["resources"]
    assert found == {
        "requests": {"cpu": "250m", "memory": "1Gi", "ephemeral-storage": "32Mi"},
        "limits": {"memory": "2Gi", "cpu": "1", "ephemeral-storage": "640Mi"},
    }


def test_a_container_may_use_as_much_of_the_nodes_disk_as_its_pod_has_scratch_space() -> None:
    def limit(**more: Any) -> str:
        found: str = _container(**more)["resources"]["limits"]["ephemeral-storage"]
        return found

    volumes = {
        "work": {"mount": "/work", "size": "5Gi", "scratch": True},
        "data": {"mount": "/data", "size": "9Gi"},
        "old": {"mount": "/old", "claim": "old"},
    }
    assert limit() == "640Mi"  # its log, and /tmp
    assert limit(volumes=volumes) == "5760Mi"
    assert limit(volumes={"tmp": {"mount": "/tmp", "size": "1Gi", "scratch": True}}) == "1152Mi"
    assert limit(writableRoot=True) == "2176Mi"


def test_a_command_before_the_end_where_nobody_takes_over() -> None:
    stop = {"preStop": {"exec": ["redis-cli", "save"]}}
    data = {"volumes": {"data": {"mount": "/data", "size": "1Gi"}}}
    for written in ({"port": None}, data, {"schedule": "@daily"}, {"once": "1m", "port": None}):
        pod = _template(_unit(**written, **stop))["spec"]
        assert pod["containers"][0]["lifecycle"] == {"preStop": {"exec": {"command": ["redis-cli", "save"]}}}
        assert pod["terminationGracePeriodSeconds"] == 30


def _template(unit: Unit) -> dict[str, Any]:
    made = apps.pod_template(unit)
    assert_valid({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": made["spec"]})
    return made


def test_an_app_that_makes_room_says_so_and_all_others_say_nothing() -> None:
    assert _template(_unit(priority="low"))["spec"]["priorityClassName"] == "warren-low"
    assert "priorityClassName" not in _template(_unit())["spec"]
