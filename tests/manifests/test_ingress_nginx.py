"""ingress-nginx's command line and ConfigMaps."""

from __future__ import annotations

import ipaddress
import json
import re

import pytest

from manifests.ingress import nginx
from manifests.ingress.controller import FORBIDDEN_HEADERS, IDENTITY_HEADERS, LOG_FIELDS
from tests.manifests.ingress_examples import CLUSTER, HOST, SIGN_IN

ARGS = dict(arg.removeprefix("--").split("=", 1) for arg in nginx.args()[1:])
CONFIG = nginx.config(CLUSTER)
HTTP = CONFIG["http-snippet"]
SERVER = CONFIG["server-snippet"]


def _refused(uri: str) -> bool:
    """Whether the server snippet answers 400 to a request line's URI."""
    patterns = re.findall(r'if \(\$request_uri ~\*? "([^"]+)"\) \{ return 400; \}', SERVER)
    assert len(patterns) == 2
    return any(re.search(pattern, uri, re.IGNORECASE) for pattern in patterns)


@pytest.mark.parametrize("uri", ["/shared/..\\api", "/shared#/../api", "\\api"])
def test_what_an_app_could_take_for_a_slash_or_an_end_is_refused(uri: str) -> None:
    assert _refused(uri)
    assert not _refused(f"/shared?rd={uri}")


def test_a_slow_request_is_not_made_again_and_connections_are_not_shared_between_protocols() -> None:
    """Seen with the real controller: three times the timeout, and HTTP/2 frames as answers to HTTP/1.1."""
    assert CONFIG["proxy-next-upstream"] == "error"
    assert CONFIG["upstream-keepalive-requests"] == "1"


def test_rule_29_snippets_and_the_admission_webhook_are_off() -> None:
    assert CONFIG["allow-snippet-annotations"] == "false"
    assert not [name for name in ARGS if "webhook" in name]
    assert CONFIG["annotations-risk-level"] != "Critical"
    assert ARGS["enable-annotation-validation"] == "true"
    assert ARGS["deep-inspect"] == "true"


def test_sign_in_works_at_the_risk_level_that_is_set() -> None:
    # ingress-nginx rates auth-url and auth-signin High (internal/ingress/annotations/authreq/main.go).
    assert CONFIG["annotations-risk-level"] == "High"


def test_rule_28_an_ingress_stays_in_its_namespace_and_cannot_point_out_of_the_cluster() -> None:
    assert CONFIG["allow-cross-namespace-resources"] == "false"
    assert ARGS["disable-svc-external-name"] == "true"
    assert ARGS["disable-catch-all"] == "true"
    assert ARGS["watch-ingress-without-class"] == "false"
    assert CONFIG["strict-validate-path-type"] == "true"


def test_rule_24_every_identity_header_is_cleared_for_every_server_and_location() -> None:
    assert re.findall(r'more_clear_input_headers "([^"]+)";', HTTP) == list(FORBIDDEN_HEADERS)
    assert set(IDENTITY_HEADERS) <= set(FORBIDDEN_HEADERS)


def test_rule_25_headers_whose_names_look_like_others_are_dropped() -> None:
    assert CONFIG["enable-underscores-in-headers"] == "false"
    assert CONFIG["ignore-invalid-headers"] == "true"


def test_rule_30_the_real_client_is_believed_from_pods_only() -> None:
    assert CONFIG["enable-real-ip"] == "true"
    assert CONFIG["proxy-real-ip-cidr"] == CLUSTER.podCidr
    assert CONFIG["forwarded-for-header"] == "CF-Connecting-IP"


@pytest.mark.parametrize("header", ["host", "port"])
def test_what_nginx_would_believe_besides_the_scheme_is_refused(header: str) -> None:
    assert CONFIG["use-forwarded-headers"] == "true"
    assert f'if ($http_x_forwarded_{header} != "") {{ return 400; }}' in SERVER


@pytest.mark.parametrize("uri", ["/a%2fb", "/a%2Fb?x=1", "/a%5cb", "/a%00"])
def test_encoded_characters_that_an_app_would_read_as_another_path_are_refused(uri: str) -> None:
    assert _refused(uri)


@pytest.mark.parametrize("uri", ["/a/b", "/a?next=%2Fb", "/caf%C3%A9", "/100%25", "/c%23"])
def test_other_encoded_characters_and_queries_pass(uri: str) -> None:
    assert not _refused(uri)


def test_rule_12_sign_ins_headers_fit_into_the_buffers() -> None:
    assert CONFIG["proxy-buffer-size"] == "16k"


def test_rule_26_nginx_redirects_nobody_to_https() -> None:
    assert CONFIG["ssl-redirect"] == "false"


def test_limits_answer_429_and_bodies_have_none_as_under_traefik() -> None:
    assert CONFIG["limit-req-status-code"] == "429"
    assert CONFIG["proxy-body-size"] == "0"
    assert CONFIG["proxy-request-buffering"] == "off"


def test_a_client_is_counted_over_all_hosts_by_its_real_address() -> None:
    assert "limit_req_zone $warren_client zone=warren_client:10m rate=100r/s;" in HTTP
    assert "limit_req zone=warren_client burst=500 nodelay;" in HTTP


def test_a_route_with_a_limit_of_its_own_keeps_everybodys() -> None:
    """Limits are inherited where the current level has none (nginx.org, ngx_http_limit_req_module), and a route's own
    is in its location."""
    limits = [line for line in HTTP.splitlines() if line.startswith("limit_req ")]
    assert len(limits) == 2
    assert [line for line in CONFIG["location-snippet"].splitlines() if line.startswith("limit_req ")] == limits


def _client(address: str) -> bytes:
    """What nginx would count an address as: its bytes through the map."""
    packed = ipaddress.ip_address(address).packed
    block = HTTP.partition("$warren_client {")[2].partition("}\n")[0]
    [(pattern, variable)] = re.findall(r'"~([^"]+)" (\$\w+);', block)
    match = re.search(pattern.replace("(?<", "(?P<").encode(), packed)
    return match[variable[1:]] if match else packed


def test_rule_56_an_ipv6_network_is_one_client_in_every_limit() -> None:
    assert "map $binary_remote_addr $warren_client {\n  default $binary_remote_addr;\n" in HTTP
    assert CONFIG["limit-conn-zone-variable"] == "$warren_client"
    same = ("2001:db8:0:a::", "2001:db8:0:a::1", "2001:db8::a:a:0:a:d", "2001:db8:0:a:ffff::")
    one = {_client(address) for address in same}
    assert one == {ipaddress.ip_address("2001:db8:0:a::").packed[:8]}
    different = ("2001:db8:0:b::1", "2001:db9:0:a::1", "10.0.0.1", "10.0.0.2", "32.1.13.184")
    others = {_client(address) for address in different}
    assert len(others | one) == 6


def test_rule_52_nginx_asks_who_sends_a_body_before_it_reads_it_and_stores_none() -> None:
    """Limits are its preaccess phase, lists, passwords and sign-in its access phase; a body is read in the content
    phase after them (nginx.org/en/docs/dev/development_guide.html, HTTP phases), and passed on as it comes."""
    assert CONFIG["proxy-request-buffering"] == "off"
    assert not [key for key in CONFIG if key.startswith("client-body")]


def test_rule_66_silence_ends_nothing_before_its_routes_own_limit() -> None:
    assert CONFIG["proxy-read-timeout"] == CONFIG["proxy-send-timeout"] == "3600"


def test_who_begins_sign_ins_is_counted_before_dex_keeps_a_record_of_each() -> None:
    told = nginx.config(CLUSTER, (), [SIGN_IN])["http-snippet"]
    [(pattern, key)] = re.findall(r'map "\$host\$uri" \$warren_begins \{\n  default "";\n  "~(\S+)" (\S+);\n\}', told)
    assert key == "$warren_client"
    assert "limit_req_zone $warren_begins zone=warren_begins:10m rate=60r/m;" in told
    assert "limit_req zone=warren_begins burst=60 nodelay;" in told
    for path, counted in (
        ("/dex/auth", True),
        ("/dex/auth/entra", True),
        ("/dex/authx", False),
        ("/x/dex/auth", False),
    ):
        assert (re.search(pattern, f"{HOST}{path}") is not None) is counted
    assert not re.search(pattern, "other.example.com/dex/auth")


def test_a_log_line_is_json_with_every_field_and_no_cookie_authorization_or_query() -> None:
    log = CONFIG["log-format-upstream"]
    values = {"$status": "200", "$warren_ns": "1000000", "$body_bytes_sent": "5"}
    line = json.loads(re.sub(r"\$\w+", lambda found: values.get(found[0], "text"), log))
    assert set(line) == set(LOG_FIELDS.values())
    assert line["DownstreamStatus"] == 200
    assert not re.search(r"\$(request_uri|request\b|args|query_string|http_cookie|http_authorization|uri)", log)
    assert CONFIG["log-format-escape-json"] == "true"
    # The template puts the format between single quotes.
    assert "'" not in log


def test_rule_24_the_logged_user_is_sign_ins_answer_and_never_the_clients_word() -> None:
    email = IDENTITY_HEADERS.index("X-Auth-Request-Email")
    log = CONFIG["log-format-upstream"]
    assert f'"request_X-Auth-Request-Email":"$authHeader{email}"' in log
    assert "$http_x_auth" not in log
    assert f'map $host $authHeader{email} {{ default ""; }}' in HTTP


@pytest.mark.parametrize(
    ("seconds", "nanoseconds"),
    [("0.000", "0"), ("0.007", "7000000"), ("0.120", "120000000"), ("12.034", "12034000000")],
)
def test_durations_are_whole_nanoseconds_as_in_traefiks_log(seconds: str, nanoseconds: str) -> None:
    patterns = re.findall(r'"~(\^[^"]+\$)" "([^"]+)";', HTTP)
    assert len(patterns) == 2
    found = "0"
    for pattern, made in patterns:
        if match := re.search(pattern.replace("?<", "?P<"), seconds):
            found = re.sub(r"\$\{(\w+)\}", lambda name, m=match: m[name[1]], made)  # type: ignore[misc]
            break
    assert found == nanoseconds
    assert json.loads(found) == int(nanoseconds)


def test_the_retired_controller_warns() -> None:
    (warning,) = nginx.controller(CLUSTER).warnings
    assert "retired" in warning
    assert "warren:ingress.controller to traefik" in warning


def test_answers_are_never_kept_at_cloudflares_edge() -> None:
    assert nginx.controller(CLUSTER).config["nginx-response-headers"] == {"Cloudflare-CDN-Cache-Control": "no-store"}
    assert CONFIG["add-headers"] == "warren-ingress/nginx-response-headers"


def test_the_config_it_reads_is_the_one_that_is_made() -> None:
    assert ARGS["configmap"] == "warren-ingress/nginx"
    assert nginx.controller(CLUSTER).config["nginx"] == CONFIG


def test_it_writes_no_status_and_elects_no_leader_so_it_needs_no_right_to() -> None:
    assert ARGS["update-status"] == "false"
    assert ARGS["disable-leader-election"] == "true"
    assert {resource for rule in nginx.OWN_RULES for resource in rule["resources"]} == {"pods", "configmaps", "events"}
