"""Traefik's second routers: limits by client, bodies that nobody stores, passwords that stay with the controller."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import patterns
from config.routes import Route
from manifests import names
from manifests.ingress import joined, own_routers, traefik
from manifests.ingress.annotations import ALLOWED_ANNOTATIONS, NOBODY, PREFIX, route_ingresses
from manifests.ingress.controller import FORBIDDEN_HEADERS
from manifests.ingress.joined import Served
from tests.manifests.ingress_examples import CLUSTER, GATE, HOST, SECRET, ingresses, route

ARGS = dict(arg.removeprefix("--").split("=", 1) for arg in traefik.args(CLUSTER))
BORROWED = "warren-ingress-unmeasured-body-rule-0-path-0-buffering@kubernetesingressnginx"


def _own(*routes: Route) -> dict[str, Any]:
    return dict(own_routers.config(routes)["http"])


def _router(row: Route) -> dict[str, Any]:
    """The router that has no word about the body's length."""
    return dict(_own(row)["routers"][joined.normalized(row.workspace, names.slug(row))])


def _measured(row: Route) -> dict[str, Any]:
    return dict(_own(row)["routers"][joined.normalized(row.workspace, names.slug(row), "measured")])


def _limit(row: Route) -> dict[str, Any]:
    (found,) = (each["rateLimit"] for name, each in _own(row)["middlewares"].items() if name.startswith("limit-"))
    return dict(found)


def test_routes_without_such_options_leave_the_file_empty_because_traefik_refuses_an_empty_table() -> None:
    told = traefik.controller(CLUSTER, [route("/"), route("/x", "page", deny=("/x/y",), timeout="5m")])
    assert told.config["traefik"]["routes.yaml"] == ""
    assert own_routers.config([]) == {}


@given(st.integers(1, 100_000), st.sampled_from([("s", 1), ("m", 60)]))
def test_rule_56_who_pauses_until_traefik_forgets_gains_little(count: int, unit: tuple[str, int]) -> None:
    """Its ttl (pkg/middlewares/ratelimiter/rate_limiter.go): after so many seconds of silence the burst is whole."""
    a_second = count / unit[1]
    forgets_after = 2 if a_second >= 1 else 1 + int(1 / a_second)
    assert own_routers.at_once(count, unit[0]) * unit[1] <= 5 * count * forgets_after


@pytest.mark.parametrize(
    ("rate", "average", "period", "burst"), [("20/s", 20, "1s", 100), ("300/m", 300, "1m", 50), ("20/m", 20, "1m", 5)]
)
def test_rule_56_a_limit_counts_by_the_real_client_and_an_ipv6_network_as_one(
    rate: str, average: int, period: str, burst: int
) -> None:
    source = {"ipStrategy": {"depth": 1, "ipv6Subnet": 64}}
    limit = {"average": average, "period": period, "burst": burst, "sourceCriterion": source}
    assert _limit(route("/x", rateLimit=rate)) == limit


@pytest.mark.parametrize("option", [{"rateLimit": "1/s"}, {"bodySize": "1Mi"}, {"basicAuth": SECRET}])
def test_a_second_router_matches_what_the_ingress_matches_and_ranks_one_above_it(option: dict[str, Any]) -> None:
    router = _router(route("/x", **option))
    assert router["rule"] == f'Host("{HOST}") && (Path("/x") || PathPrefix("/x/"))'
    assert router["priority"] == len(router["rule"]) + 1
    assert router["entryPoints"] == ["web"]
    assert _router(route("/", **option))["rule"] == f'Host("{HOST}") && PathPrefix("/")'


@given(st.from_regex(r"/[a-z0-9]{0,6}", fullmatch=True), st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True))
def test_a_second_router_never_takes_what_belongs_to_a_longer_path(path: str, below: str) -> None:
    longer = f"{path.rstrip('/')}/{below}"
    row = route(path, rateLimit="1/s", bodySize="1Mi")
    assert _router(row)["priority"] < _measured(row)["priority"] < len(own_routers.router_rule(HOST, longer))


@pytest.mark.parametrize(
    ("auth", "rule", "suffixes"),
    [
        ("none", {"rateLimit": "1/s"}, []),
        ("page", {"rateLimit": "1/s"}, ["snippet"]),
        ("api", {"rateLimit": "1/s"}, ["snippet"]),
        ("none", {"basicAuth": SECRET}, ["basic-auth"]),
        ("none", {"bodySize": "1Mi"}, []),
        ("page", {"bodySize": "1Mi", "allowFrom": ("203.0.113.0/24",)}, ["allowed-source-range", "snippet"]),
        (
            "api",
            {"basicAuth": SECRET, "bodySize": "1Mi", "rateLimit": "1/s", "allowFrom": ("203.0.113.0/24",)},
            ["allowed-source-range", "basic-auth", "snippet"],
        ),
    ],
)
def test_rule_24_a_second_router_keeps_sign_in_and_every_other_check_of_its_ingress(
    auth: str, rule: dict[str, Any], suffixes: list[str]
) -> None:
    row = route("/x", auth, **rule)
    own = f"mcd-{names.slug(row).replace('.', '-')}-rule-0-path-0"
    for router in _own(row)["routers"].values():
        provided = [name for name in router["middlewares"] if name.startswith(own)]
        assert provided == [f"{own}-{suffix}@kubernetesingressnginx" for suffix in suffixes]


def test_rule_52_the_body_comes_after_limit_allow_list_and_sign_in() -> None:
    row = route("/x", "api", basicAuth=SECRET, bodySize="1Mi", rateLimit="1/s", allowFrom=("203.0.113.0/24",))
    kinds = ("workspace", "limit", "allowed-source-range", "basic-auth", "snippet", "without-password", "buffering")
    found = [next(kind for kind in kinds if re.search(rf"(^|-){kind}\b", name)) for name in _router(row)["middlewares"]]
    assert found == list(kinds)
    assert [name for name in _measured(row)["middlewares"] if name != BORROWED] == _router(row)["middlewares"][:-1]


def test_rule_52_no_ingress_of_a_route_lets_traefik_store_a_body() -> None:
    for manifest in ingresses():
        assert PREFIX + "proxy-request-buffering" not in manifest["metadata"]["annotations"]
    assert "providers.kubernetesingressnginx.proxyrequestbuffering" not in ARGS


def test_rule_52_a_body_with_a_length_is_passed_on_and_one_without_is_kept_in_memory() -> None:
    row = route("/x", bodySize="8Mi")
    assert BORROWED not in _measured(row)["middlewares"]
    assert _router(row)["middlewares"][-1] == BORROWED
    notes = own_routers.measuring()["metadata"]["annotations"]
    assert notes[PREFIX + "proxy-body-size"] == "64k"
    assert notes[PREFIX + "proxy-request-buffering"] == "on"
    assert ARGS["providers.kubernetesingressnginx.clientbodybuffersize"] == str(64 * 1024)


def test_the_ingress_that_lends_its_limit_serves_nobody() -> None:
    told = traefik.controller(CLUSTER, [])
    [manifest] = told.ingresses
    assert manifest == own_routers.measuring()
    assert manifest["metadata"]["annotations"][PREFIX + "whitelist-source-range"] == NOBODY
    [rule] = manifest["spec"]["rules"]
    assert rule["host"].endswith(".invalid")
    assert set(manifest["metadata"]["annotations"]) <= ALLOWED_ANNOTATIONS


_SIZES = st.one_of(st.integers(0, 2**35), st.sampled_from([9, 10, 99, 100, 1000, 2**20, 8 * 2**20, 10**9, 16 * 2**30]))


def _length(limit: int) -> str:
    return f"^{patterns.within(0, limit)}$"


@given(_SIZES, st.integers(-20, 20), st.integers(0, 3))
def test_rule_52_a_length_is_measured_exactly(limit: int, beside: int, zeros: int) -> None:
    pattern = re.compile(_length(limit))
    for number in {max(0, limit + beside), limit * 10, limit // 10, limit}:
        assert bool(pattern.search("0" * zeros + str(number))) == (number <= limit)


@pytest.mark.parametrize("text", ["", " 5", "5 ", "+5", "-1", "0x1", "5\n6", "5, 5", "1e3", "5.0"])
def test_what_is_no_length_is_not_measured(text: str) -> None:
    assert not re.search(_length(10**9) + r"\Z", text)


def test_a_limit_of_a_body_is_the_same_number_of_bytes_in_both_controllers() -> None:
    row = route("/x", bodySize="8Mi")
    [manifest] = route_ingresses(row, GATE)
    assert manifest["metadata"]["annotations"][PREFIX + "proxy-body-size"] == "8m"
    assert f'HeaderRegexp("Content-Length", "{_length(8 * 2**20)}")' in _measured(row)["rule"]


def test_rule_61_the_password_of_basic_auth_is_taken_away_behind_it() -> None:
    row = route("/x", basicAuth=SECRET)
    *_, check, taken = _router(row)["middlewares"]
    assert check.endswith("-basic-auth@kubernetesingressnginx")
    assert _own(row)["middlewares"][taken] == {"headers": {"customRequestHeaders": {"Authorization": ""}}}
    assert "without-password" not in _own(route("/x", rateLimit="1/s"))["middlewares"]


def test_a_second_router_leads_to_the_service_that_the_provider_made() -> None:
    row = route("/x", rateLimit="1/s", app="a--b")
    service = joined.service(Served("mcd", names.slug(row), "a--b", "http"))
    assert _router(row)["service"] == f"{service}@kubernetesingressnginx"
    assert service == f"mcd-{names.slug(row).replace('.', '-').replace('--', '-')}-a-b-http"


def test_a_second_router_tells_the_log_its_workspace() -> None:
    for option in ({"rateLimit": "1/s"}, {"bodySize": "1Mi"}, {"basicAuth": SECRET}):
        row = route("/x", **option)
        name = _router(row)["middlewares"][0]
        assert _own(row)["middlewares"][name] == {"headers": {"customRequestHeaders": {"X-Warren-Workspace": "mcd"}}}
    assert ARGS["accesslog.fields.headers.names.X-Warren-Workspace"] == "keep"
    assert "X-Warren-Workspace" in FORBIDDEN_HEADERS


def test_rule_48_workspaces_whose_names_run_together_do_not_overwrite_each_others_second_routers() -> None:
    one = route("/", workspace="mcd", app="x-y", rateLimit="1/s", bodySize="1Mi")
    other = route("/", workspace="mcd-x", app="y", rateLimit="2/s", bodySize="1Mi")
    made = _own(one, other)
    assert len(made["routers"]) == 4
    assert len({router["service"] for router in made["routers"].values()}) == 2
    assert len([name for name in made["middlewares"] if name.startswith("limit-")]) == 2


def test_every_middleware_of_our_own_that_a_second_router_names_is_there() -> None:
    made = _own(route("/x", "api", rateLimit="1/s", bodySize="1Mi"), route("/y", basicAuth=SECRET))
    named = {name for router in made["routers"].values() for name in router["middlewares"] if "@" not in name}
    assert named == set(made["middlewares"])
