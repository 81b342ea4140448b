"""What answers mean: each judge by a table, without a network."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from config.routes import Route
from manifests import images
from manifests.ingress.controller import UNCACHED
from smoke import floors
from smoke.ask import Answer, NoAnswer, Pairs, Reply
from smoke.checks import certificates, routes, signin, strangers, tunnel, versions, walls, workloads
from smoke.checks.trouble import trouble
from smoke.cluster import Kubectl, Unreadable
from smoke.edge import Edge, Refused
from smoke.floors import Version
from smoke.plan import Address, Plan
from smoke.result import Result, exit_code, line, shown, summary
from smoke.visitor import Certificate
from tests.smoke import standin
from tests.smoke.standin import TUNNEL, stored

Manifest = dict[str, Any]


def row(plan: Plan, url: str) -> Route:
    return next(each for each in plan.platform.routes if each.url == f"https://{url}")


def answer(status: int, body: str = "", **headers: str) -> Answer:
    return Answer(status, tuple((key.replace("_", "-"), value) for key, value in headers.items()), body.encode())


PAGE, API, OPEN = "mcd.example.com/hello", "mcd.example.com/hello/api", "mcd.example.com/hello/open"
PASSWORD, LAN = "shop.example.com/staff", "shop.example.com/lan"
START = "https://mcd.example.com/oauth2/start?rd=https://mcd.example.com"
TRAEFIK_404 = "404 page not found\n"


@pytest.mark.parametrize(
    ("url", "reply", "status"),
    [
        (PAGE, answer(302, Location=f"{START}%2Fhello"), "ok"),
        (PAGE, answer(302, Location=f"{START}/hello"), "ok"),
        (PAGE, answer(302, Location=f"{START}%2Fother"), "fail"),
        (PAGE, answer(302, Location=f"{START}%2Fhello&x=1"), "fail"),
        (PAGE, answer(302, Location="http://mcd.example.com/oauth2/start?rd=https://mcd.example.com/hello"), "fail"),
        (PAGE, answer(302, Location="https://evil.example/oauth2/start?rd=https://mcd.example.com/hello"), "fail"),
        (PAGE, answer(302), "fail"),
        (PAGE, answer(401), "fail"),
        (PAGE, answer(403), "fail"),
        (PAGE, answer(200, "<html>"), "fail"),
        (PAGE, answer(404, TRAEFIK_404), "fail"),
        (PAGE, answer(503), "fail"),
        (PAGE, answer(429), "warn"),
        (PAGE, NoAnswer("timeout", "gave no answer in 10 s"), "fail"),
        (API, answer(401, "Unauthorized"), "ok"),
        (API, answer(401, Location=START), "fail"),
        (API, answer(302, Location=f"{START}/hello/api"), "fail"),
        (API, answer(200), "fail"),
        (OPEN, answer(200), "ok"),
        (OPEN, answer(204), "ok"),
        (OPEN, answer(405), "ok"),
        (OPEN, answer(301, Location="/hello/open/"), "ok"),
        (OPEN, answer(404, "no such page here"), "ok"),
        (OPEN, answer(404, TRAEFIK_404), "fail"),
        (OPEN, Answer(404, tuple(UNCACHED.items()), TRAEFIK_404.encode()), "ok"),
        (OPEN, answer(404), "fail"),
        (OPEN, answer(302, Location=f"{START}/hello/open"), "fail"),
        (OPEN, answer(401, "Unauthorized"), "fail"),
        (OPEN, answer(401, WWW_Authenticate="Bearer"), "warn"),
        (OPEN, answer(403, "Forbidden"), "fail"),
        (OPEN, answer(403, '{"error": "no token"}'), "warn"),
        (OPEN, answer(502), "fail"),
        (PASSWORD, answer(401, WWW_Authenticate='Basic realm="web"'), "ok"),
        (PASSWORD, answer(401), "fail"),
        (PASSWORD, answer(200), "fail"),
        (LAN, answer(403, "Forbidden"), "ok"),
        (LAN, answer(200), "ok"),
        (LAN, answer(404, TRAEFIK_404), "fail"),
    ],
)
def test_a_row_answers_strangers_as_its_files_say(plan: Plan, url: str, reply: Reply, status: str) -> None:
    found = routes.judge(plan, row(plan, url), reply)
    assert found.status == status, found
    assert bool(found.fix) == (status != "ok")


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (answer(404, TRAEFIK_404), "ok"),
        (answer(404), "ok"),
        (NoAnswer("name", "no address"), "ok"),
        (NoAnswer("tls", "no certificate"), "ok"),
        (answer(530, Server="cloudflare"), "ok"),
        (answer(200), "fail"),
        (answer(302, Location="https://mcd.example.com/"), "fail"),
        (NoAnswer("connect", "refused"), "fail"),
    ],
)
def test_a_host_of_nobody_leads_nowhere(plan: Plan, reply: Reply, status: str) -> None:
    assert routes.judge_stranger(plan, reply).status == status


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (answer(403, cf_mitigated="challenge"), "--url"),
        (answer(530), "cloudflared"),
        (answer(522), "cloudflared"),
        (answer(502), "logs of the app"),
        (NoAnswer("name", "x"), "pulumi up"),
        (NoAnswer("connect", "x"), "internet"),
        (NoAnswer("tls", "x"), "certificate"),
        (NoAnswer("http", "x"), "ingress-controller"),
    ],
)
def test_trouble_on_the_way_has_its_own_fix(plan: Plan, reply: Reply, word: str) -> None:
    found = trouble(plan, reply, "logs of the app")
    assert found is not None
    assert found.status == "fail"
    assert word in found.fix


def start(change: tuple[str, str] = ("", ""), cookie: tuple[str, str] = ("", "")) -> Answer:
    """A good beginning of a sign-in, with one thing replaced."""
    location = (
        "https://mcd.example.com/dex/auth?approval_prompt=auto&client_id=mcd&code_challenge=abc"
        "&code_challenge_method=S256&nonce=n&redirect_uri=https%3A%2F%2Fmcd.example.com%2Foauth2%2Fcallback"
        "&response_type=code&scope=openid&state=xyz%3Ahttps%3A%2F%2Fmcd.example.com%2F"
    )
    text = "__Host-mcd_12345678_csrf=AAAA; Path=/; Max-Age=1800; HttpOnly; Secure; SameSite=Lax"
    assert change[0] in location
    assert cookie[0] in text
    headers: Pairs = (("Location", location.replace(*change, 1)), ("Set-Cookie", text.replace(*cookie, 1)))
    return Answer(302, (*headers, ("Set-Cookie", "__cf_bm=x; Domain=example.com")))


def wrong(found: Answer, plan: Plan) -> str | None:
    _, proxy = plan.proxies()[0]
    return signin.wrong_start(found, proxy, "https://mcd.example.com/dex", "https://mcd.example.com/")


def test_a_good_beginning_of_a_sign_in_is_good(plan: Plan) -> None:
    assert wrong(start(), plan) is None


@pytest.mark.parametrize(
    "change",
    [
        ("https://mcd.example.com/dex/auth", "https://evil.example/dex/auth"),
        ("https://mcd.example.com/dex/auth", "http://mcd.example.com/dex/auth"),
        ("client_id=mcd", "client_id=team"),
        ("mcd.example.com%2Foauth2", "team.example.com%2Foauth2"),
        ("response_type=code", "response_type=token"),
        ("S256", "plain"),
        ("code_challenge=abc&", ""),
        ("nonce=n&", ""),
        ("state=xyz", "state="),
        ("%3Ahttps%3A%2F%2Fmcd", "%3Ahttps%3A%2F%2Fevil"),
        ("approval_prompt=auto", "approval_prompt=force"),
    ],
)
def test_a_beginning_that_lacks_something_is_not_good(plan: Plan, change: tuple[str, str]) -> None:
    if change == ("state=xyz", "state="):
        change = ("state=xyz%3Ahttps%3A%2F%2Fmcd.example.com%2F", "state=")
    assert wrong(start(change), plan) is not None


@pytest.mark.parametrize(
    "change",
    [
        ("; Secure", ""),
        ("; HttpOnly", ""),
        ("SameSite=Lax", "SameSite=None"),
        ("Path=/", "Path=/oauth2"),
        ("; Secure", "; Secure; Domain=example.com"),
        ("__Host-mcd_", "_oauth2_proxy_"),
    ],
)
def test_a_cookie_that_is_less_than_a_host_cookie_is_not_good(plan: Plan, change: tuple[str, str]) -> None:
    assert wrong(start(cookie=change), plan) is not None


@pytest.mark.parametrize(
    ("location", "away"),
    [
        ("/", False),
        ("https://mcd.example.com/", False),
        ("/evil.example", False),
        ("https://mcd.example.com/dex/auth?state=x%3A%2F", False),
        (
            "https://mcd.example.com/dex/auth?redirect_uri=https%3A%2F%2Fmcd.example.com&state=x%3A%2Fevil.example",
            False,
        ),
        ("https://evil.example/", True),
        ("//evil.example/", True),
        ("/\\evil.example/", True),
        ("\\\\evil.example/", True),
        ("/\t/evil.example/", True),
        ("https:evil.example", False),
        ("http://[evil.example", True),
        ("https://user@evil.example/", True),
        ("https://mcd.example.com/dex/auth?state=x%3Ahttps%3A%2F%2Fevil.example%2F", True),
        ("https://mcd.example.com/dex/auth?state=x%3A%2F%5Cevil.example%2F", True),
    ],
)
def test_a_redirect_is_read_as_browsers_read_it(location: str, away: bool) -> None:
    assert signin.leads_away(answer(302, Location=location), "mcd.example.com") == away


MARKER = "warren-smoke-0123"


@pytest.mark.parametrize(
    ("url", "reply", "status"),
    [
        (PAGE, answer(302, Location=f"{START}/hello"), "ok"),
        (PAGE, answer(200, "hello"), "fail"),
        (OPEN, answer(200, "hello"), "ok"),
        (OPEN, answer(200, f"X-Auth-Request-Email: {MARKER}"), "fail"),
        (OPEN, answer(200, Server=MARKER), "fail"),
        (OPEN, answer(200, **{MARKER: "x"}), "fail"),
    ],
)
def test_made_up_identity_headers_change_nothing(plan: Plan, url: str, reply: Reply, status: str) -> None:
    assert strangers.judge_spoofed(plan, row(plan, url), reply, MARKER).status == status


@pytest.mark.parametrize(
    ("address", "controller", "reply", "status"),
    [
        ("http", "traefik", answer(400), "ok"),
        ("http", "traefik", answer(200), "fail"),
        ("http", "nginx", answer(200), "ok"),
        ("http", "nginx", answer(200, MARKER), "fail"),
        ("https", "traefik", answer(200), "ok"),
        ("https", "traefik", answer(200, MARKER), "fail"),
        ("https", "traefik", NoAnswer("timeout", "x"), "fail"),
    ],
)
def test_another_spelling_is_refused_by_traefik_and_dropped_by_nginx(
    plan: Plan, address: str, controller: str, reply: Reply, status: str
) -> None:
    stack = plan.stack.model_copy(update={"ingress": plan.stack.ingress.model_copy(update={"controller": controller})})
    platform = type(plan.platform)(**{**vars(plan.platform), "stack": stack})
    other = Plan("home", platform, Address(address, "127.0.0.1", 1))
    found = strangers.judge_alias(other, row(plan, OPEN), reply, "X_Auth_Request_Email", MARKER)
    assert found.status == status, found


def deployment(replicas: int, available: int | None) -> Manifest:
    status = {} if available is None else {"availableReplicas": available}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}}
    return {"kind": "Deployment", "metadata": {"name": "web"}, "spec": spec, "status": status}


def pod(reason: str | None, *, init: bool = False) -> Manifest:
    state = {"running": {}} if reason is None else {"waiting": {"reason": reason}}
    key = "initContainerStatuses" if init else "containerStatuses"
    status = {key: [{"name": "main", "state": state}]}
    return {"kind": "Pod", "metadata": {"name": "web-1", "labels": {"app": "web", "x": "y"}}, "status": status}


WEB = workloads.Workload("team", "Deployment", "web")


@pytest.mark.parametrize(
    ("live", "pods", "status", "fix"),
    [
        (deployment(2, 2), [pod(None)], "ok", ""),
        (deployment(0, None), [], "ok", ""),
        (deployment(2, 1), [pod(None)], "fail", "describe deploy web"),
        (deployment(1, None), [pod("CrashLoopBackOff")], "fail", "logs web-1 -c main --previous"),
        (deployment(1, 1), [pod("ErrImagePull", init=True)], "fail", "describe pod web-1"),
        (deployment(1, 1), [pod("ContainerCreating")], "ok", ""),
        (None, [], "fail", "pulumi up --refresh --stack home"),
    ],
)
def test_a_deployment_is_there_available_and_not_stuck(
    plan: Plan, live: Manifest | None, pods: list[Manifest], status: str, fix: str
) -> None:
    found = workloads.judge(plan, WEB, live, pods)
    assert found.status == status
    assert fix in found.fix


@pytest.mark.parametrize(
    ("conditions", "status", "said", "fix"),
    [
        ([{"type": "Complete", "status": "True"}], "ok", "has run to its end", ""),
        ([{"type": "Complete", "status": "False"}], "warn", "has not come to its end yet", "logs job/migrate"),
        ([], "warn", "has not come to its end yet", "logs job/migrate"),
        (
            [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}],
            "fail",
            "has failed: DeadlineExceeded",
            "kubectl -n team logs job/migrate; the next up runs it again",
        ),
    ],
)
def test_an_app_that_runs_once_has_ended_well(
    plan: Plan, conditions: list[Manifest], status: str, said: str, fix: str
) -> None:
    live = {"kind": "Job", "metadata": {"name": "migrate"}, "spec": {}, "status": {"conditions": conditions}}
    found = workloads.judge(plan, workloads.Workload("team", "Job", "migrate"), live, [])
    assert (found.status, found.reason) == (status, said)
    assert fix in found.fix


@pytest.mark.parametrize(("available", "status"), [(3, "ok"), (2, "fail")])
def test_a_pod_on_every_node_is_there_on_every_node(plan: Plan, available: int, status: str) -> None:
    wanted = workloads.Workload("team", "DaemonSet", "web")
    counts = {"desiredNumberScheduled": 3, "numberAvailable": available}
    live = {"kind": "DaemonSet", "metadata": {"name": "web"}, "spec": {"selector": {}}, "status": counts}
    found = workloads.judge(plan, wanted, live, [])
    assert (found.status, f"{available} of 3 available" in found.reason) == (status, True)
    assert ("describe daemonset web" in found.fix) is (status == "fail")


def test_every_deployment_and_cronjob_of_the_platform_is_expected(plan: Plan) -> None:
    assert [(each.namespace, each.name) for each in workloads.expected(plan)] == [
        ("warren-tunnel", "cloudflared"),
        ("warren-ingress", "ingress-controller"),
        ("mcd", "dex"),
        ("mcd", "oauth2-proxy"),
        ("mcd", "hello"),
        ("mcd", "landing"),
        ("shop", "web"),
        ("team", "dex"),
        ("team", "oauth2-proxy"),
        ("team", "migrate"),
        ("team", "nightly"),
        ("team", "web"),
    ]


def policies_of(plan: Plan, namespace: str) -> list[Manifest]:
    return [
        {"kind": "NetworkPolicy", "metadata": {"name": name}, "spec": stored(wall)}
        for name, wall in walls.policies(plan)[namespace].items()
    ]


def test_the_walls_are_those_of_every_namespace(plan: Plan) -> None:
    assert {namespace: sorted(found) for namespace, found in walls.policies(plan).items()} == {
        "warren-tunnel": ["cloudflared", "default-deny"],
        "warren-ingress": ["default-deny", "ingress-controller"],
        "mcd": ["dex", "hello", "landing", "oauth2-proxy", "warren.app-egress", "warren.deny-all"],
        "shop": ["warren.app-egress", "warren.deny-all", "web"],
        "team": ["dex", "migrate", "nightly", "oauth2-proxy", "warren.app-egress", "warren.deny-all", "web"],
    }


@pytest.mark.parametrize("namespace", ["warren-tunnel", "warren-ingress", "mcd", "shop", "team"])
def test_walls_as_decided_stand(plan: Plan, namespace: str) -> None:
    found = walls.judge_policies(plan, namespace, walls.policies(plan)[namespace], policies_of(plan, namespace))
    assert found.status == "ok", found


@pytest.mark.parametrize("namespace", ["warren-tunnel", "warren-ingress", "mcd", "shop", "team"])
def test_each_missing_wall_is_noticed(plan: Plan, namespace: str) -> None:
    for missing in policies_of(plan, namespace):
        rest = [each for each in policies_of(plan, namespace) if each != missing]
        found = walls.judge_policies(plan, namespace, walls.policies(plan)[namespace], rest)
        assert found.status == "fail"
        assert found.reason.startswith(missing["metadata"]["name"])
        assert found.fix


EVERY_WALL = [
    ("warren-tunnel", "cloudflared"),
    ("warren-tunnel", "default-deny"),
    ("warren-ingress", "ingress-controller"),
    ("mcd", "dex"),
    ("mcd", "oauth2-proxy"),
    ("mcd", "hello"),
    ("shop", "web"),
    ("shop", "warren.deny-all"),
    ("shop", "warren.app-egress"),
]


@pytest.mark.parametrize(("namespace", "name"), EVERY_WALL)
@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_a_wall_that_somebody_opened_is_noticed(plan: Plan, namespace: str, name: str, direction: str) -> None:
    live = policies_of(plan, namespace)
    opened = next(each for each in live if each["metadata"]["name"] == name)
    # One more rule beside those that were decided. The wall of an app leaves its egress to another one.
    opened["spec"].setdefault(direction, []).append({})
    found = walls.judge_policies(plan, namespace, walls.policies(plan)[namespace], live)
    assert found.status == "fail"
    assert found.reason == f"{name} is not as decided ({direction})"


def test_one_address_more_that_dex_may_ask_is_noticed(plan: Plan) -> None:
    live = policies_of(plan, "mcd")
    [opened] = [each for each in live if each["metadata"]["name"] == "dex"]
    opened["spec"]["egress"][2]["to"][0]["ipBlock"]["except"].remove("192.168.0.0/16")
    found = walls.judge_policies(plan, "mcd", walls.policies(plan)["mcd"], live)
    assert found.reason == "dex is not as decided (egress)"


def test_a_policy_that_nobody_decided_is_a_warning(plan: Plan) -> None:
    stranger = {"kind": "NetworkPolicy", "metadata": {"name": "open"}, "spec": {"podSelector": {}, "ingress": [{}]}}
    found = walls.judge_policies(plan, "shop", walls.policies(plan)["shop"], [*policies_of(plan, "shop"), stranger])
    assert found.status == "warn"
    assert found.reason.startswith("open ")


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 80, "protocol": "TCP"}]}]}, True),
        ({"ingress": [{"from": [{"podSelector": {"matchLabels": {}}}], "ports": [{"port": 80}]}]}, True),
        ({"ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 81}]}]}, False),
        ({"ingress": [{"ports": [{"port": 80}]}]}, False),
        ({"ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": 80}]}]}, False),
        ({"ingress": [{"from": [{"podSelector": {}}]}]}, False),
        ({"podSelector": {"matchLabels": {"app": "other"}}}, False),
        ({"policyTypes": ["Egress"]}, False),
        ({"policyTypes": ["Ingress", "Egress"]}, False),
    ],
)
def test_policies_are_compared_by_what_they_mean(change: Manifest, same: bool) -> None:
    wanted: Manifest = {
        "podSelector": {},
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 80}]}],
    }
    assert (walls.differences(wanted, {**wanted, **change}) == []) == same


@pytest.mark.parametrize(
    "change",
    [
        ("labels", "pod-security.kubernetes.io/enforce", "privileged"),
        ("labels", "warren/workspace", None),
        ("annotations", "warren/hosts", "shop.example.com,team.example.com"),
    ],
)
def test_a_namespace_that_says_something_else_is_noticed(plan: Plan, change: tuple[str, str, str | None]) -> None:
    wanted = walls.namespaces(plan)["shop"]
    live = {"shop": {"metadata": copy.deepcopy(wanted)}}
    assert walls.judge_namespace(plan, "shop", wanted, live).status == "ok"
    part, key, value = change
    live["shop"]["metadata"][part][key] = value
    found = walls.judge_namespace(plan, "shop", wanted, live)
    assert found.status == "fail"
    assert key in found.reason
    assert walls.judge_namespace(plan, "shop", wanted, {}).status == "fail"
    assert walls.judge_namespace(plan, "shop", wanted, Unreadable("forbidden", "ask")).status == "fail"


def test_admission_is_compared_without_the_servers_defaults(plan: Plan, tmp_path: Any) -> None:
    live = standin.Cluster(plan, tmp_path).rules
    assert {each["metadata"]["name"].removeprefix("warren-") for each in walls.admission(plan)} == {
        *("config", "ingresses", "objects", "pods", "services"),
    }
    assert [walls.judge_rule(plan, each, live).status for each in walls.admission(plan)] == ["ok"] * 10
    assert [walls.judge_rule(plan, each, []).status for each in walls.admission(plan)] == ["fail"] * 10


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("ValidatingAdmissionPolicyBinding", "validationActions", ["Audit"]),
        ("ValidatingAdmissionPolicyBinding", "matchResources", {"namespaceSelector": {"matchLabels": {"a": "b"}}}),
        ("ValidatingAdmissionPolicy", "failurePolicy", "Ignore"),
        ("ValidatingAdmissionPolicy", "validations", []),
    ],
)
def test_a_weaker_admission_rule_is_noticed(plan: Plan, tmp_path: Any, kind: str, key: str, value: Any) -> None:
    live = standin.Cluster(plan, tmp_path).rules
    weak = next(each for each in live if each["kind"] == kind)
    weak["spec"][key] = value
    wanted = next(each for each in walls.admission(plan) if each["kind"] == kind)
    assert walls.judge_rule(plan, wanted, live).status == "fail"


@pytest.mark.parametrize(
    ("seconds", "status"), [(13 * 86400, "fail"), (-86400, "fail"), (15 * 86400, "ok"), (90 * 86400, "ok")]
)
def test_a_certificate_has_to_last_two_weeks(plan: Plan, seconds: int, status: str) -> None:
    assert certificates.judge(plan, Certificate(1_000_000 + seconds), 1_000_000).status == status


def test_a_certificate_that_is_not_trusted_fails(plan: Plan) -> None:
    found = certificates.judge(plan, NoAnswer("tls", "shows a certificate that is not trusted"), 0)
    assert (found.status, bool(found.fix)) == ("fail", True)


@pytest.mark.parametrize(
    ("part", "image", "status"),
    [
        (floors.TRAEFIK, images.TRAEFIK, "ok"),
        (floors.TRAEFIK, "docker.io/library/traefik:v3.7.12", "fail"),
        (floors.TRAEFIK, "docker.io/library/traefik:v3.10.0", "warn"),
        (floors.TRAEFIK, "registry.example.com:5000/traefik", "warn"),
        (floors.TRAEFIK, "docker.io/library/traefik@sha256:0000", "warn"),
        (floors.OAUTH2_PROXY, "quay.io/oauth2-proxy/oauth2-proxy:v7.15.4", "fail"),
        (floors.OAUTH2_PROXY, "quay.io/oauth2-proxy/oauth2-proxy:v7.15.5-alpine", "warn"),
        (floors.CLOUDFLARED, "docker.io/cloudflare/cloudflared:2026.8.1", "fail"),
        (floors.CLOUDFLARED, "docker.io/cloudflare/cloudflared:2026.7.0", "warn"),
        (floors.CLOUDFLARED, images.CLOUDFLARED, "ok"),
        (floors.NGINX, images.INGRESS_NGINX, "warn"),
        (floors.NGINX, "registry.k8s.io/ingress-nginx/controller:v1.15.0", "fail"),
        (floors.DEX, images.DEX, "ok"),
        (floors.STATIC_SERVER, "ghcr.io/static-web-server/static-web-server:2.39.0", "warn"),
    ],
)
def test_versions_with_advisories_fail_and_other_than_the_pinned_ones_warn(
    plan: Plan, part: floors.Part, image: str, status: str
) -> None:
    found = versions.judge(plan, part, image)
    assert found.status == status, found
    assert bool(found.fix) == (status != "ok")


@pytest.mark.parametrize("part", floors.PARTS.values(), ids=lambda part: part.name)
def test_what_warren_pins_is_above_every_floor(plan: Plan, part: floors.Part) -> None:
    assert versions.judge(plan, part, part.pinned).status in ("ok", "warn" if part.retired else "ok")


@pytest.mark.parametrize(
    ("version", "status"),
    [("v1.32.9+k3s1", "fail"), ("v1.33.0", "ok"), ("v1.36.3+k3s1", "ok"), ("v1.37.0", "warn"), ("", "warn")],
)
def test_kubernetes_is_one_that_gets_fixes_and_was_tried(version: str, status: str) -> None:
    assert versions.judge_kubernetes(version).status == status


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("docker.io/library/traefik:v3.7.13", (3, 7, 13)),
        ("localhost:5000/traefik:v3.7", (3, 7)),
        ("localhost:5000/traefik", None),
        ("a/b:2026.8.2@sha256:1234", (2026, 8, 2)),
        ("v1.33.4+k3s1", (1, 33, 4)),
        ("a/b:latest", None),
    ],
)
def test_a_version_is_read_from_a_tag(text: str, version: Version | None) -> None:
    assert floors.version_of(text) == version


GOOD = {"name": "shop.example.com", "type": "CNAME", "content": f"{TUNNEL}.cfargotunnel.com", "proxied": True}


@pytest.mark.parametrize(
    ("records", "status"),
    [
        ([GOOD], "ok"),
        ([GOOD, {"name": "shop.example.com", "type": "TXT", "content": "x"}], "ok"),
        ([], "fail"),
        ([GOOD, {**GOOD, "type": "AAAA", "content": "100::"}], "fail"),
        ([{**GOOD, "proxied": False}], "fail"),
        ([{**GOOD, "content": "other.cfargotunnel.com"}], "fail"),
        ([{**GOOD, "type": "A", "content": "192.0.2.1"}], "fail"),
        (Refused("Cloudflare's API answered 403"), "fail"),
    ],
)
def test_a_host_has_one_proxied_record_into_the_tunnel(plan: Plan, records: Any, status: str) -> None:
    found = tunnel.judge_records(plan, records, f"{TUNNEL}.cfargotunnel.com")
    assert found.status == status
    assert bool(found.fix) == (status != "ok")


UP = {"id": "a", "version": "2026.8.2", "conns": [{}, {}]}


@pytest.mark.parametrize(
    ("tunnels", "connectors", "status"),
    [
        ([{"id": TUNNEL, "status": "healthy"}], [UP, UP], "ok"),
        ([{"id": TUNNEL, "status": "healthy"}], [UP], "fail"),
        ([{"id": TUNNEL, "status": "healthy"}], [UP, {**UP, "conns": []}], "fail"),
        ([{"id": TUNNEL, "status": "healthy"}], [UP, {**UP, "version": "2026.8.1"}], "fail"),
        ([{"id": TUNNEL, "status": "degraded"}], [UP, UP], "fail"),
        ([], [], "fail"),
        ([{"id": TUNNEL}, {"id": "other"}], [], "fail"),
        (Refused("no"), [], "fail"),
        ([{"id": TUNNEL, "status": "healthy"}], Refused("no"), "fail"),
    ],
)
def test_the_tunnel_is_healthy_and_held_by_two(plan: Plan, tunnels: Any, connectors: Any, status: str) -> None:
    found = tunnel.judge_tunnel(plan, Edge(tunnels, connectors, {}))
    assert found.status == status
    assert bool(found.fix) == (status != "ok")


@pytest.mark.parametrize("verb", ["apply", "delete", "patch", "exec", "port-forward", "create", "logs", "auth", ""])
def test_kubectl_refuses_every_verb_but_get_and_version(verb: str) -> None:
    with pytest.raises(ValueError, match="could change something"):
        Kubectl("/nowhere/kubectl", None, "home").ask(verb)


def test_what_others_say_reaches_a_terminal_as_one_printable_line() -> None:
    assert shown("a\x1b[31m\nb\u202e") == "a?[31m?b?"
    assert len(shown("x" * 1000)) < 200


def test_lines_and_exit_codes() -> None:
    good = Result("routes", "https://a/", "ok", "asks for sign-in")
    bad = Result("routes", "https://b/", "fail", "answered 200 without sign-in", "kubectl get ingress")
    other = Result("certificates", "of all hosts", "skip", "not checked", "run it without --url")
    assert line(good) == "ok    routes        https://a/ asks for sign-in"
    assert line(bad) == "FAIL  routes        https://b/: answered 200 without sign-in; fix: kubectl get ingress"
    assert summary([good, bad, other], 1.25) == "1 ok, 0 warnings, 1 failed, 1 not checked, in 1.2 s"
    assert [exit_code(each) for each in ([good, other], [good, bad], [])] == [0, 1, 0]
