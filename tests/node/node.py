"""A real node on a host: containerd, kubelet, kube-proxy, and a program that enforces NetworkPolicies.

Owns: how each is configured, and what it needs where it does not have a whole machine.  No stand-in is among them.

The network-policy program asks the kernel for packets by an nftables expression (`queue`) that not every kernel has,
and then lets all of them pass without a word.  So iptables hands it the first packet of every connection, those that
pods send to their own node included, as kube-router polices those; nobody is let through while it does not answer.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from manifests.k3s import POD_PIDS
from tests.node import machine
from tests.node.images import PAUSE
from tests.node.network import PODS, Host
from tests.node.prepared import NAMESPACE
from tests.real.api import Manifest
from tests.real.control_plane import NEWEST, PROXY, ControlPlane, wait
from tests.real.programs import FEWER_COLLECTIONS, Process, program

SERVICES = "10.43.0.0/16"
DNS_ADDRESS = "10.43.0.10"
"""The addresses of Services, and that of cluster DNS, as K3s has them."""
QUEUE = "100"

_SOCKET = "/run/containerd/containerd.sock"


class Node:
    """A node that has joined, or is about to."""

    def __init__(self, host: Host, plane: ControlPlane, module: str) -> None:
        """Start containerd and do not wait; `module` says which kubelet this node gets."""
        self.host, self.module = host, module
        self.processes: dict[str, Process] = {}
        self._plane = plane
        self._start_containerd()

    def lose_power(self) -> None:
        """Nothing runs on it any more, from one moment to the next."""
        self.host.lose_power()
        self.stop()

    def power_on(self) -> None:
        """Start it as it was; it joins as the node that the cluster knows."""
        self.host.power_on()
        self._start_containerd()
        self.join()

    def join(self) -> None:
        """Start what makes it a node as soon as containerd answers, and do not wait for it."""
        wait(f"containerd of {self.host.name}", self._answers, 60)
        host, plane = self.host, self._plane
        kubeconfig = host.folder / "kubelet.kubeconfig"
        plane.write_kubeconfig(f"system:node:{host.name}", kubeconfig)
        self._run(
            "kubelet",
            program(self.module, "kubelet"),
            f"--config={self._written('kubelet.json', self._kubelet())}",
            f"--kubeconfig={kubeconfig}",
            f"--hostname-override={host.name}",
            f"--node-ip={host.address}",
        )
        proxied = host.folder / "kube-proxy.kubeconfig"
        plane.write_kubeconfig(PROXY, proxied)
        settings = self._written("kube-proxy.json", self._kube_proxy(proxied))
        self._run("kube-proxy", program(NEWEST, "kube-proxy"), f"--config={settings}")
        # It takes its account from where a pod has it.
        account = host.folder / "account"
        (account / "token").write_text(plane.token, encoding="utf-8")
        (account / "ca.crt").write_bytes(plane.certificate.read_bytes())
        where = {"KUBERNETES_SERVICE_HOST": plane.host, "KUBERNETES_SERVICE_PORT": str(plane.port)}
        self._run(
            "kube-network-policies",
            program("kube-network-policies"),
            f"--hostname-override={host.name}",
            f"--nfqueue-id={QUEUE}",
            # An nftables rule of the kind that this kernel may not have.
            "--netfilter-bug-1766-fix=false",
            **where,
        )
        self.iptables("-N", "WALLS")
        self.iptables("-A", "WALLS", "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "RETURN")
        for side in ("-s", "-d"):
            self.iptables("-A", "WALLS", side, str(PODS), "-j", "NFQUEUE", "--queue-num", QUEUE)
        # What the node itself sends, a probe for one, is no policy's business.
        self.iptables("-A", "POSTROUTING", "-m", "owner", "--uid-owner", "0", "-j", "ACCEPT")
        self.enforce(True)

    def stop(self) -> None:
        """End its programs at once; pods go on until their namespaces end with the run."""
        for process in reversed(self.processes.values()):
            process.stop(gracefully=False)

    def enforce(self, walls: bool) -> None:
        """Switch the walls on, or off for a control: packets are then not shown to who would judge them.

        Connections that are there go on. Forgetting them would cut every pod's watch on the API server as well.
        """
        for chain in ("POSTROUTING", "INPUT"):
            self.iptables("-A" if walls else "-D", chain, "-j", "WALLS")

    @property
    def queue(self) -> Path:
        """Where the kernel says which packets wait to be judged, and how many it could not keep."""
        return Path(f"/proc/{self.host.holder.pid}/net/netfilter/nfnetlink_queue")

    def iptables(self, *rule: str) -> None:
        """Change the table of which the queue is part."""
        self.host.run("iptables", "-w", "-t", "mangle", *rule)

    def tasks(self) -> dict[str, int]:
        """The id of every running container to its process."""
        lines = [line.split() for line in self._ctr("tasks", "ls").splitlines()[1:]]
        return {line[0]: int(line[1]) for line in lines if line[2] == "RUNNING"}

    def said(self) -> str:
        """The end of what each program said."""
        return "\n".join(f"{name} of {self.host.name}: {p.said()[-1500:]}" for name, p in self.processes.items())

    def _start_containerd(self) -> None:
        self._run("containerd", program("containerd"), "--config", str(self._containerd()))

    def _run(self, name: str, path: Path, *arguments: str, **environment: str) -> None:
        # Containerd finds its shim where it is itself; a group of tests may put something in the place of a program.
        variables = {"PATH": f"{self.host.folder / 'bin'}:{path.parent}:{os.environ['PATH']}"}
        variables |= FEWER_COLLECTIONS | environment
        self.processes[name] = Process(
            [path, *arguments], self.host.folder / f"{name}.log", variables, within=self.host.within
        )

    def _ctr(self, *arguments: str) -> str:
        return self.host.run(str(program("containerd", "ctr")), NAMESPACE, *arguments)

    def _answers(self) -> bool:
        assert self.processes["containerd"].running, self.said()
        try:
            return bool(self._ctr("version"))
        except AssertionError:
            return False

    def _written(self, name: str, settings: Manifest) -> Path:
        file = self.host.folder / name
        file.write_text(json.dumps(settings, indent=1), encoding="utf-8")
        return file

    def _containerd(self) -> Path:
        network = self.host.folder / "cni"
        network.mkdir(exist_ok=True)
        addresses = {
            "type": "host-local",
            "ranges": [[{"subnet": str(self.host.pods)}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": "/run/cni",
        }
        plugin = {"type": "ptp", "ipMasq": False, "ipam": addresses}
        (network / "10-pods.conflist").write_text(
            json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": [plugin]}), encoding="utf-8"
        )
        plugins: dict[str, dict[str, Any]] = {
            "images": {"snapshotter": "overlayfs"},
            "images.pinned_images": {"sandbox": PAUSE},
            # Without CAP_SYS_RESOURCE runc may not lower the score, and every container would fail.
            "runtime": {"restrict_oom_score_adj": True},
            "runtime.cni": {"bin_dirs": [str(program("cni", "ptp").parent)], "conf_dir": str(network)},
            "runtime.containerd": {"default_runtime_name": "runc"},
            "runtime.containerd.runtimes.runc": {"runtime_type": "io.containerd.runc.v2"},
            "runtime.containerd.runtimes.runc.options": {"SystemdCgroup": False},
        }
        lines = ["version = 3", 'root = "/var/lib/containerd"', 'state = "/run/containerd"']
        lines += ["[grpc]", f'address = "{_SOCKET}"']
        for name, settings in plugins.items():
            first, dot, rest = name.partition(".")
            lines.append(f"[plugins.'io.containerd.cri.v1.{first}'{dot}{rest}]")
            # TOML reads what JSON has for strings, lists of them and booleans.
            lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
        file = self.host.folder / "containerd.toml"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return file

    def _kubelet(self) -> Manifest:
        names = self.host.folder / "resolv.conf"
        names.write_text("", encoding="utf-8")
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            **({"failCgroupV1": False} if machine.version_1() and self.module == NEWEST else {}),
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": machine.make_cgroup(self.host.cgroup),
            "containerRuntimeEndpoint": f"unix://{_SOCKET}",
            "clusterDNS": [DNS_ADDRESS],
            "clusterDomain": "cluster.local",
            "resolvConf": str(names),
            "failSwapOn": False,
            "podPidsLimit": POD_PIDS,
            "volumePluginDir": str(self.host.folder / "volume-plugins"),
            # The disk is the machine's, and images that are removed could not be had again.
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "evictionHard": {"memory.available": "100Mi"},
            "nodeStatusUpdateFrequency": "5s",
            # How often volumes are measured; a minute otherwise.
            "volumeStatsAggPeriod": "10s",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(self._plane.client)},
            },
            "authorization": {"mode": "Webhook"},
        }

    def _kube_proxy(self, kubeconfig: Path) -> Manifest:
        return {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "clientConnection": {"kubeconfig": str(kubeconfig)},
            "hostnameOverride": self.host.name,
            "mode": "nftables",
            "clusterCIDR": str(PODS),
            # These are the machine's, and none of a node's business here.
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        }


def ready(plane: ControlPlane, nodes: Iterable[Node], seconds: float = 60) -> None:
    """Wait until every node says that it is ready.

    Raises:
        AssertionError: one is not in time, or one of its programs has ended; the message ends with what they said.
    """
    joined = list(nodes)
    api = plane.api()

    def there() -> bool:
        for process in itertools.chain.from_iterable(node.processes.values() for node in joined):
            assert process.running, f"{process.name} ended"
        found = {
            each["metadata"]["name"]
            for each in api.get("v1", "Node")
            for condition in each["status"].get("conditions", [])
            if condition["type"] == "Ready" and condition["status"] == "True"
        }
        return found >= {node.host.name for node in joined}

    try:
        wait("nodes ready", there, seconds)
    except AssertionError as late:
        raise AssertionError("\n".join([str(late), *(node.said() for node in joined)])) from None
    finally:
        api.close()
