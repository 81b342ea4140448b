"""Two nodes of different versions, with everything of the stack running on them."""

from __future__ import annotations

import http.client
import ssl

from tests.node import images
from tests.node.cluster import Cluster, app


def test_the_newest_and_the_oldest_kubelet_are_ready(home: Cluster) -> None:
    versions = {
        each["metadata"]["name"]: each["status"]["nodeInfo"]["kubeletVersion"] for each in home.api.get("v1", "Node")
    }
    newest, oldest = versions["pi-1"], versions["pi-2"]
    assert newest == home.api.request("GET", "/version").body["gitVersion"]
    assert int(newest.split(".")[1]) - int(oldest.split(".")[1]) == 3, versions


def test_every_pod_runs_the_image_that_its_manifest_names(home: Cluster) -> None:
    wanted = {
        container["image"] for spec in images.pod_specs(home.rendered.manifests) for container in spec["containers"]
    }
    running = {status["image"] for pod in home.pods() for status in pod["status"]["containerStatuses"]}
    assert wanted <= running
    assert all(status["ready"] for pod in home.pods() for status in pod["status"]["containerStatuses"])


def test_two_replicas_stand_on_two_nodes(home: Cluster) -> None:
    for name in ("warren-ingress/ingress-controller", "warren-tunnel/cloudflared"):
        assert {pod["spec"]["nodeName"] for pod in home.pods() if app(pod) == name} == {"pi-1", "pi-2"}


def test_nothing_has_been_restarted(home: Cluster) -> None:
    restarts = {
        f"{app(pod)} {status['name']}": status.get("lastState")
        for pod in home.pods()
        for status in pod["status"]["containerStatuses"]
        if status["restartCount"]
    }
    assert restarts == {}


def test_a_kubelet_answers_the_api_server_and_nobody_without_a_name(home: Cluster) -> None:
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    for node in home.nodes:
        connection = http.client.HTTPSConnection(node.host.address, 10250, timeout=5, context=trusting)
        connection.request("GET", "/pods")
        assert connection.getresponse().status == 401
        connection.close()
    said = set()
    for pod in home.pods():
        if app(pod) == "warren-tunnel/cloudflared":
            metadata = pod["metadata"]
            path = f"{home.api.path('v1', 'Pod', metadata['namespace'], metadata['name'])}/log"
            log = home.api.request("GET", path)
            said.add((pod["spec"]["nodeName"], log.status, log.message.strip()))
    standin = (
        "echo: Warren's stand-in for an app's image, here \"docker.io/cloudflare/cloudflared:2026.8.2\", port 2000"
    )
    assert said == {("pi-1", 200, standin), ("pi-2", 200, standin)}
