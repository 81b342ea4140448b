"""Names as the controllers join them: no two of a stack come out alike, and if they did, the file and line are told."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config import reserved
from config.mistakes import Document, Loaded
from config.workspace import Workspace
from manifests import names
from manifests.ingress import check_names, joined
from tests.config import examples, files

APP: dict[str, Any] = {"image": "ghcr.io/x/web:1.0", "port": 8000}
SIGN_IN = {
    "providers": [
        {"type": "github", "id": "gh", "clientId": "c", "clientSecret": {"secret": "s"}, "loadAllGroups": True}
    ],
    "allow": {"emailDomains": ["example.com"]},
}

# Written by whoever attacked Warren when its marks had six digits: each pair was one router to Traefik.
TRIALS = {
    "a protected route": (
        ("team", "tool", {"path": "/rpc"}),
        ("team-tool", "rpc", {"path": "/__--___-----_-_------_--", "bodySize": "1Mi", "rateLimit": "5/s"}),
    ),
    "a denied path": (
        ("open", "limited", {"path": "/office", "deny": ["/office/admin"]}),
        ("open-limited", "office", {"path": "/80794e-deny__-_--___-_-_-_--_-_-----"}),
    ),
    "a service": (
        ("fast", "web", {"path": "/web"}),
        ("fast-web", "web", {"path": "/-____-___--___----__-___"}),
    ),
}


def six_digits(*parts: str) -> str:
    """The marks as they were: of a route all of it, of a denial only its path, of sign-in the workspace and service."""
    text = {3: " ".join(parts), 4: parts[-1], 2: "/".join(parts)}[len(parts)]
    return hashlib.sha256(text.encode()).hexdigest()[:6]


def written(name: str, apps: dict[str, Any], auth: Any = "none") -> Workspace:
    return examples.workspace(name=name, host=name, apps=apps, auth=auth)


def loaded(workspace: Workspace) -> Loaded[Workspace]:
    return Loaded(workspace, Document(f"workspaces/{workspace.name}.yaml", {}))


def refused(*workspaces: Workspace, controller: str = "traefik") -> list[str]:
    stack = examples.stack(ingress={"controller": controller})
    return [str(each) for each in check_names.check(stack, [loaded(each) for each in workspaces])]


def trial(name: str) -> tuple[Workspace, Workspace]:
    one, other = (written(workspace, {app: {**APP, "routes": [rule]}}) for workspace, app, rule in TRIALS[name])
    return one, other


@pytest.mark.parametrize("name", TRIALS)
def test_rule_48_the_trials_files_are_names_of_their_own(name: str) -> None:
    assert refused(*trial(name)) == []


@pytest.mark.parametrize("name", TRIALS)
def test_rule_48_names_that_come_out_alike_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the marks of then the trial's files still collide, and that does not get past the check."""
    monkeypatch.setattr(names, "mark", six_digits)
    assert refused(*trial(name))


def test_rule_48_the_mistake_has_both_files_and_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "mark", lambda *_: "0" * 32)
    shop = (
        files.SHOP.replace("name: shop", "name: mcd-hello").replace("host: shop", "host: shop").replace("web:", "x:", 1)
    )
    stack = files.STACK.replace("[mcd, shop]", "[mcd, mcd-hello]")
    mcd = files.MCD.replace("routes: [/hello]", "routes: [/x]")
    project = {**files.FILES, "Pulumi.home.yaml": stack, "workspaces/mcd.yaml": mcd, "workspaces/mcd-hello.yaml": shop}
    [mistake] = files.mistakes(tmp_path, project)
    assert mistake == (
        "workspaces/mcd-hello.yaml:9: apps.x.routes[0]: the controller would call its router "
        f"mcd-hello-x-{'0' * 32}-rule-0-path-0, as that of apps.hello.routes[0] in workspaces/mcd.yaml:17, "
        "and serve one for the other; rename the app or the port"
    )


def test_rule_48_a_mark_has_32_digits_and_every_part_of_the_text_in_it() -> None:
    assert len(names.mark("a", "b")) == 32
    texts = [("a", "b"), ("ab",), ("a", "b", ""), ("b", "a"), ("a b",), ("a", "c")]
    assert len({names.mark(*text) for text in texts}) == len(texts)


# Traefik.

_hostile_names = st.one_of(
    st.sampled_from(["a", "a-b", "a-b-c", "b", "b-c", "c", "a--b", "oauth2", "a-oauth2", "a-oauth2-proxy", "a-dex"]),
    st.from_regex(r"\A[a-c0]{1,2}(-{1,2}[a-c0]{1,2}){0,3}\Z").filter(lambda name: name[0].isalpha()),
)
_hostile_paths = st.one_of(
    st.just("/"),
    st.from_regex(r"\A(/[a-c0-9_-][a-c0-9._-]{0,6}){1,3}\Z"),
    st.sampled_from(["/b", "/b-c", "/__--_", "/deny"]),
)


@st.composite
def hostile(draw: st.DrawFn, name: str) -> Workspace:
    """A workspace whose names and paths are made to run into those of others."""
    signs_in = draw(st.booleans())
    apps = {}
    for app in draw(
        st.lists(
            _hostile_names.filter(lambda name: name not in reserved.SIGN_IN_NAMES), min_size=1, max_size=3, unique=True
        )
    ):
        rules: list[Any] = []
        for path in draw(st.lists(_hostile_paths, min_size=1, max_size=2, unique=True)):
            below = f"{path.rstrip('/')}/{draw(st.sampled_from(['b', '-', '_-', '0', 'deny']))}"
            rules.append({"path": path, "deny": [below]} if draw(st.booleans()) else path)
        apps[app] = {**APP, "routes": rules, **({"host": f"x{app}"} if draw(st.booleans()) else {})}
    return written(name, apps, SIGN_IN if signs_in else "none")


_workspaces = st.lists(_hostile_names, min_size=2, max_size=3, unique=True).flatmap(
    lambda chosen: st.tuples(*(hostile(name) for name in chosen))
)


@settings(max_examples=150, deadline=None)
@given(_workspaces)
def test_rule_48_no_two_ingresses_of_hostile_files_share_a_name(workspaces: tuple[Workspace, ...]) -> None:
    stack = examples.stack()
    served = [each for workspace in workspaces for _, each in check_names.served(stack, workspace)]
    made = Counter((name.table, name.name) for each in served for name in joined.traefik(each))
    assert [name for name, times in made.items() if times > 1] == []
    assert refused(*workspaces) == []


@settings(max_examples=150, deadline=None)
@given(_workspaces)
def test_rule_48_without_marks_hostile_files_are_refused_exactly_where_names_meet(
    workspaces: tuple[Workspace, ...],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(names, "mark", lambda *_: "")
        stack = examples.stack()
        served = {each for workspace in workspaces for _, each in check_names.served(stack, workspace)}
        meet = len({joined.normalized(each.namespace, each.ingress) for each in served}) < len(served)
        assert bool(refused(*workspaces)) >= meet


@pytest.mark.parametrize(
    ("text", "name"),
    [("a.b_c--d", "a-b-c-d"), ("-a-", "a"), ("__", "")],
)
def test_names_are_normalized_as_traefik_does_it(text: str, name: str) -> None:
    assert joined.normalized(text) == name


# ingress-nginx.


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (written("a", {"b-c": {**APP, "routes": ["/"]}}), written("a-b", {"c": {**APP, "routes": ["/"]}})),
        (
            written("team", {"web": {**APP, "routes": ["/"]}}, SIGN_IN),
            written("team-oauth2", {"proxy": {**APP, "routes": ["/"]}}),
        ),
        (
            written("a", {"b": {"image": "x/y:1", "ports": {"c-d": 1}, "routes": ["/"]}}),
            written("a-b", {"c": {"image": "x/y:1", "ports": {"d": 1}, "routes": ["/"]}}),
        ),
    ],
    ids=["apps", "sign-in", "ports"],
)
def test_rule_48_pods_that_ingress_nginx_would_mix_up_are_refused_there(one: Workspace, other: Workspace) -> None:
    """It joins namespace, Service and port and has no mark; Traefik's service carries the Ingress's."""
    [mistake] = refused(one, other, controller="nginx")
    assert "upstream" in mistake
    assert refused(one, other) == []


def test_many_ingresses_of_one_service_are_one_upstream_and_right() -> None:
    workspace = written("a", {"b": {**APP, "routes": ["/", {"path": "/x", "deny": ["/x/y"]}]}})
    assert refused(workspace, controller="nginx") == []


@settings(max_examples=50, deadline=None)
@given(_workspaces)
def test_rule_48_middlewares_are_apart_where_routers_are(workspaces: tuple[Workspace, ...]) -> None:
    stack = examples.stack()
    made = [name for each in workspaces for _, at in check_names.served(stack, each) for name in joined.traefik(at)]
    routers = [f"{each.name}{tls}" for each in made if each.table == "router" for tls in ("", "-tls")]
    middlewares = [f"{name}-{suffix}" for name in routers for suffix in joined.SUFFIXES]
    assert len({*routers, *middlewares}) == len(routers) + len(middlewares)
    suffixes = ("", "-tls", *(f"-{suffix}" for suffix in joined.SUFFIXES))
    assert not [(one, other) for one in suffixes[1:] for other in suffixes[1:] if one != other and one.endswith(other)]
    assert not [name for name in routers if name.endswith(suffixes[2:])]
