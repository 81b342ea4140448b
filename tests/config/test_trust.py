"""What workspace and stack give an app together, and who does not get it by the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.checks import check, check_app, check_stack, hardware, rights
from config.mistakes import Document, Loaded, Mistake
from tests.config.examples import stack, workspace

IMAGE = "ghcr.io/x/web:1.0"


def rule(group: str, kind: str, *verbs: str, names: Sequence[str] = ()) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": [kind], "verbs": list(verbs), "resourceNames": list(names)}


def told(app: dict[str, Any], trust: dict[str, Any] | None = None, **file: Any) -> list[str]:
    """What is wrong with a workspace `team` whose app `web` has these keys, in a stack that trusts it with that."""
    apps = {"web": {"image": IMAGE, **app}, **file.pop("others", {})}
    here = Loaded(workspace(apps=apps, **file), Document("team.yaml", {}))
    there = Loaded(stack(trust={"team/web": trust} if trust else {}, people=PEOPLE), Document("Pulumi.home.yaml", {}))
    found: list[Mistake] = [*check_stack.check(there, "home", True), *check.check(there, [here])]
    return [f"{each.where}: {each.what}" for each in found]


PEOPLE = {"issuer": "https://id.example.com", "clientId": "kubectl"}
NODES = rule("", "nodes", "get", "list")
MAKES = rule("", "pods", "create")
SEES = {"serviceAccount": {"clusterRules": [NODES]}}

ESCAPES = [
    rule("", "nodes/proxy", "get"),
    rule("", "pods/proxy", "get"),
    rule("", "services/proxy", "get"),
    rule("", "pods/status", "patch"),
    rule("", "secrets", "list"),
    rule("", "serviceaccounts", "create"),
    rule("", "serviceaccounts/token", "create"),
    rule("", "endpoints", "update"),
    rule("", "namespaces", "patch"),
    rule("", "resourcequotas", "update"),
    rule("", "limitranges", "delete"),
    rule("", "persistentvolumeclaims", "delete"),
    rule("admissionregistration.k8s.io", "validatingadmissionpolicies", "delete"),
    rule("apps", "daemonsets", "create"),
    rule("apps", "statefulsets", "create"),
    rule("apps", "replicasets", "update"),
    rule("certificates.k8s.io", "certificatesigningrequests", "create"),
    rule("dex.coreos.com", "signingkeies", "get"),
    rule("x.dex.coreos.com", "signingkeies", "get"),
    rule("discovery.k8s.io", "endpointslices", "create"),
    rule("networking.k8s.io", "ingresses", "create"),
    rule("networking.k8s.io", "networkpolicies", "delete"),
    rule("policy", "poddisruptionbudgets", "create"),
    rule("rbac.authorization.k8s.io", "clusterrolebindings", "create"),
    rule("rbac.authorization.k8s.io", "roles", "update"),
    rule("subresources.kubevirt.io", "virtualmachineinstances/console", "get"),
    rule("traefik.io", "ingressroutes", "create"),
]
"""Ways to more rights, around the walls, or to what is somebody else's."""


@pytest.mark.parametrize("wanted", ESCAPES, ids=lambda each: f"{each['verbs'][0]} {each['resources'][0]}")
def test_nobody_gives_an_app_a_way_out(wanted: dict[str, Any]) -> None:
    for kind in ("rules", "clusterRules"):
        if (kind, wanted["resources"]) == ("rules", ["secrets"]):
            continue  # of its own namespace, with the stack
        found = told({"serviceAccount": {kind: [wanted]}}, {kind: [wanted]})
        assert [line.split(":")[0] for line in found] == [
            f"trust.team/web.{kind}[0]",
            f"apps.web.serviceAccount.{kind}[0]",
        ]


@pytest.mark.parametrize(
    "wanted",
    [
        MAKES,
        rule("", "pods", "patch"),
        rule("", "pods/exec", "get"),
        rule("", "pods/portforward", "create"),
        rule("", "pods/ephemeralcontainers", "patch"),
        rule("", "secrets", "list"),
        rule("", "secrets", "get", names=["web"]),
        rule("", "secrets", "get", names=["mine", "oauth2-proxy-team"]),
        rule("", "secrets", "get", names=["web.api-0123456789abcdef0123456789abcdef"]),
        rule("", "configmaps", "update"),
        rule("", "configmaps", "update", names=["dex"]),
        rule("", "services", "update"),
        rule("apps", "deployments", "patch"),
        rule("batch", "jobs", "create"),
        rule("batch", "cronjobs", "update"),
        rule("example.com", "widgets", "list"),
    ],
    ids=lambda each: f"{each['verbs'][0]} {each['resources'][0]} {' '.join(each['resourceNames'])}",
)
def test_what_owns_the_workspace_takes_the_stack_as_well(wanted: dict[str, Any]) -> None:
    account = {"serviceAccount": {"rules": [wanted]}}
    [alone] = told(account)
    assert "takes more than the workspace's own word" in alone
    assert told(account, {"rules": [wanted]}) == []
    # And the stack alone gives nothing: who asks for nothing has nothing, and another verb is another right.
    [other] = told({"serviceAccount": {"rules": [MAKES]}}, {"rules": [rule("", "pods", "update")]})
    assert "create pods" in other


def test_a_workspace_lets_its_app_look_around_and_keep_what_it_made() -> None:
    rules = [
        rule("", "pods", "get", "list", "watch", "delete"),
        rule("", "pods/log", "get"),
        rule("apps", "deployments/scale", "get", "update", "patch"),
        rule("coordination.k8s.io", "leases", "get", "create", "update"),
        rule("", "secrets", "create"),
        rule("", "secrets", "get", "update", "patch", names=["tailscale-state"]),
    ]
    assert told({"serviceAccount": {"rules": rules}}) == []


def test_names_in_the_stack_are_the_only_ones() -> None:
    some = {"rules": [rule("", "secrets", "get", names=["web"])]}
    assert told({"serviceAccount": {"rules": [rule("", "secrets", "get", names=["web"])]}}, some) == []
    for wider in ([], ["web", "dex"], ["dex"]):
        [why] = told({"serviceAccount": {"rules": [rule("", "secrets", "get", names=wider)]}}, some)
        assert "the stack does not give it" in why


@given(st.sampled_from(sorted(rights.CLUSTER)), st.sampled_from(["create", "update", "patch", "delete"]))
def test_beyond_its_namespace_an_app_only_looks(kind: tuple[str, str], verb: str) -> None:
    wanted = rule(*kind, verb)
    assert len(told({"serviceAccount": {"clusterRules": [wanted]}}, {"clusterRules": [wanted]})) == 2


def test_beyond_its_namespace_takes_the_stack() -> None:
    [why] = told(SEES)
    assert why.startswith("apps.web.serviceAccount.clusterRules[0]: get nodes reads beyond the workspace")
    assert told(SEES, {"clusterRules": [NODES]}) == []


def test_nobody_else_owns_a_workspace_whose_app_reaches_out() -> None:
    """Whoever makes pods could make one with that account, and whoever has `edit` does."""
    given = {"clusterRules": [NODES]}
    assert told({}, None, access={"edit": ["team-admins"]}) == []
    [edit] = told(SEES, given, access={"edit": ["team-admins"]})
    assert (
        edit
        == "access.edit: would own what the stack trusts web with; write view, or give the app a workspace of its own"
    )
    [makes] = told({"serviceAccount": {"rules": [MAKES], **SEES["serviceAccount"]}}, {**given, "rules": [MAKES]})
    assert makes.startswith(
        "apps.web.serviceAccount.rules: has rights that own the workspace, and the stack trusts web"
    )
    [privileged] = told({"serviceAccount": {"rules": [MAKES]}}, {"rules": [MAKES]}, podSecurity="privileged")
    assert "and podSecurity is privileged here" in privileged


def level(text: str) -> dict[str, Any]:
    return {"podSecurity": text}


HARDWARE: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"privileged": True}, {"privileged": True}, "privileged"),
    ({"devices": {"/dev/x": "/dev/ttyACM0"}}, {"devices": ["/dev/ttyACM0"]}, "privileged"),
    ({"devices": {"/dev/dri": "/dev/dri/"}}, {"devices": ["/dev/dri/"]}, "privileged"),
    ({"user": 0, "capabilities": ["NET_ADMIN"]}, {"capabilities": ["NET_ADMIN"]}, "privileged"),
    ({"volumes": {"a": {"mount": "/a", "hostPath": "/srv/a"}}}, {"hostPath": ["/srv/a"]}, "privileged"),
    ({"hostNetwork": True}, {"hostNetwork": True}, "privileged"),
    ({"sysctls": {"net.ipv4.ip_forward": "1"}}, {"sysctls": ["net.ipv4.ip_forward"]}, "privileged"),
    ({"daemonSet": True}, {"daemonSet": True}, "restricted"),
    ({"extendedResources": {"gpu.intel.com/i915": 1}}, {"extendedResources": ["gpu.intel.com/i915"]}, "restricted"),
]
"""What an app asks for, the stack's half of it, and the strictest level that lets it in."""
LEVELS = ["restricted", "baseline", "privileged"]


@pytest.mark.parametrize(("asked", "trust", "needed"), HARDWARE, ids=lambda each: str(each))
def test_hardware_takes_the_level_and_the_stack(asked: dict[str, Any], trust: dict[str, Any], needed: str) -> None:
    for at, here in enumerate(LEVELS):
        enough = at >= LEVELS.index(needed)
        if "user" in asked and here == "restricted":
            continue  # root is refused anyway
        assert (told(asked, trust, **level(here)) == []) is enough
        alone = told(asked, None, **level(here))[-1]
        assert "warren:trust: { team/web: {" in alone
        assert ("podSecurity" in alone) is not enough


def test_one_device_is_not_another() -> None:
    given = {"devices": ["/dev/dri/renderD128"]}
    for device in ("/dev/dri/", "/dev/dri/card0", "/dev/dri/renderD128/"):
        [why] = told({"devices": {"/dev/x": device}}, given, **level("privileged"))
        assert f"the node's {device}" in why


def test_what_a_container_beside_the_app_asks_for_counts() -> None:
    for kind in ("sidecars", "init"):
        [why] = told({kind: {"vpn": {"image": IMAGE, "privileged": True}}}, None, **level("privileged"))
        assert why.startswith(f"apps.web.{kind}.vpn.privileged:")


def test_a_gpu_of_a_device_plugin_closes_no_workspace() -> None:
    """It is no way out of the pod, and the quota has none for others."""
    gpu = {"extendedResources": {"gpu.intel.com/i915": 1}}
    access = {"edit": ["team-admins"]}
    assert told(gpu, {"extendedResources": ["gpu.intel.com/i915"]}, access=access) == []
    [edit] = told({"privileged": True}, {"privileged": True}, access=access, **level("privileged"))
    assert edit.startswith("access.edit: would own what the stack trusts web with")


def test_a_device_is_mounted_once() -> None:
    volumes = {"x": {"mount": "/dev/x", "size": "1Mi", "scratch": True}}
    stick = {"devices": {"/dev/x": "/dev/ttyACM0"}}
    here = Loaded(
        workspace(apps={"web": {"image": IMAGE, "volumes": volumes, "sidecars": {"vpn": {"image": IMAGE, **stick}}}}),
        Document("team.yaml", {}),
    )
    [twice] = check_app.check(here, "web", here.model.apps["web"])
    assert str(twice) == (
        "team.yaml: apps.web.sidecars.vpn.devices./dev/x: /dev/x is taken by volumes.x; each mount needs its own path"
    )


def test_what_pod_security_lets_in_takes_no_stack() -> None:
    assert told({"sysctls": {"net.ipv4.ip_unprivileged_port_start": "80"}}) == []
    chown = {"user": 0, "capabilities": ["CHOWN", "MKNOD"]}
    assert told(chown, **level("baseline")) == []


def test_two_apps_do_not_listen_on_the_same_port_of_the_nodes() -> None:
    on_it = {"image": IMAGE, "port": 8123, "hostNetwork": True}
    here = workspace(apps={"one": on_it, "two": on_it, "three": {"image": IMAGE, "port": 8123}})
    files = [Loaded(here, Document("team.yaml", {}))]
    found = list(hardware.check_ports(stack(), files))
    assert [(each.where, each.what) for each in found] == [
        ("apps.two", "listens on the nodes' 8123, which is team/one's; choose another port")
    ]
    offered: dict[str, Any] = {"ports": ["8123/TCP"], "loadBalancerSourceRanges": ["10.0.0.0/24"]}
    found = list(hardware.check_ports(stack(loadBalancers={"team/three": offered}), files))
    assert [each.where for each in found] == ["apps.one", "apps.two"]
    offered["loadBalancerIP"] = "10.0.0.241"
    found = list(hardware.check_ports(stack(loadBalancers={"team/three": offered}), files))
    assert [each.where for each in found] == ["apps.two"]


def test_the_nodes_network_is_set_on_the_node() -> None:
    app = {"image": IMAGE, "hostNetwork": True, "sysctls": {"net.ipv4.tcp_syncookies": "1", "kernel.sem": "1"}}
    here = Loaded(workspace(apps={"web": app}), Document("team.yaml", {}))
    [refused] = check_app.check(here, "web", here.model.apps["web"])
    assert refused.where == "apps.web.sysctls.net.ipv4.tcp_syncookies"
    assert "kubelets refuse it" in refused.what


@pytest.mark.parametrize("wanted", ["/", "/srv", "/srv/a/b", "/srv/ab"])
def test_a_directory_of_a_node_is_the_one_that_the_stack_names(wanted: str) -> None:
    volume = {"volumes": {"a": {"mount": "/a", "hostPath": wanted}}}
    [why] = told(volume, {"hostPath": ["/srv/a"]}, **level("privileged"))
    assert f"the node's {wanted} is more than an app has by itself" in why


def test_no_directory_of_a_node_is_given_inside_another_one() -> None:
    """Whoever writes into the outer one replaces the inner one by a link, and the node would mount where that leads."""
    for paths in (["/srv/a", "/srv/a/b"], ["/srv/a/b/c", "/srv/a"], ["/", "/srv"]):
        [why] = told({}, {"hostPath": paths}, **level("privileged"))
        assert "whose app could put a link in its place" in why
    assert told({}, {"hostPath": ["/srv/a", "/srv/ab", "/mnt"]}, **level("privileged")) == []


def test_pods_on_all_nodes_have_no_volume_of_one_node_but_each_its_own_directory() -> None:
    def refused(**volume: Any) -> list[str]:
        app = {"image": IMAGE, "daemonSet": True, "volumes": {"a": {"mount": "/a", **volume}}}
        here = Loaded(workspace(apps={"web": app}), Document("team.yaml", {}))
        return [each.what for each in check_app.check(here, "web", here.model.apps["web"])]

    assert refused(hostPath="/srv/a") == refused(size="1Gi", scratch=True) == []
    [why] = refused(size="1Gi")
    assert why.startswith("is ReadWriteOnce, so pods on all nodes cannot share it")
