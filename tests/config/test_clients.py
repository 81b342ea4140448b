"""Programs with a password, in the files: what is a password, and which stacks have none of them."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from config.checks.check_clients import MAX_LISTED, check, is_password
from config.mistakes import Document, Loaded, Mistakes
from config.routes import routes_of
from manifests import platform
from manifests.ingress import traefik
from tests import config_from_file
from tests.config import examples
from tests.config.files import edited, load, write

NAMED = ("apps:\n", "clients: { backup: { secret: mcd-entra } }\napps:\n")
LISTED = ("routes: [/hello]", "routes: [{ path: /hello, clients: [backup] }]")


def test_what_random_generators_print_is_a_password() -> None:
    for _ in range(100):
        for made in (secrets.token_hex(32), secrets.token_hex(16), secrets.token_urlsafe(48)):
            assert is_password(made), made


@pytest.mark.parametrize(
    "value",
    [
        "",
        None,
        7,
        ["0123456789abcdef" * 2],
        "correct-horse",
        "0123456789abcdef"[:8] * 3,
        "a" * 64,
        "abcdefg" * 9,
        "0123456789abcdef 0123456789abcdef",
        "0123456789abcdef0123456789abcdef\n",
        "0123456789abcdef0123456789abcdé",
        "0123456789abcdef\x000123456789abcdef",
        "0123456789abcdef" * 33,
    ],
)
def test_what_can_be_guessed_or_does_not_go_into_a_header_is_none(value: object) -> None:
    assert not is_password(value)


def refused(root: Path, unfit: tuple[str, ...] = ()) -> list[str]:
    config, known = config_from_file(root / "Pulumi.home.yaml")
    with pytest.raises(Mistakes) as found:
        platform.load(root, "home", config, secrets=known, unfit=unfit)
    return [str(mistake) for mistake in found.value.mistakes]


def test_a_password_that_can_be_guessed_is_refused_and_not_repeated(tmp_path: Path) -> None:
    write(tmp_path, edited("workspaces/mcd.yaml", NAMED, LISTED))
    assert refused(tmp_path, ("mcd-entra",)) == [
        "workspaces/mcd.yaml:12: clients.backup: the value of 'mcd-entra' is no password for a client: at least 32 "
        "random characters of ASCII without spaces, such as openssl rand -hex 32 makes; run: make secret "
        "NAME=mcd-entra STACK=home (or pulumi config set --secret --path 'secrets.mcd-entra' --stack home)"
    ]


def test_only_values_of_clients_have_to_be_such_passwords(tmp_path: Path) -> None:
    write(tmp_path, edited("workspaces/mcd.yaml", LISTED, ("clients: [backup]", "deny: [/hello/x]")))
    config, known = config_from_file(tmp_path / "Pulumi.home.yaml")
    assert platform.load(tmp_path, "home", config, secrets=known, unfit=("mcd-entra",)).warnings == ()


def test_a_stack_with_nginx_refuses_clients(tmp_path: Path) -> None:
    write(tmp_path, edited("workspaces/mcd.yaml", NAMED, LISTED))
    file = tmp_path / "Pulumi.home.yaml"
    file.write_text(file.read_text("utf-8").replace("controller: traefik", "controller: nginx"), "utf-8")
    assert refused(tmp_path) == [
        "workspaces/mcd.yaml:12: clients.backup: needs warren:ingress.controller traefik: ingress-nginx has no way in "
        "beside sign-in that does not open the route's other walls too"
    ]


def test_a_client_that_comes_in_nowhere_is_warned_about_and_lists_stay_what_they_say(tmp_path: Path) -> None:
    write(tmp_path, edited("workspaces/mcd.yaml", NAMED))
    [warning] = load(tmp_path).warnings
    assert (
        str(warning)
        == "workspaces/mcd.yaml:12: clients.backup: comes in nowhere; list it at a route, as clients: [backup]"
    )
    write(tmp_path, edited("workspaces/mcd.yaml", NAMED, LISTED))
    plan = load(tmp_path)
    assert plan.warnings == ()
    assert {row.path: row.clients for row in plan.routes if row.workspace == "mcd"} == {
        "/": (),
        "/hello": (("backup", "mcd-entra"),),
    }


@pytest.mark.parametrize(("count", "refusals"), [(MAX_LISTED, 0), (MAX_LISTED + 1, 1)])
def test_no_workspace_fills_the_secret_that_all_share(count: int, refusals: int) -> None:
    routes = [{"path": f"/{i}", "clients": ["backup"]} for i in range(count)]
    app = {"image": "ghcr.io/x/web:1.0", "port": 8000, "routes": routes}
    auth = {
        "providers": [{"type": "github", "id": "gh", "clientId": "c", "clientSecret": {"secret": "team-gh"}}],
        "allow": {"emailDomains": ["example.com"]},
    }
    made = examples.workspace(auth=auth, clients={"backup": {"secret": "team-backup"}}, apps={"web": app})
    found = list(check(Loaded(made, Document("workspaces/team.yaml", {}))))
    assert len(found) == refusals
    rows = routes_of(examples.stack(), made)
    # A dozen workspaces with as many, and longer names, fit.
    assert len(traefik.passwords(rows, {"team-backup": "x" * 32})) < 900 * 2**10 / 12
