"""Traefik's command line and the file provider's config."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from config.fields.quantities import seconds
from manifests.ingress import joined, own_routers, refusals, traefik
from manifests.ingress.controller import FORBIDDEN_HEADERS, IDENTITY_HEADERS, LOG_FIELDS
from manifests.pods import SETTLE_SECONDS
from tests.manifests.ingress_examples import CLUSTER, EVERY_KIND, HOST, SIGN_IN, route

ARGS = dict(arg.removeprefix("--").split("=", 1) for arg in traefik.args(CLUSTER))
NGINX = "providers.kubernetesingressnginx"


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


def test_the_first_probe_asks_for_what_only_the_ingress_provider_can_make() -> None:
    """Its own limit on bodies, of an Ingress that needs no workspace and no pod; /ping answers without any."""
    told = traefik.controller(CLUSTER, ())
    probe = told.container["startupProbe"]["httpGet"]
    [router] = yaml.safe_load(told.config["traefik"]["loaded.yaml"])["http"]["routers"].values()
    assert (router["rule"], router["service"]) == (f"Path(`{probe['path']}`)", "ping@internal")
    [ingress] = told.ingresses
    lent = joined.router(ingress["metadata"]["namespace"], ingress["metadata"]["name"])
    assert router["middlewares"] == [f"{lent}-buffering@kubernetesingressnginx"]
    others = {told.container[name]["httpGet"]["path"] for name in ("readinessProbe", "livenessProbe")}
    assert others == {"/ping"}


def test_nothing_but_probes_is_asked_where_visitors_do_not_come() -> None:
    found: dict[str, list[str]] = {}
    for text in traefik.controller(CLUSTER, EVERY_KIND, [SIGN_IN]).config["traefik"].values():
        for name, router in yaml.safe_load(text)["http"].get("routers", {}).items():
            [entry] = router["entryPoints"]
            found.setdefault(entry, []).append(name)
    assert found.keys() == {"web", "traefik"}
    assert found["traefik"] == ["loaded"]
    assert ARGS[f"{NGINX}.httpentrypoint"] == "web"


def test_a_start_that_waits_for_the_api_server_is_not_punished() -> None:
    """A kubelet forgets earlier restarts of a container that ran for ten minutes."""
    probe = traefik.controller(CLUSTER, ()).container["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] > 600


def test_a_client_is_counted_over_all_hosts_by_its_real_address() -> None:
    limit = traefik.every_request()["http"]["middlewares"]["per-client"]["rateLimit"]
    assert limit == {
        "average": 100,
        "period": "1s",
        "burst": 500,
        "sourceCriterion": {"ipStrategy": {"depth": 1, "ipv6Subnet": 64}},
    }


def test_who_begins_sign_ins_is_counted_before_dex_keeps_a_record_of_each() -> None:
    made = traefik.beginnings([SIGN_IN])["http"]
    router = made["routers"]["begin.mcd"]
    assert router["rule"] == f'Host("{HOST}") && (Path("/dex/auth") || PathPrefix("/dex/auth/"))'
    assert router["priority"] == len(router["rule"]) + 1
    assert [made["middlewares"][name] for name in router["middlewares"]] == [
        {"headers": {"customRequestHeaders": {"X-Warren-Workspace": "mcd"}}},
        own_routers.rate_limit(1, "1m", 60),
    ]
    assert made["services"] == {
        "begin.mcd": {"loadBalancer": {"servers": [{"url": "http://dex.mcd.svc.cluster.local:5556"}]}}
    }
    assert "begin.mcd" in traefik.controller(CLUSTER, (), [SIGN_IN]).config["traefik"]["sign-in.yaml"]


def test_where_nobody_signs_in_the_file_is_empty() -> None:
    assert traefik.controller(CLUSTER, [route("/")]).config["traefik"]["sign-in.yaml"] == ""


def test_a_large_platform_s_routes_fit_into_objects_that_the_api_server_keeps() -> None:
    many = [
        route(f"/{'x' * 40}/{i}", "page", workspace=f"team-{i:04}", rateLimit="20/s", bodySize="1Mi", deny=("/x",))
        for i in range(1500)
    ]
    told = traefik.controller(CLUSTER, many, [SIGN_IN])
    assert list(told.config) == ["traefik", "traefik-2", "traefik-3", "traefik-4", "traefik-5"]
    assert max(sum(map(len, files.values())) for files in told.config.values()) <= 900 * 2**10
    [volume] = [volume for volume in told.volumes if volume["name"] == "config"]
    assert [each["configMap"]["name"] for each in volume["projected"]["sources"]] == list(told.config)
    names = [name for files in told.config.values() for name in files]
    assert len(names) == len(set(names)), "files of two ConfigMaps would meet in the directory"
    merged: dict[str, dict[str, Any]] = {}
    for text in (text for files in told.config.values() for text in files.values()):
        for section, named in yaml.safe_load(text)["http"].items():
            assert not merged.setdefault(section, {}).keys() & named.keys()
            merged[section] |= named
    for whole in (own_routers.config(many), refusals.traefik(many, [SIGN_IN]), traefik.beginnings([SIGN_IN])):
        for section, named in whole["http"].items():
            assert merged[section].items() >= named.items()


def test_every_file_is_yaml_that_traefiks_templates_leave_alone() -> None:
    for text in traefik.controller(CLUSTER, EVERY_KIND, [SIGN_IN]).config["traefik"].values():
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


def test_rule_52_the_scratch_volume_is_no_nodes_disk_and_has_an_end() -> None:
    """A file that was unlinked while it is open counts for no limit of a directory on disk; here a write fails."""
    [scratch] = [volume["emptyDir"] for volume in traefik.controller(CLUSTER, ()).volumes if "emptyDir" in volume]
    assert scratch == {"medium": "Memory", "sizeLimit": "16Mi"}


def test_rule_66_silence_ends_nothing_before_its_routes_own_limit() -> None:
    assert ARGS[f"{NGINX}.proxyreadtimeout"] == ARGS[f"{NGINX}.proxysendtimeout"] == "3600"


def test_rule_67_connections_have_moved_before_a_controller_ends() -> None:
    assert 0 < seconds(ARGS["entrypoints.web.transport.keepalivemaxtime"]) < SETTLE_SECONDS
