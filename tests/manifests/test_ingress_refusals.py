"""What no request may be: the routers for Traefik and the snippets for nginx, asked the same questions."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.routes import Route, SignIn
from manifests import names
from manifests.ingress import nginx, own_routers, refusals, traefik
from manifests.ingress.own_routers import router_rule
from manifests.signin.dex import PUBLIC_PATHS
from tests.manifests.ingress_examples import CLUSTER, EVERY_KIND, HOST, SECRET, SIGN_IN, route

OTHER = "club.example.com"
GUARDED, OPEN, CROSS = route("/page", "page"), route("/open"), route("/cross", "api", crossOrigin=True)
DENIES = route("/", "page", deny=("/metrics",))
PASSWORD, OFFICE = route("/password", basicAuth=SECRET), route("/office", allowFrom=("198.51.100.0/24",))
ROUTES = (GUARDED, OPEN, CROSS, DENIES, PASSWORD, OFFICE)
SIGN_IN_PATHS = ("/oauth2", *PUBLIC_PATHS)
TRAEFIK: dict[str, Any] = refusals.traefik(ROUTES, [SIGN_IN])["http"]
CONFIG = nginx.config(CLUSTER, ROUTES, [SIGN_IN])


@dataclass(frozen=True)
class Request:
    """One request, as either controller sees it."""

    uri: str = "/page/x"
    method: str = "GET"
    host: str = HOST
    headers: dict[str, str] = field(default_factory=dict)
    row: Route = GUARDED
    address: str = "198.51.100.7"

    @property
    def path(self) -> str:
        return unquote(self.uri.partition("?")[0])

    @property
    def args(self) -> str:
        return self.uri.partition("?")[2]

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


def traefik_matches(rule: str, asked: Request) -> bool:
    """What Traefik's rule parser makes of a rule (pkg/muxer/http/matcher.go)."""
    query = partial(parse_qs, asked.args, keep_blank_values=True)
    functions = {
        "Host": lambda host: asked.host == host,
        "Path": lambda path: asked.path == path,
        "PathPrefix": lambda path: asked.path.startswith(path),
        "PathRegexp": lambda pattern: bool(re.search(pattern, asked.path)),
        "Method": lambda method: asked.method == method,
        "Header": lambda name, value: asked.headers.get(name) == value,
        "HeaderRegexp": lambda name, pattern: name in asked.headers and bool(re.search(pattern, asked.header(name))),
        "QueryRegexp": lambda key, pattern: any(re.search(pattern, value) for value in query().get(key, [])),
    }
    python = re.sub(r"`([^`]*)`", lambda found: repr(found[1]), rule)
    python = python.replace("&&", " and ").replace("||", " or ")
    python = re.sub(r"!(?=[A-Z(])", " not ", python)
    return bool(eval(python, {"__builtins__": {}}, functions))


OWN_ROUTERS = [router_rule(HOST, row.path) for row in ROUTES] + [router_rule(HOST, path) for path in SIGN_IN_PATHS]
"""The rules of the Ingress objects, which Traefik ranks by their length."""


def traefik_refuses(asked: Request) -> bool:
    refused = [(router["priority"], True, router["rule"]) for router in TRAEFIK["routers"].values()]
    served = [(len(rule), False, rule) for rule in OWN_ROUTERS]
    found = [(rank, refuses) for rank, refuses, rule in refused + served if traefik_matches(rule, asked)]
    return bool(found) and max(found)[1]


def nginx_refuses(asked: Request) -> bool:
    """What nginx makes of the maps and conditions of its snippets."""
    known = {
        "host": asked.host,
        "uri": asked.path,
        "args": asked.args,
        "request_uri": asked.uri,
        "request_method": asked.method,
        "namespace": asked.row.workspace,
        "ingress_name": names.slug(asked.row),
        "http_origin": asked.header("Origin"),
        "http_sec_fetch_site": asked.header("Sec-Fetch-Site"),
        "http_upgrade": asked.header("Upgrade"),
    }
    maps = re.findall(r"^(map|geo) (?:\"?([^\"{]*?)\"? )?\$(\w+) \{(.*?)\}$", CONFIG["http-snippet"], re.S | re.M)
    for kind, source, name, body in maps:
        if not name.startswith("warren_") or name in ("warren_path", "warren_ns", "warren_client"):
            continue
        entries = re.findall(r'("(?:[^"]*)"|\S+) ("[^"]*"|[^\s;]+);', body)
        if kind == "geo":
            inside = [v for k, v in entries if k != "default" and _inside(asked.address, k)]
            known[name] = (inside or [dict(entries)["default"]])[0]
            continue
        text = re.sub(r"\$(\w+)", lambda found: known[found[1]], source)
        known[name] = next((v for k, v in entries if k != "default" and _is(text, k)), dict(entries)["default"])
    for snippet in (CONFIG["server-snippet"], CONFIG["location-snippet"]):
        for condition in re.findall(r"^if \((.*)\) \{ return 40[03]; \}$", snippet, re.M):
            if condition.startswith("$http_x_forwarded"):
                continue
            name, _, rest = condition[1:].partition(" ")
            how, _, pattern = rest.partition(" ")
            value = known[name]
            found = re.search(pattern.strip('"'), value, re.I if "*" in how else 0) if pattern else None
            if (value not in ("", "0")) if not how else (found is None) if how.startswith("!") else found is not None:
                return True
    return False


def _inside(address: str, network: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)


def _is(text: str, key: str) -> bool:
    key = key.strip('"')
    if not key.startswith("~"):
        return text == key
    folded = key.startswith("~*")
    return re.search(key[2 if folded else 1 :].replace("\\\\", "\\"), text, re.I if folded else 0) is not None


BOTH = pytest.mark.parametrize("refuses", [traefik_refuses, nginx_refuses])
SAME_SITE, CROSS_SITE = {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "cross-site"}
FOREIGN = [
    SAME_SITE,
    CROSS_SITE,
    {"Sec-Fetch-Site": "new"},
    {**CROSS_SITE, "Origin": f"https://{HOST}"},
    {"Origin": f"https://{OTHER}"},
    {"Origin": "null"},
    {"Origin": f"http://{HOST}"},
    {"Origin": f"https://{HOST}:8443"},
    {"Origin": f"https://{HOST}.evil.example"},
    {"Origin": f"x|https://{HOST}"},
]
OWN: list[dict[str, str]] = [
    {},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    {"Origin": f"https://{HOST}"},
]


@BOTH
@pytest.mark.parametrize("code", [*range(0x20), 0x7F])
def test_rule_50_no_control_character_is_let_into_a_path(refuses: Any, code: int) -> None:
    for spelt in (f"%{code:02x}", f"%{code:02X}"):
        for uri in (f"/open{spelt}", f"/page/{spelt}x", f"/{spelt}", f"/oauth2/start{spelt}"):
            assert refuses(Request(uri, row=OPEN))
            assert refuses(Request(uri, host="nobody.example.com", row=OPEN))
        assert not refuses(Request(f"/open?x={spelt}", row=OPEN))


@BOTH
@pytest.mark.parametrize(
    "uri", ["/open/%20", "/open/%7e", "/open/%80", "/open/caf%C3%A9", "/open/%250a", "/open/%251f"]
)
def test_rule_50_other_characters_pass(refuses: Any, uri: str) -> None:
    assert not refuses(Request(uri, row=OPEN))


@BOTH
@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_rule_53_pages_of_other_hosts_do_not_write(refuses: Any, headers: dict[str, str]) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "get", "GETS"):
        assert refuses(Request(method=method, headers=headers))
        assert not refuses(Request("/open/x", method, headers=headers, row=OPEN))
        assert not refuses(Request("/cross/x", method, headers=headers, row=CROSS))
    for method in ("GET", "HEAD", "OPTIONS"):
        assert not refuses(Request(method=method, headers=headers))
        assert refuses(Request(method=method, headers={**headers, "Upgrade": "websocket"}))
        assert not refuses(Request("/cross/x", method, headers={**headers, "Upgrade": "websocket"}, row=CROSS))


@BOTH
@pytest.mark.parametrize("row", [PASSWORD, OFFICE], ids=["password", "address"])
def test_rule_53_nor_do_they_use_the_password_or_the_address_that_a_browser_has(refuses: Any, row: Route) -> None:
    for headers in FOREIGN:
        assert refuses(Request(f"{row.path}/x", "POST", headers=headers, row=row))
        assert not refuses(Request(f"{row.path}/x", "GET", headers=headers, row=row))
    for headers in OWN:
        assert not refuses(Request(f"{row.path}/x", "POST", headers=headers, row=row))


@BOTH
@pytest.mark.parametrize("headers", OWN, ids=str)
def test_rule_53_the_hosts_own_pages_and_programs_do(refuses: Any, headers: dict[str, str]) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert not refuses(Request(method=method, headers=headers))
        assert not refuses(Request(method=method, headers={**headers, "Upgrade": "websocket"}))


@BOTH
@pytest.mark.parametrize("uri", ["/dex/callback", "/dex/auth/entra/login"])
def test_rule_53_a_provider_may_post_to_dex(refuses: Any, uri: str) -> None:
    dex = route(uri, app="dex")
    assert not refuses(Request(uri, "POST", headers=CROSS_SITE, row=dex))
    assert refuses(Request("/", "POST", headers=CROSS_SITE, row=DENIES))


@BOTH
@pytest.mark.parametrize(
    "protocol", ["h2c", "websocket, h2c", "h2c,websocket", "websockets", "websocke", "w", "x", "WebSocketX"]
)
def test_rule_58_only_websockets_are_upgraded(refuses: Any, protocol: str) -> None:
    for row, uri in ((OPEN, "/open"), (GUARDED, "/page"), (CROSS, "/cross")):
        assert refuses(Request(uri, headers={"Upgrade": protocol}, row=row))
        assert refuses(Request(uri, host="nobody.example.com", headers={"Upgrade": protocol}, row=row))


@BOTH
@pytest.mark.parametrize("protocol", ["websocket", "WebSocket", "WEBSOCKET"])
def test_rule_58_websockets_are(refuses: Any, protocol: str) -> None:
    assert not refuses(Request(headers={"Upgrade": protocol}))


@BOTH
@settings(deadline=None)
@given(protocol=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=12))
def test_rule_58_whatever_else_somebody_makes_up(refuses: Any, protocol: str) -> None:
    assert refuses(Request("/open", headers={"Upgrade": protocol}, row=OPEN)) == (protocol.lower() != "websocket")


@BOTH
@pytest.mark.parametrize(
    "query",
    [
        "rd=http://x/",
        "rd=HTTP://x/",
        "a=b&rd=http:",
        "rd=%68ttp:%2f%2fx",
        "%72%64=http://x",
        "rd=/&rd=http://x",
        "rd=http%3A//x",
    ],
)
def test_rule_61_nobody_is_led_to_http(refuses: Any, query: str) -> None:
    for path in ("", "/", "/start", "/sign_in", "/sign_out", "/callback", "/x"):
        for method in ("GET", "HEAD"):
            assert refuses(Request(f"/oauth2{path}?{query}", method, row=DENIES))
    assert not refuses(Request(f"/page?{query}"))
    assert not refuses(Request(f"/oauth2x?{query}", row=DENIES))
    assert not refuses(Request(f"/oauth2/start?{query}", host=OTHER, row=OPEN))


@BOTH
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GETS", "OPTIONS"])
def test_rule_61_nor_by_a_form(refuses: Any, method: str) -> None:
    assert refuses(Request("/oauth2/start", method, row=OPEN))
    assert not refuses(Request("/oauth2/token", method, host=OTHER, row=OPEN))


@BOTH
@pytest.mark.parametrize(
    "query", ["", "rd=https://x/", "rd=/http:", "rd=https://x/?a=http://y", "xrd=http://x", "code=1&state=2"]
)
def test_rule_61_other_ways_back_are_open(refuses: Any, query: str) -> None:
    assert not refuses(Request(f"/oauth2/start?{query}", row=OPEN))


def test_rule_61_a_denied_path_asks_nobody_where_they_come_from() -> None:
    """Traefik's allow-list without a strategy asks the peer of the connection, which no header changes."""
    router = TRAEFIK["routers"][f"denied.{HOST}/metrics"]
    assert router["rule"] == router_rule(HOST, "/metrics")
    assert router["middlewares"] == ["nobody"]
    assert TRAEFIK["middlewares"] == {"nobody": {"ipAllowList": {"sourceRange": ["0.0.0.0/32"]}}}
    assert nginx_refuses(Request("/metrics", address="0.0.0.0", row=DENIES))
    assert not nginx_refuses(Request("/page"))


def test_behind_every_refusal_is_nobody_even_if_somebody_got_through() -> None:
    for router in refusals.traefik(EVERY_KIND, [SIGN_IN])["http"]["routers"].values():
        assert router["middlewares"] == ["nobody"]
        assert router["service"] == "noop@internal"
        assert router["entryPoints"] == ["web"]


def test_rule_50_and_58_no_rule_is_long_enough_to_outrank_them() -> None:
    """A rule is as long as its path, and a path is at most what an object in etcd can be."""
    for name in ("control-character", "upgrade", f"sign-in.{HOST}"):
        assert TRAEFIK["routers"][name]["priority"] > 100 * 1_500_000
        assert TRAEFIK["routers"][name]["priority"] < 2**31


@settings(deadline=None)
@given(st.from_regex(r"/[a-z0-9]{0,6}", fullmatch=True), st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True))
def test_a_refusal_outranks_its_own_row_and_no_longer_path(path: str, below: str) -> None:
    row, longer = route(path, "page", rateLimit="1/s", bodySize="1Mi"), f"{path.rstrip('/')}/{below}"
    own = {router["priority"] for router in own_routers.config([row])["http"]["routers"].values()}
    refused = refusals.traefik([row], [])["http"]["routers"][f"cross-origin.{HOST}{path}"]["priority"]
    assert len(router_rule(HOST, path)) < min(own) < max(own) < refused < len(router_rule(HOST, longer))


def test_every_row_and_every_denied_path_has_its_own_router() -> None:
    made = refusals.traefik(EVERY_KIND, [SignIn("mcd", HOST, (OTHER, HOST))])["http"]["routers"]
    guarded = [r for r in EVERY_KIND if r.auth != "none" or r.rule.basicAuth or r.rule.allowFrom]
    assert len([name for name in made if name.startswith("cross-origin.")]) == len(guarded)
    assert len([name for name in made if name.startswith("denied.")]) == sum(len(r.rule.deny) for r in EVERY_KIND)
    assert len([name for name in made if name.startswith("sign-in.")]) == 2


def test_both_controllers_are_told() -> None:
    told = traefik.controller(CLUSTER, ROUTES, [SIGN_IN]).config["traefik"]["refusals.yaml"]
    assert "control-character" in told
    assert f"sign-in.{HOST}" in told
    config = nginx.controller(CLUSTER, ROUTES, [SIGN_IN]).config["nginx"]
    assert config == CONFIG
    assert "if ($warren_cross_origin) { return 403; }" in config["location-snippet"].splitlines()


def test_nginx_starts_with_the_longest_name_that_a_row_can_have() -> None:
    """A map's key must fit into one bucket."""
    assert int(CONFIG["map-hash-bucket-size"]) >= 63 + 1 + 253 + 64
