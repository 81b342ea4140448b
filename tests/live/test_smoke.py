"""What users run against their platform (`python -m smoke`), run against this one: well, and broken on purpose."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from smoke.run import run
from tests.live.conftest import STACK, Live
from tests.live.test_faults import down, out_of_endpoints
from tests.live.visitor import PORT
from tests.real.control_plane import CONTEXT, wait
from tests.real.programs import program

NOT_RUN_HERE = {("pods", "warren-tunnel/cloudflared")}
"""What smoke has to miss in this cluster, because it is not there."""

SKIPPED = {"routes", "certificates", "clocks", "cloudflare"}
"""Of these groups a part needs Cloudflare: the way by http, hosts' certificates, its clock, its API."""

Results = dict[tuple[str, str], dict[str, str]]


@pytest.fixture
def smoke(live: Live, capsys: pytest.CaptureFixture[str]) -> Callable[[], Results]:
    """Run it, and return group and name to what it said."""

    def call() -> Results:
        code = run([*arguments(live), "--json"])
        said: dict[str, Any] = json.loads(capsys.readouterr().out)
        found = {(each["group"], each["name"]): each for each in said["checks"]}
        assert (code == 0) is said["ok"] is all(each["status"] != "fail" for each in found.values())
        return found

    return call


def arguments(live: Live) -> list[str]:
    address = live.node.of("warren-ingress/ingress-controller")[0].address
    live.node.beat()
    return [
        *("--root", str(live.rendered.project.root), "--stack", STACK),
        *("--kubeconfig", str(live.plane.kubeconfig), "--context", CONTEXT),
        *("--url", f"http://{address}:{PORT}"),
        *("--kubectl", str(program("kubernetes", "kubectl"))),
    ]


def failures(found: Results) -> set[tuple[str, str]]:
    return {key for key, each in found.items() if each["status"] == "fail"} - NOT_RUN_HERE


def test_a_platform_that_is_well_passes_every_check(smoke: Callable[[], Results]) -> None:
    found = smoke()
    assert {key: each["reason"] for key, each in found.items() if key in failures(found)} == {}
    assert set(found) >= NOT_RUN_HERE
    for group in (
        "routes",
        "sign-in",
        "headers",
        "cookies",
        "certificates",
        "clocks",
        "nodes",
        "pods",
        "walls",
        "versions",
    ):
        assert [key for key, each in found.items() if key[0] == group and each["status"] == "ok"], group
    # What cannot be asked here is said, not left out.
    assert {key[0] for key, each in found.items() if each["status"] == "skip"} == SKIPPED
    assert re.fullmatch(r"has a certificate for 36\d more days", found["certificates", "API server"]["reason"])
    assert found["clocks", "API server"]["reason"] == "agrees with this machine's"


def test_it_says_so_in_a_line_a_check_and_is_done_within_a_minute(
    live: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments(live)) == 1  # cloudflared
    lines = capsys.readouterr().out.splitlines()
    [failed] = [line for line in lines if line.startswith("FAIL")]
    assert "warren-tunnel/cloudflared" in failed
    assert "; fix: " in failed
    assert float(lines[-1].rpartition(" in ")[2].removesuffix(" s")) < 60


def test_it_changes_nothing(live: Live, smoke: Callable[[], Results]) -> None:
    def everything() -> dict[str, str]:
        return {
            each["metadata"]["uid"]: each["metadata"]["resourceVersion"]
            for version, kind in KINDS
            for each in live.node.api.get(version, kind)
        }

    before = everything()
    smoke()
    assert everything() == before


KINDS = [
    ("v1", "Namespace"),
    ("v1", "Secret"),
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("v1", "Pod"),
    ("apps/v1", "Deployment"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("networking.k8s.io/v1", "Ingress"),
]


@contextmanager
def without(live: Live, version: str, kind: str, namespace: str, name: str) -> Iterator[None]:
    """An object is gone for a while."""
    api = live.node.api
    [manifest] = [
        each
        for each in live.rendered.of(kind)
        if (each["metadata"].get("namespace", ""), each["metadata"]["name"]) == (namespace, name)
    ]
    answer = api.request("DELETE", api.path(version, kind, namespace or None, name))
    assert answer.ok, answer.message
    try:
        yield
    finally:
        assert api.apply(manifest).ok


@contextmanager
def changed(live: Live, version: str, kind: str, name: tuple[str, str], change: dict[str, Any]) -> Iterator[None]:
    """An object says something else for a while."""
    api = live.node.api
    path = api.path(version, kind, name[0] or None, name[1])
    before = api.request("GET", path).body
    assert api.merge(path, change).ok
    try:
        yield
    finally:
        now = api.request("GET", path).body
        restored = {**before, "metadata": {**before["metadata"], "resourceVersion": now["metadata"]["resourceVersion"]}}
        answer = api.request("PUT", path, restored)
        assert answer.ok, answer.message


def opened(live: Live) -> AbstractContextManager[None]:
    """Somebody takes the sign-in off team's front page."""
    [ingress] = [
        each
        for each in live.rendered.of("Ingress")
        if each["metadata"]["namespace"] == "team"
        and each["spec"]["rules"][0]["http"]["paths"][0]["path"] == "/"
        and each["spec"]["rules"][0]["host"] == "team.example.com"
    ]
    notes = {key: None for key in ingress["metadata"]["annotations"] if "/auth-" in key}
    return changed(
        live,
        "networking.k8s.io/v1",
        "Ingress",
        ("team", ingress["metadata"]["name"]),
        {"metadata": {"annotations": notes}},
    )


@contextmanager
def node_says(live: Live, name: str, change: dict[str, Any]) -> Iterator[None]:
    """A node's kubelet says something else for a while."""
    path = f"{live.node.api.path('v1', 'Node', None, name)}/status"
    before = live.node.api.request("GET", path).body["status"]
    assert live.node.api.merge(path, {"status": change}).ok
    try:
        yield
    finally:
        assert live.node.api.merge(path, {"status": {key: before[key] for key in change}}).ok


BROKEN: dict[str, tuple[Callable[[Live], AbstractContextManager[None]], set[tuple[str, str]]]] = {
    "sign-in is taken off a page": (opened, {("routes", "https://team.example.com/")}),
    "OAuth2-Proxy is down": (
        lambda live: down(live, "team/oauth2-proxy"),
        # A program is asked for its password at /api, which is not the proxy's business.
        {("routes", "https://team.example.com/")},
    ),
    "an app has no endpoints": (
        lambda live: out_of_endpoints(live, "legacy/old"),
        {("routes", "https://legacy.example.com/")},
    ),
    "a node is away": (
        lambda live: node_says(live, "pi-2", {"conditions": [{"type": "Ready", "status": "Unknown"}]}),
        {("nodes", "pi-2")},
    ),
    "an agent is newer than its server": (
        lambda live: node_says(live, "pi-2", {"nodeInfo": {"kubeletVersion": "v1.37.0+k3s1"}}),
        {("nodes", "pi-2")},
    ),
    "a node has an address that the walls do not know": (
        lambda live: node_says(live, "pi-2", {"addresses": [{"type": "InternalIP", "address": "10.0.0.99"}]}),
        {("nodes", "pi-2")},
    ),
    "a wall is gone": (
        lambda live: without(live, "networking.k8s.io/v1", "NetworkPolicy", "team", "warren.deny-all"),
        {("walls", "NetworkPolicies of team")},
    ),
    "a wall is wide open": (
        lambda live: changed(
            live, "networking.k8s.io/v1", "NetworkPolicy", ("club", "wiki"), {"spec": {"ingress": [{}]}}
        ),
        {("walls", "NetworkPolicies of club")},
    ),
    "anybody may ask Dex": (
        lambda live: changed(
            live, "networking.k8s.io/v1", "NetworkPolicy", ("team", "dex"), {"spec": {"ingress": [{}]}}
        ),
        {("walls", "NetworkPolicies of team")},
    ),
    "cloudflared may go anywhere": (
        lambda live: changed(
            live, "networking.k8s.io/v1", "NetworkPolicy", ("warren-tunnel", "cloudflared"), {"spec": {"egress": [{}]}}
        ),
        {("walls", "NetworkPolicies of warren-tunnel")},
    ),
    "pods of a namespace may do anything": (
        lambda live: changed(
            live,
            "v1",
            "Namespace",
            ("", "suite"),
            {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}},
        ),
        {("walls", "namespace suite")},
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_said_with_its_fix(live: Live, smoke: Callable[[], Results], what: str) -> None:
    breaking, expected = BROKEN[what]
    with breaking(live):
        found = wait("smoke notices", lambda: seen if expected <= failures(seen := smoke()) else None)
        assert all(found[key]["fix"] for key in failures(found))
        assert all(found[key]["reason"] for key in failures(found))
    wait("all is well again", lambda: not failures(smoke()))
