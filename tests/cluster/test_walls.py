"""The walls hold: what must be refused is tried on a real API server, and refused for the reason that was meant.

A refusal for another reason, such as a misspelt field, is a failure; so every family has a good object that is admitted
under the same call. Rules 27, 28 and 32; who may do what at all is `test_rights`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from manifests.names import PULL_SECRET
from tests.cluster.conftest import ANN, Cluster, Room, cases, token_request
from tests.manifests.test_tenant_admission import INGRESS, NGINX, REFUSED_INGRESSES, REFUSED_SERVICES, SERVICE, changed
from tests.real.api import Answer, Api, Manifest, User
from tests.real.control_plane import wait

pytestmark = cases("everything", controllers=("traefik",), plane="tenants")

Row = tuple[Manifest, str]
"""An object, and a piece of the reason for which it must be refused."""


def tried(api: Api, manifest: Manifest) -> Answer:
    """Whether an object would be admitted; nothing is made."""
    return api.create(manifest, dryRun="All")


def assert_refused(answer: Answer, why: str, status: int = 403) -> None:
    assert (answer.status, why in answer.message) == (status, True), f"{answer.status} {answer.message}, not: {why}"


def assert_admitted(answer: Answer) -> None:
    assert answer.ok, f"{answer.status} {answer.message}"
    assert answer.warnings == ()


@pytest.fixture(scope="session")
def api(cluster: Cluster) -> Api:
    """The administrator, once the policies are in force: the API server needs a moment after they were made."""
    wait("the Ingress policy", lambda: not tried(cluster.api, INGRESSES["an unknown host"][0]).ok)
    wait("the Service policy", lambda: not tried(cluster.api, REFUSED_SERVICES["NodePort"][0]).ok)
    return cluster.api


# Ingresses.


def ingress(host: str, namespace: str = "team", **changes: Any) -> Manifest:
    [path] = INGRESS["spec"]["rules"][0]["http"]["paths"]
    rules = [{"host": host, "http": {"paths": [path]}}]
    made = changed(INGRESS, metadata__name="tried", metadata__namespace=namespace, spec__rules=rules)
    return changed(made, **changes)


def noted(name: str, value: str = "x") -> Manifest:
    return ingress("team.example.com", metadata__annotations={name: value})


FOREIGN = "every rule must name a host that its namespace owns (the warren/hosts annotation)"
ANNOTATION = "a controller annotation is not one of those that Warren knows to be safe"
RESOURCE = {"apiGroup": "example.com", "kind": "Bucket", "name": "pictures"}

# One table of the admission policy is tried twice: in the tests of spec by our own CEL, and here by the real one.  The
# server gives the first reason only, and looks at the schema before that.
INGRESSES: dict[str, Row] = {
    **{name: row for name, row in REFUSED_INGRESSES.items() if "resource" not in name and name != "no rules"},
    "a wildcard": (REFUSED_INGRESSES["a wildcard"][0], FOREIGN),
    "a wildcard below its own host": (ingress("*.team.example.com"), FOREIGN),
    "an unknown host": (ingress("elsewhere.example.org"), FOREIGN),
    "the host of the workspace club": (ingress("club.example.com"), FOREIGN),
    "the host of an app of team, from club": (ingress("tool.team.example.com", "club"), FOREIGN),
    "the apex, which is open's": (ingress("example.com"), FOREIGN),
    "no class, and the host of club": (ingress("club.example.com", spec__ingressClassName=None), FOREIGN),
    **{
        f"the host of team, in {namespace}": (ingress("team.example.com", namespace), FOREIGN)
        for namespace in ("default", "kube-system", "kube-public", "warren-tunnel", "warren-ingress", "open")
    },
    "a resource instead of a Service": (
        ingress(
            "team.example.com",
            spec__rules=[
                {
                    "host": "team.example.com",
                    "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"resource": RESOURCE}}]},
                }
            ],
        ),
        "every path must lead to a Service",
    ),
    **{
        f"the annotation {name}": (noted(NGINX + name), ANNOTATION)
        for name in (
            "affinity",
            "app-root",
            "auth-tls-secret",
            "canary",
            "enable-modsecurity",
            "mirror-host",
            "modsecurity-snippet",
            "permanent-redirect",
            "proxy-ssl-secret",
            "service-upstream",
            "ssl-passthrough",
            "stream-snippet",
            "temporal-redirect",
            "upstream-vhost",
            "x-forwarded-prefix",
        )
    },
    **{
        f"the annotation {name} of Traefik": (noted(f"traefik.ingress.kubernetes.io/{name}"), ANNOTATION)
        for name in ("router.priority", "router.entrypoints", "router.rulesyntax", "service.serversscheme")
    },
    **{
        f"{what} in an allowed annotation": (
            noted(NGINX + "auth-realm", f"realm{character}"),
            "a controller annotation holds a character that could break out",
        )
        for what, character in {
            "an opening brace": "{",
            "a backtick": "`",
            "a carriage return": "\r",
            "a zero byte": "\0",
            "a tabulator": "\t",
        }.items()
    },
}

MALFORMED: dict[str, Row] = {
    "no rules": (REFUSED_INGRESSES["no rules"][0], "either `defaultBackend` or `rules` must be specified"),
    "an empty class": (ingress("club.example.com", spec__ingressClassName=""), "spec.ingressClassName: Invalid value"),
    "a host in capitals": (ingress("CLUB.example.com"), "a lowercase RFC 1123 subdomain"),
}
"""What no policy has to refuse, because the schema does."""


@pytest.mark.parametrize("case", INGRESSES)
def test_an_ingress_is_refused_for(case: str, api: Api) -> None:
    manifest, why = INGRESSES[case]
    assert_refused(tried(api, manifest), why)


@pytest.mark.parametrize("case", MALFORMED)
def test_an_ingress_is_malformed_with(case: str, api: Api) -> None:
    manifest, why = MALFORMED[case]
    assert_refused(tried(api, manifest), why, 422)


def test_an_ingress_for_a_host_of_its_own_is_admitted(api: Api) -> None:
    for host in ("team.example.com", "tool.team.example.com"):
        assert_admitted(tried(api, ingress(host)))
    assert_admitted(tried(api, ingress("team.example.com", spec__ingressClassName=None)))
    assert_admitted(tried(api, ingress("club.example.com", "club")))
    assert_admitted(tried(api, noted(NGINX + "auth-realm", "a realm")))


def test_an_ingress_of_another_class_is_not_ours_to_judge(api: Api) -> None:
    assert_admitted(tried(api, ingress("elsewhere.example.org", "default", spec__ingressClassName="other")))


def test_a_good_ingress_cannot_be_changed_into_a_bad_one(cluster: Cluster, api: Api) -> None:
    mine = [each for each in cluster.rendered.of("Ingress") if each["metadata"]["namespace"] == "team"]
    assert len(mine) > 5

    def moved(manifest: Manifest, **changes: Any) -> Answer:
        change = changed({}, **changes)
        return api.request(
            "PATCH", api.path_of(manifest), change, "application/merge-patch+json", dryRun="All", fieldManager="try"
        )

    for manifest in mine:
        [rule] = manifest["spec"]["rules"]
        assert_refused(moved(manifest, spec__rules=[{**rule, "host": "club.example.com"}]), FOREIGN)
        snippet = {NGINX + "configuration-snippet": "return 200;"}
        assert_refused(moved(manifest, metadata__annotations=snippet), ANNOTATION)
        assert_admitted(moved(manifest, spec__rules=[{**rule, "host": "tool.team.example.com"}]))


# Services.


@pytest.mark.parametrize("case", REFUSED_SERVICES)
def test_a_service_is_refused_for(case: str, api: Api) -> None:
    manifest, why = REFUSED_SERVICES[case]
    assert_refused(tried(api, manifest), why)


def test_a_service_inside_the_cluster_is_admitted_in_every_workspace(api: Api) -> None:
    for namespace in WORKSPACES:
        assert_admitted(tried(api, changed(SERVICE, metadata__name="tried", metadata__namespace=namespace)))


# Pods.


WORKSPACES = ("club", "legacy", "open", "suite", "team")
CONTAINER: Manifest = {
    "name": "web",
    "image": "docker.io/traefik/whoami:v1.11.0",
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
POD: Manifest = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "tried", "namespace": "team"},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [CONTAINER],
    },
}


def pod(namespace: str = "team", *, container: dict[str, Any] | None = None, **changes: Any) -> Manifest:
    """A good pod, changed; `container` is changed in the same way."""
    containers = [changed(CONTAINER, **(container or {}))]
    return changed(POD, metadata__namespace=namespace, spec__containers=containers, **changes)


def volume(**source: Any) -> list[Manifest]:
    return [{"name": "data", **source}]


PRIVILEGED: dict[str, tuple[dict[str, Any], str]] = {
    "the node's network": ({"spec__hostNetwork": True}, "host namespaces (hostNetwork=true)"),
    "the node's processes": ({"spec__hostPID": True}, "host namespaces (hostPID=true)"),
    "the node's shared memory": ({"spec__hostIPC": True}, "host namespaces (hostIPC=true)"),
    "a path of the node": (
        {"spec__volumes": volume(hostPath={"path": "/"})},
        'hostPath volumes (volume "data")',
    ),
    "a port of the node": (
        {"container": {"ports": [{"containerPort": 80, "hostPort": 80}]}},
        'hostPort (container "web" uses hostPort 80)',
    ),
    "a capability more": (
        {"container": {"securityContext__capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}},
        '(container "web" must not include "SYS_ADMIN" in securityContext.capabilities.add)',
    ),
    "no system call filter": (
        {"spec__securityContext__seccompProfile": {"type": "Unconfined"}},
        'pod must not set securityContext.seccompProfile.type to "Unconfined"',
    ),
    "an unsafe kernel setting": (
        {"spec__securityContext__sysctls": [{"name": "kernel.msgmax", "value": "1"}]},
        "forbidden sysctls (kernel.msgmax)",
    ),
}
"""Refused by `baseline`, which even a loosened workspace has."""

RESTRICTED: dict[str, tuple[dict[str, Any], str]] = {
    "root": ({"spec__securityContext__runAsUser": 0}, "runAsUser=0 (pod must not set runAsUser=0)"),
    "a root container": (
        {"container": {"securityContext__runAsUser": 0}},
        'runAsUser=0 (container "web" must not set runAsUser=0)',
    ),
    "a user that may be root": ({"spec__securityContext__runAsNonRoot": None}, "runAsNonRoot != true"),
    "any capability kept": (
        {"container": {"securityContext__capabilities": None}},
        '(container "web" must set securityContext.capabilities.drop=["ALL"])',
    ),
    "no word on system calls": ({"spec__securityContext__seccompProfile": None}, "seccompProfile (pod or container"),
    "a way to more privileges": (
        {"container": {"securityContext__allowPrivilegeEscalation": True}},
        "allowPrivilegeEscalation != false",
    ),
    "a share of the file server": (
        {"spec__volumes": volume(nfs={"server": "10.0.0.7", "path": "/export/media"})},
        'volume "data" uses restricted volume type "nfs"',
    ),
}
"""Refused by `restricted`, which is the default."""


@pytest.mark.parametrize("case", [*PRIVILEGED, *RESTRICTED])
def test_a_pod_in_a_restricted_workspace_is_refused_for(case: str, api: Api) -> None:
    changes, why = {**PRIVILEGED, **RESTRICTED}[case]
    answer = tried(api, pod(**changes))
    assert_refused(answer, 'violates PodSecurity "restricted:latest": ')
    # Under `restricted` some of these are refused by a stricter rule with other words.
    stricter = {"a path of the node": 'volume "data" uses restricted volume type "hostPath"'}
    assert why in answer.message or stricter.get(case, why) in answer.message, answer.message


@pytest.mark.parametrize("case", PRIVILEGED)
def test_a_pod_in_the_loosened_workspace_is_refused_for(case: str, api: Api) -> None:
    changes, why = PRIVILEGED[case]
    answer = tried(api, pod("legacy", **changes))
    assert_refused(answer, 'violates PodSecurity "baseline:latest": ')
    assert why in answer.message, answer.message


def test_good_pods_are_admitted_and_root_in_the_loosened_workspace_only(api: Api) -> None:
    for namespace in WORKSPACES:
        assert_admitted(tried(api, pod(namespace)))
    changes, _ = RESTRICTED["root"]
    root = changed(pod("legacy", **changes), spec__securityContext__runAsNonRoot=None)
    assert_admitted(tried(api, root))


@pytest.mark.parametrize("namespace", [*WORKSPACES, "warren-ingress", "warren-tunnel"])
def test_a_privileged_container_is_refused_in(namespace: str, api: Api) -> None:
    container = {"container": {"securityContext": {"privileged": True}}}
    answer = tried(api, pod(namespace, **container))
    if tried(api, pod("default", **container)).ok:
        assert_refused(answer, 'violates PodSecurity "')
        assert 'privileged (container "web" must not set securityContext.privileged=true)' in answer.message
    else:
        # An API server without `--allow-privileged` never asks PodSecurity; k3s starts its own with it.
        assert_refused(answer, "securityContext.privileged: Forbidden: disallowed by cluster policy", 422)


def test_no_namespace_of_ours_admits_a_pod_that_sees_the_node(cluster: Cluster, api: Api) -> None:
    changes, why = PRIVILEGED["the node's processes"]
    assert tried(api, pod("default", **changes)).ok
    ours = [each["metadata"]["name"] for each in cluster.rendered.of("Namespace")]
    # Where a file says `podSecurity: privileged` only tenants are kept from it (test_rendered).
    loose = {each.name for each in cluster.rendered.platform.workspaces if each.podSecurity == "privileged"}
    assert set(ours) == {*WORKSPACES, *loose, "warren-ingress", "warren-tunnel"}
    for namespace in set(ours) - loose:
        assert_refused(tried(api, pod(namespace, **changes)), why)


# Quota.


def asking(resource: str, amount: str) -> dict[str, Any]:
    """A container that asks for so much, and is limited to so much where it is memory."""
    limits = {"limits": {"memory": amount}} if resource == "memory" else {}
    return {"resources": {"requests": {resource: amount}, **limits}}


def claim(size: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "tried", "namespace": "team"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}},
    }


QUOTA = "exceeded quota: warren.limits, requested: "
OVER_QUOTA: dict[str, Row] = {
    "cpu": (pod(container=asking("cpu", "3")), f"{QUOTA}requests.cpu=3, used: requests.cpu="),
    "memory": (pod(container=asking("memory", "4Gi")), f"{QUOTA}requests.memory=4Gi, used: requests.memory="),
    "a limit of memory": (
        pod(container={"resources": {"limits": {"memory": "8Gi"}, "requests": {"memory": "1Mi"}}}),
        f"{QUOTA}limits.memory=8Gi, used: limits.memory=",
    ),
    "storage": (claim("1Mi"), f"{QUOTA}persistentvolumeclaims=1,requests.storage=1Mi, used: "),
}


@pytest.mark.parametrize("namespace", ["team", "legacy"])
@pytest.mark.parametrize("priority", ["system-node-critical", "system-cluster-critical"])
def test_no_pod_pushes_the_platforms_off_a_node(namespace: str, priority: str, api: Api) -> None:
    """A pod with one of the system's priorities would; without a quota, every namespace may use them."""
    assert_admitted(tried(api, pod(namespace)))
    refused = tried(api, pod(namespace, spec__priorityClassName=priority))
    assert_refused(refused, "exceeded quota: warren.system-priority, requested: pods=1, used: pods=0, limited: pods=0")


def test_no_pod_of_a_tenant_is_above_others(cluster: Cluster, room: Room) -> None:
    """Not by any class that somebody else has made, such as storage's own."""
    high = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1000}
    assert cluster.api.create(high).ok
    try:
        wait("the class", lambda: tried(room.api, pod(room.name, spec__priorityClassName="high")).ok)
        why = "priorityClassName must be left out, or be warren-low"
        assert_refused(tried(room.ann, pod(room.name, spec__priorityClassName="high")), why)
        low = tried(room.ann, pod(room.name, spec__priorityClassName="warren-low"))
        assert_admitted(low)
        assert (low.body["spec"]["priority"], low.body["spec"]["preemptionPolicy"]) == (-100, "Never")
    finally:
        assert cluster.api.request("DELETE", cluster.api.path_of(high)).ok


@pytest.mark.parametrize("case", OVER_QUOTA)
def test_the_quota_refuses_more(case: str, api: Api) -> None:
    manifest, why = OVER_QUOTA[case]
    assert_refused(tried(api, manifest), why)


def test_a_pod_that_says_nothing_gets_the_default_amounts(api: Api) -> None:
    answer = tried(api, pod())
    assert_admitted(answer)
    [container] = answer.body["spec"]["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "32Mi"},
        "limits": {"memory": "256Mi", "ephemeral-storage": "512Mi"},
    }


# For real, in a copy of a workspace, because here something is left behind.


def test_no_pod_comes_in_beside_a_full_quota(room: Room) -> None:
    small = {"resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"memory": "2Mi"}}}

    def made(number: int) -> Answer:
        return room.api.create(pod(room.name, container=small, metadata__name=f"small-{number}"))

    for number in range(30):
        assert_admitted(made(number))
    assert_refused(made(30), f"{QUOTA}pods=1, used: pods=30, limited: pods=30")


def test_a_deployment_with_privileges_is_warned_of_and_gets_no_pods(room: Room) -> None:
    labels = {"app": "tried"}
    changes, why = PRIVILEGED["the node's processes"]
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "tried", "namespace": room.name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod(**changes)["spec"]},
        },
    }
    answer = room.api.create(deployment)
    assert answer.status == 201
    [warning] = answer.warnings
    assert warning.startswith("would violate PodSecurity")
    assert "hostPID=true" in warning

    def refused() -> list[str]:
        events = room.api.get("v1", "Event", room.name)
        return [each["message"] for each in events if each["reason"] == "FailedCreate"]

    [message, *_] = wait("an event", lambda: refused() or None)
    assert why in message
    assert room.api.get("v1", "Pod", room.name) == []


def test_a_wildcard_is_refused_even_where_somebody_gave_it_to_the_namespace(room: Room) -> None:
    path = room.api.path("v1", "Namespace", name=room.name)
    assert room.api.merge(path, {"metadata": {"annotations": {"warren/hosts": "*.example.com,x.example.com"}}}).ok
    wait("the host is its own", lambda: tried(room.api, ingress("x.example.com", room.name)).ok)
    assert_refused(tried(room.api, ingress("*.example.com", room.name)), "a host must not be a wildcard")


# As somebody else.


RBAC = "rbac.authorization.k8s.io"
POLICY: Manifest = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "open-all", "namespace": "team"},
    "spec": {"podSelector": {}, "ingress": [{}], "egress": [{}], "policyTypes": ["Ingress", "Egress"]},
}
BINDING: Manifest = {
    "apiVersion": f"{RBAC}/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "more", "namespace": "team"},
    "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": ANN.groups[0]}],
}
CONFIG: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tried", "namespace": "team"}}
SIGNING_KEY: Manifest = {
    "apiVersion": "dex.coreos.com/v1",
    "kind": "SigningKey",
    "metadata": {"name": "tried", "namespace": "team"},
}


def patched(api: Api, change: Manifest, version: str, kind: str, namespace: str | None, name: str) -> Answer:
    path = api.path(version, kind, namespace, name)
    return api.request("PATCH", path, change, "application/merge-patch+json", dryRun="All")


def of_namespace(change: Manifest) -> Callable[[Api], Answer]:
    return lambda api: patched(api, {"metadata": change}, "v1", "Namespace", None, "team")


TENANT: dict[str, tuple[Callable[[Api], Answer], str]] = {
    "makes an Ingress for its own host": (
        lambda api: tried(api, ingress("team.example.com")),
        'cannot create resource "ingresses" in API group "networking.k8s.io" in the namespace "team"',
    ),
    "opens the walls": (lambda api: tried(api, POLICY), 'cannot create resource "networkpolicies"'),
    "takes a wall down": (
        lambda api: api.request(
            "DELETE", api.path("networking.k8s.io/v1", "NetworkPolicy", "team", "warren.deny-all"), dryRun="All"
        ),
        'cannot delete resource "networkpolicies"',
    ),
    "gives itself room": (
        lambda api: patched(api, {"spec": {"hard": {"pods": "99"}}}, "v1", "ResourceQuota", "team", "warren.limits"),
        'cannot patch resource "resourcequotas"',
    ),
    "loosens PodSecurity": (
        of_namespace({"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}),
        'cannot patch resource "namespaces" in API group "" in the namespace "team"',
    ),
    "takes a host": (
        of_namespace({"annotations": {"warren/hosts": "team.example.com,club.example.com"}}),
        'cannot patch resource "namespaces"',
    ),
    "is no workspace any more": (of_namespace({"labels": {"warren/workspace": None}}), 'cannot patch resource "names'),
    "makes itself an administrator": (lambda api: tried(api, BINDING), 'cannot create resource "rolebindings"'),
    "gets a token": (
        lambda api: api.request("POST", "/api/v1/namespaces/team/serviceaccounts/dex/token", token_request()),
        'cannot create resource "serviceaccounts/token"',
    ),
    "makes a signing key": (
        lambda api: tried(api, SIGNING_KEY),
        'cannot create resource "signingkeies" in API group "dex.coreos.com"',
    ),
    "starts a privileged pod": (
        lambda api: tried(api, pod(**PRIVILEGED["the node's processes"][0])),
        'violates PodSecurity "restricted:latest": host namespaces (hostPID=true)',
    ),
    "makes a NodePort": (
        lambda api: tried(api, REFUSED_SERVICES["NodePort"][0]),
        "the type must be ClusterIP",
    ),
    "starts more than its quota": (lambda api: tried(api, OVER_QUOTA["cpu"][0]), f"{QUOTA}requests.cpu=3"),
    "starts a pod in club": (
        lambda api: tried(api, pod("club")),
        'cannot create resource "pods" in API group "" in the namespace "club"',
    ),
    "reads a secret of club": (
        lambda api: api.request("GET", api.path("v1", "Secret", "club", "dex")),
        'cannot get resource "secrets" in API group "" in the namespace "club"',
    ),
    "lists all secrets": (
        lambda api: api.request("GET", api.path("v1", "Secret")),
        'cannot list resource "secrets" in API group "" at the cluster scope',
    ),
    "deletes a volume's claim": (
        lambda api: api.request("DELETE", api.path("v1", "PersistentVolumeClaim", "team", "any"), dryRun="All"),
        'cannot delete resource "persistentvolumeclaims"',
    ),
    "takes the policy away": (
        lambda api: api.request(
            "DELETE",
            api.path("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", name="warren-ingresses"),
            dryRun="All",
        ),
        'cannot delete resource "validatingadmissionpolicybindings"',
    ),
}


def of_pod(sub: str, method: str = "GET", body: Any = None) -> Callable[[Api], Answer]:
    """A request to one of a pod's subresources; whether there is such a pod comes after whether one may."""
    content = "application/merge-patch+json" if method == "PATCH" else "application/json"
    return lambda api: api.request(method, f"{api.path('v1', 'Pod', 'team', 'any')}/{sub}", body, content)


def review(version: str, kind: str) -> Callable[[Api], Answer]:
    return lambda api: api.create({"apiVersion": version, "kind": kind, "metadata": {}, "spec": {}})


def object_of(version: str, kind: str, **more: Any) -> Callable[[Api], Answer]:
    metadata = {"name": "tried", "namespace": "team"}
    return lambda api: tried(api, {"apiVersion": version, "kind": kind, "metadata": metadata, **more})


EVICTION = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "any"}}
BIND = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "any"}, "target": {"kind": "Node", "name": "pi-1"}}
ATTEMPTS: dict[str, tuple[Callable[[Api], Answer], str]] = {
    "puts a container into a running pod": (
        of_pod("ephemeralcontainers", "PATCH", {"spec": {}}),
        'cannot patch resource "pods/ephemeralcontainers"',
    ),
    "gives a running pod more": (of_pod("resize", "PATCH", {"spec": {}}), 'cannot patch resource "pods/resize"'),
    "says where a pod is": (
        of_pod("status", "PATCH", {"status": {"podIP": "10.0.0.7"}}),
        'cannot patch resource "pods/status"',
    ),
    "binds a pod to a node": (of_pod("binding", "POST", BIND), 'cannot create resource "pods/binding"'),
    "evicts a pod its own way": (
        of_pod("eviction", "POST", {**EVICTION, "deleteOptions": {"gracePeriodSeconds": 1_000_000}}),
        'cannot create resource "pods/eviction"',
    ),
    "goes through the API server to a pod": (of_pod("proxy/"), 'cannot get resource "pods/proxy"'),
    "goes through the API server to a kubelet": (
        lambda api: api.request("GET", "/api/v1/nodes/pi-1/proxy/runningpods/"),
        'cannot get resource "nodes/proxy"',
    ),
    "ends a namespace before it is empty": (
        lambda api: api.request("PUT", f"{api.path('v1', 'Namespace', name='team')}/finalize", {}),
        'cannot update resource "namespaces/finalize"',
    ),
    "asks what others may": (
        review("authorization.k8s.io/v1", "SubjectAccessReview"),
        'cannot create resource "subjectaccessreviews"',
    ),
    "asks whose a token is": (
        review("authentication.k8s.io/v1", "TokenReview"),
        'cannot create resource "tokenreviews"',
    ),
    "asks for a certificate": (
        review("certificates.k8s.io/v1", "CertificateSigningRequest"),
        'cannot create resource "certificatesigningrequests"',
    ),
    "sends a Service elsewhere": (
        object_of("discovery.k8s.io/v1", "EndpointSlice", addressType="IPv4", endpoints=[]),
        'cannot create resource "endpointslices"',
    ),
    "floods events": (object_of("v1", "Event"), 'cannot create resource "events"'),
    "takes somebody's lease": (object_of("coordination.k8s.io/v1", "Lease"), 'cannot create resource "leases"'),
    "makes an account": (object_of("v1", "ServiceAccount"), 'cannot create resource "serviceaccounts"'),
    "names the controller's account": (
        lambda api: tried(api, pod(spec__serviceAccountName="ingress-controller")),
        'serviceaccount "ingress-controller" not found',
    ),
    "gives its pod a priority of its own": (
        lambda api: tried(api, pod(spec__priority=1_000_000)),
        "the integer value of priority (1000000) must not be provided",
    ),
    "names a runtime": (
        lambda api: tried(api, pod(spec__runtimeClassName="mine")),
        'RuntimeClass "mine" not found',
    ),
    "mounts a share through an inline driver": (
        lambda api: tried(
            api,
            pod(
                spec__volumes=volume(
                    csi={"driver": "nfs.csi.k8s.io", "volumeAttributes": {"server": "10.0.0.7", "share": "/"}}
                )
            ),
        ),
        "a volume must not be an inline csi volume",
    ),
    "takes the controller's budget away": (
        lambda api: api.request(
            "DELETE", api.path("policy/v1", "PodDisruptionBudget", "warren-ingress", "ingress-controller"), dryRun="All"
        ),
        'cannot delete resource "poddisruptionbudgets"',
    ),
    "deletes everything at once": (
        lambda api: api.request("DELETE", api.path("v1", "Secret", "team"), dryRun="All"),
        'cannot deletecollection resource "secrets"',
    ),
    "finds an older version of a kind": (
        lambda api: tried(
            api,
            {
                "apiVersion": "autoscaling/v1",
                "kind": "HorizontalPodAutoscaler",
                "metadata": {"name": "tried", "namespace": "team", "finalizers": ["example.com/mine"]},
                "spec": {
                    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "hello"},
                    "maxReplicas": 2,
                },
            },
        ),
        "finalizers must be left out",
    ),
}


@pytest.mark.parametrize("case", [*TENANT, *ATTEMPTS])
def test_a_tenant_is_refused_who(case: str, ann: Api) -> None:
    attempt, why = TENANT[case] if case in TENANT else ATTEMPTS[case]
    assert_refused(attempt(ann), why)


def test_a_tenant_may_work_in_its_own_workspace(ann: Api) -> None:
    for manifest in (CONFIG, POD, changed(SERVICE, metadata__name="tried")):
        assert_admitted(tried(ann, manifest))
    assert ann.request("GET", ann.path("v1", "Secret", "team", "dex")).ok


@pytest.mark.parametrize("account", [("team", "default"), ("team", "dex"), ("warren-ingress", "ingress-controller")])
def test_no_token_of_a_pod_speaks_for_somebody_else(
    account: tuple[str, str], cluster: Cluster, bearer: Callable[[str, str], Api]
) -> None:
    for user in (User("admin"), User("x", ("system:masters",)), User("system:node:pi-1", ("system:nodes",))):
        with closing(bearer(*account).speaking_for(user)) as speaking:
            assert_refused(speaking.request("GET", "/api/v1/nodes"), "impersonate")


def test_a_tenants_change_of_the_servers_certificate_does_not_last(room: Room) -> None:
    """Pods of the workspace trust it when they talk to the API server."""
    path = room.api.path("v1", "ConfigMap", room.name, "kube-root-ca.crt")
    before = wait("it", lambda: room.api.request("GET", path).body.get("data"))
    assert room.ann.merge(path, {"data": {"ca.crt": "mine"}}).ok
    wait("it is back", lambda: room.api.request("GET", path).body.get("data") == before)


def test_nobody_takes_the_volume_of_another_workspace(cluster: Cluster, room: Room) -> None:
    """The volume of an NFS directory names the one claim that may have it."""
    [volume] = [
        each for each in cluster.rendered.of("PersistentVolume") if each["metadata"]["name"].startswith("club.")
    ]
    theirs = changed(volume, metadata__name=f"{room.name}.theirs", spec__claimRef__name="not-made-yet")
    assert_admitted(room.api.create(theirs))
    quota = room.api.path("v1", "ResourceQuota", room.name, "warren.limits")
    assert room.api.merge(quota, {"spec": {"hard": {"requests.storage": "1Ti", "persistentvolumeclaims": "5"}}}).ok
    spec = {"storageClassName": "", "accessModes": volume["spec"]["accessModes"]}
    forged = {"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"}
    claims = {
        "named": {"metadata__annotations": {}, "spec__volumeName": theirs["metadata"]["name"]},
        "forged": {"metadata__annotations": forged, "spec__volumeName": theirs["metadata"]["name"]},
        "any": {"metadata__annotations": {}},
    }
    for name, more in claims.items():
        made = changed(claim("1Mi"), metadata__namespace=room.name, metadata__name=name, **more)
        made["spec"] |= spec
        wait("room for it", partial(lambda each: room.ann.create(each).ok, made))
    wait("the binder", lambda: _phase(room, "forged") == "Lost")
    assert {name: _phase(room, name) for name in claims} == {"named": "Pending", "forged": "Lost", "any": "Pending"}
    found = room.api.get("v1", "PersistentVolume", name=theirs["metadata"]["name"])
    assert (found["status"]["phase"], found["spec"]["claimRef"].get("uid")) == ("Available", None)
    assert room.api.request("DELETE", room.api.path_of(theirs)).ok


def _phase(room: Room, name: str) -> str:
    phase: str = room.api.get("v1", "PersistentVolumeClaim", room.name, name)["status"]["phase"]
    return phase


def test_dex_writes_its_own_kinds_in_its_own_namespace(bearer: Callable[[str, str], Api]) -> None:
    dex = bearer("team", "dex")
    assert_admitted(tried(dex, SIGNING_KEY))
    assert dex.get("dex.coreos.com/v1", "SigningKey", "team") == []
    me = 'User "system:serviceaccount:team:dex" cannot '
    refused = {
        'create resource "signingkeies"': tried(dex, changed(SIGNING_KEY, metadata__namespace="club")),
        'list resource "signingkeies"': dex.request("GET", dex.path("dex.coreos.com/v1", "SigningKey", "club")),
        'create resource "configmaps"': tried(dex, CONFIG),
        'list resource "secrets"': dex.request("GET", dex.path("v1", "Secret", "team")),
        'list resource "customresourcedefinitions"': dex.request(
            "GET", dex.path("apiextensions.k8s.io/v1", "CustomResourceDefinition")
        ),
    }
    for what, answer in refused.items():
        assert_refused(answer, me + what)


def test_an_apps_account_reads_nothing_and_writes_nothing(bearer: Callable[[str, str], Api]) -> None:
    app = bearer("team", "default")
    me = 'User "system:serviceaccount:team:default" cannot '
    refused = {
        'list resource "secrets"': app.request("GET", app.path("v1", "Secret", "team")),
        'list resource "pods"': app.request("GET", app.path("v1", "Pod", "team")),
        'create resource "pods"': tried(app, POD),
    }
    for what, answer in refused.items():
        assert_refused(answer, me + what)


def test_the_password_of_a_registry_is_where_it_is_used_and_nowhere_else(api: Api, ann: Api) -> None:
    found = {
        (each["metadata"]["namespace"], each["metadata"]["name"], each["type"], secret)
        for each in api.get("v1", "Secret")
        for value in each.get("data", {}).values()
        for secret in ("team-registry", "registry-pull")
        if f"made-up-{secret}-for-a-test" in base64.b64decode(value).decode(errors="replace")
    }
    kind = "kubernetes.io/dockerconfigjson"
    assert found == {
        ("team", PULL_SECRET, kind, "team-registry"),
        ("club", PULL_SECRET, kind, "registry-pull"),
    }
    named = {
        (pod["metadata"]["namespace"], each["name"])
        for pod in wait("pods", lambda: api.get("v1", "Pod"))
        for each in pod["spec"].get("imagePullSecrets", [])
    }
    assert named == {("team", PULL_SECRET), ("club", PULL_SECRET)}
    refused = ann.request("GET", ann.path("v1", "Secret", "club", PULL_SECRET))
    assert_refused(refused, 'cannot get resource "secrets"')


def test_the_ingress_controller_lists_secrets_and_gets_none_written(bearer: Callable[[str, str], Api]) -> None:
    controller = bearer("warren-ingress", "ingress-controller")
    assert controller.get("v1", "Secret", "team") != []
    me = 'User "system:serviceaccount:warren-ingress:ingress-controller" cannot '
    assert_refused(tried(controller, ingress("team.example.com")), me + 'create resource "ingresses"')
    assert_refused(tried(controller, CONFIG), me + 'create resource "configmaps"')


# Each wall taken down on purpose: what was refused comes in, so it was this wall that refused it.


def test_without_its_binding_the_ingress_policy_refuses_nobody(cluster: Cluster, api: Api) -> None:
    [binding] = [
        each
        for each in cluster.rendered.of("ValidatingAdmissionPolicyBinding")
        if each["metadata"]["name"] == "warren-ingresses"
    ]
    foreign, why = INGRESSES["the host of the workspace club"]
    assert api.request("DELETE", api.path_of(binding)).ok
    try:
        wait("it comes in", lambda: tried(api, foreign).ok)
    finally:
        answer = api.apply(binding)
        assert answer.ok, answer.message
        wait("it is refused again", lambda: why in tried(api, foreign).message)


def test_without_its_label_a_namespace_admits_a_pod_with_privileges(room: Room) -> None:
    privileged = pod(room.name, **PRIVILEGED["the node's processes"][0])
    assert_refused(tried(room.api, privileged), "violates PodSecurity")
    path = room.api.path("v1", "Namespace", name=room.name)
    assert room.api.merge(path, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": None}}}).ok
    wait("it comes in", lambda: tried(room.api, privileged).ok)


def test_without_its_workspace_label_a_service_meets_the_quota(room: Room) -> None:
    """Two walls stand there: with the policy gone, the quota still has no room for a way in."""
    path = room.api.path("v1", "Namespace", name=room.name)
    assert room.api.merge(path, {"metadata": {"labels": {"warren/workspace": None}}}).ok
    ports = {
        f"{QUOTA}services.{case.lower()}s=1": changed(REFUSED_SERVICES[case][0], metadata__namespace=room.name)
        for case in ("NodePort", "LoadBalancer")
    }
    wait("the quota", lambda: all(why in tried(room.api, each).message for why, each in ports.items()))
    assert room.api.request("DELETE", room.api.path("v1", "ResourceQuota", room.name, "warren.limits")).ok
    wait("they come in", lambda: all(tried(room.api, each).ok for each in ports.values()))
