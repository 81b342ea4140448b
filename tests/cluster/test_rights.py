"""Who may do what: the published table, what must hold in it, and that a right too many would be seen (rules 16, 28).

The API server answers, never our reading of the roles. The table only says what is; the tests below it say once more,
in plain words, what must be, so that a wrong table cannot be published by accident.
"""

from __future__ import annotations

import itertools
import os
import re
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from manifests.k3s import PEOPLE_PREFIX
from tests.cluster.conftest import Cluster, cases
from tests.real.api import Api, Manifest, User, service_account
from tests.real.control_plane import wait

PUBLISHED = Path(__file__).with_name("who-may-do-what.txt")
COMMAND = "UPDATE=1 .venv/bin/python -m pytest tests/cluster/test_rights.py"

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
WRITING = ("create", "update", "patch", "delete", "deletecollection")
RBAC = "rbac.authorization.k8s.io"
DEX = "dex.coreos.com"
DEX_KINDS = (
    "authcodes authrequests connectors devicerequests devicetokens oauth2clients offlinesessionses passwords "
    "refreshtokens signingkeies"
)

NAMESPACED = {
    "": "configmaps endpoints events limitranges namespaces persistentvolumeclaims pods pods/attach "
    "pods/ephemeralcontainers pods/eviction pods/exec pods/log pods/portforward pods/proxy replicationcontrollers "
    "resourcequotas secrets serviceaccounts serviceaccounts/token services services/proxy",
    "apps": "daemonsets deployments deployments/scale replicasets statefulsets",
    "autoscaling": "horizontalpodautoscalers",
    "batch": "cronjobs jobs",
    "coordination.k8s.io": "leases",
    DEX: DEX_KINDS,
    "discovery.k8s.io": "endpointslices",
    "events.k8s.io": "events",
    "metrics.k8s.io": "pods",
    "networking.k8s.io": "ingresses ingresses/status networkpolicies",
    "policy": "poddisruptionbudgets",
    RBAC: "rolebindings roles",
}
"""What is asked about in a namespace; a Namespace itself is asked about as if it were in itself, as in its own URL."""

CLUSTER_WIDE = {
    "": "nodes nodes/proxy persistentvolumes",
    "admissionregistration.k8s.io": "mutatingwebhookconfigurations validatingadmissionpolicies "
    "validatingadmissionpolicybindings validatingwebhookconfigurations",
    "apiextensions.k8s.io": "customresourcedefinitions",
    "apiregistration.k8s.io": "apiservices",
    "authentication.k8s.io": "selfsubjectreviews tokenreviews",
    "authorization.k8s.io": "selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews",
    "certificates.k8s.io": "certificatesigningrequests certificatesigningrequests/approval",
    "metrics.k8s.io": "nodes",
    "networking.k8s.io": "ingressclasses",
    RBAC: "clusterrolebindings clusterroles",
    "scheduling.k8s.io": "priorityclasses",
    "storage.k8s.io": "storageclasses",
}

SPECIAL = {
    "impersonate": {"": "groups serviceaccounts users"},
    "bind": {RBAC: "clusterroles roles"},
    "escalate": {RBAC: "clusterroles roles"},
    "approve": {"certificates.k8s.io": "signers"},
    "sign": {"certificates.k8s.io": "signers"},
    "deletecollection": {"": "persistentvolumeclaims pods secrets"},
}
"""Verbs of their own: most of them are a way to more rights."""

EDIT = User("oidc:ann@example.com", (f"{PEOPLE_PREFIX}team-admins", "system:authenticated"))
VIEW = User("oidc:bob@example.com", (f"{PEOPLE_PREFIX}team-readers", "system:authenticated"))
NOBODY = User("oidc:eve@example.com")
APP = service_account("team", "default")
TEAM_DEX = service_account("team", "dex")
RUNNER = service_account("team", "runner")
DASHBOARD = service_account("metal", "dashboard")
INGRESS = service_account("warren-ingress", "ingress-controller")


@dataclass(frozen=True)
class Column:
    """Somebody, and the namespace that they are asked about; "" is all of them at once."""

    who: str
    user: User
    where: str


IN_NAMESPACES = [
    Column("edit", EDIT, "team"),
    Column("edit", EDIT, "club"),
    Column("view", VIEW, "team"),
    Column("view", VIEW, "club"),
    Column("app", APP, "team"),
    Column("app", APP, "club"),
    Column("dex", TEAM_DEX, "team"),
    Column("dex", TEAM_DEX, "club"),
    Column("runner", RUNNER, "team"),
    Column("runner", RUNNER, "club"),
    Column("dashb.", DASHBOARD, "metal"),
    Column("dashb.", DASHBOARD, "team"),
    Column("ingress", INGRESS, "warren-ingress"),
    Column("ingress", INGRESS, "team"),
    Column("nobody", NOBODY, "team"),
]
EVERYWHERE = [
    Column(each.who, each.user, "") for each in dict.fromkeys(Column(c.who, c.user, "") for c in IN_NAMESPACES)
]

HEADER = f"""\
Who may do what. Written by `{COMMAND}`.

A real Kubernetes API server answers (SubjectAccessReview) after the stack `everything` was applied to it, the oldest
and the newest that Warren runs on alike. The letters are get, list, watch, create, update, patch and delete; a dot is
none of them.

  edit     team's group with `access: edit`     {EDIT.groups[0]}
  view     team's group with `access: view`     {VIEW.groups[0]}
  app      the account that team's apps have    {APP.name}
  dex      team's sign-in                       {TEAM_DEX.name}
  runner   an app that the stack lets start pods {RUNNER.name}
  dashb.   an app that it lets read the cluster {DASHBOARD.name}
  ingress  the ingress controller               {INGRESS.name}
  nobody   anybody else who could log in        {NOBODY.groups[0]}

Below each name is the namespace that is asked about: team and club are workspaces, home is warren-ingress.
"""


def words(table: dict[str, str]) -> list[tuple[str, str]]:
    """Group and resource, one by one."""
    return [(group, resource) for group, resources in table.items() for resource in resources.split()]


def label(group: str, resource: str) -> str:
    """As kubectl writes it."""
    return f"{resource}.{group}" if group else resource


Question = tuple[str, str]
"""An API group, and a resource or a verb with one."""
Answers = dict[Column, dict[Question, str]]
"""Column -> what was asked -> the letters of what is allowed."""


def ask(api: Api, column: Column, resources: Iterable[Question]) -> dict[Question, str]:
    """Every verb on every resource, and the verbs of their own."""

    def may(verb: str, group: str, resource: str) -> bool:
        name = column.where if resource == "namespaces" else ""
        return api.may(column.user, verb, resource, column.where, name, group)

    told = {each: "".join(verb[0] if may(verb, *each) else "-" for verb in VERBS) for each in resources}
    for verb, table in SPECIAL.items():
        told |= {
            (group, f"{verb} {resource}"): "yes" if may(verb, group, resource) else "-"
            for group, resource in words(table)
        }
    return {question: letters if letters.strip("-") else "." for question, letters in told.items()}


@pytest.fixture(scope="module")
def answers(cluster: Cluster) -> list[Answers]:
    """The two halves of the table, for those whose rights depend on the controller in nginx' case."""

    def half(columns: list[Column], resources: list[tuple[str, str]]) -> Answers:
        nginx = controller(cluster) == "nginx"
        return {each: ask(cluster.api, each, resources) for each in columns if each.who == "ingress" or not nginx}

    namespaced = words(NAMESPACED)
    without = [each for each in namespaced if each != ("", "namespaces")]
    return [half(IN_NAMESPACES, namespaced), half(EVERYWHERE, [("", "namespaces"), *words(CLUSTER_WIDE), *without])]


def controller(cluster: Cluster) -> str:
    return cluster.rendered.platform.stack.ingress.controller


def written(which: str, halves: list[Answers]) -> str:
    """A block of the published file."""
    lines = [f"== everything, with {which} ".ljust(120, "=")]
    for title, half in zip(("In one namespace", "Without one, and in all of them at once"), halves, strict=True):
        lines += ["", *_heads(title, list(half)), *_rows(half)]
        lines += ["", "None of them may do anything with", *_silent(half)] if which == "traefik" else []
    lines += [] if which == "traefik" else ["", "Nothing else of all that is asked about above."]
    return "\n".join(lines) + "\n"


def _heads(title: str, columns: list[Column]) -> Iterator[str]:
    yield _row(title, [each.who for each in columns])
    if any(each.where for each in columns):
        yield _row("", ["home" if each.where == "warren-ingress" else each.where for each in columns])


def _rows(half: Answers) -> Iterator[str]:
    shown = {question: cells for question, cells in _cells(half).items() if set(cells) != {"."}}
    for group in _groups(shown):
        yield f"  {group or 'core'}"
        yield from (_row(f"    {what}", cells) for (of, what), cells in shown.items() if of == group)


def _silent(half: Answers) -> Iterator[str]:
    silent = [question for question, cells in _cells(half).items() if set(cells) == {"."}]
    for group in _groups(silent):
        text = f"{group or 'core'}: {', '.join(what for of, what in silent if of == group)}"
        yield from textwrap.wrap(text, 116, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _cells(half: Answers) -> dict[Question, list[str]]:
    return {question: [told[question] for told in half.values()] for question in next(iter(half.values()))}


def _groups(questions: Iterable[Question]) -> list[str]:
    return sorted({group for group, _ in questions})


def _row(what: str, cells: list[str]) -> str:
    return f"{what:<40}{''.join(f'{cell:<8}' for cell in cells)}".rstrip()


def blocks(text: str) -> dict[str, str]:
    """The blocks of the published file, by controller."""
    parts = re.split(r"^(?=== everything, with (\w+) )", text, flags=re.MULTILINE)
    return {name: block.rstrip("\n") + "\n" for name, block in zip(parts[1::2], parts[2::2], strict=True)}


@cases("everything")
def test_the_published_table_is_the_one_of_today(cluster: Cluster, answers: list[Answers]) -> None:
    which = controller(cluster)
    today = written(which, answers)
    published = PUBLISHED.read_text(encoding="utf-8") if PUBLISHED.exists() else ""
    if os.environ.get("UPDATE"):
        everything = {**blocks(published), which: today}
        published = "\n".join([HEADER, *(everything[each] for each in ("traefik", "nginx") if each in everything)])
        PUBLISHED.write_text(published, encoding="utf-8")
    assert blocks(published).get(which) == today, f"run `{COMMAND}`, and read what changes"
    assert published.startswith(HEADER)


@cases("everything", controllers=("traefik",))
def test_everything_that_is_asked_about_exists(cluster: Cluster) -> None:
    """The authorizer says no to a name that is misspelt as well."""
    known = set(discovered(cluster.api))
    # What metrics-server serves is not here; users, groups and signers exist only for their verbs.
    asked = {each for each in words(NAMESPACED) + words(CLUSTER_WIDE) if each[0] != "metrics.k8s.io"}
    assert asked - known == set()
    for table in (NAMESPACED, CLUSTER_WIDE):
        assert list(table) == sorted(table)


def discovered(api: Api) -> list[tuple[str, str]]:
    """Every resource and subresource that the server has, in every version of every group."""
    groups = api.request("GET", "/apis").body["groups"]
    versions = [("", "/api/v1")]
    versions += [(each["name"], f"/apis/{one['groupVersion']}") for each in groups for one in each["versions"]]
    found = {
        (group, each["name"]): None for group, path in versions for each in api.request("GET", path).body["resources"]
    }
    assert len(found) > 100
    return list(found)


# What must hold. Asked for the whole list of someone's rights (SelfSubjectRulesReview), which has what no row asks for.


Rights = frozenset[str]
"""``list secrets``, ``get ingresses.networking.k8s.io``, ``get /healthz``."""


def rights(api: Api, user: User, namespaces: Iterable[str]) -> dict[str, Rights]:
    """All that somebody may, by namespace."""
    with closing(api.speaking_for(user)) as speaking:
        return {each: _rights(speaking, each) for each in namespaces}


def _rights(speaking: Api, namespace: str) -> Rights:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    answer = speaking.create(review)
    assert answer.ok, answer.message
    status = answer.body["status"]
    assert not status["incomplete"], status
    found = {
        f"{verb} {url}"
        for rule in status["nonResourceRules"]
        for url in rule["nonResourceURLs"]
        for verb in rule["verbs"]
    }
    for rule in status["resourceRules"]:
        only = f" only {sorted(rule['resourceNames'])}" if rule.get("resourceNames") else ""
        for verb, group, resource in itertools.product(rule["verbs"], rule["apiGroups"], rule["resources"]):
            found.add(f"{verb} {label(group, resource)}{only}")
    return frozenset(found)


def namespaces_of(api: Api) -> list[str]:
    return [each["metadata"]["name"] for each in api.get("v1", "Namespace")]


def accounts(cluster: Cluster) -> list[tuple[str, str]]:
    """Every ServiceAccount (namespace, name) of the namespaces that Warren makes."""
    ours = {each["metadata"]["name"] for each in cluster.rendered.of("Namespace")}
    found = [each["metadata"] for each in cluster.api.get("v1", "ServiceAccount")]
    return sorted((each["namespace"], each["name"]) for each in found if each["namespace"] in ours)


EVERY_ACCOUNT = frozenset(
    f"get {url}{slash}" for url in ("/.well-known/openid-configuration", "/openid/v1/jwks") for slash in ("", "/")
)
"""What Kubernetes lets service accounts have beside what everybody has: the public keys that tokens are signed with."""


def too_much(api: Api, user: User, own: str | None, allowed: Iterable[str] = ()) -> list[str]:
    """What somebody may beside what everybody may, and beside what is allowed in their own namespace."""
    every = namespaces_of(api)
    base, theirs = rights(api, NOBODY, every), rights(api, user, every)
    account = EVERY_ACCOUNT if user.name.startswith("system:serviceaccount:") else frozenset()
    return [
        f"{user.name} in {where}: {right}"
        for where in every
        for right in sorted(
            theirs[where] - base[where] - account - (frozenset(allowed) if where == own else frozenset())
        )
    ]


@cases("everything", controllers=("traefik",))
def test_everybody_who_logs_in_may_ask_about_themselves_and_about_the_server(cluster: Cluster) -> None:
    """So that "no more than everybody" means something."""
    everywhere = set(rights(cluster.api, NOBODY, namespaces_of(cluster.api)).values())
    assert len(everywhere) == 1
    [everybody] = everywhere
    assert {right for right in everybody if "/" not in right} == {
        "create selfsubjectaccessreviews.authorization.k8s.io",
        "create selfsubjectreviews.authentication.k8s.io",
        "create selfsubjectrulesreviews.authorization.k8s.io",
    }
    assert all(right.startswith("get /") for right in everybody if "/" in right)


@cases("everything", controllers=("traefik",))
def test_people_may_nothing_in_a_namespace_that_is_not_theirs(cluster: Cluster) -> None:
    for user in (EDIT, VIEW):
        own = rights(cluster.api, user, ["team"])["team"]
        assert "get pods" in own
        assert too_much(cluster.api, user, "team", own) == []


@cases("everything", controllers=("traefik",))
def test_a_group_is_nothing_without_the_prefix_of_the_identity_provider(cluster: Cluster) -> None:
    """Whoever gets a client certificate or a token from elsewhere in the name of `team-admins` is nobody."""
    for group in ("team-admins", "team-readers", "warren-edit", "oidc:", "OIDC:team-admins"):
        assert too_much(cluster.api, User("ann@example.com", (group, "system:authenticated")), None) == []


@cases("everything", controllers=("traefik",))
def test_an_apps_account_may_what_everybody_may_and_no_more(cluster: Cluster) -> None:
    apps = [each for each in accounts(cluster) if each[1] == "default"]
    assert [each[0] for each in apps] == [
        *("club", "legacy", "metal", "open", "suite", "team", "warren-ingress", "warren-tunnel"),
    ]
    assert [line for each in apps for line in too_much(cluster.api, service_account(*each), None)] == []


@cases("everything", controllers=("traefik",))
def test_dex_may_use_its_custom_resources_in_its_own_namespace_and_no_more(cluster: Cluster) -> None:
    verbs = ("create", "delete", "get", "list", "update")
    needs = {f"{verb} {kind}.{DEX}" for verb in verbs for kind in DEX_KINDS.split()}
    for namespace in ("club", "suite", "team"):
        account = service_account(namespace, "dex")
        assert too_much(cluster.api, account, namespace, needs) == []
        assert needs <= rights(cluster.api, account, [namespace])[namespace]


@cases("everything", controllers=("traefik",))
def test_an_app_with_an_account_may_what_its_file_says_and_no_more(cluster: Cluster) -> None:
    watching = {f"{verb} {kind}" for verb in ("get", "list", "watch") for kind in ("pods", "pods/log")}
    runner = {*watching, "create pods", "delete pods", "get pods/exec", "create pods/exec"}
    runner |= {f"{verb} leases.coordination.k8s.io" for verb in ("get", "create", "update")}
    assert too_much(cluster.api, RUNNER, "team", runner) == []
    assert runner <= rights(cluster.api, RUNNER, ["team"])["team"]
    everywhere = {f"{verb} {kind}" for verb in ("get", "list", "watch") for kind in ("nodes", "namespaces")}
    everywhere |= {f"{verb} {kind}.metrics.k8s.io" for verb in ("get", "list") for kind in ("nodes", "pods")}
    own = {*watching, *(f"{verb} secrets only ['dashboard-state']" for verb in ("get", "update"))}
    assert {line.split(": ")[1] for line in too_much(cluster.api, DASHBOARD, "metal", own)} == everywhere
    assert own <= rights(cluster.api, DASHBOARD, ["metal"])["metal"]


@cases("everything", controllers=("traefik",))
def test_there_are_no_other_accounts_and_pods_run_as_these(cluster: Cluster) -> None:
    named = [each for each in accounts(cluster) if each[1] != "default"]
    assert named == [
        ("club", "dex"),
        ("metal", "dashboard"),
        ("suite", "dex"),
        ("team", "dex"),
        ("team", "runner"),
        ("warren-ingress", "ingress-controller"),
    ]
    with_token = set()
    for manifest in cluster.workloads():
        spec = manifest["spec"]
        pod = (spec["jobTemplate"]["spec"] if manifest["kind"] == "CronJob" else spec)["template"]["spec"]
        if pod["automountServiceAccountToken"]:
            with_token.add((manifest["metadata"]["namespace"], pod["serviceAccountName"]))
        else:
            assert "serviceAccountName" not in pod
    assert sorted(with_token) == named


READS = {
    f"{verb} {each}"
    for verb in ("list", "watch")
    for each in (
        "configmaps",
        "endpointslices.discovery.k8s.io",
        "ingressclasses.networking.k8s.io",
        "ingresses.networking.k8s.io",
        "secrets",
        "services",
    )
}
NGINX_OWN = {"get pods", "get configmaps", "create events", "patch events"}
"""ingress-nginx looks itself up, and says in its own namespace that it has loaded a configuration."""


@cases("everything")
def test_the_ingress_controller_reads_what_it_watches_and_no_more(cluster: Cluster) -> None:
    api, own = cluster.api, "warren-ingress"
    allowed = READS | (NGINX_OWN if controller(cluster) == "nginx" else set())
    assert {line.split(": ")[1] for line in too_much(api, INGRESS, own, allowed)} == READS
    assert allowed <= rights(api, INGRESS, [own])[own]


@cases("everything")
def test_the_ingress_controller_writes_nothing_anywhere(cluster: Cluster) -> None:
    """Every resource and subresource that the server has, one by one: the list of its rights is not believed here."""
    resources = discovered(cluster.api)
    written = [
        f"{verb} {label(group, resource)} in {where or 'all namespaces'}"
        for where in ("", "warren-ingress", "team", "kube-system")
        for group, resource in resources
        for verb in WRITING
        if resource not in ("selfsubjectaccessreviews", "selfsubjectreviews", "selfsubjectrulesreviews")
        and cluster.api.may(INGRESS, verb, resource, where, group=group)
    ]
    own = ["create events in warren-ingress", "patch events in warren-ingress"]
    assert written == (own if controller(cluster) == "nginx" else [])


PLATFORMS = {
    "": "endpoints limitranges namespaces nodes persistentvolumes resourcequotas serviceaccounts serviceaccounts/token",
    "admissionregistration.k8s.io": CLUSTER_WIDE["admissionregistration.k8s.io"],
    DEX: DEX_KINDS,
    "discovery.k8s.io": "endpointslices",
    "networking.k8s.io": "ingresses ingresses/status ingressclasses networkpolicies",
    RBAC: "clusterrolebindings clusterroles rolebindings roles",
}
"""What is the platform's alone, wherever it is."""


def touched(api: Api, user: User) -> list[str]:
    """What somebody of team may write of what is the platform's, there or anywhere."""
    return [
        f"{verb} {label(*each)}"
        for each in words(PLATFORMS)
        for verb in (*WRITING, "bind", "escalate", "impersonate")
        if any(api.may(user, verb, each[1], where, group=each[0]) for where in ("team", ""))
    ]


@cases("everything", controllers=("traefik",))
def test_people_may_not_touch_what_is_the_platforms(cluster: Cluster) -> None:
    assert touched(cluster.api, EDIT) == []
    assert touched(cluster.api, VIEW) == []
    # The same question finds what they may.
    assert cluster.api.may(EDIT, "create", "deployments", "team", group="apps")
    assert touched(cluster.api, User("admin", ("system:masters",))) != []


@cases("everything", controllers=("traefik",))
def test_who_may_only_look_sees_no_secret_and_starts_nothing(cluster: Cluster) -> None:
    own = rights(cluster.api, VIEW, ["team"])["team"] - rights(cluster.api, NOBODY, ["team"])["team"]
    assert {right.split()[0] for right in own} == {"get", "list", "watch"}
    assert [right for right in own if "secrets" in right or DEX in right or "exec" in right] == []
    assert [verb for verb in VERBS if cluster.api.may(VIEW, verb, "secrets", "team")] == []
    # Exec over a WebSocket begins with a GET.
    assert not cluster.api.may(VIEW, "get", "pods/exec", "team")


@cases("everything", controllers=("traefik",))
def test_nobody_in_the_table_may_what_no_row_asks_about(cluster: Cluster, answers: list[Answers]) -> None:
    nobody = rights(cluster.api, NOBODY, ["team"])["team"] | EVERY_ACCOUNT
    told = {
        f"{verb} {label(*question)}"
        for half in answers
        for cells in half.values()
        for question, letters in cells.items()
        for verb, letter in zip(VERBS, letters, strict=False)
        if letter == verb[0]
    }
    listed = [rights(cluster.api, each.user, [each.where])[each.where] for each in IN_NAMESPACES]
    # The table asks without names.
    named = {f"{verb} secrets only ['dashboard-state']" for verb in ("get", "update")}
    assert frozenset().union(*listed) - nobody - told == named
    assert len(told) > 100


# A right too many would be noticed.


@contextmanager
def given(api: Api, kind: str, role: str, subject: Manifest, namespace: str | None = None) -> Iterator[None]:
    """Somebody has a built-in ClusterRole for a while."""
    manifest = {
        "apiVersion": f"{RBAC}/v1",
        "kind": kind,
        "metadata": {"name": "given-by-a-test", **({"namespace": namespace} if namespace else {})},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    }
    answer = api.create(manifest)
    assert answer.ok, answer.message
    try:
        yield
    finally:
        assert api.request("DELETE", api.path_of(manifest)).ok


@cases("everything", controllers=("traefik",))
def test_the_built_in_edit_role_would_be_noticed(cluster: Cluster) -> None:
    api, group = cluster.api, {"apiGroup": RBAC, "kind": "Group", "name": EDIT.groups[0]}
    # What the built-in `edit` is put together from; the controller that does it does not run here.
    with given(api, "RoleBinding", "system:aggregate-to-edit", group, "team"):
        found = wait("the role is in force", lambda: touched(api, EDIT))
        assert {"create ingresses.networking.k8s.io", "delete networkpolicies.networking.k8s.io"} <= set(found)
        assert "create serviceaccounts/token" in found
    wait("it is not any more", lambda: not touched(api, EDIT))


@cases("everything", controllers=("traefik",))
def test_an_app_that_may_read_secrets_everywhere_would_be_noticed(cluster: Cluster) -> None:
    api, account = cluster.api, {"kind": "ServiceAccount", "name": "default", "namespace": "team"}
    with given(api, "ClusterRoleBinding", "system:controller:generic-garbage-collector", account):
        found = wait("the role is in force", lambda: too_much(api, APP, None))
        assert f"{APP.name} in club: delete *.*" in found
    wait("it is not any more", lambda: not too_much(api, APP, None))
