"""Plans that cannot work: what is warned about, with the line, and what is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from config.checks import warnings
from config.load import parse_yaml, validate
from config.mistakes import Loaded
from config.workspace import Workspace
from manifests import report
from tests.config.examples import NODES, stack
from tests.config.files import edited, load, write

SUITE = """\
name: suite
host: suite
quota: { cpu: "2", memory: 2Gi }
auth: none
egress: { allow: [{ cidr: 10.0.0.7/32, ports: [636] }, { cidr: 192.168.4.0/24 }] }
apps:
  web: { image: "x/web:1", port: 8000, routes: [/] }
  api: { image: "x/api:1", ports: { http: 9000, rpc: 9001 }, routes: [{ path: /api, port: http }] }
  db: { image: "x/db:1", port: 5432 }
  worker: { image: "x/worker:1" }
  nightly: { image: "x/worker:1", schedule: "0 3 * * *" }
  page: { static: suite/page, routes: [/page] }
  me:
    image: x/me:1
    port: 7000
    env:
      KEY: VALUE
"""
OTHER = """\
name: other
host: other
quota: { cpu: "1", memory: 1Gi }
auth: none
apps:
  wiki: { image: "x/w:1", port: 80 }
"""


def file(text: str, name: str) -> Loaded[Workspace]:
    return validate(Workspace, parse_yaml(text, f"workspaces/{name}.yaml"))


def told(text: str) -> list[str]:
    """What is warned about in a suite, beside another workspace."""
    return [str(each) for each in warnings.check(stack(), [file(text, "suite"), file(OTHER, "other")], ["SERVER_PORT"])]


def env(line: str) -> list[str]:
    """What is warned about one line of env, which is line 17."""
    found = told(SUITE.replace("KEY: VALUE", line))
    assert all(each.startswith("workspaces/suite.yaml:17: apps.me.env.") for each in found)
    return [each.split(": ", 2)[2] for each in found]


ROUTED = (
    "is closed to other apps: a port with a route is the controller's; "
    "write siblings: true there, or give {} a second port"
)
NONE = "is no variable of this container, so it stays as it is"
LATER = "is not known yet: of variables that name others, Kubernetes gets A first; rename one of them"
ELSEWHERE = ", and workspaces reach no other; use its public address, if it has one"
UNUSED = ", and this app does not use it; write uses: [other/{}], or its public address, if it has one"
HOME = "{} is on the home network, which is closed; add egress: {{ allow: [{{ cidr: {}{} }}] }}"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("A_URL: http://web:8000/x", f"port 8000 of web {ROUTED.format('web')}"),
        ("A: web:8000", f"port 8000 of web {ROUTED.format('web')}"),
        ("A_HOST: web", f"web {ROUTED.format('web')}"),
        ("A: http://web.suite.svc.cluster.local:8000", f"port 8000 of web {ROUTED.format('web')}"),
        ("A: http://page/", f"port 80 of page {ROUTED.format('page')}"),
        ("A: http://api:9000", f"port 9000 of api {ROUTED.format('api')}"),
        ("A: http://api/", "api has no port 80; it has 9001"),
        ("A: postgres://u:x@db:5433/x", "db has no port 5433; it has 5432"),
        ("A: redis://web", "web has no port 6379; all that it has have routes and are the controller's"),
        ("A: http://worker:80", "worker has no port, so nobody reaches it; give it one"),
        ("A_HOST: nightly", "nightly has no port, so nobody reaches it; give it one"),
        ("A: http://wiki.other", f"wiki.other is in the workspace other{UNUSED.format('wiki')}"),
        ("A: http://x.other.svc:1", f"x.other.svc is in the workspace other{UNUSED.format('x')}"),
        ("A: http://x.monitoring.svc", f"x.monitoring.svc is in the namespace monitoring{ELSEWHERE}"),
        ("A: http://10.0.0.9:8123", HOME.format("10.0.0.9", "10.0.0.9/32", ", ports: [8123]")),
        ("A_HOST: 10.0.0.9", HOME.format("10.0.0.9", "10.0.0.9/32", "")),
        ("A: 'ldaps://10.0.0.7:389'", HOME.format("10.0.0.7", "10.0.0.7/32", ", ports: [389]")),
        ("A: 'http://[fd12::7]:80/'", HOME.format("fd12::7", "fd12::7/128", ", ports: [80]")),
    ],
)  # fmt: skip
def test_an_address_behind_a_wall_is_warned_about(line: str, words: str) -> None:
    assert env(line) == [words]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "A: b $(NOBODY)",
            f"$(NOBODY) {NONE}; add NOBODY, or write $$(",
        ),
        (
            "A: $(A)",
            f"$(A) {LATER}",
        ),
        (
            "A: $(B)\n      B: $(C)\n      C: x",
            f"$(B) {LATER}",
        ),
    ],
)
def test_a_variable_that_is_none_is_warned_about(line: str, words: str) -> None:
    assert env(line) == [words]


@pytest.mark.parametrize(
    "line",
    [
        "A: http://db:5432", "A_HOST: db", "A_HOST: api", "A: postgres://u:p@db/x",
        "A: http://api:9001", "A: db.suite:5432", "MODE: web",
        "A: http://me:7000", "A: https://web.example.com", "A: https://wiki.other.example.com", "A: module.other",
        "A: ldaps://10.0.0.7:636", "A: http://192.168.4.9", "A: http://8.8.8.8", "A: http://localhost:8000",
        "A: http://127.0.0.1:8000", "A: 0.0.0.0:8000", "BIND_ADDR: 10.0.0.9:80", "TRUSTED_PROXIES: 10.0.0.9",
        "A: 10.0.0.0/8", "A: 12:30", "A: $$(NOBODY)", "A: $(date +%u)", "A: 'x'", "A: { secret: suite-x }",
        "A: { value: http://db:5432 }", "A: user:9000",
    ],
)  # fmt: skip
def test_what_works_or_is_no_address_is_left_alone(line: str) -> None:
    assert env(line) == []


def test_init_containers_and_sidecars_have_the_apps_variables_and_their_own() -> None:
    text = SUITE.replace(
        "KEY: VALUE", "ONE: x\n    sidecars: { s: { image: 'x/s:1', env: { TWO: $(ONE), THREE: $(FOUR) } } }"
    )
    [warning] = told(text)
    assert ": apps.me.sidecars.s.env.THREE: $(FOUR) is no variable" in warning


def test_a_command_may_have_a_shells_words_but_not_a_variable_that_is_none() -> None:
    text = SUITE.replace("    env:", "    args: [$(date), $(KEY), $(NONE)]\n    env:")
    assert told(text) == [
        "workspaces/suite.yaml:16: apps.me.args[2]: $(NONE) is no variable of this container, so it stays as it is; "
        "add it to env"
    ]


def test_a_port_that_is_open_to_siblings_is_not_warned_about() -> None:
    text = SUITE.replace("KEY: VALUE", "KEY: http://web:8000")
    assert len(told(text)) == 1
    assert told(text.replace("port: 8000", "port: { number: 8000, siblings: true }")) == []


def test_an_app_of_another_workspace_that_is_used_is_not_warned_about() -> None:
    text = SUITE.replace("KEY: VALUE", "KEY: http://wiki.other")
    assert len(told(text)) == 1
    assert told(text.replace("port: 7000", "port: 7000\n    uses: [other/wiki]")) == []


def test_a_variable_that_an_app_inherits_is_one() -> None:
    inherited = SUITE.replace("auth: none", "auth: none\nenv: { BASE: x }").replace("KEY: VALUE", "KEY: $(BASE)")
    assert told(inherited) == []
    assert len(told(inherited.replace("BASE: x", "OTHER: x"))) == 1


@pytest.mark.parametrize(("claim", "right"), [("db-data", True), ("db-dtaa", False)])
def test_a_claim_that_nothing_makes_is_warned_about(claim: str, right: bool) -> None:
    text = SUITE.replace("port: 5432 }", "port: 5432, volumes: { data: { mount: /d, size: 1Gi } } }")
    text = text.replace("    env:", f"    volumes: {{ d: {{ mount: /d, claim: {claim} }} }}\n    env:")
    warning = (
        "workspaces/suite.yaml:16: apps.me.volumes.d.claim: nothing here makes the claim 'db-dtaa', so the app waits "
        "for it; name another app's volume as <app>-<volume> (here: db-data), or make the claim by hand, which needs "
        "quota.storage"
    )
    assert told(text) == ([] if right else [warning])


@pytest.mark.parametrize(
    ("volume", "distribution", "whose"),
    [
        ("", "k3s", "K3s' default class"),
        ("", "talos", None),
        (", storageClass: local-path", "talos", "that class"),
        (", storageClass: longhorn", "k3s", None),
        (", nfs: { server: 10.0.0.7, path: /d }", "k3s", None),
    ],
)
@pytest.mark.parametrize("mode", ["ReadWriteMany", "ReadOnlyMany", "ReadWriteOncePod"])
def test_a_volume_for_many_nodes_of_a_class_for_one_is_warned_about(
    volume: str, distribution: str, whose: str | None, mode: str
) -> None:
    text = OTHER.replace(
        "port: 80", f"port: 80, volumes: {{ d: {{ mount: /d, size: 1Gi, accessMode: {mode}{volume} }} }}"
    )
    text = text.replace("memory: 1Gi }", "memory: 1Gi, storage: 1Gi }")
    made = stack(cluster={"context": "home", "nodes": NODES, "distribution": distribution})
    warned = [
        f"workspaces/other.yaml:6: apps.wiki.volumes.d.accessMode: {whose} keeps data on one node and refuses {mode}, "
        "so the app waits for it; write nfs, or the storageClass of storage that nodes share"
    ]
    expected = warned if whose and mode != "ReadWriteOncePod" else []
    assert [str(each) for each in warnings.check(made, [file(text, "other")], [])] == expected


@pytest.mark.parametrize(
    ("quota", "short"),
    [
        ("{ cpu: 300m, memory: 768Mi, pods: 6 }", []),
        ("{ cpu: 299m, memory: 768Mi, pods: 6 }", ["cpu: 300m"]),
        ("{ cpu: 300m, memory: 767Mi, pods: 5 }", ["memory: 768Mi, pods: 6"]),
    ],
)
@pytest.mark.parametrize("nodes", [1, 2])
def test_a_quota_has_room_for_the_pods_of_a_dead_node(quota: str, short: list[str], nodes: int) -> None:
    """They count until Kubernetes lets go of them; with a single node they have nowhere to go."""
    text = OTHER.replace('{ cpu: "1", memory: 1Gi }', quota).replace("port: 80", "port: 80, replicas: 3")
    made = stack(cluster={"context": "home", "nodes": NODES[:nodes]})
    warned = [
        "workspaces/other.yaml:3: quota: has no room for pods beside those of a node that died, so they start "
        f"elsewhere minutes later; write at least {each}"
        for each in short
    ]
    assert [str(each) for each in warnings.check(made, [file(text, "other")], [])] == (warned if nodes > 1 else [])


def test_what_stays_with_its_volume_is_counted_once() -> None:
    text = OTHER.replace("port: 80", "port: 80, volumes: { d: { mount: /d, size: 1Gi } }")
    text = text.replace('{ cpu: "1", memory: 1Gi }', "{ cpu: 50m, memory: 128Mi, pods: 1 }")
    assert warnings.check(stack(), [file(text, "other")], []) == ()


def test_warnings_stop_nothing_and_come_once_sorted(tmp_path: Path) -> None:
    files = edited("workspaces/shop.yaml", ("COLOUR: green", "B: http://10.0.0.9 http://10.0.0.9, A: $(X)"))
    plan = load(write(tmp_path, files))
    assert [warning.where for warning in plan.warnings] == ["apps.web.env.A", "apps.web.env.B"]
    assert report.warning_text(plan.warnings).splitlines()[0] == "2 warnings, in case it is not meant:"
    assert report.warning_text(plan.warnings[:1]).splitlines()[0] == "1 warning, in case it is not meant:"


def test_a_static_folder_has_the_variables_of_its_server() -> None:
    page = "page: { static: suite/page, env: { A: $(SERVER_PORT), B: $(NOBODY) }, routes: [/page] }"
    found = told(SUITE.replace("page: { static: suite/page, routes: [/page] }", page))
    assert [each.split(": ")[1] for each in found] == ["apps.page.env.B"]


def image(name: str, **written: object) -> list[str]:
    """What is warned about an app's image."""
    more = "".join(f"    {key}: {json.dumps(value)}\n" for key, value in written.items())
    text = SUITE.replace("auth: none", "auth: none\npodSecurity: baseline")
    return [
        each
        for each in told(f"{text.partition('  me:')[0]}  me:\n    image: {name}\n{more}")
        if "docs/images.md" in each
    ]


@pytest.mark.parametrize(
    "name",
    ["lscr.io/linuxserver/sonarr:4.0.0", "ghcr.io/linuxserver/sonarr:4.0.0", "linuxserver/sonarr:4.0.0"],
)
def test_images_whose_init_wants_root_are_known(name: str) -> None:
    [started] = image(name)
    assert started.startswith(
        "workspaces/suite.yaml:15: apps.me.image: its init starts as root and becomes PUID; write "
    )
    [root] = image(name, user=0)
    assert "write writableRoot: true" in root
    assert image(name, user=0, writableRoot=True) == []
    without = {"S6_YES_I_WANT_A_WORLD_WRITABLE_RUN_BECAUSE_KUBERNETES": "1"}
    assert image(name, user=1000, env=without) == []


@pytest.mark.parametrize(
    ("name", "user"),
    [
        ("postgres:17.6", "70 in the alpine variants, 999"),
        ("docker.io/library/redis:8.2.1-alpine", "999"),
        ("docker.io/library/mariadb:11.8.2", "999"),
        ("eclipse-mosquitto:2.0.22", "1883"),
    ],
)
def test_images_that_need_no_root_are_known(name: str, user: str) -> None:
    [told] = image(name, user=0)
    assert f"needs no root: write its own user, {user}" in told
    assert image(name, user=70) == []


@pytest.mark.parametrize("name", ["ghcr.io/me/postgres:1", "x/redis:1", "registry.lan/linuxserver/sonarr:1"])
def test_images_of_others_are_not_taken_for_them(name: str) -> None:
    assert image(name, user=0) == []
