"""A whole run against stand-ins: what it prints, how it ends, what it sends and to whom."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from manifests import images
from smoke import run
from smoke.edge import TOKEN
from tests import REFERENCE
from tests.smoke import standin
from tests.smoke.conftest import World


def test_a_platform_that_is_well_has_no_failure_and_leaves_with_0(world: World) -> None:
    begun = time.monotonic()
    code = world.run()
    lines = world.output().splitlines()
    assert [line for line in lines if line.startswith("FAIL")] == []
    assert code == 0
    assert re.fullmatch(r"\d+ ok, 0 warnings, 0 failed, 7 not checked, in \d+\.\d s", lines[-1]), lines[-1]
    assert time.monotonic() - begun < 60


def test_each_row_of_the_route_table_has_a_line(world: World) -> None:
    world.run()
    told = world.output()
    for expected in (
        "ok    routes        https://mcd.example.com/ asks for sign-in",
        "ok    routes        https://mcd.example.com/hello asks for sign-in",
        "ok    routes        https://mcd.example.com/hello/api answers 401 without sign-in",
        "ok    routes        https://mcd.example.com/hello/open answers 200",
        "ok    routes        https://mcd.example.com/hello/metrics is denied to everybody",
        "ok    routes        https://shop.example.com/ answers 200",
        "ok    routes        https://shop.example.com/staff asks for its password",
        "ok    routes        https://shop.example.com/lan answers 403 here: only 192.0.2.0/24 may come in",
    ):
        assert f"{expected}\n" in told, told


def test_json_has_every_check_with_its_status_reason_and_fix(world: World) -> None:
    world.platform.broken.add("open")
    code = world.run("--json")
    document = json.loads(world.output())
    assert code == 1
    assert document["ok"] is False
    assert document["seconds"] < 60
    assert {tuple(each) for each in document["checks"]} == {("group", "name", "status", "reason", "fix")}
    assert {each["group"] for each in document["checks"]} == {
        *("routes", "sign-in", "headers", "cookies", "certificates", "clocks"),
        *("nodes", "pods", "walls", "versions", "cloudflare"),
    }
    open_row = next(each for each in document["checks"] if each["name"] == "https://mcd.example.com/hello")
    assert open_row["status"] == "fail"
    assert open_row["reason"].startswith("answered 200 without sign-in")
    assert "pulumi up --refresh --stack home" in open_row["fix"]


NO_CLUSTER = ("--kubectl", "")
"""Faster, for tests that look at what is seen from outside."""

BROKEN = {
    "open": ("routes", "https://mcd.example.com/hello/api"),
    "closed": ("routes", "https://shop.example.com/"),
    "denied": ("routes", "https://mcd.example.com/hello/metrics"),
    "password": ("routes", "https://shop.example.com/staff"),
    "no-route": ("routes", "https://mcd.example.com/hello"),
    "down https://mcd.example.com/hello": ("routes", "https://mcd.example.com/hello"),
    "issuer": ("sign-in", "https://mcd.example.com/dex"),
    "pkce": ("sign-in", "https://mcd.example.com/oauth2/start"),
    "cookie": ("sign-in", "https://mcd.example.com/oauth2/start"),
    "lured": ("sign-in", "https://mcd.example.com/oauth2/"),
    "told": ("headers", "https://shop.example.com identity headers"),
    "believes-headers": ("headers", "https://team.example.com identity headers"),
    "believes-cookies": ("cookies", "https://mcd.example.com/"),
}
"""A way to break the platform -> the check that has to notice."""


@pytest.mark.parametrize("way", BROKEN)
def test_what_is_broken_on_purpose_fails_with_a_fix(world: World, way: str) -> None:
    name = BROKEN[way]
    world.platform.broken.add(way)
    _, checks = world.checked(*NO_CLUSTER)
    found = checks[name]
    assert found["status"] == "fail", found
    assert found["reason"]
    assert found["fix"]


def test_a_controller_that_reads_other_spellings_of_a_header_fails(world: World) -> None:
    world.platform.broken |= {"alias"}
    code, checks = world.checked(*NO_CLUSTER)
    failed = [each for (group, _), each in checks.items() if group == "headers" and each["status"] == "fail"]
    assert code == 1
    assert all("aliasheadersstrategy=reject" in each["fix"] or "remove them" in each["fix"] for each in failed)
    assert len(failed) == 3


def test_somebody_who_answers_for_any_host_fails(world: World) -> None:
    world.platform.broken.add("any-host")
    code, checks = world.checked(*NO_CLUSTER)
    failed = [name for (group, name), each in checks.items() if group == "routes" and each["status"] == "fail"]
    assert code == 1
    assert len(failed) == 1
    assert failed[0].startswith("https://nobody-")


def test_every_failure_has_a_fix_when_nothing_listens(world: World, tmp_path: Path) -> None:
    (tmp_path / "cluster" / "cluster.json").unlink(missing_ok=True)
    code, checks = world.checked("--url", "http://127.0.0.1:9", "--kubectl", str(tmp_path / "no-kubectl"))
    failed = [each for each in checks.values() if each["status"] == "fail"]
    assert code == 1
    assert len(failed) > 10
    assert [each for each in failed if not (each["fix"] and each["reason"])] == []


def test_a_cluster_that_cannot_be_reached_fails_and_the_checks_from_outside_still_run(world: World) -> None:
    world.cluster.kubectl.write_text(
        "#!/bin/sh\necho 'Unable to connect to the server: no route to host' >&2; exit 1\n"
    )
    code, checks = world.checked()
    assert code == 1
    failed = {name for name, each in checks.items() if each["status"] == "fail"}
    assert failed == {(group, "of the cluster") for group in ("nodes", "pods", "walls", "versions")}
    assert checks["walls", "of the cluster"]["reason"].endswith("Unable to connect to the server: no route to host")
    assert "--context home" in checks["walls", "of the cluster"]["fix"]
    assert checks["routes", "https://mcd.example.com/"]["status"] == "ok"


def test_without_kubectl_one_clear_line_says_so(world: World) -> None:
    code, checks = world.checked(*NO_CLUSTER)
    assert code == 1
    assert "kubectl" in checks["pods", "of the cluster"]["reason"]
    assert "--kubectl PATH" in checks["pods", "of the cluster"]["fix"]


def test_only_get_requests_are_sent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, standin.TOKEN)
    world.run()
    methods = {method for method, *_ in [*world.platform.asked, *world.cloudflare.asked]}
    assert methods == {"GET"}


def test_no_request_is_sent_through_a_proxy_of_the_environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    assert world.run() == 0


def test_the_controller_is_told_what_cloudflared_would_tell_it(world: World) -> None:
    world.run(*NO_CLUSTER)
    assert world.platform.asked
    for _, _, _, headers in world.platform.asked:
        assert headers["X-Forwarded-Proto"] == "https"
        assert headers["CF-Connecting-IP"] == headers["X-Forwarded-For"] == "203.0.113.7"
        assert "Authorization" not in headers


def test_cookies_are_made_up_and_bear_the_names_of_every_workspace(world: World) -> None:
    world.run(*NO_CLUSTER)
    sent = {headers["Cookie"] for *_, headers in world.platform.asked if "Cookie" in headers}
    assert len(sent) == 1
    assert [part.split("=")[0] for part in sent.pop().split("; ")] == ["__Host-mcd", "__Host-team"]


def test_without_a_token_one_line_says_how_to_give_one(world: World) -> None:
    _, checks = world.checked(*NO_CLUSTER)
    found = checks["cloudflare", "DNS records and tunnel"]
    assert found["status"] == "skip"
    assert TOKEN in found["fix"]
    assert world.cloudflare.asked == []


def test_plain_http_says_that_certificates_were_not_checked(world: World) -> None:
    _, checks = world.checked(*NO_CLUSTER)
    found = checks["certificates", "of all hosts"]
    assert found["status"] == "skip"
    assert "http" in found["reason"]


@pytest.mark.parametrize("stack", ["home", "me/warren/home"])
def test_with_a_token_the_tunnel_and_each_host_have_a_line(
    stack: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, standin.TOKEN)
    code, checks = world.checked("--stack", stack)
    assert code == 0
    told = {name: each["reason"] for (group, name), each in checks.items() if group == "cloudflare"}
    assert told == {
        "tunnel warren-home": "is healthy (connectors: 2, connections: 4)",
        "DNS mcd.example.com": "is one proxied CNAME into the tunnel",
        "DNS shop.example.com": "is one proxied CNAME into the tunnel",
        "DNS team.example.com": "is one proxied CNAME into the tunnel",
    }


@pytest.mark.parametrize("status", [200, 302, 401, 403, 500])
def test_the_token_goes_to_cloudflare_alone_and_is_in_no_output(
    world: World, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv(TOKEN, standin.TOKEN)
    world.cloudflare.status = status
    code = world.run()
    assert code == (0 if status == 200 else 1)
    assert standin.TOKEN not in world.output()
    assert {auth for *_, auth in world.cloudflare.asked} == {f"Bearer {standin.TOKEN}"}
    assert standin.TOKEN not in repr(world.platform.asked)
    assert standin.TOKEN not in repr(world.cluster.calls())
    assert "CLOUDFLARE" not in repr(world.cluster.calls()), "not even kubectl's environment has it"


@pytest.mark.parametrize("token", ["short", f"{standin.TOKEN}\nX-Other: 1", "a token with spaces in it, and more"])
def test_what_is_no_token_is_neither_sent_nor_shown(world: World, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv(TOKEN, token)
    assert world.run() == 1
    told = world.output()
    assert f"{TOKEN} is not a token" in told
    assert token not in told
    assert world.cloudflare.asked == []


def test_kubectl_is_only_started_to_look(world: World) -> None:
    world.run("--kubeconfig", "/somewhere/config", "--context", "other")
    calls = world.cluster.calls()
    assert {call[0] for call in calls} == {"get", "version"}
    assert all("--kubeconfig=/somewhere/config" in call and "--context=other" in call for call in calls)


def test_the_context_of_the_stack_file_is_used_unless_another_one_is_named(world: World) -> None:
    world.run()
    assert all("--context=home" in call for call in world.cluster.calls())
    assert not any(arg.startswith("--kubeconfig") for call in world.cluster.calls() for arg in call)


def test_a_kubeconfig_of_the_stack_file_is_looked_for_where_that_file_is(world: World) -> None:
    file = world.root / "Pulumi.home.yaml"
    file.write_text(file.read_text("utf-8").replace("/nowhere/kubeconfig", "kubeconfig"), "utf-8")
    (world.root / "kubeconfig").write_text("{}", "utf-8")
    world.run()
    assert all(f"--kubeconfig={world.root / 'kubeconfig'}" in call for call in world.cluster.calls())


def test_mistakes_in_the_files_are_told_as_the_program_tells_them(world: World) -> None:
    file = world.root / "workspaces" / "shop.yaml"
    file.write_text(file.read_text("utf-8").replace("port: 8000", "port: 80800"), "utf-8")
    assert world.run() == 2
    assert world.output() == (
        "1 mistake, nothing was changed:\n  workspaces/shop.yaml:8: apps.web.port: 80800 is not a port (1-65535)\n"
    )
    assert world.platform.asked == []


def test_a_repair_names_the_file_that_the_stack_reads(world: World) -> None:
    own = world.root / "workspaces.home" / "shop.yaml"
    own.parent.mkdir()
    own.write_text(standin.SHOP.replace("port: 8000", "port: 8000\n    replicas: 0"), "utf-8")
    _, checks = world.checked(*NO_CLUSTER)
    assert checks["routes", "https://shop.example.com/"]["fix"] == "give it one in workspaces.home/shop.yaml"


def test_a_stack_without_a_file_is_a_mistake(world: World) -> None:
    assert world.run("--stack", "nowhere") == 2
    assert "Pulumi.nowhere.yaml" in world.output()


@pytest.mark.parametrize(
    "wrong", ["example.com", "ftp://example.com", "http://example.com/path", "http://user:pw@example.com", "http://:80"]
)
def test_an_address_that_is_none_is_refused(world: World, wrong: str) -> None:
    with pytest.raises(SystemExit) as left:
        world.run("--url", wrong)
    assert left.value.code == 2
    assert world.platform.asked == []


def test_a_sandbox_is_not_checked_and_no_other_stack_in_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.run(["--root", str(REFERENCE), "--stack", "sandbox"]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "run: make smoke STACK=home" in said.err
    for typed in ([], ["STACK=sandbox"], ["STACK=cabin"]):
        told = subprocess.run(
            ["make", "smoke", "RUN=echo", "PYTHON=echo", *typed],
            cwd=run.ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert f"-m smoke --root {run.ROOT} --stack {(typed or ['=sandbox'])[0].partition('=')[2]}\n" in told


NODE = ("nodes", "pi-2")
WRONG_NODES: dict[str, tuple[Callable[[standin.Cluster], Any], tuple[str, str], str, str]] = {
    "gone": (lambda cluster: cluster.nodes.remove(cluster.node("pi-2")), NODE, "fail", "is not in the cluster"),
    "not ready": (
        lambda cluster: cluster.node("pi-2")["status"]["conditions"][1].update(status="Unknown"),
        NODE,
        "fail",
        "is not ready",
    ),
    "another address": (
        lambda cluster: cluster.node("pi-2")["status"]["addresses"][0].update(address="10.0.0.99"),
        NODE,
        "fail",
        "has 10.0.0.99, not 10.0.0.51 as in the stack file",
    ),
    "a newer agent": (
        lambda cluster: cluster.node("pi-2")["status"]["nodeInfo"].update(kubeletVersion="v1.35.3+k3s1"),
        NODE,
        "fail",
        "newer than the API server",
    ),
    "an older agent": (
        lambda cluster: cluster.node("pi-2")["status"]["nodeInfo"].update(kubeletVersion="v1.34.9+k3s1"),
        NODE,
        "warn",
        "runs v1.34.9+k3s1, and the API server v1.35.2+k3s1",
    ),
    "one that nobody wrote down": (
        lambda cluster: cluster.nodes.append({**cluster.node("pi-2"), "metadata": {"name": "pi-9"}}),
        ("nodes", "pi-9"),
        "warn",
        "is not in the stack file",
    ),
    "a clock that is ahead": (
        lambda cluster: cluster.node("pi-2", "Lease")["spec"].update(renewTime=noted(+300)),
        ("clocks", "pi-2"),
        "fail",
        "s ahead of the time",
    ),
    "a clock that is behind": (
        lambda cluster: cluster.node("pi-2", "Lease")["spec"].update(renewTime=noted(-7200)),
        ("clocks", "pi-2"),
        "fail",
        "s behind the time",
    ),
    "an image for other machines": (
        lambda cluster: cluster.find("team", "Pod", "web-6f7d-x2x")["status"]["containerStatuses"][0].update(
            state={"waiting": {"reason": "ImagePullBackOff", "message": "no match for platform in manifest: not found"}}
        ),
        ("nodes", "images for arm64"),
        "fail",
        "no build for arm64: ghcr.io/example/app:1.2.3",
    ),
    "an image that only ran elsewhere": (
        lambda cluster: cluster.node("pi-2")["status"]["nodeInfo"].update(architecture="amd64"),
        ("nodes", "images for arm64"),
        "warn",
        "nothing has run on arm64 yet of: ",
    ),
}


def noted(seconds: float) -> str:
    return datetime.fromtimestamp(time.time() + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@pytest.mark.parametrize("what", WRONG_NODES)
def test_what_is_wrong_with_a_node_is_said_with_its_fix(world: World, what: str) -> None:
    breaking, key, status, reason = WRONG_NODES[what]
    breaking(world.cluster)
    code, checks = world.checked()
    assert (checks[key]["status"], reason in checks[key]["reason"]) == (status, True), checks[key]
    assert checks[key]["fix"]
    assert code == (1 if status == "fail" else 0)


def test_where_no_node_is_arm64_nothing_is_said_of_it(world: World) -> None:
    for name in ("pi-1", "pi-2"):
        world.cluster.node(name)["status"]["nodeInfo"]["architecture"] = "amd64"
    code, checks = world.checked()
    assert code == 0
    assert ("nodes", "images for arm64") not in checks


def test_nodes_that_may_not_be_read_fail_and_the_rest_is_checked(world: World) -> None:
    program = world.cluster.kubectl.with_suffix(".py")
    wrong = 'found = sys.exit("nodes is forbidden")'
    program.write_text(program.read_text("utf-8").replace('found = answers["nodes"]', wrong), "utf-8")
    code, checks = world.checked()
    assert code == 1
    assert checks["nodes", "of the cluster"]["reason"].endswith("nodes is forbidden")
    assert {key for key, each in checks.items() if each["status"] == "fail"} == {("nodes", "of the cluster")}


def test_past_the_edge_it_says_what_only_the_edge_could_show(world: World) -> None:
    _, checks = world.checked()
    for key in (("routes", "http:// of all hosts"), ("clocks", "this machine")):
        assert (checks[key]["status"], bool(checks[key]["fix"])) == ("skip", True)


def test_a_pod_that_cannot_pull_its_image_is_named_with_the_command_that_says_more(world: World) -> None:
    world.cluster.find("team", "Deployment", "web")["status"] = {}
    world.cluster.stick("team", "web-6f7d-x2x", "ImagePullBackOff")
    code, checks = world.checked()
    assert code == 1
    assert checks["pods", "team/web"] == {
        "group": "pods",
        "name": "team/web",
        "status": "fail",
        "reason": "0 of 1 available; web waits in ImagePullBackOff",
        "fix": "kubectl -n team describe pod web-6f7d-x2x",
    }


def test_an_old_traefik_fails_with_its_advisories(world: World) -> None:
    pod = world.cluster.find("warren-ingress", "Pod", "ingress-controller-6f7d-x2x")
    pod["spec"]["containers"][0]["image"] = images.TRAEFIK.replace("3.7.13", "3.7.12")
    code, checks = world.checked()
    assert code == 1
    assert "CVE-2026-88877" in checks["versions", "traefik"]["reason"]
    assert checks["versions", "traefik"]["fix"].startswith("pulumi up --stack home")
