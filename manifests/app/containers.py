"""One container: its environment, probes, compute and mounts. The pod around it is `apps`' business."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from config import compute
from config.app import App
from config.app_files import secrets_in
from config.checks import usage
from config.containers import Container, EnvValue, Literally
from config.fields.quantities import seconds
from config.fields.secrets import SecretRef
from config.routes import app_ports, ports_of, route_port, tcp_ports
from manifests import pods
from manifests.app import static, storage
from manifests.app.static import STATIC_TARGET, StaticFiles

Manifest = dict[str, Any]

ROOT_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID")
"""What a root user gets back after everything is dropped: enough to take over its volume and become somebody else, as
many database images do at start, and to stop the workers that became somebody else, as nginx and PHP-FPM do. All of
them are allowed by PodSecurity `baseline`, none by `restricted`."""

CONFIG_VOLUME = "config"
SECRET_VOLUME = "secret-files"  # noqa: S105 - a volume's name
SERVER_CONFIG_VOLUME = "server-config"
_STARTUP_PERIOD = 5


def target_ports(app: App) -> dict[str, int]:
    """The ports that the containers listen on, by the name of the Service port."""
    return {"http": STATIC_TARGET} if app.static is not None else app_ports(app)


def openings(app: App, names: Iterable[str]) -> list[Manifest]:
    """Some of the ports that the containers listen on, by number, as walls name them."""
    numbers, written = target_ports(app), ports_of(app)
    found = {(numbers[name], written[name].protocol) for name in names}
    return [{"protocol": protocol, "port": number} for number, protocol in sorted(found)]


def file_key(path: str) -> str:
    """The ConfigMap key of a config file. Its path starts with `/`, so it never meets a static file's key."""
    return static.key_of(path)


def secrets_of(app: App) -> tuple[str, ...]:
    """The stack secrets that the app's containers read, in variables and files, sorted."""
    everything = [app.env, *(c.env for c in (*app.init.values(), *app.sidecars.values()))]
    read = {value.secret for env in everything for value in env.values() if isinstance(value, SecretRef)}
    return tuple(sorted(read.union(*map(secrets_in, app.files.values()))))


def plain_files(app: App) -> dict[str, str]:
    """The config files without secrets, by path: those in the app's ConfigMap. All others are in its Secret."""
    return {path: content for path, content in sorted(app.files.items()) if isinstance(content, str)}


def environment(secret: str, env: Mapping[str, EnvValue]) -> list[Manifest]:
    """A container's `env`: secrets, then plain values, then values that refer to others, each sorted by name.

    Kubernetes expands `$(NAME)` only for names that come earlier in the list.
    """
    refs = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": value.secret}}}
        for name, value in sorted(env.items())
        if isinstance(value, SecretRef)
    ]
    plain = [(name, value.value) for name, value in sorted(env.items()) if not isinstance(value, SecretRef)]
    return [*refs, *({"name": name, "value": value} for name, value in sorted(plain, key=lambda pair: "$(" in pair[1]))]


def app_container(name: str, app: App, image: str, files: StaticFiles | None) -> Manifest:
    """The app's own container."""
    env: Mapping[str, EnvValue] = app.env
    default = compute.DEFAULT_APP
    if files is not None:
        env = {**{key: Literally(value=value) for key, value in static.ENVIRONMENT.items()}, **app.env}
        default = compute.STATIC
    container = _container(name, image, app.command, app.args, environment(name, env))
    if target_ports(app):
        container["ports"] = [
            {"containerPort": port["port"], "protocol": port["protocol"]} for port in openings(app, target_ports(app))
        ]
    container |= probes(app)
    if usage.serves_on(app):
        container["lifecycle"] = pods.settle()
    elif app.preStop is not None:
        container["lifecycle"] = {"preStop": {"exec": {"command": list(app.preStop.exec)}}}
    asked = pods.resources(compute.app_compute(app.requests, app.limits, default))
    container["resources"] = pods.with_disk(asked, storage.own_disk(app))
    container["resources"]["limits"] |= {name: str(count) for name, count in sorted(app.extendedResources.items())}
    return _finish(container, app, app, files)


def other_containers(name: str, app: App) -> list[Manifest]:
    """Sidecars, then init containers, each by name.

    A sidecar is an init container that is restarted (Kubernetes 1.29): it starts before the app, stops after it, and
    does not keep a Job alive. Sidecars come first, so that an init container can already use them, for example a
    database proxy.
    """
    sidecars = [{**_other(name, app, key, c), "restartPolicy": "Always"} for key, c in sorted(app.sidecars.items())]
    return [*sidecars, *(_other(name, app, key, c) for key, c in sorted(app.init.items()))]


def _other(name: str, app: App, key: str, other: Container) -> Manifest:
    container = _container(key, other.image, other.command, other.args, environment(name, {**app.env, **other.env}))
    asked = pods.resources(compute.app_compute(other.requests, other.limits))
    container["resources"] = pods.with_disk(asked, storage.container_disk(app))
    return _finish(container, app, other, None)


def _container(name: str, image: str, command: Iterable[str], args: Iterable[str], env: list[Manifest]) -> Manifest:
    optional = {"command": list(command), "args": list(args), "env": env}
    return {"name": name, "image": image, **{key: value for key, value in optional.items() if value}}


def _finish(container: Manifest, app: App, written: App | Container, files: StaticFiles | None) -> Manifest:
    container["securityContext"] = security(app, written)
    if mounts := [*storage.mounts(app), *storage.device_mounts(written), *_config_mounts(app, files)]:
        container["volumeMounts"] = mounts
    return container


def security(app: App, written: App | Container) -> Manifest:
    """A container's securityContext; a root user, where the workspace allows one, gets `ROOT_CAPABILITIES` back."""
    context = pods.container_security(writable_root=app.writableRoot)
    if written.privileged or "SYS_ADMIN" in written.capabilities:
        # The API server takes no container that is as good as root and may not become so.
        context["allowPrivilegeEscalation"] = True
    if written.privileged:
        context["privileged"] = True
    if added := sorted({*(ROOT_CAPABILITIES if app.user == 0 else ()), *written.capabilities}):
        context["capabilities"] = {**context["capabilities"], "add": added}
    return context


def _config_mounts(app: App, files: StaticFiles | None) -> list[Manifest]:
    # One file a mount, because a directory mount would hide what the image has beside it. Such a mount never follows
    # the ConfigMap, so the checksum on the pod template is what brings a change to the app.
    plain = plain_files(app)
    found = [
        {
            "name": CONFIG_VOLUME if path in plain else SECRET_VOLUME,
            "mountPath": path,
            "subPath": file_key(path),
            "readOnly": True,
        }
        for path in sorted(app.files)
    ]
    if files is not None:
        found.append({"name": SERVER_CONFIG_VOLUME, "mountPath": static.CONFIG_MOUNT, "readOnly": True})
        found.append({"name": "static", "mountPath": static.ROOT, "readOnly": True})
    return found


def config_volumes(name: str, app: App, files: StaticFiles | None) -> list[Manifest]:
    """The pod's volumes from the app's ConfigMap and Secret, which have the app's name."""
    found: list[Manifest] = []
    plain = plain_files(app)
    if plain:
        found.append(_config_map(CONFIG_VOLUME, name, [{"key": file_key(p), "path": file_key(p)} for p in plain]))
    if secret := [(path, content) for path, content in sorted(app.files.items()) if path not in plain]:
        items = [
            {"key": each.secret if isinstance(each, SecretRef) else file_key(path), "path": file_key(path)}
            for path, each in secret
        ]
        # The app's user reads it as the group that volumes belong to, and nobody writes it.
        found.append({"name": SECRET_VOLUME, "secret": {"secretName": name, "defaultMode": 0o440, "items": items}})
    if files is not None:
        found.append(_config_map(SERVER_CONFIG_VOLUME, name, [{"key": static.CONFIG_KEY, "path": static.CONFIG_FILE}]))
        found.append(_config_map("static", name, static.items(files, (route.path for route in app.routes))))
    return found


def _config_map(volume: str, name: str, items: list[dict[str, str]]) -> Manifest:
    # 0555: everybody may read, and a script among them runs.
    return {"name": volume, "configMap": {"name": name, "defaultMode": 0o555, "items": items}}


def probes(app: App) -> Manifest:
    """The probes of the app's container.

    With `health`: ready, alive (two minutes of silence restart it, so that a busy Pi does not) and started (up to
    `start`). Without: ready as soon as its first TCP port takes connections. Without such a port, or on a schedule:
    none.
    """
    if app.schedule is not None or (app.health is None and not tcp_ports(app)):
        return {}
    check = _check(app)
    ready = {**check, "periodSeconds": 10, "timeoutSeconds": 3, "failureThreshold": 3}
    if app.health is None:
        return {"readinessProbe": ready}
    attempts = -(-seconds(app.health.start) // _STARTUP_PERIOD)
    return {
        "startupProbe": {**check, "periodSeconds": _STARTUP_PERIOD, "timeoutSeconds": 3, "failureThreshold": attempts},
        "readinessProbe": ready,
        "livenessProbe": {**check, "periodSeconds": 20, "timeoutSeconds": 5, "failureThreshold": 6},
    }


def _check(app: App) -> Manifest:
    known = {name: number for name, number in target_ports(app).items() if name in tcp_ports(app)}
    health = app.health
    if health is not None and health.exec:
        return {"exec": {"command": list(health.exec)}}
    wanted = health.port if health is not None else None
    name = wanted if isinstance(wanted, str) else "http" if "http" in known else min(known, default="")
    number = wanted if isinstance(wanted, int) else known[name]
    if health is None or health.tcp:
        return {"tcpSocket": {"port": number}}
    https = any(rule.protocol == "https" and known[route_port(app, rule)] == number for rule in app.routes)
    return {"httpGet": {"path": health.http, "port": number, "scheme": "HTTPS" if https else "HTTP"}}
