"""What the API server refuses about a pod template beyond its schema.

Owns: containers, their ports, environment, probes and resources, volumes and mounts, placement.  Source:
``ValidatePodSpec`` in ``k8s.io/kubernetes/pkg/apis/core/validation``.  Does not own: PodSecurity, which judges pods
and not templates.
"""

from __future__ import annotations

from typing import Any

from sandbox.kubernetes import formats
from sandbox.kubernetes.reading import Findings, is_known, items, obj, objects, strings

_HANDLERS = frozenset({"exec", "httpGet", "tcpSocket", "grpc"})
_ENV_SOURCES = frozenset({"configMapKeyRef", "fieldRef", "fileKeyRef", "resourceFieldRef", "secretKeyRef"})
_STANDARD_RESOURCES = frozenset({"cpu", "memory", "ephemeral-storage"})


def check(spec: dict[str, Any], path: str, found: Findings, claims: frozenset[str] = frozenset()) -> None:
    """Check a pod spec; ``claims`` are the volumes that a StatefulSet's claim templates add."""
    volumes = _volumes(spec, path, found) | claims if is_known(spec, "volumes") else None
    names: dict[str, str] = {}
    for group in ("initContainers", "containers"):
        for here, container in objects(spec, group, path):
            name = container.get("name")
            if isinstance(name, str) and (first := names.setdefault(name, here)) != here:
                found.add(f"{here}.name", f"duplicate container name {name!r} (also {first})")
            _container(container, here, found, volumes)
            _init_only(group, container, here, found)
            _host_ports(spec, container, here, found)
    if is_known(spec, "containers") and not items(spec, "containers"):
        found.add(f"{path}.containers", "required")
    found.least(spec, path, 0, "terminationGracePeriodSeconds")
    found.least(spec, path, 1, "activeDeadlineSeconds")
    found.text(spec, "serviceAccountName", path, formats.subdomain)
    found.text(spec, "hostname", path, formats.label)
    found.text(spec, "priorityClassName", path, formats.subdomain)
    if spec.get("dnsPolicy") == "None" and not obj(spec, "dnsConfig").get("nameservers"):
        found.add(f"{path}.dnsConfig.nameservers", "required with dnsPolicy None")
    for here, alias in objects(spec, "hostAliases", path):
        found.text(alias, "ip", here, formats.address)
    _placement(spec, path, found)
    _security(obj(spec, "securityContext"), f"{path}.securityContext", found)


def labels(values: dict[str, Any], path: str, found: Findings) -> None:
    """Check label keys and values."""
    for key, value in sorted(values.items()):
        if problem := formats.qualified(key):
            found.add(path, problem)
        if isinstance(value, str) and (problem := formats.label_value(value)):
            found.add(f"{path}[{key}]", problem)


def selector(value: dict[str, Any], path: str, found: Findings) -> None:
    """Check a label selector."""
    labels(obj(value, "matchLabels"), f"{path}.matchLabels", found)
    for here, expression in objects(value, "matchExpressions", path):
        found.text(expression, "key", here, formats.qualified)
        needs = expression.get("operator") in ("In", "NotIn")
        has = bool(expression.get("values"))
        if needs != has and isinstance(expression.get("operator"), str):
            found.add(
                f"{here}.values", "required with In and NotIn" if needs else "must be absent with Exists, DoesNotExist"
            )


def resources(value: dict[str, Any], path: str, found: Findings) -> None:
    """Check requests and limits: they are quantities, not negative, and no request is above its limit."""
    amounts: dict[str, dict[str, Any]] = {}
    for kind in ("requests", "limits"):
        amounts[kind] = quantities(obj(value, kind), f"{path}.{kind}", found)
        for name in obj(value, kind):
            if name not in _STANDARD_RESOURCES and "/" not in name and not name.startswith("hugepages-"):
                found.add(f"{path}.{kind}[{name}]", "is neither a standard resource nor one with a domain")
    for name, request in amounts["requests"].items():
        limit = amounts["limits"].get(name)
        if limit is not None and request > limit:
            text = f"{value['requests'][name]} is more than the limit {value['limits'][name]}"
            found.add(f"{path}.requests[{name}]", text)


def quantities(values: dict[str, Any], path: str, found: Findings) -> dict[str, Any]:
    """Check a map of quantities and return those that can be compared."""
    good = {}
    for name, text in sorted(values.items()):
        if not isinstance(text, str | int | float):
            continue
        amount = formats.quantity(text)
        if amount is None:
            found.add(f"{path}[{name}]", f"{text!r} is not a quantity (such as 500m, 1.5, 512Mi)")
        elif amount < 0:
            found.add(f"{path}[{name}]", f"{text} is negative")
        else:
            good[name] = amount
    return good


def _container(container: dict[str, Any], path: str, found: Findings, volumes: frozenset[str] | None) -> None:
    found.text(container, "name", path, formats.label)
    image = container.get("image")
    if image in (None, ""):
        found.add(f"{path}.image", "required")
    elif isinstance(image, str) and image != image.strip():
        found.add(f"{path}.image", "must not have leading or trailing spaces")
    _ports(container, path, found)
    for here, variable in objects(container, "env", path):
        _variable(variable, here, found)
    for here, mount in objects(container, "volumeMounts", path):
        _mount(mount, here, found, volumes)
    for key in ("livenessProbe", "readinessProbe", "startupProbe"):
        if isinstance(container.get(key), dict):
            _probe(key, container[key], f"{path}.{key}", found)
    for key in ("postStart", "preStop"):
        hook = obj(container, "lifecycle").get(key)
        if isinstance(hook, dict):
            found.one_of(hook, f"{path}.lifecycle.{key}", "a handler", _HANDLERS | {"sleep"})
    resources(obj(container, "resources"), f"{path}.resources", found)
    _security(obj(container, "securityContext"), f"{path}.securityContext", found)


def _ports(container: dict[str, Any], path: str, found: Findings) -> None:
    names: set[str] = set()
    for here, port in objects(container, "ports", path):
        found.value(port, "containerPort", here, formats.port)
        found.value(port, "hostPort", here, formats.port)
        found.text(port, "name", here, formats.port_name)
        name = port.get("name")
        if isinstance(name, str):
            if name in names:
                found.add(f"{here}.name", f"duplicate port name {name!r}")
            names.add(name)


def _init_only(group: str, container: dict[str, Any], path: str, found: Findings) -> None:
    if group != "initContainers" or container.get("restartPolicy") == "Always":
        return
    for key in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(key) is not None:
            found.add(f"{path}.{key}", "an init container may have this only as a sidecar (restartPolicy: Always)")


def _host_ports(spec: dict[str, Any], container: dict[str, Any], path: str, found: Findings) -> None:
    if spec.get("hostNetwork") is not True:
        return
    for here, port in objects(container, "ports", path):
        if port.get("hostPort") not in (None, port.get("containerPort")):
            found.add(f"{here}.hostPort", "must equal containerPort with hostNetwork")


def _variable(variable: dict[str, Any], path: str, found: Findings) -> None:
    found.text(variable, "name", path, formats.env_name)
    source = variable.get("valueFrom")
    if not isinstance(source, dict):
        return
    found.one_of(source, f"{path}.valueFrom", "a source", _ENV_SOURCES)
    if variable.get("value") not in (None, ""):
        found.add(f"{path}.valueFrom", "may not be given beside value")
    for key in ("configMapKeyRef", "secretKeyRef"):
        if not isinstance(source.get(key), dict):
            continue
        found.text(source[key], "key", f"{path}.valueFrom.{key}", formats.config_key)
        if not source[key].get("name"):
            found.add(f"{path}.valueFrom.{key}.name", "required")


def _mount(mount: dict[str, Any], path: str, found: Findings, volumes: frozenset[str] | None) -> None:
    name = mount.get("name")
    if isinstance(name, str) and volumes is not None and name not in volumes:
        found.add(f"{path}.name", f"there is no volume {name!r}")
    if mount.get("mountPath") == "":
        found.add(f"{path}.mountPath", "required")
    inner = mount.get("subPath")
    if isinstance(inner, str) and (inner.startswith("/") or ".." in inner.split("/")):
        found.add(f"{path}.subPath", f"{inner!r} must be relative and stay inside the volume")


def _probe(role: str, probe: dict[str, Any], path: str, found: Findings) -> None:
    found.one_of(probe, path, "a handler", _HANDLERS)
    for handler in ("httpGet", "tcpSocket", "grpc"):
        found.value(obj(probe, handler), "port", f"{path}.{handler}", formats.port_or_name)
    if isinstance(probe.get("exec"), dict) and not probe["exec"].get("command"):
        found.add(f"{path}.exec.command", "required")
    found.least(probe, path, 0, "initialDelaySeconds")
    found.least(probe, path, 1, "failureThreshold", "periodSeconds", "successThreshold", "timeoutSeconds")
    if role != "readinessProbe" and probe.get("successThreshold") not in (None, 1):
        found.add(f"{path}.successThreshold", "must be 1")


def _security(context: dict[str, Any], path: str, found: Findings) -> None:
    found.least(context, path, 0, "runAsUser", "runAsGroup", "fsGroup")
    if context.get("privileged") is True and context.get("allowPrivilegeEscalation") is False:
        found.add(f"{path}.allowPrivilegeEscalation", "cannot be false while privileged is true")
    profile = obj(context, "seccompProfile")
    if profile.get("type") == "Localhost" and not profile.get("localhostProfile"):
        found.add(f"{path}.seccompProfile.localhostProfile", "required with type Localhost")


def _volumes(spec: dict[str, Any], path: str, found: Findings) -> frozenset[str]:
    names = set()
    for here, volume in objects(spec, "volumes", path):
        found.text(volume, "name", here, formats.label)
        if isinstance(volume.get("name"), str):
            names.add(volume["name"])
        sources = sorted(key for key, value in volume.items() if key != "name" and value is not None)
        if len(sources) != 1:
            found.add(here, "needs exactly one source" + (f", not {' and '.join(sources)}" if sources else ""))
        if obj(volume, "configMap") or obj(volume, "secret"):
            kind, key = ("configMap", "name") if obj(volume, "configMap") else ("secret", "secretName")
            source = volume[kind]
            if not source.get(key):
                found.add(f"{here}.{kind}.{key}", "required")
            _projected_keys(source, f"{here}.{kind}", found)
        size = obj(volume, "emptyDir").get("sizeLimit")
        if isinstance(size, str | int):
            quantities({"sizeLimit": size}, f"{here}.emptyDir", found)
    return frozenset(names)


def _projected_keys(source: dict[str, Any], path: str, found: Findings) -> None:
    for here, item in objects(source, "items", path):
        found.text(item, "key", here, formats.config_key)
        inner = item.get("path")
        if isinstance(inner, str) and (inner.startswith("/") or ".." in inner.split("/")):
            found.add(f"{here}.path", f"{inner!r} must be relative and stay inside the volume")
    mode = source.get("defaultMode")
    if isinstance(mode, int) and not 0 <= mode <= 0o777:
        found.add(f"{path}.defaultMode", f"must be between 0 and 0777 (octal), not {mode}")


def _placement(spec: dict[str, Any], path: str, found: Findings) -> None:
    labels(obj(spec, "nodeSelector"), f"{path}.nodeSelector", found)
    for here, toleration in objects(spec, "tolerations", path):
        if toleration.get("operator") == "Exists" and toleration.get("value"):
            found.add(f"{here}.value", "must be empty with operator Exists")
        if not toleration.get("key") and toleration.get("operator") in (None, "Equal"):
            found.add(f"{here}.operator", "must be Exists when there is no key")
        if toleration.get("tolerationSeconds") is not None and toleration.get("effect") != "NoExecute":
            found.add(f"{here}.effect", "must be NoExecute with tolerationSeconds")
    for here, spread in objects(spec, "topologySpreadConstraints", path):
        found.least(spread, here, 1, "maxSkew")
        found.text(spread, "topologyKey", here, formats.qualified)
        selector(obj(spread, "labelSelector"), f"{here}.labelSelector", found)
    affinity = obj(spec, "affinity")
    for kind in ("podAffinity", "podAntiAffinity"):
        here = f"{path}.affinity.{kind}"
        for at, term in objects(obj(affinity, kind), "preferredDuringSchedulingIgnoredDuringExecution", here):
            _weight(term, at, found)
            _affinity_term(obj(term, "podAffinityTerm"), f"{at}.podAffinityTerm", found)
        for at, term in objects(obj(affinity, kind), "requiredDuringSchedulingIgnoredDuringExecution", here):
            _affinity_term(term, at, found)
    node = obj(affinity, "nodeAffinity")
    for at, term in objects(node, "preferredDuringSchedulingIgnoredDuringExecution", f"{path}.affinity.nodeAffinity"):
        _weight(term, at, found)


def _weight(term: dict[str, Any], path: str, found: Findings) -> None:
    weight = term.get("weight")
    if isinstance(weight, int) and not 1 <= weight <= 100:
        found.add(f"{path}.weight", "must be 1 to 100")


def _affinity_term(term: dict[str, Any], path: str, found: Findings) -> None:
    if not term.get("topologyKey"):
        found.add(f"{path}.topologyKey", "required")
    selector(obj(term, "labelSelector"), f"{path}.labelSelector", found)
    for index, name in strings(term, "namespaces"):
        if problem := formats.label(name):
            found.add(f"{path}.namespaces[{index}]", problem)
