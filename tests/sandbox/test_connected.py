"""The connected stand-in of the tests on real nodes: its locks, and what it does without a cluster."""

from __future__ import annotations

import json
import re
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from sandbox.server import Refusal
from sandbox.wire import UNKNOWN, Secret, decode, encode
from tests.node.machine import FOLDER
from tests.node.provider import install, state, waiting
from tests.node.provider.locks import unlock
from tests.node.provider.provider import Connected
from tests.node.provider.server import Requests, managed_by
from tests.sandbox.test_kubernetes_provider import Aborted, Context, urn

DEPLOYMENT = "apps/v1:Deployment"
NO_WAY_OUT = (
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
    "home\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
)
NO_WAY_OUT_6 = f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 00000000 00200200 lo\n"
DEFAULT = "eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
DEFAULT_6 = f"{'0' * 32} 00 {'0' * 32} 00 fe80{'0' * 27}1 00000400 00000001 00000000 00000003 eth0\n"


class Run:
    """The folder of a run with the kubeconfig of its cluster, and its network."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "warren-node-1-program"
        self.folder.mkdir()
        self.environment = {FOLDER: str(self.folder)}
        self.certificate = self.folder / "apiserver.crt"
        self.certificate.write_text("a certificate")
        self.kubeconfig = self.folder / "kubeconfig"
        self.routes = (root / "route", root / "ipv6_route")
        self.routes[0].write_text(NO_WAY_OUT)
        self.routes[1].write_text(NO_WAY_OUT_6)
        self.write()

    def write(self, file: Path | None = None, /, **cluster: Any) -> None:
        known = {"server": "https://10.0.0.50:6443", "certificate-authority": str(self.certificate), **cluster}
        config = {
            "clusters": [{"name": "tests", "cluster": known}],
            "users": [{"name": "admin", "user": {"token": "a token"}}],
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "admin"}}],
        }
        (file or self.kubeconfig).write_text(json.dumps(config))

    def unlock(self, kubeconfig: Path | None = None, context: object = "tests") -> Any:
        return unlock(str(kubeconfig or self.kubeconfig), context, self.environment, self.routes)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_the_cluster_of_a_run_is_served(run: Run) -> None:
    server = run.unlock()
    assert (server.host, server.port, server.token, server.certificate) == (
        *("10.0.0.50", 6443, "a token"),
        run.certificate,
    )


def test_nothing_is_served_outside_a_run(run: Run) -> None:
    for environment in ({}, {FOLDER: ""}, {FOLDER: "/"}, {FOLDER: str(run.folder.parent)}, {FOLDER: run.folder.name}):
        run.environment = environment
        with pytest.raises(Refusal, match=r"not the official plugin.*does not name the folder of a run"):
            run.unlock()


def test_no_kubeconfig_from_elsewhere_is_served(run: Run, tmp_path: Path) -> None:
    elsewhere = tmp_path / "config"
    run.write(elsewhere)
    link = run.folder / "link"
    link.symlink_to(elsewhere)
    for path in (elsewhere, link, run.folder / ".." / "config", run.folder / "none"):
        with pytest.raises(Refusal, match="is not a file in the run's folder"):
            run.unlock(path)


def test_no_certificate_from_elsewhere_is_trusted(run: Run, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("somebody's certificate")
    for path in (tmp_path / "ca.crt", Path("apiserver.crt"), Path("/etc/ssl/certs/ca-certificates.crt")):
        run.write(None, **{"certificate-authority": str(path)})
        with pytest.raises(Refusal, match="run's folder"):
            run.unlock()


@pytest.mark.parametrize(
    "cluster",
    [
        {"server": "http://10.0.0.50:6443"},
        {"server": "https://10.0.0.50"},
        {"insecure-skip-tls-verify": True},
        {"proxy-url": "http://10.0.0.1:3128"},
        {"tls-server-name": "kubernetes"},
        {"certificate-authority-data": "Zm9v"},
    ],
    ids=str,
)
def test_no_other_kubeconfig_is_understood(run: Run, cluster: dict[str, Any]) -> None:
    run.write(**cluster)
    with pytest.raises(Refusal, match="is not one that a run writes"):
        run.unlock()


def test_no_other_context_is_used(run: Run) -> None:
    for context in ("home", "", None, UNKNOWN):
        with pytest.raises(Refusal, match="not the official plugin"):
            run.unlock(context=context)


@pytest.mark.parametrize(("family", "line"), [(0, DEFAULT), (1, DEFAULT_6)], ids=["IPv4", "IPv6"])
def test_nothing_is_served_where_the_network_has_a_way_out(run: Run, family: int, line: str) -> None:
    with run.routes[family].open("a") as routes:
        routes.write(line)
    with pytest.raises(Refusal, match="has a way out"):
        run.unlock()


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> Connected:
    """A provider that must not send anything."""

    def send(*_: Any, **__: Any) -> None:
        raise AssertionError("it has sent something")

    monkeypatch.delenv(FOLDER, raising=False)
    monkeypatch.setattr(Requests, "ask", send)
    return Connected("4.32.0", "")


def test_the_provider_looks_at_the_locks_before_anything_else(never: Connected, run: Run) -> None:
    settings = {"kubeconfig": str(run.kubeconfig), "context": "tests"}
    answer = never.CheckConfig(provider_pb2.CheckRequest(news=encode(settings)), Context())
    [failure] = answer.failures
    assert "not the official plugin" in failure.reason
    with pytest.raises(Aborted, match=r"FAILED_PRECONDITION: .*not the official plugin"):
        never.Configure(provider_pb2.ConfigureRequest(args=encode(settings)), Context())


def test_it_says_what_it_is(never: Connected, tmp_path: Path) -> None:
    assert never.GetPluginInfo(None, Context()).version == "4.32.0+tests.connected-stand-in"
    assert "not the official plugin" in never.stands_in
    folder = tmp_path / "plugins" / "resource-kubernetes-v4.32.0"
    folder.mkdir(parents=True)
    install(tmp_path)
    launcher = (folder / "pulumi-resource-kubernetes").read_text()
    assert "Not the official plugin" in launcher
    assert sys.executable in launcher


@pytest.mark.parametrize(
    ("kind", "notes", "what"),
    [
        ("StatefulSet", {}, "has not learned to wait for a StatefulSet"),
        ("Ingress", {}, "has not learned to wait for a Ingress"),
        ("Ingress", {"pulumi.com/skipAwait": "true"}, None),
        ("Deployment", {}, None),
        ("ConfigMap", {"pulumi.com/waitFor": "jsonpath={.data}"}, "has not learned pulumi.com/waitFor"),
        ("Job", {"pulumi.com/skipAwait": "true", "pulumi.com/replaceUnready": "true"}, "pulumi.com/replaceUnready"),
    ],
)
def test_what_it_has_not_learned_is_refused_by_name(kind: str, notes: dict[str, str], what: str | None) -> None:
    manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "it", "annotations": notes}}
    if what is None:
        waiting.check(manifest)
        return
    with pytest.raises(Refusal, match=what):
        waiting.check(manifest)


def test_inputs_are_kept_as_the_api_server_has_them(never: Connected) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "it"}, "stringData": {"a": Secret("b")}}
    answer = never.Check(provider_pb2.CheckRequest(urn=urn("core/v1:Secret"), news=encode(secret)), Context())
    inputs = decode(answer.inputs)
    assert "stringData" not in inputs
    assert isinstance(inputs["data"], Secret)
    assert inputs["data"].value == {"a": "Yg=="}
    later = {**secret, "stringData": {"a": UNKNOWN}}
    answer = never.Check(provider_pb2.CheckRequest(urn=urn("core/v1:Secret"), news=encode(later)), Context())
    assert "stringData" in decode(answer.inputs)


def test_what_the_cluster_adds_is_no_change_and_what_it_changed_is_one(never: Connected) -> None:
    inputs = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "it", "namespace": "here", "labels": {"a": "b"}},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "it"}]}}},
    }
    live = {
        **inputs,
        "metadata": {**inputs["metadata"], "uid": "1", "labels": {"a": "b", "mine": "yes"}},  # type: ignore[dict-item]
        "spec": {
            **inputs["spec"],  # type: ignore[dict-item]
            "paused": False,
            "template": {"spec": {"containers": [{"name": "it", "tty": False}, {"name": "injected"}]}},
        },
    }
    assert state.pruned(live, inputs) == inputs

    def changes(live: dict[str, Any]) -> dict[str, Any]:
        outputs = state.outputs(inputs, live, inputs, "pulumi-kubernetes-1")
        request = provider_pb2.DiffRequest(urn=urn(DEPLOYMENT), olds=encode(outputs), news=encode(inputs))
        return dict(never.Diff(request, Context()).detailedDiff)

    assert changes(live) == {}
    live["spec"] = {**live["spec"], "replicas": 2}  # type: ignore[dict-item]
    assert changes(live).keys() == {"spec.replicas"}


def test_secrets_stay_secret_in_what_is_kept() -> None:
    given = {"spec": {"password": Secret("x"), "open": "y"}, "list": [{"a": Secret("x")}]}
    kept = state.secret_like({"spec": {"password": "x", "open": "y"}, "list": [{"a": "x"}]}, given)
    assert isinstance(kept["spec"]["password"], Secret)
    assert kept["spec"]["open"] == "y"
    assert isinstance(kept["list"], Secret)


def _entry(manager: str, how: str, *fields: str, **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": how, "fieldsV1": {f"f:{each}": {} for each in fields}, **more}


def test_an_update_takes_over_what_a_create_and_kubectl_own() -> None:
    own = "pulumi-kubernetes-12345678"
    others = [
        _entry("k3s", "Update", "k"),
        _entry("kubectl", "Update", "scale", subresource="scale"),
        _entry("kubectl-edit", "Apply", "other", subresource="status"),
    ]
    given = [_entry("pulumi-kubernetes", "Update", "made"), _entry("kubectl-edit", "Update", "edited")]
    merged = managed_by([*others, *given, _entry(own, "Apply", "mine")], own)
    assert merged == [*others, _entry(own, "Apply", "mine", "made", "edited")]
    first = managed_by([*others, *given], own)
    assert first == [*others, _entry(own, "Apply", "made", "edited")]
    assert managed_by([*others, _entry(own, "Apply", "mine")], own) is None


def _rolled_out() -> dict[str, list[dict[str, Any]]]:
    """A second roll-out that is over, by kind."""
    revision = {"annotations": {"deployment.kubernetes.io/revision": "2"}}
    here = {"namespace": "here", **revision}
    good = [
        {"type": "Available", "status": "True"},
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
    ]
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**here, "name": "it", "uid": "1", "generation": 3},
        "spec": {"replicas": 1, "template": {"spec": {"volumes": volumes}}},
        "status": {"observedGeneration": 3, "conditions": good},
    }
    pods = {"metadata": {**here, "name": "it-2", "uid": "2", "ownerReferences": [{"uid": "1"}]}}
    pulling = {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}
    pod = {
        "metadata": {"namespace": "here", "name": "it-2-a", "ownerReferences": [{"uid": "2"}]},
        "status": {
            "conditions": [{"type": "Ready", "status": "False", "message": "containers with unready status: [it]"}],
            "containerStatuses": [{"name": "it", "ready": False, "state": pulling}],
        },
    }
    return {
        "Deployment": [deployment],
        "ReplicaSet": [{**pods, "spec": {"replicas": 1}, "status": {"readyReplicas": 1}}],
        "PersistentVolumeClaim": [{"metadata": {"name": "data"}, "status": {"phase": "Bound"}}],
        "Pod": [pod],
    }


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("Deployment", {}, None),
        ("Deployment", {"status": {"observedGeneration": 2}}, "Minimum number of live Pods was not attained"),
        ("Deployment", {"status": {"observedGeneration": 3}}, "Minimum number of live Pods was not attained"),
        ("ReplicaSet", {"status": {}}, "minimum number of Pods did not become live"),
        ("ReplicaSet", {"status": {}}, r"\[Pod here/it-2-a\]: .*unready status: \[it\] \[ErrImagePull\] no such image"),
        ("ReplicaSet", {"metadata": {"name": "somebody's", "uid": "2"}}, "minimum number of Pods did not become live"),
        ("PersistentVolumeClaim", {"status": {"phase": "Pending"}}, "Failed to bind PersistentVolumeClaim.*: data"),
    ],
)
def test_a_roll_out_is_over_when_the_newest_pods_are_ready(kind: str, change: dict[str, Any], said: str | None) -> None:
    there = _rolled_out()
    [one] = there[kind]
    one |= change

    class Cluster(Requests):
        def __init__(self) -> None:
            pass

        def items(self, version: str, kind: str, namespace: str | None) -> list[dict[str, Any]]:
            return there[kind]

        def get(self, version: str, kind: str, namespace: str | None, name: str) -> dict[str, Any]:
            return there[kind][0]

    who = waiting.Waiting(Cluster(), threading.Event())
    [deployment] = there["Deployment"]
    if said is None:
        assert who.until_ready(deployment, 0.01) == deployment
        return
    with pytest.raises(waiting.NotReady, match="'it' timed out waiting to be Ready") as late:
        who.until_ready(deployment, 0.01)
    assert re.search(said, "\n".join(late.value.reasons))
