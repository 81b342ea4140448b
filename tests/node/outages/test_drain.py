"""A node is drained with the command of docs/nodes.md: nothing with two replicas is missed, and budgets hold."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from pathlib import Path

from scripts.project import WARREN
from tests.node.cluster import Cluster
from tests.node.figures import FIGURES
from tests.node.load import CODES, ONCE, SIGNED_IN, TWICE, asking, each_kind, lost
from tests.node.operating import move, of, only_on, spread
from tests.node.visitor import Inside
from tests.real.api import Answer, Manifest
from tests.real.control_plane import wait
from tests.real.programs import program

SINGLE = ("open/once", "shop/oauth2-proxy")
SPREAD = ("open/twice", "warren-ingress/ingress-controller", "warren-tunnel/cloudflared")
"""What has a replica on each node."""


def evict(cluster: Cluster, pod: Manifest) -> Answer:
    """Ask for a pod to leave, as a drain does."""
    metadata = {key: pod["metadata"][key] for key in ("name", "namespace")}
    path = cluster.api.path("v1", "Pod", metadata["namespace"], metadata["name"])
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    return cluster.api.request("POST", f"{path}/eviction", body)


def test_a_node_is_drained_and_what_has_two_replicas_is_never_away(
    faults: Cluster, ann: Inside, tmp_path: Path
) -> None:
    near, far = (node.host.name for node in faults.nodes)
    move(faults, SINGLE, far)
    text = (WARREN / "docs" / "nodes.md").read_text(encoding="utf-8")
    [options] = re.findall(rf"^kubectl drain {far} (.*)$", text, re.MULTILINE)
    kubectl = [str(program("kubernetes", "kubectl")), f"--kubeconfig={faults.plane.kubeconfig}"]
    began = time.monotonic()
    [stays] = [pod for pod in of(faults, "open/twice") if pod["spec"]["nodeName"] == near]
    try:
        with asking(ann, tmp_path) as run:
            drain = subprocess.Popen([*kubectl, "drain", far, *shlex.split(options)], stderr=subprocess.PIPE, text=True)
            wait(
                "a pod that leaves",
                lambda: any("deletionTimestamp" in each["metadata"] for each in of(faults, "open/twice")),
            )
            refused = evict(faults, stays)
            _, said = drain.communicate(timeout=120)
            took = time.monotonic() - began
            left = {pod["metadata"]["name"] for pod in faults.pods() if pod["spec"].get("nodeName") == far}
            wait("all of it elsewhere", lambda: all(only_on(faults, each, near) for each in (*SINGLE, *SPREAD)))
    finally:
        subprocess.run([*kubectl, "uncordon", far], capture_output=True, check=True)
    faults.await_ready()
    spread(faults, SPREAD)
    hits = each_kind(run.hits())
    away = {name: [hit.began for hit in hits[name] if hit.code != CODES[name]] for name in (ONCE, SIGNED_IN)}
    gaps = {name: some[-1] - some[0] if some else 0 for name, some in away.items()}
    FIGURES.append(f"a drain: {took:.0f} s; " + ", ".join(f"{name} away for {gap:.1f} s" for name, gap in gaps.items()))
    assert (drain.returncode, left) == (0, set()), said
    assert lost(hits[TWICE]) == {}
    # While one is on its way the budget keeps the other one.
    assert (refused.status, "disruption budget" in refused.message) == (429, True)


def test_pods_that_do_not_get_ready_keep_no_node_from_being_drained(faults: Cluster) -> None:
    """With the template broken and one good pod gone, the budget is spent; what serves nobody may go all the same."""
    path = faults.api.path("apps/v1", "Deployment", "open", "twice")
    probe = "/spec/template/spec/containers/0/readinessProbe/httpGet/path"

    def ask_for(where: str) -> None:
        change = [{"op": "replace", "path": probe, "value": where}]
        answer = faults.api.request("PATCH", path, change, content="application/json-patch+json")
        assert answer.ok, answer.message

    good = of(faults, "open/twice")
    names = {pod["metadata"]["name"] for pod in good}

    def new() -> list[Manifest]:
        found = [pod for pod in of(faults, "open/twice") if pod["metadata"]["name"] not in names]
        return found if all(pod["status"]["phase"] == "Running" for pod in found) else []

    ask_for("/health?status=503")
    try:
        [unready] = wait("a new pod", lambda: new() or None)
        wait("a good pod that may leave", lambda: evict(faults, good[0]).ok)
        assert evict(faults, good[1]).status == 429
        assert evict(faults, unready).ok
    finally:
        ask_for("/health")
        faults.await_ready()
        spread(faults, ["open/twice"])
