"""Programs with a password: which requests are theirs, what is asked of them, and where their passwords are."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.routes import Route
from manifests.ingress import clients, installation, joined, own_routers, traefik
from tests.manifests.ingress_examples import CLUSTER, HOST, route

BACKUP, PHONE = ("backup", "mcd-backup"), ("phone", "mcd-phone")
VALUES = {"mcd-backup": "b" * 31 + "acdefgh", "mcd-phone": "p" * 40}
BROUGHT = re.compile("^(?i:basic) Y2xpZW50L")


def row(path: str = "/x", auth: str = "page", *who: tuple[str, str], **rule: Any) -> Route:
    made = route(path, auth, clients=tuple(name for name, _ in who), **rule)
    return Route(HOST, path, "mcd", "web", "http", 8000, made.auth, made.rule, clients=who)


def routers(*rows: Route) -> dict[str, Any]:
    return dict(own_routers.config(rows)["http"]["routers"])


def checks(*rows: Route) -> dict[str, Any]:
    return dict(yaml.safe_load(traefik.passwords(rows, VALUES))["http"]["middlewares"])


def test_without_clients_nothing_is_there_for_them() -> None:
    assert clients.secrets([route("/", "page")]) == []
    [volume, _] = traefik.controller(CLUSTER, [route("/", "page")]).volumes
    assert volume["projected"] == {"sources": [{"configMap": {"name": "traefik"}}]}
    assert own_routers.config([route("/", "page")]) == {}


def test_the_passwords_are_in_a_secret_beside_the_other_files_and_in_no_config_map() -> None:
    told = traefik.controller(CLUSTER, [row("/x", "page", BACKUP)])
    sources = told.volumes[0]["projected"]["sources"]
    assert sources == [{"configMap": {"name": "traefik"}}, {"secret": {"name": "traefik-clients"}}]
    assert "SHA" not in str(told.config)
    made = installation.passwords("text")
    assert (made["kind"], made["metadata"]["namespace"], made["metadata"]["name"]) == (
        "Secret",
        "warren-ingress",
        "traefik-clients",
    )
    assert made["stringData"] == {"clients.yaml": "text"}
    assert "clients.yaml" not in told.config["traefik"]


def test_each_route_knows_the_passwords_of_those_that_it_lists_and_of_nobody_else() -> None:
    one, other = row("/x", "page", BACKUP), row("/y", "api", BACKUP, PHONE)
    made = checks(one, other, route("/z", "page"))
    assert {name: [user.partition(":")[0] for user in each["basicAuth"]["users"]] for name, each in made.items()} == {
        clients.middleware(one): ["client.backup"],
        clients.middleware(other): ["client.backup", "client.phone"],
    }
    assert clients.secrets([one, other]) == ["mcd-backup", "mcd-phone"]


def test_the_name_that_was_checked_is_the_apps_only_identity_and_the_password_stays() -> None:
    [check] = checks(row("/x", "page", PHONE)).values()
    # python -c 'import base64, hashlib; print(base64.b64encode(hashlib.sha1(b"p" * 40).digest()))'
    assert check["basicAuth"]["users"] == ["client.phone:{SHA}X+RcvnMM+9E6DNJSCsEca1ukyCQ="]
    assert check["basicAuth"]["headerField"] == "X-Auth-Request-User"
    assert check["basicAuth"]["removeHeader"] is True
    assert VALUES["mcd-phone"] not in str(check)


@pytest.mark.parametrize(("auth", "asked"), [("page", False), ("api", True)])
def test_only_where_programs_are_expected_is_one_that_brings_nothing_asked(auth: str, asked: bool) -> None:
    [router] = routers(row("/x", auth, BACKUP)).values()
    nothing = all(f"!HeaderRegexp(`{name}`, `.`)" in router["rule"] for name in ("Authorization", "Cookie"))
    assert nothing is asked
    assert ("!HeaderRegexp(`Sec-Fetch-Mode`, `.`)" in router["rule"]) is asked


@given(st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True), st.text(max_size=20))
def test_every_clients_name_is_known_by_how_it_is_written(name: str, password: str) -> None:
    brought = base64.b64encode(f"client.{name}:{password}".encode()).decode()
    for scheme in ("Basic", "basic", "BASIC"):
        assert BROUGHT.search(f"{scheme} {brought}")
    assert BROUGHT.pattern in clients.BROUGHT


@pytest.mark.parametrize("user", ["", "ann", "client", "client1", "clients", "Client.backup", "admin", "xclient.a"])
def test_other_names_are_the_apps_own_business(user: str) -> None:
    assert not BROUGHT.search(f"Basic {base64.b64encode(f'{user}:x'.encode()).decode()}")


def test_their_requests_meet_every_wall_of_the_route_but_sign_in() -> None:
    rule: dict[str, Any] = {"rateLimit": "1/s", "bodySize": "1Mi", "allowFrom": ("203.0.113.0/24",)}
    for auth in ("page", "api"):
        made = row("/x", auth, BACKUP, **rule)
        found = routers(made)
        assert len(found) == 4
        for name, router in found.items():
            theirs = "-client" in name
            kinds = [re.sub(r"(mcd-)?web-x-[0-9a-f]{32}", "", each).partition("@")[0] for each in router["middlewares"]]
            wall = "client-" if theirs else "-rule-0-path-0-snippet"
            assert kinds[:3] == ["workspace-mcd", "limit-", "-rule-0-path-0-allowed-source-range"], name
            assert kinds[3] == wall, name
            # People's routers and theirs never want the same request, whatever their order.
            assert (f" && !{clients.comes(made)}" in router["rule"]) is not theirs
            assert router["rule"].endswith(f" && {'' if theirs else '!'}{clients.comes(made)}")


def test_rule_53_what_is_refused_outranks_their_routers() -> None:
    made = row("/x", "api", BACKUP, bodySize="1Mi")
    base = len(own_routers.router_rule(HOST, "/x"))
    assert {router["priority"] for router in routers(made).values()} == {base + 1, base + 2}


def test_rule_48_their_routers_have_names_of_their_own() -> None:
    served = joined.Served("a", "b", "c", "http")
    made = [each.name for each in joined.traefik(served) if each.table == "second router"]
    assert made == ["a-b", "a-b-measured", "a-b-client", "a-b-client-measured"]


def test_a_route_that_has_clients_alone_leaves_people_to_its_ingress() -> None:
    [(name, router)] = routers(row("/x", "page", BACKUP)).items()
    assert name.endswith("-client")
    assert router["middlewares"] == ["workspace-mcd", clients.middleware(row("/x", "page", BACKUP))]
