"""A real Kubernetes control plane for tests: etcd, kube-apiserver and kube-controller-manager, from nothing.

Owns: starting and stopping them, and who the administrator is.  Admission is what k3s has: the default plugins and
NodeRestriction (docs.k3s.io/security/hardening-guide); authorization is Node and RBAC.  There is no kubelet, no
scheduler and no network: pods are made and admitted, and stay pending unless a test plays the kubelet.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.real.api import PODS, Answer, Api, Key, Manifest, in_order
from tests.real.programs import Process, program

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
"""Everything that acts on what Warren makes; garbage collection and nodes are left out: nothing is deleted here."""

POLICIES = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")

T = TypeVar("T")


def wait(what: str, ask: Callable[[], T | None], seconds: float = 30) -> T:
    """Ask until there is an answer.

    Raises:
        AssertionError: there was none in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ask()
        if answer is not None and answer is not False:
            return answer
        time.sleep(0.1)
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
    token: str
    folder: Path
    processes: dict[str, Process]

    @property
    def certificate(self) -> Path:
        """What the API server is trusted by."""
        return self.folder / "apiserver.crt"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's, for kubectl."""
        return self.folder / "kubeconfig"

    def api(self) -> Api:
        """A client for the administrator; close it."""
        return Api(self.host, self.port, self.token, self.certificate)

    def stop(self) -> None:
        """End it, in the order that loses nothing."""
        for process in reversed(self.processes.values()):
            # Nobody needs what is in there, so nobody waits for it.
            process.stop(gracefully=False)


def start(folder: Path, module: str = NEWEST, host: str = "127.0.0.1", port: int | None = None) -> ControlPlane:
    """Start a control plane with its data in `folder`, and return when the API server is ready.

    Raises:
        AssertionError: it is not ready within a minute; the message ends with what it said.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port, etcd, peer, manager = (port or free_port(host), *(free_port(host) for _ in range(3)))
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n', encoding="utf-8")
    key = folder / "service-accounts.key"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    plane = ControlPlane(host, port, token, folder, {})

    plane.processes["etcd"] = Process(
        [
            program("etcd"),
            f"--data-dir={folder / 'etcd'}",
            f"--listen-client-urls=http://{host}:{etcd}",
            f"--advertise-client-urls=http://{host}:{etcd}",
            f"--listen-peer-urls=http://{host}:{peer}",
            f"--initial-advertise-peer-urls=http://{host}:{peer}",
            f"--initial-cluster=default=http://{host}:{peer}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ],
        folder / "etcd.log",
    )
    plane.processes["kube-apiserver"] = Process(
        [
            program(module, "kube-apiserver"),
            f"--etcd-servers=http://{host}:{etcd}",
            f"--bind-address={host}",
            f"--advertise-address={host}",
            f"--secure-port={port}",
            # The Service `kubernetes` would name a loopback address, which the API server refuses.
            "--endpoint-reconciler-type=none",
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
        ],
        folder / "kube-apiserver.log",
    )
    wait(f"kube-apiserver of {module}", lambda: _ready(plane), 60)
    _write_kubeconfig(plane)
    plane.processes["kube-controller-manager"] = Process(
        [
            program(module, "kube-controller-manager"),
            f"--kubeconfig={plane.kubeconfig}",
            f"--authentication-kubeconfig={plane.kubeconfig}",
            f"--authorization-kubeconfig={plane.kubeconfig}",
            f"--bind-address={host}",
            f"--secure-port={manager}",
            f"--cert-dir={folder / 'manager'}",
            f"--root-ca-file={plane.certificate}",
            f"--service-account-private-key-file={key}",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            f"--controllers={','.join(CONTROLLERS)}",
            "--concurrent-deployment-syncs=10",
            "--concurrent-replicaset-syncs=10",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
        ],
        folder / "kube-controller-manager.log",
    )
    return plane


def let_policies_in() -> None:
    """Wait until the API server has compiled the admission policies that have just changed.

    It looks for them every second. 1.33.13 ends with "concurrent map read and map write" when it compiles one while it
    judges by another (kubernetes/kubernetes#135757, seen here once); 1.36.3 does not.
    """
    time.sleep(2.5)


def bring_up(api: Api, manifests: Iterable[Manifest]) -> dict[Key, Answer]:
    """Apply a stack's objects in the program's order, and return what the API server said to each.

    Before the first pods it waits, as Pulumi does, until quotas are counted and namespaces have their service accounts.
    """
    said: dict[Key, Answer] = {}
    waited = False
    before = ""
    for manifest in in_order(manifests):
        if before in POLICIES and manifest["kind"] not in POLICIES:
            let_policies_in()
        before = manifest["kind"]
        if manifest["kind"] in PODS and not waited:
            waited = wait("quotas and service accounts", lambda: _ready_for_pods(api))
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
    if not plane.certificate.is_file():
        return False
    api = plane.api()
    try:
        return api.request("GET", "/readyz").ok
    except (OSError, http.client.HTTPException):
        return False
    finally:
        api.close()


def _write_kubeconfig(plane: ControlPlane) -> None:
    name = "everything"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": name,
                "cluster": {
                    "server": f"https://{plane.host}:{plane.port}",
                    "certificate-authority": str(plane.certificate),
                },
            }
        ],
        "users": [{"name": name, "user": {"token": plane.token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    plane.kubeconfig.write_text(json.dumps(config, indent=1), encoding="utf-8")
    plane.kubeconfig.chmod(0o600)
