"""Three nodes, with everything of the stack running where it belongs."""

from __future__ import annotations

from tests.node.cluster import Cluster, app
from tests.node.everything.stack import ARM


def test_the_newest_kubelet_and_two_of_the_oldest_are_ready(everything: Cluster) -> None:
    newest = everything.api.request("GET", "/version").body["gitVersion"]
    versions = {
        each["metadata"]["name"]: each["status"]["nodeInfo"]["kubeletVersion"]
        for each in everything.api.get("v1", "Node")
    }
    assert versions.keys() == {"pi-1", "pi-2", "pi-3"}
    assert versions["pi-1"] == newest
    assert versions["pi-2"] == versions["pi-3"] != newest


def test_only_who_wants_that_machine_and_puts_up_with_it_is_there(everything: Cluster) -> None:
    by_node = {(pod["spec"].get("nodeName"), app(pod)) for pod in everything.pods()}
    of_the_stack = {(node, name) for node, name in by_node if not name.startswith("kube-system/")}
    assert {name for node, name in of_the_stack if node == ARM} == {"team/hello"}
    assert {node for node, name in of_the_stack if name == "team/hello"} == {ARM}


def test_every_claim_has_its_volume(everything: Cluster) -> None:
    claims = everything.api.get("v1", "PersistentVolumeClaim")
    wanted = {
        (each["metadata"]["namespace"], each["metadata"]["name"])
        for each in everything.rendered.of("PersistentVolumeClaim")
    }
    bound = {
        (each["metadata"]["namespace"], each["metadata"]["name"])
        for each in claims
        if each["status"]["phase"] == "Bound"
    }
    assert bound == wanted
    [media] = [each for each in claims if each["metadata"]["name"] == "wiki-media"]
    assert media["spec"]["volumeName"] == "club.wiki.media"


def test_nothing_has_been_restarted(everything: Cluster) -> None:
    restarts = {
        f"{app(pod)} {status['name']}": status.get("lastState")
        for pod in everything.pods()
        for key in ("initContainerStatuses", "containerStatuses")
        for status in pod["status"].get(key, [])
        if status["restartCount"]
    }
    assert restarts == {}
