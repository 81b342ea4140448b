"""What stands in for metrics-server: an API of pods' use that says what a test wants of one app.

Owns: the server and how Kubernetes finds it.  The autoscaler that asks it, and everything it then does, is real.
"""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.node.cluster import Cluster, app
from tests.real.api import Api, Manifest

_GROUP = "metrics.k8s.io/v1beta1"
_NAME = "stands-in-for-metrics-server"
_LIST = re.compile(rf"/apis/{_GROUP}/namespaces/([a-z0-9-]+)/pods(?:\?.*)?")


@contextmanager
def used(cluster: Cluster, address: str, name: str, cpu: str) -> Iterator[None]:
    """Say of every container of an app (``namespace/name``) that it uses so much CPU, at an address of this process."""
    folder = cluster.plane.folder
    key, certificate = folder / "measures.key", folder / "measures.crt"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={_NAME}"]
    subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    api = cluster.plane.api()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer what the aggregator and the autoscaler ask."""
            found = _LIST.fullmatch(self.path)
            if found is not None:
                with lock:
                    answer = _pods(api, found[1], name, cpu)
            elif self.path.partition("?")[0] == f"/apis/{_GROUP}":
                pods = {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics"}
                answer = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": _GROUP}
                answer["resources"] = [{**pods, "verbs": ["get", "list"]}]
            else:
                self.send_error(404)
                return
            text = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((address, 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        for manifest in _objects(address, server.server_address[1]):
            answer = cluster.api.create(manifest)
            assert answer.ok, answer.message
        yield
    finally:
        cluster.api.request(
            "DELETE", cluster.api.path("apiregistration.k8s.io/v1", "APIService", None, _service_name())
        )
        server.shutdown()
        thread.join()
        server.server_close()
        api.close()


def _service_name() -> str:
    group, version = _GROUP.split("/")
    return f"{version}.{group}"


def _pods(api: Api, namespace: str, name: str, cpu: str) -> Manifest:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    items = [
        {
            "metadata": {"name": pod["metadata"]["name"], "namespace": namespace},
            "timestamp": now,
            "window": "1s",
            "containers": [
                {"name": each["name"], "usage": {"cpu": cpu, "memory": "8Mi"}} for each in pod["spec"]["containers"]
            ],
        }
        for pod in api.get("v1", "Pod", namespace)
        if app(pod) == name and pod["status"].get("phase") == "Running"
    ]
    return {"kind": "PodMetricsList", "apiVersion": _GROUP, "metadata": {}, "items": items}


def _objects(address: str, port: int) -> list[Manifest]:
    here = {"namespace": "kube-system", "name": _NAME}
    group, version = _GROUP.split("/")
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": here, "spec": {"ports": [{"port": 443}]}},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**here, "labels": {"kubernetes.io/service-name": _NAME}},
            "addressType": "IPv4",
            "ports": [{"port": port, "protocol": "TCP"}],
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": _service_name()},
            "spec": {
                "group": group,
                "version": version,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "insecureSkipTLSVerify": True,
                "service": {**here, "port": 443},
            },
        },
    ]
