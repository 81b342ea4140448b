"""What the API server refuses about Services, Ingresses and NetworkPolicies.

Owns: ports, hosts, paths, addresses of these kinds.  Source: ``pkg/apis/core/validation`` and
``pkg/apis/networking/validation``.
"""

from __future__ import annotations

from typing import Any

from sandbox.kubernetes import formats, pods
from sandbox.kubernetes.reading import Findings, is_known, items, obj, objects, strings

_NODE_PORTS = range(30000, 32768)
# What the API server takes for an attempt to leave the path.
_BAD_IN_PATH = ("//", "/./", "/../", "%2f", "%2F")
_BAD_AT_END = ("/..", "/.")


def service(manifest: dict[str, Any], found: Findings) -> None:
    """Check a Service."""
    spec = obj(manifest, "spec")
    kind, headless = spec.get("type", "ClusterIP"), spec.get("clusterIP") == "None"
    ports = list(objects(spec, "ports", "spec"))
    if not ports and is_known(spec, "ports") and kind != "ExternalName" and not headless:
        found.add("spec.ports", "required")
    if kind == "ExternalName":
        if not spec.get("externalName"):
            found.add("spec.externalName", "required with type ExternalName")
        found.text(spec, "externalName", "spec", formats.subdomain)
    names: set[str] = set()
    for here, port in ports:
        _service_port(port, here, kind, found)
        name = port.get("name")
        if len(ports) > 1 and not name:
            found.add(f"{here}.name", "required when there is more than one port")
        if isinstance(name, str) and name in names:
            found.add(f"{here}.name", f"duplicate port name {name!r}")
        names.add(str(name))
    address = spec.get("clusterIP")
    if isinstance(address, str) and address not in ("", "None") and (problem := formats.address(address)):
        found.add("spec.clusterIP", problem)
    pods.labels(obj(spec, "selector"), "spec.selector", found)


def _service_port(port: dict[str, Any], here: str, kind: Any, found: Findings) -> None:
    found.value(port, "port", here, formats.port)
    found.value(port, "targetPort", here, formats.port_or_name)
    found.text(port, "name", here, formats.label)
    node_port = port.get("nodePort")
    if isinstance(node_port, int) and node_port:
        if kind == "ClusterIP":
            found.add(f"{here}.nodePort", "may not be given with type ClusterIP")
        elif node_port not in _NODE_PORTS:
            found.add(f"{here}.nodePort", f"must be {_NODE_PORTS.start} to {_NODE_PORTS.stop - 1}")


def ingress(manifest: dict[str, Any], found: Findings) -> None:
    """Check an Ingress."""
    spec = obj(manifest, "spec")
    if is_known(spec, "rules") and not items(spec, "rules") and spec.get("defaultBackend") is None:
        found.add("spec", "needs rules or a defaultBackend")
    if isinstance(spec.get("defaultBackend"), dict):
        _backend(spec["defaultBackend"], "spec.defaultBackend", found)
    found.text(spec, "ingressClassName", "spec", formats.subdomain)
    for here, rule in objects(spec, "rules", "spec"):
        found.text(rule, "host", here, lambda host: formats.host(host) if host else None)
        if isinstance(rule.get("http"), dict):
            if is_known(rule["http"], "paths") and not items(rule["http"], "paths"):
                found.add(f"{here}.http.paths", "required")
            for at, path in objects(rule["http"], "paths", f"{here}.http"):
                _path(path, at, found)
    for here, tls in objects(spec, "tls", "spec"):
        for index, host in strings(tls, "hosts"):
            if problem := formats.host(host):
                found.add(f"{here}.hosts[{index}]", problem)


def _path(path: dict[str, Any], here: str, found: Findings) -> None:
    text, kind = path.get("path"), path.get("pathType")
    if kind in ("Exact", "Prefix") and not text:
        found.add(f"{here}.path", f"required with pathType {kind}")
    if isinstance(text, str) and text:
        if not text.startswith("/"):
            found.add(f"{here}.path", f"{text!r} must start with '/'")
        elif kind in ("Exact", "Prefix"):
            bad = [part for part in _BAD_IN_PATH if part in text] + [end for end in _BAD_AT_END if text.endswith(end)]
            if bad:
                found.add(f"{here}.path", f"{text!r} must not contain {bad[0]!r}")
    if isinstance(path.get("backend"), dict):
        _backend(path["backend"], f"{here}.backend", found)


def _backend(backend: dict[str, Any], path: str, found: Findings) -> None:
    found.one_of(backend, path, "a service or resource", frozenset({"service", "resource"}))
    service = backend.get("service")
    if not isinstance(service, dict):
        return
    found.text(service, "name", f"{path}.service", formats.label_1035)
    port = service.get("port")
    if port is None:
        found.add(f"{path}.service.port", "required")
    if isinstance(port, dict):
        found.one_of(port, f"{path}.service.port", "a name or number", frozenset({"name", "number"}))
        found.value(port, "number", f"{path}.service.port", formats.port)
        found.text(port, "name", f"{path}.service.port", formats.port_name)


def ingress_class(manifest: dict[str, Any], found: Findings) -> None:
    """Check an IngressClass: its controller is a path with a domain in front."""
    controller = obj(manifest, "spec").get("controller")
    if isinstance(controller, str):
        domain, slash, rest = controller.partition("/")
        if not slash or not rest or formats.subdomain(domain) or len(controller) > 250:
            found.add(
                "spec.controller",
                f"{controller!r} must be a path with a domain, such as example.com/controller",
            )


def network_policy(manifest: dict[str, Any], found: Findings) -> None:
    """Check a NetworkPolicy."""
    spec = obj(manifest, "spec")
    pods.selector(obj(spec, "podSelector"), "spec.podSelector", found)
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for here, rule in objects(spec, direction, "spec"):
            for at, port in objects(rule, "ports", here):
                _policy_port(port, at, found)
            for at, peer in objects(rule, peers, here):
                _peer(peer, at, found)


def _policy_port(port: dict[str, Any], path: str, found: Findings) -> None:
    found.value(port, "port", path, formats.port_or_name)
    end, start = port.get("endPort"), port.get("port")
    if isinstance(end, int):
        if isinstance(start, int) and end < start:
            found.add(f"{path}.endPort", f"{end} is less than port {start}")
        elif start is None or isinstance(start, str):
            found.add(f"{path}.endPort", "needs a port that is a number")


def _peer(peer: dict[str, Any], path: str, found: Findings) -> None:
    block = peer.get("ipBlock")
    if not peer:
        found.add(path, "needs a podSelector, namespaceSelector or ipBlock")
    for key in ("podSelector", "namespaceSelector"):
        pods.selector(obj(peer, key), f"{path}.{key}", found)
        if block is not None and peer.get(key) is not None:
            found.add(path, f"ipBlock may not be given beside {key}")
    if not isinstance(block, dict) or not isinstance(block.get("cidr"), str):
        return
    if problem := formats.network(block["cidr"]):
        found.add(f"{path}.ipBlock.cidr", problem)
        return
    for index, hole in strings(block, "except"):
        here = f"{path}.ipBlock.except[{index}]"
        if problem := formats.network(hole):
            found.add(here, problem)
        elif not formats.inside(hole, block["cidr"]):
            found.add(here, f"{hole} must be inside {block['cidr']} and smaller")
