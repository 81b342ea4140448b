"""A node of processes, so that real programs run as pods.

**A stand-in** for kubelet, container runtime and pod network. What it does as they do: every pod gets a network
namespace with an address of its own, behind a bridge; its containers start with the very command line, environment,
config files and ServiceAccount token that the pod says; their startup and readiness probes decide whether the pod is
ready, and the real controllers make EndpointSlices of that. A pod that is deleted goes on for as long as its `preStop`
says, gets SIGTERM, and has its grace period.

What it does not do, and what therefore is not proven here: images are not pulled, a program of the same name runs
instead (`PROGRAMS`), and every app is `echo`; users, capabilities and read-only root file systems are not set; volumes
other than config, secrets and scratch are not there; NetworkPolicies are not enforced (`tests/cluster/reach.py`
evaluates them); a Service's name resolves, by a hosts file, to one of its pods, which is another one two seconds after
that one was told to end, as with kube-proxy, and its cluster address leads nowhere;
cloudflared does not run, the tests' own requests come in its place.
"""

from __future__ import annotations

import base64
import http.client
import os
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from tests.live.network import GATEWAY, OWN, attach, hold, overwrite
from tests.real.api import Answer, Api, Manifest
from tests.real.control_plane import ControlPlane, wait
from tests.real.programs import Process, program

NAME = "pi-1"
PROXY_SECONDS = 2
"""How late kube-proxy is to know that a pod ends; it may wait for a second for more changes, and a Pi is slow."""

TEARDOWN_SECONDS = 3
"""How long a pod keeps its network when its programs have ended: the kubelet looks for that every second only, and a
client on a busy machine may take as long to read that its connection is closed."""

PROGRAMS = {"traefik": "traefik", "oauth2-proxy": "oauth2-proxy", "dex": "standins/identity"}
"""The end of an image's name to the program in .tools/parts; `identity` stands in for Dex. Every other image is an app,
and `standins/echo` stands in for it."""
NOT_RUN = ("cloudflared",)

_ACCOUNT = "run/secrets/kubernetes.io/serviceaccount"  # /var/run is a link to /run


@dataclass
class Pod:
    """A pod on the node."""

    manifest: Manifest
    address: str
    folder: Path
    pause: Process
    containers: dict[str, Process] = field(default_factory=dict)
    started: float = 0.0
    ready: bool = False
    ends: float | None = None
    """When it gets SIGTERM; None while nobody has told it to end."""
    left: bool = False
    """Whether those who ask by its Service's name know that it ends."""
    killed: float | None = None
    """When it is killed; None until it got SIGTERM."""
    over: float | None = None
    """When its processes had ended; its network goes later, and tells whoever still sends something that it is over."""

    @property
    def settles(self) -> int:
        """For how many seconds it goes on after it was told to end."""
        hooks = [each.get("lifecycle", {}).get("preStop", {}) for each in self.manifest["spec"]["containers"]]
        return max(int(hook.get("sleep", {}).get("seconds", 0)) for hook in hooks)

    @property
    def app(self) -> str:
        """``namespace/name`` of what it belongs to."""
        return _app(self.manifest)


class Node:
    """The node, with everything that runs on it."""

    def __init__(self, plane: ControlPlane, folder: Path, users: Path, hosts: Path, nodes: Mapping[str, str]) -> None:
        self._plane, self._folder, self._users, self._hosts = plane, folder, users, hosts
        self._made = 0
        self._names: list[str] = []
        self.api: Api = plane.api()
        self.pods: list[Pod] = []
        self._addresses: dict[str, str] = {}
        self._version: str = self.api.request("GET", "/version").body["gitVersion"]
        for name, address in nodes.items():
            self._join(name, address)

    def _join(self, name: str, address: str) -> None:
        """What a kubelet says of its node when it comes; only that of `NAME` runs anything."""
        path = self.api.path("v1", "Node", None, name)
        status = {
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            "addresses": [{"type": "InternalIP", "address": address}],
            "nodeInfo": {"kubeletVersion": self._version, "architecture": "amd64"},
        }
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
        for answer in (
            self.api.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}),
            self.api.merge(f"{path}/status", {"status": status}),
            self.api.create({**lease, "metadata": {"name": name, "namespace": "kube-node-lease"}}),
        ):
            assert answer.ok, answer.message
        self._names.append(name)

    def beat(self) -> None:
        """Note the time, as kubelets do every ten seconds."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        for name in self._names:
            path = self.api.path("coordination.k8s.io/v1", "Lease", "kube-node-lease", name)
            answer = self.api.merge(path, {"spec": {"renewTime": now}})
            assert answer.ok, answer.message

    def start(self) -> None:
        """Start every pod that no node has, and return when all are ready.

        Raises:
            AssertionError: one is not ready in time; the message ends with what its program said.
        """
        waiting = [pod for pod in self.api.get("v1", "Pod") if not pod["spec"].get("nodeName")]
        waiting = [pod for pod in waiting if not any(name in _image(pod) for name in NOT_RUN)]
        made = [self._pod(manifest) for manifest in waiting]
        self._write_hosts()
        for pod in made:
            self.launch(pod)
        for pod in made:
            self.await_ready(pod)

    def of(self, app: str) -> list[Pod]:
        """The pods of ``namespace/name``."""
        return [pod for pod in self.pods if pod.app == app]

    def only(self, app: str) -> Pod:
        """The one pod of ``namespace/name``."""
        [pod] = self.of(app)
        return pod

    def kill(self, pod: Pod, *, gracefully: bool = False) -> None:
        """End a pod's processes; the API server is not told, as when a process has just died.

        Gracefully is as the kubelet does it: it sleeps as the pod's `preStop` says, and then sends SIGTERM.
        """
        if gracefully:
            time.sleep(pod.settles)
        for process in pod.containers.values():
            process.stop(gracefully=gracefully, seconds=60)

    def restart(self, pod: Pod) -> None:
        """Start a pod's processes again and wait until they are ready."""
        self.launch(pod)
        self.await_ready(pod)

    def roll_out(self, app: str, change: Callable[[], Answer] | None = None, seconds: float = 60) -> None:
        """Replace an app's pods, and return when the old ones have ended: as `kubectl rollout restart` does, or by a
        change of the pod template.

        The real controllers decide when a pod is made and when one is to go; this plays the kubelet meanwhile.

        Raises:
            AssertionError: it is not over in time, or a program ended by itself.
        """
        namespace, name = app.split("/")
        old = self.of(app)
        note = {"spec": {"template": {"metadata": {"annotations": {"tests/restarted": str(time.monotonic_ns())}}}}}
        path = self.api.path("apps/v1", "Deployment", namespace, name)
        answer = self.api.merge(path, note) if change is None else change()
        assert answer.ok, answer.message

        def over() -> bool:
            self._play_kubelet(app)
            here = self.of(app)
            return len(here) >= len(old) and not any(pod in here for pod in old) and all(pod.ready for pod in here)

        wait(f"roll-out of {app}", over, seconds)

    def _play_kubelet(self, app: str) -> None:
        namespace = app.partition("/")[0]
        known = {pod.manifest["metadata"]["uid"]: pod for pod in self.pods}
        for manifest in self.api.get("v1", "Pod", namespace):
            pod = known.get(manifest["metadata"]["uid"])
            if pod is None and _app(manifest) == app:
                pod = self._pod(manifest)
                self._write_hosts()
                self.launch(pod)
            elif pod is not None and pod.ends is None and "deletionTimestamp" in manifest["metadata"]:
                pod.ends = time.monotonic() + pod.settles
        for pod in self.of(app):
            self._step(pod)

    def _step(self, pod: Pod) -> None:
        """What is due for a pod now: it is ready, it gets SIGTERM, it is killed, it is gone."""
        now = time.monotonic()
        containers = {each["name"]: each for each in pod.manifest["spec"]["containers"]}
        if pod.ends is None:
            waits = max(each.get("readinessProbe", {}).get("initialDelaySeconds", 0) for each in containers.values())
            if not pod.ready and now > pod.started + waits and self.answers(pod):
                self.set_ready(pod, True)
                self._write_hosts()
        elif not pod.left and now > pod.ends - pod.settles + PROXY_SECONDS:
            pod.left = True
            self._write_hosts()
            # This loop may be late on a busy machine; the one that is told last must not be later for that.
            pod.ends = max(pod.ends, time.monotonic() + pod.settles - PROXY_SECONDS)
        elif pod.killed is None and now >= pod.ends:
            pod.killed = now - pod.settles + pod.manifest["spec"]["terminationGracePeriodSeconds"]
            for process in pod.containers.values():
                process.terminate()
        elif pod.killed is not None and (now >= pod.killed or not any(p.running for p in pod.containers.values())):
            for process in pod.containers.values():
                process.stop(gracefully=False)
            if pod.over is None:
                pod.over = now
            elif now > pod.over + TEARDOWN_SECONDS:
                self._remove(pod)

    def _remove(self, pod: Pod) -> None:
        """Take its network from a pod whose processes have ended, and forget it."""
        pod.pause.stop(gracefully=False)
        self.pods.remove(pod)
        metadata = pod.manifest["metadata"]
        path = self.api.path("v1", "Pod", metadata["namespace"], metadata["name"])
        answer = self.api.request("DELETE", path, {"kind": "DeleteOptions", "gracePeriodSeconds": 0})
        assert answer.ok, answer.message

    def set_ready(self, pod: Pod, ready: bool) -> None:
        """Tell the API server what the readiness probe would."""
        pod.ready = ready
        condition = {"status": "True" if ready else "False"}
        status = {
            "phase": "Running",
            "podIP": pod.address,
            "podIPs": [{"ip": pod.address}],
            "hostIP": GATEWAY,
            "conditions": [{"type": kind, **condition} for kind in ("Ready", "ContainersReady")],
        }
        metadata = pod.manifest["metadata"]
        path = self.api.path("v1", "Pod", metadata["namespace"], metadata["name"])
        answer = self.api.merge(f"{path}/status", {"status": status})
        assert answer.ok, answer.message

    def await_ready(self, pod: Pod, seconds: float = 90) -> None:
        """Probe until the pod is ready, as its readiness probes say, and tell the API server."""
        try:
            wait(f"{pod.app} ready", lambda: self.answers(pod), seconds)
        except AssertionError as late:
            said = "\n".join(process.said()[-1500:] for process in pod.containers.values())
            raise AssertionError(f"{late}\n{said}") from None
        self.set_ready(pod, True)

    def answers(self, pod: Pod) -> bool:
        """Whether its probes pass.

        Raises:
            AssertionError: one of its programs ended.
        """
        containers = {each["name"]: each for each in pod.manifest["spec"]["containers"]}
        for name, process in pod.containers.items():
            if not process.running:
                raise AssertionError(f"{pod.app}: {name} ended: {process.said()[-2000:]}")
        return all(_passes(pod, containers[name]) for name in pod.containers)

    def stop(self) -> None:
        """End everything."""
        self.api.close()
        for pod in self.pods:
            for process in (*pod.containers.values(), pod.pause):
                process.stop(gracefully=False)

    def memory(self, what: Literal["VmRSS", "RssAnon"] = "VmRSS") -> dict[str, list[int]]:
        """Program to the resident bytes of each of its processes, all of them or only those of no file."""
        found: dict[str, list[int]] = {}
        for pod in self.pods:
            for container in pod.manifest["spec"]["containers"]:
                if (process := pod.containers.get(container["name"])) is not None and process.running:
                    found.setdefault(_program(container["image"]).name, []).append(process.memory(what))
        return found

    def _pod(self, manifest: Manifest) -> Pod:
        metadata = manifest["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        self._made += 1
        address = f"10.42.1.{self._made}"
        folder = self._folder / f"{namespace}-{name}"
        for part in OWN:
            (folder / part).mkdir(parents=True)
        self._write_files(manifest, folder)
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": NAME},
        }
        answer = self.api.request("POST", f"{self.api.path('v1', 'Pod', namespace, name)}/binding", binding)
        assert answer.ok, answer.message
        pod = Pod(manifest, address, folder, hold(folder))
        attach(pod.pause, pod.address, self._made)
        self.pods.append(pod)
        return pod

    def _write_files(self, manifest: Manifest, folder: Path) -> None:
        metadata, spec = manifest["metadata"], manifest["spec"]
        (folder / "etc" / "nsswitch.conf").write_text("hosts: files\n", encoding="utf-8")
        (folder / "etc" / "resolv.conf").write_text("", encoding="utf-8")
        (folder / "etc" / "standin-users.json").write_bytes(self._users.read_bytes())
        content = {each["name"]: self._content(metadata["namespace"], each) for each in spec.get("volumes", [])}
        for container in spec["containers"]:
            for mount in container.get("volumeMounts", []):
                place = folder / mount["mountPath"].lstrip("/")
                if place.relative_to(folder).parts[0] not in OWN:
                    continue  # only apps have these, and echo reads no files
                for path, data in content.get(mount["name"], {}).items():
                    (place / path).parent.mkdir(parents=True, exist_ok=True)
                    (place / path).write_bytes(data)
        if spec.get("automountServiceAccountToken"):
            account = folder / _ACCOUNT
            account.mkdir(parents=True)
            path = self.api.path("v1", "ServiceAccount", metadata["namespace"], spec["serviceAccountName"])
            review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
            token = self.api.request("POST", f"{path}/token", review).body["status"]["token"]
            (account / "token").write_text(token, encoding="utf-8")
            (account / "namespace").write_text(metadata["namespace"], encoding="utf-8")
            (account / "ca.crt").write_bytes(self._plane.certificate.read_bytes())

    def _content(self, namespace: str, volume: Mapping[str, Any]) -> dict[str, bytes]:
        """The files of a volume, path to content; none for those that start empty or are not there."""
        if "projected" in volume:
            sources = volume["projected"]["sources"]
            if any(each.keys() - {"configMap", "secret"} for each in sources):
                return {}  # the one that every pod gets for its account, which is written by itself
            return {path: data for each in sources for path, data in self._content(namespace, each).items()}
        if "configMap" in volume:
            source, kind, name = volume["configMap"], "ConfigMap", volume["configMap"]["name"]
        elif "secret" in volume:
            source, kind = volume["secret"], "Secret"
            name = source["name"] if "name" in source else source["secretName"]  # projected, or a volume of its own
        else:
            return {}
        stored = self.api.get("v1", kind, namespace, name)
        data = {
            key: base64.b64decode(value) if kind == "Secret" else value.encode()
            for key, value in stored.get("data", {}).items()
        }
        data |= {key: base64.b64decode(value) for key, value in stored.get("binaryData", {}).items()}
        items = source.get("items")
        return {item["path"]: data[item["key"]] for item in items} if items else data

    def _environment(self, pod: Pod, container: Mapping[str, Any]) -> dict[str, str]:
        namespace = pod.manifest["metadata"]["namespace"]
        values = {
            "PATH": os.environ["PATH"],
            "KUBERNETES_SERVICE_HOST": self._plane.host,
            "KUBERNETES_SERVICE_PORT": str(self._plane.port),
        }
        for each in container.get("env", []):
            if "value" in each:
                values[each["name"]] = each["value"]
            elif reference := each["valueFrom"].get("secretKeyRef"):
                secret = self.api.get("v1", "Secret", namespace, reference["name"])
                values[each["name"]] = base64.b64decode(secret["data"][reference["key"]]).decode()
        ports = ",".join(str(port["containerPort"]) for port in container.get("ports", []))
        return values | {
            "STANDIN_APP": pod.app,
            "STANDIN_POD": pod.manifest["metadata"]["name"],
            "STANDIN_PORTS": ports,
            "STANDIN_USERS": "/etc/standin-users.json",
        }

    def launch(self, pod: Pod) -> None:
        """Start a pod's processes, in its network namespace, and do not wait."""
        for container in pod.manifest["spec"]["containers"]:
            path = _program(container["image"])
            if path.name == "echo" and not container.get("ports"):
                continue  # a worker or a sidecar: nothing ever asks it
            arguments = [*container.get("command", [])[1:], *container.get("args", [])] if path.name != "echo" else []
            # Opened here, because the pod's own /tmp may cover the checkout.
            inside = ["nsenter", f"--target={pod.pause.pid}", "--net", "--mount", "--", "/proc/self/fd/9", *arguments]
            line = f"exec 9<{shlex.quote(str(path))}; exec {shlex.join(inside)}"
            log = pod.folder / f"{container['name']}.log"
            pod.started = time.monotonic()
            pod.containers[container["name"]] = Process(["sh", "-c", line], log, self._environment(pod, container))

    def _write_hosts(self) -> None:
        """Service names, each to a pod behind it: what the cluster's DNS and kube-proxy do together.

        To one that is ready and not ending, where there is one.
        """
        lines = ["127.0.0.1 localhost"]
        for service in self.api.get("v1", "Service"):
            metadata, selector = service["metadata"], service["spec"].get("selector")
            for pod in sorted(self.pods, key=lambda pod: (pod.left, not pod.ready)):
                labels = pod.manifest["metadata"]["labels"]
                same = pod.manifest["metadata"]["namespace"] == metadata["namespace"]
                if same and selector and selector.items() <= labels.items():
                    lines.append(f"{pod.address} {metadata['name']}.{metadata['namespace']}.svc.cluster.local")
                    break
        for file in (*(pod.folder / "etc" / "hosts" for pod in self.pods), self._hosts):
            overwrite(file, "\n".join(lines) + "\n")


def _app(pod: Manifest) -> str:
    metadata = pod["metadata"]
    labels = metadata["labels"]
    return f"{metadata['namespace']}/{labels.get('warren/app') or labels['app.kubernetes.io/name']}"


def _image(pod: Manifest) -> str:
    image: str = pod["spec"]["containers"][0]["image"]
    return image


def _program(image: str) -> Path:
    name = image.partition(":")[0].rpartition("/")[2]
    module, _, command = PROGRAMS.get(name, "standins/echo").partition("/")
    return program(module, command or None)


def _passes(pod: Pod, container: Mapping[str, Any]) -> bool:
    """Ask a container's startup and readiness probes; echo has none worth asking, so its port is tried."""
    ports = {each.get("name"): each["containerPort"] for each in container.get("ports", [])}
    probes = [container.get(name, {}).get("httpGet") for name in ("startupProbe", "readinessProbe")]
    if probes[1] is None or _program(container["image"]).name == "echo":
        probes = [{"path": "/", "port": next(iter(ports.values()))}]
    return all(_succeeds(pod, probe, ports) for probe in probes if probe)


def _succeeds(pod: Pod, probe: Mapping[str, Any], ports: Mapping[str, int]) -> bool:
    connection = http.client.HTTPConnection(pod.address, ports.get(probe["port"], probe["port"]), timeout=5)
    try:
        connection.request("GET", probe["path"])
        return 200 <= connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
