"""A real Kubernetes control plane for tests: etcd, kube-apiserver and kube-controller-manager, from nothing.

Owns: starting and stopping them, and who the administrator is.  Admission is what k3s has: the default plugins and
NodeRestriction (docs.k3s.io/security/hardening-guide); authorization is Node and RBAC.  Without nodes there
is no kubelet, no scheduler and no network: pods are made and admitted, and stay pending unless a test plays the
kubelet.  With the names of real nodes (`tests/node`) it is whole.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.real.api import PODS, Answer, Api, Key, Manifest, in_order
from tests.real.programs import FEWER_COLLECTIONS, Process, program

OLDEST, NEWEST = "kubernetes-oldest", "kubernetes"
"""Folders in tools/: the oldest and the newest Kubernetes that README says Warren runs on."""

CONTROLLERS = (
    "cronjob-controller",
    "deployment-controller",
    "disruption-controller",
    "endpointslice-controller",
    "job-controller",
    "legacy-serviceaccount-token-cleaner-controller",
    "namespace-controller",
    "persistentvolume-binder-controller",
    "persistentvolumeclaim-protection-controller",
    "replicaset-controller",
    "resourcequota-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
)
"""Everything that acts on what Warren makes; garbage collection and nodes are left out: nothing is deleted here.

Where there are real nodes every controller runs that a cluster has by default."""

ADMINISTRATOR, PROXY = "admin", "system:kube-proxy"
"""Users of a control plane; where there are nodes, each of them is `system:node:<name>`."""
CONTEXT = "tests"
"""What kubeconfigs call everything in them."""

_CURVE = "prime256v1"
"""For keys that are made at once."""

T = TypeVar("T")


def wait(what: str, ask: Callable[[], T | None], seconds: float = 90, pause: float = 0.1) -> T:
    """Ask until there is an answer, with a pause between, which grows to half a second: what takes long is no hurry.

    `pause` is the first one, longer where asking costs much.

    Raises:
        AssertionError: there was none in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ask()
        if answer is not None and answer is not False:
            return answer
        time.sleep(pause)
        pause = max(pause, min(pause * 1.2, 0.5))
    raise AssertionError(f"{what}: not within {seconds} s")


def free_port(host: str) -> int:
    """A port that nobody listens on, below those that the kernel gives to outgoing connections meanwhile."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind((host, port))
            return port


@dataclass(frozen=True)
class ControlPlane:
    """A running control plane."""

    host: str
    port: int
    tokens: dict[str, str]
    """User to token."""
    folder: Path
    processes: dict[str, Process]

    @property
    def token(self) -> str:
        """The administrator's."""
        return self.tokens[ADMINISTRATOR]

    @property
    def certificate(self) -> Path:
        """What the API server is trusted by."""
        return self.folder / "apiserver.crt"

    @property
    def client(self) -> Path:
        """What kubelets know the API server by."""
        return self.folder / "kubelet-client.crt"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's, for kubectl."""
        return self.folder / "kubeconfig"

    def write_kubeconfig(self, user: str, file: Path) -> None:
        """Write the kubeconfig of one of its users."""
        cluster = {"server": f"https://{self.host}:{self.port}", "certificate-authority": str(self.certificate)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": CONTEXT, "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": user}}],
            "current-context": CONTEXT,
        }
        file.write_text(json.dumps(config, indent=1), encoding="utf-8")
        file.chmod(0o600)

    def api(self) -> Api:
        """A client for the administrator; close it."""
        return Api(self.host, self.port, self.token, self.certificate)

    def start_again(self) -> None:
        """Start it with what it knew, after it was stopped; returns when the API server is ready."""
        for process in self.processes.values():
            process.start_again()
            if process.name == "kube-apiserver":
                wait("kube-apiserver again", lambda: _answers(self), 60)

    def stop(self) -> None:
        """End it, in the order that loses nothing."""
        for process in reversed(self.processes.values()):
            # Nobody needs what is in there, so nobody waits for it.
            process.stop(gracefully=False)


def start(
    folder: Path,
    module: str = NEWEST,
    host: str = "127.0.0.1",
    port: int | None = None,
    *,
    nodes: Sequence[str] = (),
    within: Sequence[str] = (),
) -> ControlPlane:
    """Start a control plane with its data in `folder`, and return when the API server is ready.

    With the names of `nodes` it is whole: a scheduler, every controller, the Service `kubernetes`, and a token for each
    kubelet and for kube-proxy. It then runs `within` the network of one of them (`nsenter`), whose address is `host`.

    Raises:
        AssertionError: it is not ready within two minutes; the message ends with what it said.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inside = "127.0.0.1" if nodes else host
    # In a network of its own every port is free.
    etcd, peer, manager = (2379, 2380, 10257) if nodes else (free_port(host) for _ in range(3))
    port = port or (6443 if nodes else free_port(host))
    groups = {ADMINISTRATOR: "system:masters"}
    if nodes:
        groups |= {PROXY: ""} | {f"system:node:{name}": "system:nodes" for name in nodes}
    tokens = {user: secrets.token_hex(16) for user in groups}
    lines = [f'{tokens[user]},{user},{user},"{group}"\n' for user, group in groups.items()]
    (folder / "tokens.csv").write_text("".join(lines), encoding="utf-8")
    key = folder / "service-accounts.key"
    subprocess.run(
        ["openssl", "ecparam", "-name", _CURVE, "-genkey", "-noout", "-out", str(key)], check=True, capture_output=True
    )
    plane = ControlPlane(host, port, tokens, folder, {})

    def run(name: str, path: Path, *arguments: str) -> None:
        variables = {"PATH": os.environ["PATH"], **FEWER_COLLECTIONS}
        plane.processes[name] = Process([path, *arguments], folder / f"{name}.log", variables, within=within)

    run(
        "etcd",
        program("etcd"),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls=http://{inside}:{etcd}",
        f"--advertise-client-urls=http://{inside}:{etcd}",
        f"--listen-peer-urls=http://{inside}:{peer}",
        f"--initial-advertise-peer-urls=http://{inside}:{peer}",
        f"--initial-cluster=default=http://{inside}:{peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    )
    # Without a network of its own the Service `kubernetes` would name a loopback address, which the API server refuses.
    whole = _asks_kubelets(plane) if nodes else ["--endpoint-reconciler-type=none"]
    run(
        "kube-apiserver",
        program(module, "kube-apiserver"),
        f"--etcd-servers=http://{inside}:{etcd}",
        f"--bind-address={host}",
        f"--advertise-address={host}",
        f"--secure-port={port}",
        *whole,
        f"--cert-dir={folder}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        # As k3s has it: PodSecurity is to refuse privileged pods, not this flag.
        "--allow-privileged=true",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.43.0.0/16",
        "--profiling=false",
    )
    wait(f"kube-apiserver of {module}", lambda: _ready(plane), 120)
    plane.write_kubeconfig(ADMINISTRATOR, plane.kubeconfig)
    who = [f"--{use}kubeconfig={plane.kubeconfig}" for use in ("", "authentication-", "authorization-")]
    run(
        "kube-controller-manager",
        program(module, "kube-controller-manager"),
        *who,
        f"--bind-address={inside}",
        f"--secure-port={manager}",
        f"--cert-dir={folder / 'manager'}",
        f"--root-ca-file={plane.certificate}",
        f"--service-account-private-key-file={key}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        *([] if nodes else [f"--controllers={','.join(CONTROLLERS)}"]),
        "--concurrent-deployment-syncs=10",
        "--concurrent-replicaset-syncs=10",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    )
    if nodes:
        scheduler = program(module, "kube-scheduler")
        run("kube-scheduler", scheduler, *who, f"--cert-dir={folder / 'scheduler'}", "--leader-elect=false")
    return plane


def _asks_kubelets(plane: ControlPlane) -> list[str]:
    """Options with which the API server asks kubelets, for logs say; its certificate is its own authority."""
    key = plane.client.with_suffix(".key")
    subject = ["-subj", "/O=system:masters/CN=kube-apiserver", "-addext", "extendedKeyUsage=clientAuth"]
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        f"ec_paramgen_curve:{_CURVE}",
        "-nodes",
        "-days",
        "2",
        *subject,
    ]
    subprocess.run([*made, "-keyout", str(key), "-out", str(plane.client)], check=True, capture_output=True)
    return [
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-client-certificate={plane.client}",
        f"--kubelet-client-key={key}",
    ]


def bring_up(api: Api, manifests: Iterable[Manifest]) -> dict[Key, Answer]:
    """Apply a stack's objects in the program's order, and return what the API server said to each.

    Before the first pods it waits, as Pulumi does, until quotas are counted and namespaces have their service accounts.
    """
    said: dict[Key, Answer] = {}
    waited = False
    for manifest in in_order(manifests):
        if manifest["kind"] in PODS and not waited:
            waited = wait("quotas and service accounts", lambda: _ready_for_pods(api), 240)
        said[Key.of(manifest)] = api.apply(manifest)
    return said


def _ready_for_pods(api: Api) -> bool:
    quotas = api.get("v1", "ResourceQuota")
    accounts = {each["metadata"]["namespace"] for each in api.get("v1", "ServiceAccount")}
    namespaces = {each["metadata"]["name"] for each in api.get("v1", "Namespace")}
    return all(each.get("status", {}).get("hard") for each in quotas) and namespaces <= accounts


def _ready(plane: ControlPlane) -> bool:
    for process in plane.processes.values():
        if not process.running:
            raise AssertionError(f"{process.name} ended: {process.said()[-2000:]}")
    return plane.certificate.is_file() and _answers(plane)


def _answers(plane: ControlPlane) -> bool:
    try:
        # Its certificate may not be whole yet.
        with contextlib.closing(plane.api()) as api:
            return api.request("GET", "/readyz").ok
    except (OSError, http.client.HTTPException):
        return False
