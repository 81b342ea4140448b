"""What an app gets of the nodes, and that one which asks for nothing gets nothing."""

from __future__ import annotations

from typing import Any

from config.checks import usage
from manifests import k3s
from manifests.app import apps, replicas, storage
from manifests.workspace import counts
from tests.config.examples import app, assert_valid, stack, workspace

PLAIN = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
STICK = "/dev/serial/by-id/usb-stick"


def _pod(**written: Any) -> dict[str, Any]:
    made = apps.deployment(apps.Unit("team", "web", app(**written)))
    assert_valid(made)
    spec: dict[str, Any] = made["spec"]["template"]["spec"]
    return spec


def test_an_app_has_nothing_of_the_nodes_by_itself() -> None:
    spec = _pod(sidecars={"log": {"image": "x/log:1"}})
    for container in (*spec["containers"], *spec["initContainers"]):
        assert container["securityContext"] == PLAIN
        assert [mount["name"] for mount in container["volumeMounts"]] == ["tmp"]
    assert [volume["name"] for volume in spec["volumes"]] == ["tmp"]


def test_who_is_privileged_is_privileged_alone() -> None:
    """A VPN beside an app is no reason for the app to be root of the node, nor the other way round."""
    both = {"sidecars": {"vpn": {"image": "x/vpn:1", "privileged": True}}}
    spec = _pod(**both)
    assert spec["containers"][0]["securityContext"] == PLAIN
    root = {**PLAIN, "privileged": True, "allowPrivilegeEscalation": True}
    assert spec["initContainers"][0]["securityContext"] == root
    spec = _pod(privileged=True, sidecars={"vpn": {"image": "x/vpn:1"}})
    assert spec["containers"][0]["securityContext"] == root
    assert spec["initContainers"][0]["securityContext"] == PLAIN


def test_a_device_is_mounted_where_the_container_wants_it_and_has_to_be_there() -> None:
    spec = _pod(
        devices={"/dev/ttyACM0": STICK, "/dev/dri": "/dev/dri/"},
        sidecars={"vpn": {"image": "x/vpn:1", "devices": {"/dev/tun": "/dev/net/tun", "/dev/dri": "/dev/dri/"}}},
    )
    volumes = {each["name"]: each["hostPath"] for each in spec["volumes"] if "hostPath" in each}
    assert sorted(volumes.values(), key=str) == [
        {"path": "/dev/dri/", "type": "Directory"},
        {"path": "/dev/net/tun", "type": "CharDevice"},
        {"path": STICK, "type": "CharDevice"},
    ]

    def sees(container: dict[str, Any]) -> dict[str, str]:
        mounts = [mount for mount in container["volumeMounts"] if mount["name"] in volumes]
        return {mount["mountPath"]: volumes[mount["name"]]["path"] for mount in mounts}

    assert sees(spec["containers"][0]) == {"/dev/ttyACM0": STICK, "/dev/dri": "/dev/dri/"}
    assert sees(spec["initContainers"][0]) == {"/dev/tun": "/dev/net/tun", "/dev/dri": "/dev/dri/"}


def test_a_device_is_in_one_pods_hands() -> None:
    for written in (
        {"devices": {"/dev/ttyACM0": STICK}},
        {"sidecars": {"vpn": {"image": "x/vpn:1", "devices": {"/dev/ttyACM0": STICK}}}},
        {"extendedResources": {"gpu.intel.com/i915": 1}},
    ):
        made = app(**written)
        assert usage.recreates(made)
        assert apps.deployment(apps.Unit("team", "web", made))["spec"]["strategy"] == {"type": "Recreate"}


def test_a_device_plugin_is_asked_by_the_apps_own_container() -> None:
    spec = _pod(extendedResources={"gpu.intel.com/i915": 2}, sidecars={"log": {"image": "x/log:1"}})
    assert spec["containers"][0]["resources"]["limits"]["gpu.intel.com/i915"] == "2"
    assert "gpu.intel.com/i915" not in spec["containers"][0]["resources"]["requests"]
    assert "gpu.intel.com/i915" not in spec["initContainers"][0]["resources"]["limits"]


def test_nobody_else_takes_what_a_device_plugin_brings() -> None:
    gpu = {"image": "x/web:1", "extendedResources": {"gpu.intel.com/i915": 1}}
    settings = stack(trust={"team/web": {"extendedResources": ["gpu.intel.com/i915"]}})
    here = workspace(apps={"web": {**gpu, "replicas": 2}, "log": {"image": "x/log:1"}})
    assert counts.extended(settings, here) == {"requests.gpu.intel.com/i915": 2}
    assert counts.extended(settings, workspace()) == {"requests.gpu.intel.com/i915": 0}
    assert counts.extended(stack(), workspace()) == {}


def test_capabilities_are_the_containers_own_on_top_of_what_root_gets_back() -> None:
    written = {"user": 0, "capabilities": ["NET_ADMIN"]}
    spec = _pod(**written, sidecars={"vpn": {"image": "x/vpn:1", "capabilities": ["NET_RAW", "CHOWN"]}})
    root = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID"]
    own, vpn = spec["containers"][0]["securityContext"], spec["initContainers"][0]["securityContext"]
    assert own["capabilities"] == {"drop": ["ALL"], "add": sorted([*root, "NET_ADMIN"])}
    assert vpn["capabilities"] == {"drop": ["ALL"], "add": sorted([*root, "NET_RAW"])}
    assert own["allowPrivilegeEscalation"] is vpn["allowPrivilegeEscalation"] is False
    [admin] = _pod(user=0, capabilities=["SYS_ADMIN"])["containers"]
    assert admin["securityContext"]["allowPrivilegeEscalation"] is True
    assert "privileged" not in admin["securityContext"]


def test_sysctls_are_the_pods_and_the_nodes_are_told_of_those_that_are_not_safe() -> None:
    assert "sysctls" not in _pod()["securityContext"]
    spec = _pod(sysctls={"net.ipv4.tcp_syncookies": "0", "kernel.sem": "1 2 3 4"})
    assert spec["securityContext"]["sysctls"] == [
        {"name": "kernel.sem", "value": "1 2 3 4"},
        {"name": "net.ipv4.tcp_syncookies", "value": "0"},
    ]
    settings = stack(trust={"team/web": {"sysctls": ["net.ipv4.tcp_syncookies", "kernel.sem", "net.core.somaxconn"]}})
    for command in k3s.install_commands(settings).values():
        assert "--kubelet-arg=allowed-unsafe-sysctls=kernel.sem,net.core.somaxconn" in command
    assert "sysctls" not in str(k3s.install_commands(stack()))


def test_an_app_on_the_nodes_network_still_asks_the_clusters_dns() -> None:
    assert "hostNetwork" not in _pod()
    spec = _pod(hostNetwork=True)
    assert (spec["hostNetwork"], spec["dnsPolicy"]) == (True, "ClusterFirstWithHostNet")
    assert apps.deployment(apps.Unit("team", "web", app(hostNetwork=True)))["spec"]["strategy"] == {"type": "Recreate"}


def test_a_directory_of_a_node_is_mounted_and_is_nobodys_claim() -> None:
    made = app(volumes={"media": {"mount": "/media", "hostPath": "/srv/media", "readOnly": True}})
    spec = apps.deployment(apps.Unit("team", "web", made))["spec"]["template"]["spec"]
    assert {"name": "data-media", "hostPath": {"path": "/srv/media", "type": "Directory"}} in spec["volumes"]
    mounts = spec["containers"][0]["volumeMounts"]
    assert {"name": "data-media", "mountPath": "/media", "readOnly": True} in mounts
    assert storage.claims("team", "web", made) == {}
    assert usage.own_volumes(made) == {}
    assert not storage.has_data(made)
    assert usage.recreates(made)


def test_an_app_on_every_node_is_a_daemon_set_that_counts_once_a_node() -> None:
    made = app(daemonSet=True, routes=["/"])
    role, manifest = apps.runs(apps.Unit("team", "web", made))
    assert_valid(manifest)
    assert (role, manifest["kind"]) == ("daemonset", "DaemonSet")
    assert "replicas" not in manifest["spec"]
    assert "progressDeadlineSeconds" not in manifest["spec"]
    spec = manifest["spec"]["template"]["spec"]
    # The controller lets its pods wait for their node for ever.
    assert "tolerations" not in spec
    assert replicas.budget(apps.Unit("team", "web", made)) is None
    here = workspace(apps={"web": {"image": "x/web:1", "daemonSet": True}})
    pods = usage.app_pods("web", made, 2)
    assert (pods.low, pods.high, pods.surges) == (2, 2, False)
    assert counts.objects(stack(), here)["count/deployments.apps"] == 0
