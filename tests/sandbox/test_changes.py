"""What `make preview` tells of a preview: what changes, by workspace, and what a person should look at."""

from __future__ import annotations

import pytest

from scripts import changes
from scripts.event_log import Log, Resource

STACK = "urn::pulumi:pulumi:Stack::dev"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
CONFIG = "kubernetes:core/v1:ConfigMap"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
RECORD = "cloudflare:index/dnsRecord:DnsRecord"
RULES = "cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig"
NAMESPACE = "kubernetes:core/v1:Namespace"
SECRET = "kubernetes:core/v1:Secret"


def resource(kind: str, name: str, op: str, parent: Resource | None = None) -> Resource:
    return Resource(f"urn::{kind}::{name}", kind, parent.urn if parent else STACK, op)


def component(kind: str, name: str, op: str = "same", parent: Resource | None = None) -> Resource:
    return resource(f"warren:components:{kind}", name, op, parent)


A, B = component("Workspace", "a"), component("Workspace", "b")
APP = component("TenantApp", "a.web", "same", A)
INGRESS, TUNNEL = component("IngressController", "ingress"), component("Tunnel", "tunnel")
HOUSE = (Resource(STACK, "pulumi:pulumi:Stack", "", "same"), A, B, APP, INGRESS, TUNNEL)
OF_A, OF_B = resource(DEPLOYMENT, "a.web-deployment", "update", APP), resource(SECRET, "b-secret", "update", B)
BASE = "The cause is a secret, the stack file, another version of Warren, or an `up` that did not finish."


def preview(*changed: Resource, files: str = "", unknown: str = "") -> Log:
    """A preview in which the workspaces in `files` have other files, and those in `unknown` never said what theirs was.

    Resources in `changed` stand for those of the same URN in the house.
    """
    resources = {each.urn: each for each in (*HOUSE, *changed)}
    workspaces = [each for each in resources.values() if each.type == "warren:components:Workspace"]
    written = {
        each.urn: (
            None if each.name in unknown or each.op == "create" else "was",
            "is" if each.name in files else "was",
        )
        for each in workspaces
        if each.op != "delete"
    }
    return Log(resources, (), written)


def test_nothing_changes_in_words() -> None:
    assert changes.text(preview(files="a")) == "Nothing changes."
    assert changes.markdown(preview(), "home") == "### What changes on `home`\n\nNothing changes.\n"


def test_a_change_is_of_the_workspace_or_part_above_it_and_says_what_in_short() -> None:
    log = preview(
        OF_A,
        resource(SECRET, "a.web-secret", "update", APP),
        component("TenantApp", "a.new", "create", A),
        resource(DEPLOYMENT, "a.new-deployment", "create", component("TenantApp", "a.new", "create", A)),
        resource(SECRET, "a-x", "delete", A),
        resource(SECRET, "a-y", "delete", A),
        resource(DEPLOYMENT, "ingress-deployment", "replace", INGRESS),
        resource("pulumi:providers:kubernetes", "cluster", "update"),
        files="a",
    )
    assert changes.text(log).splitlines()[:5] == [
        "What changes",
        "workspace           create  update  replace  delete  what",
        "a                   2       2                2       -Secret x2, web ~Deployment, web ~Secret, +new",
        "ingress (platform)                  1                +-Deployment",
        "stack (platform)            1                        ~Provider",
    ]


def test_what_is_new_or_removed_as_a_whole_is_one_word() -> None:
    gone = component("Workspace", "b", "delete")
    log = preview(component("Workspace", "c", "create"), gone, resource(SECRET, "b-secret", "delete", gone), files="c")
    assert changes.text(log).splitlines()[2:] == [
        "b                                   2       removed",
        "c          1                                new",
    ]


def test_a_long_row_is_cut_and_what_goes_comes_first() -> None:
    kinds = [f"kubernetes:core/v1:Kind{i}" for i in range(7)]
    log = preview(*(resource(kind, "b-x", "update", B) for kind in kinds), resource(CLAIM, "b-x", "delete", B))
    expected = "-PersistentVolumeClaim, ~Kind0, ~Kind1, ~Kind2, ~Kind3, ~Kind4, and 2 more"
    assert changes.text(log).splitlines()[2].endswith(expected)


@pytest.mark.parametrize("op", ["delete", "replace"])
def test_what_takes_data_along_is_named_wherever_it_is_and_whatever_is_known_of_files(op: str) -> None:
    holders = [resource(CLAIM, "a.web.data-claim", op, APP), resource(NAMESPACE, "b-namespace", op, B)]
    log = preview(*holders, OF_A, unknown="ab")
    expected = f"Warning: what is in these goes with them: a.web.data-claim ({op}), b-namespace ({op})."
    assert changes.remarks(log) == [expected]
    assert changes.text(log).splitlines()[-1] == expected


@pytest.mark.parametrize("op", ["create", "update"])
def test_what_keeps_its_data_is_not_named(op: str) -> None:
    log = preview(resource(CLAIM, "a.web.data-claim", op, APP), resource(NAMESPACE, "a-namespace", op, A), files="a")
    assert changes.remarks(log) == []


def test_a_workspace_that_changes_although_only_another_one_s_file_did_is_a_warning() -> None:
    expected = f"Warning: these change, and their files do not: b (~Secret). {BASE}"
    assert changes.remarks(preview(OF_A, OF_B, files="a")) == [expected]
    assert changes.remarks(preview(OF_B, files="a")) == [expected]


@pytest.mark.parametrize("other", [component("Workspace", "c", "create"), component("Workspace", "c", "delete")])
def test_a_workspace_that_comes_or_goes_is_a_file_that_changes(other: Resource) -> None:
    assert changes.remarks(preview(other)) == []
    assert changes.remarks(preview(other, OF_B)) == [
        f"Warning: these change, and their files do not: b (~Secret). {BASE}"
    ]


@pytest.mark.parametrize("files", ["a", "ab"])
def test_a_workspace_that_changes_by_its_own_file_is_none(files: str) -> None:
    assert changes.remarks(preview(*[OF_A, OF_B][: len(files)], files=files)) == []


def test_changes_without_a_changed_file_say_where_to_look() -> None:
    [told] = changes.remarks(preview(OF_A, OF_B))
    assert told.startswith("No workspace's file has changed since the last `up`: the cause is a secret, ")


def test_nothing_is_said_of_files_by_a_stack_that_never_wrote_them_down() -> None:
    assert changes.remarks(preview(OF_B, files="a", unknown="b")) == []
    assert changes.remarks(preview(OF_B, resource(DEPLOYMENT, "x", "update", INGRESS), unknown="ab")) == []


@pytest.mark.parametrize(
    "change",
    [
        resource(RECORD, "tunnel-record-a.example.com", "create", TUNNEL),
        resource(RECORD, "tunnel-record-a.example.com", "delete", TUNNEL),
        resource(RULES, "tunnel-config", "update", TUNNEL),
        resource(CONFIG, "ingress-config-traefik", "update", INGRESS),
        component("DexCustomResources", "dex", "create"),
        component("DexCustomResources", "dex", "delete"),
    ],
)
def test_what_follows_the_hosts_and_routes_of_a_workspace_is_no_warning(change: Resource) -> None:
    assert changes.remarks(preview(OF_A, change, files="a")) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (resource(DEPLOYMENT, "ingress-deployment", "update", INGRESS), "ingress (~Deployment)"),
        (resource(RULES, "tunnel-config", "replace", TUNNEL), "tunnel (+-ZeroTrustTunnelCloudflaredConfig)"),
        (resource(DEPLOYMENT, "tunnel-deployment", "delete", TUNNEL), "tunnel (-Deployment)"),
        (resource("pulumi:providers:kubernetes", "cluster", "update"), "stack (~Provider)"),
    ],
)
def test_what_all_workspaces_share_is_a_warning_when_a_workspace_s_file_changed(change: Resource, named: str) -> None:
    expected = f"Warning: all workspaces depend on what changes here: {named}."
    assert changes.remarks(preview(OF_A, change, files="a")) == [expected]
    assert changes.remarks(preview(change)) == [], "this looks like what it is"


def test_the_markdown_is_the_same_table() -> None:
    log = preview(OF_A, resource(CLAIM, "a.web.data-claim", "delete", APP), files="a")
    assert changes.markdown(log, "home").splitlines() == [
        "### What changes on `home`",
        "",
        "| workspace | create | update | replace | delete | what |",
        "| --- | --- | --- | --- | --- | --- |",
        "| a |  | 1 |  | 1 | `web -PersistentVolumeClaim, web ~Deployment` |",
        "",
        "- Warning: what is in these goes with them: a.web.data-claim (delete).",
    ]


HOSTILE = "x|y`](http://evil)@all #1 <img src=x>\n\n# y\x1b[2J"


def test_no_name_can_leave_its_place_in_markdown_or_on_a_terminal() -> None:
    evil = component("Workspace", HOSTILE)
    app = component("TenantApp", f"{HOSTILE}.{HOSTILE}", "same", evil)
    log = preview(
        evil,
        resource(f"kubernetes:core/v1:{HOSTILE}", HOSTILE, "update", app),
        resource(CLAIM, HOSTILE, "delete", app),
        component(HOSTILE, HOSTILE, "create"),
        files="a",
    )
    told = changes.markdown(log, HOSTILE)
    lines = told.splitlines()
    assert len(lines) == 9
    assert [line.count("|") for line in lines if line.startswith("|")] == [7] * 4
    assert [line.count("`") for line in lines[4:6]] == [2, 2]
    for text in (told, changes.text(log)):
        assert not set("@#<[\x1b") & set(text.replace("###", ""))
