"""What runs in a pod begins and ends in order: init containers before it, sidecars around it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.node.cluster import Cluster, app
from tests.real.api import Manifest
from tests.real.control_plane import wait


def pod_of(cluster: Cluster, name: str) -> Manifest:
    """The one pod of an app."""
    [found] = [pod for pod in cluster.pods() if app(pod) == name and "deletionTimestamp" not in pod["metadata"]]
    return found


def log(cluster: Cluster, pod: Manifest, container: str, **options: str) -> list[tuple[str, str]]:
    """What a container has said: the time of each line, to the nanosecond, and its text."""
    metadata = pod["metadata"]
    api = cluster.plane.api()
    try:
        path = f"{api.path('v1', 'Pod', metadata['namespace'], metadata['name'])}/log"
        answer = api.request("GET", path, container=container, timestamps="true", **options)
    finally:
        api.close()
    assert answer.ok, answer.message
    lines = [line.partition(" ") for line in answer.message.splitlines()]
    return [(time, text) for time, _, text in lines]


def said(lines: Sequence[tuple[str, str]], text: str) -> str:
    """When a container said something."""
    [found] = [time for time, line in lines if text in line]
    return found


def test_init_containers_end_before_the_app_begins(everything: Cluster) -> None:
    for name in ("club/wiki", "suite/web"):
        pod = pod_of(everything, name)
        before, after = (log(everything, pod, container) for container in ("migrate", name.partition("/")[2]))
        assert max(time for time, _ in before) < min(time for time, _ in after), name


def test_a_sidecar_begins_before_the_app_and_ends_after_it(everything: Cluster) -> None:
    pod = pod_of(everything, "team/tool")
    with ThreadPoolExecutor(2) as pool:
        logs = [pool.submit(log, everything, pod, container, follow="true") for container in ("exporter", "tool")]
        path = everything.api.path("v1", "Pod", "team", pod["metadata"]["name"])
        assert everything.api.request("DELETE", path).ok
        sidecar, own = (each.result() for each in logs)
    assert min(time for time, _ in sidecar) < min(time for time, _ in own)
    assert said(own, "echo: over") < said(sidecar, "echo: over")
    name = pod["metadata"]["name"]
    wait("its end", lambda: name not in {each["metadata"]["name"] for each in everything.pods()}, pause=0.5)
    everything.await_ready()
