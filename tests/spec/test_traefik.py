"""Traefik's command line and the file provider's config."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from spec.ingress import traefik
from spec.ingress.controller import FORBIDDEN_HEADERS, IDENTITY_HEADERS, LOG_FIELDS
from spec.routes import Route

from .ingress_examples import CLUSTER, EVERY_KIND, HOST, SECRET, route

ARGS = dict(arg.removeprefix("--").split("=", 1) for arg in traefik.args(CLUSTER))
NGINX = "providers.kubernetesingressnginx"


def _limited(*routes: Route) -> dict[str, Any]:
    return dict(traefik.limits(routes)["http"])


def _router(row: Route) -> dict[str, Any]:
    (found,) = _limited(row)["routers"].values()
    return dict(found)


def test_no_option_is_given_twice() -> None:
    assert len(ARGS) == len(traefik.args(CLUSTER))


def test_rule_24_every_identity_header_is_removed_at_the_entry_point_from_every_request() -> None:
    clean = traefik.every_request()["http"]["middlewares"]["clean"]["headers"]["customRequestHeaders"]
    assert {name for name, value in clean.items() if value == ""} == set(FORBIDDEN_HEADERS)
    assert set(IDENTITY_HEADERS) <= set(FORBIDDEN_HEADERS)
    assert ARGS["entrypoints.web.http.middlewares"].split(",")[0] == "clean@file"


@pytest.mark.parametrize(
    "name", ["X-Forwarded-Host", "X-Forwarded-Uri", "X-Auth-Request-Redirect", "X-Real-Ip", "Forwarded"]
)
def test_headers_that_say_where_people_come_from_or_go_to_are_removed_too(name: str) -> None:
    assert name in FORBIDDEN_HEADERS


def test_headers_that_cloudflare_makes_true_are_kept() -> None:
    lower = {name.lower() for name in FORBIDDEN_HEADERS}
    assert not lower & {"cf-connecting-ip", "x-forwarded-for", "x-forwarded-proto", "authorization", "cookie", "host"}


@pytest.mark.parametrize("entry", ["web", "traefik"])
def test_rule_25_headers_whose_names_look_like_others_are_refused_on_every_entry_point(entry: str) -> None:
    assert ARGS[f"entrypoints.{entry}.http.aliasheadersstrategy"] == "reject"


@pytest.mark.parametrize("what", ["slash", "backslash", "nullcharacter"])
def test_encoded_characters_that_an_app_would_read_as_another_path_are_refused(what: str) -> None:
    assert ARGS[f"entrypoints.web.http.encodedcharacters.allowencoded{what}"] == "false"


def test_rule_28_the_ingress_and_file_providers_are_the_only_ones_and_stay_in_their_namespaces() -> None:
    assert {name.split(".")[1] for name in ARGS if name.startswith("providers.")} == {"file", "kubernetesingressnginx"}
    assert ARGS[f"{NGINX}.allowcrossnamespaceresources"] == "false"
    assert ARGS[f"{NGINX}.allowsnippetannotations"] == "false"
    assert ARGS[f"{NGINX}.disablesvcexternalname"] == "true"
    assert ARGS[f"{NGINX}.strictvalidatepathtype"] == "true"


def test_only_ingresses_of_the_class_warren_are_served() -> None:
    assert ARGS[f"{NGINX}.ingressclass"] == "warren"
    assert ARGS[f"{NGINX}.ingressclassbyname"] == "true"
    assert ARGS[f"{NGINX}.watchingresswithoutclass"] == "false"


def test_rule_30_forwarded_headers_are_believed_from_pods_only() -> None:
    assert ARGS["entrypoints.web.forwardedheaders.trustedips"] == CLUSTER.podCidr
    assert not [name for name in ARGS if "insecure" in name]


def test_rule_30_the_real_client_is_the_last_one_that_cloudflare_named() -> None:
    assert ARGS[f"{NGINX}.ipallowliststrategy.depth"] == "1"
    assert ARGS["entrypoints.web.forwardedheaders.notappendxforwardedfor"] == "true"


def test_the_api_the_dashboard_and_metrics_are_off_and_nothing_is_reported_home() -> None:
    assert not [name for name in ARGS if name.split(".")[0] in ("api", "metrics", "tracing", "experimental")]
    assert ARGS["global.checknewversion"] == ARGS["global.sendanonymoususage"] == "false"


def test_only_two_entry_points_exist_and_neither_needs_privileges() -> None:
    assert {name: value for name, value in ARGS.items() if name.endswith(".address")} == {
        "entrypoints.web.address": ":8000",
        "entrypoints.traefik.address": ":8080",
    }


def test_the_log_has_every_field_and_no_cookie_authorization_or_query() -> None:
    kept = {name.split("names.")[1] for name, value in ARGS.items() if value == "keep"}
    assert {field.removeprefix("request_") for field in LOG_FIELDS.values()} <= kept
    assert not {name.lower() for name in kept} & {"authorization", "cookie", "set-cookie", "requestline"}
    modes = {name.split(".")[-2]: value for name, value in ARGS.items() if name.endswith(".defaultmode")}
    assert modes == {"fields": "drop", "headers": "drop", "queryparameters": "drop"}
    assert ARGS["accesslog.format"] == "json"


def test_answers_are_never_kept_at_cloudflares_edge() -> None:
    clean = traefik.every_request()["http"]["middlewares"]["clean"]["headers"]
    assert clean["customResponseHeaders"] == {"Cloudflare-CDN-Cache-Control": "no-store"}


def test_every_middleware_of_the_entry_point_exists() -> None:
    names = [name.removesuffix("@file") for name in ARGS["entrypoints.web.http.middlewares"].split(",")]
    assert set(names) == set(traefik.every_request()["http"]["middlewares"])


def test_a_client_is_counted_over_all_hosts_by_its_real_address() -> None:
    limit = traefik.every_request()["http"]["middlewares"]["per-client"]["rateLimit"]
    assert limit == {
        "average": 100,
        "period": "1s",
        "burst": 500,
        "sourceCriterion": {"requestHeaderName": "CF-Connecting-IP"},
    }


# Rate limits of single routes.


def test_routes_without_a_limit_leave_the_file_empty_because_traefik_refuses_an_empty_table() -> None:
    told = traefik.controller(CLUSTER, [route("/")])
    assert told.config["traefik"]["limits.yaml"] == ""
    assert traefik.limits([]) == {}


@pytest.mark.parametrize(("rate", "average", "period", "burst"), [("20/s", 20, "1s", 100), ("300/m", 300, "1m", 1500)])
def test_a_limit_counts_by_the_real_client(rate: str, average: int, period: str, burst: int) -> None:
    row = route("/x", rateLimit=rate)
    name = _router(row)["middlewares"][1]
    limit = _limited(row)["middlewares"][name]["rateLimit"]
    source = {"requestHeaderName": "CF-Connecting-IP"}
    assert limit == {"average": average, "period": period, "burst": burst, "sourceCriterion": source}


def test_a_limited_route_matches_what_the_ingress_matches_and_ranks_one_above_it() -> None:
    router = _router(route("/x", rateLimit="1/s"))
    assert router["rule"] == f'Host("{HOST}") && (Path("/x") || PathPrefix("/x/"))'
    assert router["priority"] == len(router["rule"]) + 1
    assert router["entryPoints"] == ["web"]
    assert _router(route("/", rateLimit="1/s"))["rule"] == f'Host("{HOST}") && PathPrefix("/")'


@given(st.from_regex(r"/[a-z0-9]{0,6}", fullmatch=True), st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True))
def test_a_limited_route_never_takes_what_belongs_to_a_longer_path(path: str, below: str) -> None:
    longer = f"{path.rstrip('/')}/{below}"
    assert _router(route(path, rateLimit="1/s"))["priority"] < len(traefik.router_rule(HOST, longer))


@pytest.mark.parametrize(
    ("auth", "rule", "suffixes"),
    [
        ("none", {}, []),
        ("page", {}, ["snippet"]),
        ("api", {}, ["snippet"]),
        ("none", {"basicAuth": SECRET}, ["basic-auth"]),
        ("none", {"bodySize": "1Mi"}, ["buffering"]),
        ("none", {"allowFrom": ("203.0.113.0/24",)}, ["allowed-source-range"]),
        (
            "api",
            {"basicAuth": SECRET, "bodySize": "1Mi", "allowFrom": ("203.0.113.0/24",)},
            ["basic-auth", "buffering", "allowed-source-range", "snippet"],
        ),
    ],
)
def test_rule_24_a_limited_route_keeps_sign_in_and_every_other_check_of_its_ingress(
    auth: str, rule: dict[str, Any], suffixes: list[str]
) -> None:
    row = route("/x", auth, rateLimit="1/s", **rule)
    own = f"mcd-{row.slug.replace('.', '-')}-rule-0-path-0"
    assert _router(row)["middlewares"][2:] == [f"{own}-{suffix}@kubernetesingressnginx" for suffix in suffixes]


def test_a_limited_route_leads_to_the_service_that_the_provider_made() -> None:
    row = route("/x", rateLimit="1/s", app="a--b")
    assert (
        _router(row)["service"]
        == f"mcd-{row.slug.replace('.', '-').replace('--', '-')}-a-b-http@kubernetesingressnginx"
    )


def test_a_limited_route_tells_the_log_its_workspace() -> None:
    row = route("/x", rateLimit="1/s")
    name = _router(row)["middlewares"][0]
    assert _limited(row)["middlewares"][name] == {"headers": {"customRequestHeaders": {"X-Warren-Workspace": "mcd"}}}
    assert ARGS["accesslog.fields.headers.names.X-Warren-Workspace"] == "keep"
    assert "X-Warren-Workspace" in FORBIDDEN_HEADERS


def test_workspaces_whose_names_run_together_do_not_overwrite_each_others_routers() -> None:
    one = route("/", workspace="mcd", app="x-y", rateLimit="1/s")
    other = route("/", workspace="mcd-x", app="y", rateLimit="2/s")
    made = _limited(one, other)
    assert len(made["routers"]) == 2
    assert len({router["service"] for router in made["routers"].values()}) == 2
    assert len([name for name in made["middlewares"] if name.startswith("limit-")]) == 2


def test_every_file_is_yaml_that_traefiks_templates_leave_alone() -> None:
    for text in traefik.controller(CLUSTER, EVERY_KIND).config["traefik"].values():
        assert "{{" not in text
        assert set(yaml.safe_load(text)) == {"http"}


def test_the_config_is_mounted_as_a_directory_and_does_not_depend_on_the_order_of_routes() -> None:
    told = traefik.controller(CLUSTER, EVERY_KIND)
    assert ARGS["providers.file.directory"] in [mount["mountPath"] for mount in told.container["volumeMounts"]]
    assert not [mount for mount in told.container["volumeMounts"] if "subPath" in mount]
    assert told.config == traefik.controller(CLUSTER, EVERY_KIND[::-1]).config


def test_the_container_writes_only_to_its_scratch_volume() -> None:
    told = traefik.controller(CLUSTER, ())
    assert told.container["securityContext"]["readOnlyRootFilesystem"] is True
    assert [volume["name"] for volume in told.volumes if "emptyDir" in volume] == ["tmp"]
