"""The cluster, as `kubectl` shows it: only `get` and `version`, so that nothing can be changed.

`kubectl` and not a client of our own, because it knows every way to log in that a kubeconfig may name.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smoke import edge
from smoke.result import shown

Manifest = dict[str, Any]

VERBS = ("get", "version")
IN_A_NAMESPACE = "deployments.apps,daemonsets.apps,cronjobs.batch,jobs.batch,pods,networkpolicies.networking.k8s.io"
NODES = ("nodes,leases.coordination.k8s.io", "-n", "kube-node-lease")
FOR_ALL = "validatingadmissionpolicies,validatingadmissionpolicybindings"

_SECONDS = 15
_AT_A_TIME = 3


class Unreadable(Exception):
    """Why the cluster, or a part of it, cannot be seen."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason, self.fix = reason, fix


@dataclass(frozen=True)
class Cluster:
    """What is in the cluster. A part that could not be read is the reason why."""

    version: str
    namespaces: Mapping[str, Manifest] | Unreadable
    objects: Mapping[str, Sequence[Manifest] | Unreadable]
    """Namespace -> what is in it, of the kinds that are looked at."""
    rules: Sequence[Manifest] | Unreadable
    """The admission policies and their bindings."""
    nodes: Sequence[Manifest] | Unreadable = ()
    """The nodes, and the Leases in which their kubelets note the time."""
    seen: float = 0.0
    """When the nodes were asked, in seconds since 1970."""


@dataclass(frozen=True)
class Kubectl:
    """The user's own kubectl, on one cluster."""

    program: str | None
    kubeconfig: Path | None
    """kubectl's own choice when None."""
    context: str

    def ask(self, verb: str, *args: str) -> Any:
        """What a command says, as data; None when it says nothing.

        Raises:
            ValueError: the command could change something.
            Unreadable: it did not work.
        """
        if verb not in VERBS:
            raise ValueError(f"kubectl {verb} could change something; this only looks")
        if not self.program:
            raise Unreadable("kubectl is not on PATH", "install it (kubernetes.io/docs/tasks/tools), or --kubectl PATH")
        where = [] if self.kubeconfig is None else [f"--kubeconfig={self.kubeconfig}"]
        call = [self.program, verb, *args, *where, f"--context={self.context}", "--request-timeout=10s", "-o", "json"]
        # What kubectl starts to log in has no business with the Cloudflare token.
        environment = {key: value for key, value in os.environ.items() if key != edge.TOKEN}
        try:
            done = subprocess.run(call, capture_output=True, timeout=_SECONDS, env=environment, check=False)
        except subprocess.TimeoutExpired:
            raise Unreadable(f"the cluster did not answer in {_SECONDS} s", self.attempt(verb)) from None
        except OSError as error:
            reason = f"{self.program} cannot be started ({shown(error.strerror or '')})"
            raise Unreadable(reason, "--kubectl PATH") from None
        if done.returncode != 0:
            lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
            raise Unreadable(f"kubectl {verb} failed: {shown(lines[-1])}", self.attempt(verb))
        try:
            return json.loads(done.stdout) if done.stdout.strip() else None
        except ValueError:
            raise Unreadable(f"kubectl {verb} did not print JSON", self.attempt(verb)) from None

    def attempt(self, verb: str) -> str:
        """The command to try by hand."""
        where = "" if self.kubeconfig is None else f" --kubeconfig {self.kubeconfig}"
        what = "version" if verb == "version" else "get namespaces"
        return f"try: kubectl{where} --context {self.context} {what}"


def read(kubectl: Kubectl, namespaces: Iterable[str]) -> Cluster:
    """The cluster's version, and everything in these namespaces that is looked at.

    Raises:
        Unreadable: the cluster cannot be reached.
    """
    wanted = sorted(namespaces)
    told = kubectl.ask("version") or {}
    version = str(told.get("serverVersion", {}).get("gitVersion", ""))
    if not version:
        raise Unreadable("the cluster does not say its version", kubectl.attempt("version"))
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        known = pool.submit(_items, kubectl, "namespaces", *wanted, "--ignore-not-found")
        rules = pool.submit(_items, kubectl, FOR_ALL)
        nodes = pool.submit(_timed, kubectl)
        objects = dict(
            zip(wanted, pool.map(lambda name: _items(kubectl, IN_A_NAMESPACE, "-n", name), wanted), strict=True)
        )
    found = known.result()
    by_name = found if isinstance(found, Unreadable) else {each["metadata"]["name"]: each for each in found}
    return Cluster(version, by_name, objects, rules.result(), *nodes.result())


def _timed(kubectl: Kubectl) -> tuple[list[Manifest] | Unreadable, float]:
    found = _items(kubectl, *NODES)
    return found, time.time()


def _items(kubectl: Kubectl, *args: str) -> list[Manifest] | Unreadable:
    try:
        data = kubectl.ask("get", *args)
    except Unreadable as reason:
        return reason
    if not isinstance(data, dict):
        return []
    items = data.get("items", [data])
    return [item for item in items if isinstance(item, dict)]
