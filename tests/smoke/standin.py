"""Stand-ins: a platform that answers as Warren's would, a cluster behind a `kubectl`, and Cloudflare's API.

They do what the real ones were seen to do, as far as `smoke` asks, and can be broken on purpose, one way at a time.
The real Traefik, OAuth2-Proxy and API server are the business of the live tests.
"""

from __future__ import annotations

import copy
import json
import shlex
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from config.routes import Route
from config.stack import Node
from manifests import images, names
from manifests.ingress.controller import FORBIDDEN_HEADERS, UNCACHED
from smoke import floors
from smoke.checks import walls, workloads
from smoke.plan import Plan, load

Manifest = dict[str, Any]

STACK = """\
config:
  pulumi:disable-default-providers: ["*"]
  warren:domain: example.com
  warren:cluster:
    kubeconfig: /nowhere/kubeconfig
    context: home
    nodes:
      - { name: pi-1, role: control-plane, ip: 10.0.0.50, cpu: 4, memory: 8Gi }
      - { name: pi-2, role: worker, ip: 10.0.0.51, cpu: 4, memory: 4Gi }
  warren:cloudflare:
    accountId: 0123456789abcdef0123456789abcdef
    zoneId: fedcba9876543210fedcba9876543210
  warren:workspaces: [mcd, shop, team]
  warren:secrets:
    entra: { secure: AAAA }
    shop-passwords: { secure: AAAA }
  warren:secretReaders: { entra: [mcd, team] }
"""
SIGN_IN = """\
auth:
  providers:
    - type: microsoft
      id: entra
      tenant: example.com
      clientId: an-app
      clientSecret: { secret: entra }
  allow: { emailDomains: [example.com] }
"""
MCD = f"""\
name: mcd
host: mcd
quota: {{ cpu: "1", memory: 1Gi }}
{SIGN_IN}
apps:
  landing: {{ static: mcd/landing, routes: [/] }}
  hello:
    image: ghcr.io/example/hello:1.2.3
    port: 8000
    routes:
      - path: /hello
        deny: [/hello/metrics]
      - path: /hello/api
        auth: api
      - path: /hello/open
        public: true
"""
TEAM = f"""\
name: team
host: team
quota: {{ cpu: "1", memory: 1Gi }}
{SIGN_IN}
apps:
  web: {{ image: "ghcr.io/example/web:1.2.3", port: 8000, routes: [/] }}
  nightly: {{ image: "ghcr.io/example/web:1.2.3", schedule: "0 3 * * *" }}
  migrate: {{ image: "ghcr.io/example/web:1.2.3", once: 10m }}
"""
SHOP = """\
name: shop
host: shop
quota: { cpu: "1", memory: 1Gi }
auth: none
apps:
  web:
    image: ghcr.io/example/web:1.2.3
    port: 8000
    routes:
      - /
      - { path: /staff, basicAuth: { secret: shop-passwords } }
      - { path: /lan, allowFrom: [192.0.2.0/24] }
"""
FILES = {
    "Pulumi.home.yaml": STACK,
    "workspaces/mcd.yaml": MCD,
    "workspaces/team.yaml": TEAM,
    "workspaces/shop.yaml": SHOP,
    "workspaces/mcd/landing/index.html": "<h1>mcd</h1>",
}
TOKEN = "a-made-up-token-of-the-tests-0123456789"
TUNNEL = "11111111-2222-3333-4444-555555555555"


def project(root: Path) -> Plan:
    """A project on disk with every kind of row, and what it says."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return load(root, "home", None)


class Quiet(BaseHTTPRequestHandler):
    """Answers without a log, and without keeping connections."""

    def log_request(self, code: int | str = 0, size: int | str = 0) -> None:
        pass

    def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    request_queue_size = 64
    """With the default of 5, a run's connections wait a second for their second try."""


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The handler on a loopback port: its address."""
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class Platform:
    """Controller, OAuth2-Proxy, Dex and apps, all in one."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.broken: set[str] = set()
        self.asked: list[tuple[str, str, str, dict[str, str]]] = []
        """Method, host, path and headers of every request."""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """What serves it."""
        platform = self

        class Controller(Quiet):
            def do_GET(self) -> None:
                host, headers = self.headers["Host"], dict(self.headers.items())
                platform.asked.append((self.command, host, self.path, headers))
                self.answer(*platform.reply(host, self.path, headers))

            do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

        return Controller

    def reply(self, host: str, target: str, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers."""
        path, query = target.partition("?")[0], parse_qs(urlsplit(target).query)
        if "alias" not in self.broken and any("_" in name or "." in name for name in headers):
            return 400, b"", {}
        if host not in self.plan.platform.hosts:
            return (200, b"hello", {}) if "any-host" in self.broken else (404, b"404 page not found\n", {})
        if path.startswith(("/oauth2/", "/dex/")) and (found := self._sign_in(host, path, query)) is not None:
            return found
        row = next((row for row in reversed(self.plan.rows(host)) if _below(path, row.path)), None)
        if row is None or (row.path == "/hello" and "no-route" in self.broken):
            return 404, b"404 page not found\n", {}
        if any(_below(path, denied) for denied in row.rule.deny) and "denied" not in self.broken:
            return 403, b"Forbidden", {}
        return self._row(row, path, headers)

    def _row(self, row: Route, path: str, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        known = "believes-cookies" in self.broken and "Cookie" in headers
        known = known or ("believes-headers" in self.broken and "X-Auth-Request-Email" in headers)
        if f"down {row.url}" in self.broken:
            return 503, b"no available server", {}
        if row.rule.basicAuth is not None and "password" not in self.broken:
            return 401, b"", {"WWW-Authenticate": 'Basic realm="web"'}
        if row.rule.allowFrom and headers["X-Forwarded-For"] == "203.0.113.7":
            return 403, b"Forbidden", {}
        if row.auth == "page" and not known and "open" not in self.broken:
            back = quote(f"{path}", safe="")
            return 302, b"", {"Location": f"https://{row.host}/oauth2/start?rd=https://{row.host}{back}"}
        if row.auth == "api" and not known and "open" not in self.broken:
            return 401, b"Unauthorized", {}
        if row.auth == "none" and "closed" in self.broken:
            return 302, b"", {"Location": f"https://{row.host}/oauth2/start?rd=https://{row.host}/"}
        clean = {key.lower() for key in FORBIDDEN_HEADERS if "told" not in self.broken}
        echo = "".join(f"{key}: {value}\n" for key, value in headers.items() if key.lower() not in clean)
        return 200, echo.encode(), dict(UNCACHED)

    def _sign_in(self, host: str, path: str, query: dict[str, list[str]]) -> tuple[int, bytes, dict[str, str]] | None:
        workspace, proxy = next(((of, proxy) for of, proxy in self.plan.proxies() if proxy.host == host), (None, None))
        if workspace is None or proxy is None:
            return None
        back = query.get("rd", ["/"])[0]
        trusted = back.startswith((f"https://{host}/", "/")) and not back.startswith(("//", "/\\"))
        back = back if trusted or "lured" in self.broken else "/"
        if path == "/oauth2/auth":
            return 401, b"Unauthorized", {}
        if path == "/oauth2/sign_out":
            return 302, b"", {"Location": back}
        if path == "/dex/.well-known/openid-configuration":
            said = "https://elsewhere.example.com/dex" if "issuer" in self.broken else f"https://{host}/dex"
            return 200, json.dumps({"issuer": said}).encode(), {}
        challenge = "" if "pkce" in self.broken else "&code_challenge=abc&code_challenge_method=S256"
        location = (
            f"https://{host}/dex/auth?approval_prompt=auto&client_id={proxy.client}{challenge}&nonce=n"
            f"&redirect_uri={quote(proxy.redirect_url, safe='')}&response_type=code"
            f"&scope=openid&state={quote(f'xyz:{back}', safe='')}"
        )
        secure = "" if "cookie" in self.broken else "; Secure"
        cookie = f"{proxy.cookie}_12345678_csrf=AAAA; Path=/; Max-Age=1800; HttpOnly{secure}; SameSite=Lax"
        return 302, b"", {"Location": location, "Set-Cookie": cookie}


def _below(path: str, prefix: str) -> bool:
    return prefix == "/" or path == prefix or path.startswith(f"{prefix}/")


class Cluster:
    """A cluster with everything as the plan has it, and a `kubectl` that shows it."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.folder = folder
        self.version = "v1.35.2+k3s1"
        self.namespaces = {
            name: {"kind": "Namespace", "metadata": {"name": name, **copy.deepcopy(metadata)}}
            for name, metadata in walls.namespaces(plan).items()
        }
        self.objects: dict[str, list[Manifest]] = {name: [] for name in self.namespaces}
        for each in workloads.expected(plan):
            self.objects[each.namespace] += _workload(each)
        for namespace, policies in walls.policies(plan).items():
            self.objects[namespace] += [
                {"kind": "NetworkPolicy", "metadata": {"name": name}, "spec": stored(wall)}
                for name, wall in policies.items()
            ]
        self.rules = [_rule(each) for each in walls.admission(plan)]
        self.nodes = [each for node in plan.stack.cluster.nodes for each in _node(node, self.version)]
        for pod in (each for part in self.objects.values() for each in part if each["kind"] == "Pod"):
            pod["spec"]["nodeName"] = plan.stack.cluster.nodes[-1].name
        self.kubectl = folder / "kubectl"
        program = folder / "kubectl.py"
        program.write_text(_KUBECTL, "utf-8")
        # Not `#!python`: such a line cannot name a path with a space in it.
        command = shlex.join([sys.executable, "-SI", str(program)])
        self.kubectl.write_text(f'#!/bin/sh\nexec {command} "$@"\n', "utf-8")
        self.kubectl.chmod(0o755)

    def write(self) -> None:
        """Shows the cluster as it is now."""
        answers = {
            "version": {"serverVersion": {"gitVersion": self.version}},
            "namespaces": {"items": list(self.namespaces.values())},
            "rules": {"items": self.rules},
            "nodes": {"items": self.nodes},
            "objects": {name: {"items": items} for name, items in self.objects.items()},
        }
        (self.folder / "cluster.json").write_text(json.dumps(answers), "utf-8")

    def find(self, namespace: str, kind: str, name: str) -> Manifest:
        """One object, to be broken."""
        return next(
            each for each in self.objects[namespace] if each["kind"] == kind and each["metadata"]["name"] == name
        )

    def node(self, name: str, kind: str = "Node") -> Manifest:
        """A node, or the Lease of its kubelet, to be broken."""
        return next(each for each in self.nodes if each["kind"] == kind and each["metadata"]["name"] == name)

    def stick(self, namespace: str, pod: str, reason: str) -> None:
        """Has a pod's container wait for ever."""
        status = self.find(namespace, "Pod", pod)["status"]
        status["containerStatuses"][0]["state"] = {"waiting": {"reason": reason}}

    def calls(self) -> list[list[str]]:
        """What `kubectl` was started with."""
        log = self.folder / "calls.jsonl"
        return [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []


_KUBECTL = """\
import json, os, sys
folder = os.path.dirname(os.path.abspath(__file__))
with open(f"{folder}/calls.jsonl", "a") as log:
    log.write(json.dumps([*sys.argv[1:], *(key for key in os.environ if "CLOUDFLARE" in key)]) + "\\n")
with open(f"{folder}/cluster.json") as file:
    answers = json.load(file)
if answers.get("error"):
    sys.exit(answers["error"])
verb, *args = sys.argv[1:]
if verb == "version":
    found = answers["version"]
elif args[0] == "namespaces":
    found = answers["namespaces"]
elif args[0].startswith("nodes,"):
    found = answers["nodes"]
elif args[0].startswith("validating"):
    found = answers["rules"]
else:
    found = answers["objects"][args[args.index("-n") + 1]]
print(json.dumps(found))
"""


def _node(node: Node, version: str) -> list[Manifest]:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    status = {
        "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True"}],
        "addresses": [{"type": "InternalIP", "address": node.ip}, {"type": "Hostname", "address": node.name}],
        "nodeInfo": {"kubeletVersion": version, "architecture": "arm64"},
    }
    return [
        {"kind": "Node", "metadata": {"name": node.name}, "status": status},
        {"kind": "Lease", "metadata": {"name": node.name}, "spec": {"renewTime": now}},
    ]


def _workload(wanted: workloads.Workload) -> list[Manifest]:
    if wanted.kind == "CronJob":
        inside = {"containers": [{"name": wanted.name, "image": "ghcr.io/example/app:1.2.3"}]}
        spec = {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": {"spec": inside}}}}
        return [{"kind": "CronJob", "metadata": {"name": wanted.name}, "spec": spec}]
    if wanted.kind == "Job":
        inside = {"containers": [{"name": wanted.name, "image": "ghcr.io/example/app:1.2.3"}]}
        status = {"conditions": [{"type": "Complete", "status": "True"}]}
        return [
            {
                "kind": "Job",
                "metadata": {"name": wanted.name},
                "spec": {"template": {"spec": inside}},
                "status": status,
            }
        ]
    platform = {
        names.INGRESS_SERVICE: ("traefik", images.TRAEFIK),
        "cloudflared": ("cloudflared", images.CLOUDFLARED),
        names.DEX: (names.DEX, images.DEX),
        names.PROXY: (names.PROXY, images.OAUTH2_PROXY),
        "landing": ("landing", images.STATIC_SERVER),
    }
    container, image = platform.get(wanted.name, (wanted.name, "ghcr.io/example/app:1.2.3"))
    app = container not in floors.PARTS
    match = names.selector(wanted.name, app=app)
    pod = {
        "kind": "Pod",
        "metadata": {"name": f"{wanted.name}-6f7d-x2x", "labels": match},
        "spec": {"containers": [{"name": container, "image": image}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": container, "state": {"running": {}}}]},
    }
    deployment = {
        "kind": "Deployment",
        "metadata": {"name": wanted.name},
        "spec": {"replicas": 1, "selector": {"matchLabels": match}, "template": {"spec": copy.deepcopy(pod["spec"])}},
        "status": {"availableReplicas": 1},
    }
    return [deployment, pod]


def stored(spec: Manifest) -> Manifest:
    """A NetworkPolicy's spec as the API server gives it back: without empty lists."""
    return {key: value for key, value in copy.deepcopy(spec).items() if value != []}


def _rule(manifest: Manifest) -> Manifest:
    """An admission policy or binding as the API server gives it back: with its defaults."""
    kept = copy.deepcopy(manifest)
    for key in ("matchConstraints", "matchResources"):
        if key in kept["spec"]:
            kept["spec"][key] = {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}} | kept[
                "spec"
            ][key]
    for rule in kept["spec"].get("matchConstraints", {}).get("resourceRules", []):
        rule["scope"] = "*"
    return kept


class Cloudflare:
    """Cloudflare's API, as far as it is asked."""

    def __init__(self, plan: Plan) -> None:
        self.asked: list[tuple[str, str, str | None]] = []
        """Method, path and Authorization of every request."""
        self.tunnels: list[Manifest] = [{"id": TUNNEL, "name": "warren-home", "status": "healthy"}]
        self.connectors: list[Manifest] = [
            {"id": str(number), "version": "2026.8.2", "conns": [{}, {}]} for number in range(2)
        ]
        target = f"{TUNNEL}.cfargotunnel.com"
        self.records: list[Manifest] = [
            {"name": host, "type": "CNAME", "content": target, "proxied": True} for host in plan.platform.hosts
        ]
        self.status = 200

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """What serves it."""
        api = self

        class Answers(Quiet):
            def do_GET(self) -> None:
                api.asked.append((self.command, self.path, self.headers["Authorization"]))
                parts = urlsplit(self.path)
                if api.status == 302:
                    self.answer(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"})
                elif api.status != 200:
                    told = {"errors": [{"message": f"no rights for {self.headers['Authorization']}"}], "result": None}
                    self.answer(api.status, json.dumps(told).encode())
                else:
                    self.answer(200, json.dumps({"result": api.result(parts.path, parts.query)}).encode())

        return Answers

    def result(self, path: str, query: str) -> list[Manifest]:
        """What is asked for."""
        if path.endswith("/connections"):
            return self.connectors
        if path.endswith("/cfd_tunnel"):
            return self.tunnels
        host = parse_qs(query)["name"][0]
        return [record for record in self.records if record["name"] == host]
