"""Images for containerd, made from the programs that tests build, under the names that manifests have.

Owns: which program is in an image, and the archive (OCI image layout 1.0) that `ctr images import` reads.  No registry
of images is asked.  What is not the real program is in `STANDINS`.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import re
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.real.api import Manifest
from tests.real.programs import program

PAUSE = "registry.k8s.io/pause:3.10.1"
"""What containerd begins every pod with."""
DNS = "docker.io/coredns/coredns:1.14.7"

USERS = "/etc/standin-users.json"
"""Where the stand-in for Dex reads whom it knows."""

REAL = {
    "traefik": ("traefik", None, "/usr/local/bin/traefik"),
    "oauth2-proxy": ("oauth2-proxy", None, "/bin/oauth2-proxy"),
    "coredns": ("coredns", None, "/coredns"),
}
"""The end of an image's name to the program in it, and where it is; of the version that `tools/` pins."""
STANDINS = {
    "dex": ("standins", "identity", "/usr/local/bin/dex"),
    "pause": ("standins", "pause", "/pause"),
    "misbehave": ("standins", "misbehave", "/misbehave"),
}
"""The same for what is stood in for. Every image that is in neither is an app, or cloudflared: there it is `echo`,
which answers on the ports that the manifests name, ends at once as an init container or a job, and says that it is
one. It is there under the name of every command that the manifests call it by."""

_WORKLOADS = ("Deployment", "CronJob", "Job", "DaemonSet", "StatefulSet")
_OF_IMAGE = ()
"""In place of a command line: what the image itself begins with."""


@dataclass(frozen=True)
class Image:
    """What is in an image."""

    name: str
    program: Path
    place: str
    real: bool
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    names: Iterable[str] = ()
    """Further ones of the program: where a command that is no path is looked for."""


def pod_specs(manifests: Iterable[Manifest]) -> list[Any]:
    """The pod template's spec of every workload."""
    found = []
    for manifest in manifests:
        if manifest["kind"] in _WORKLOADS:
            spec = manifest["spec"].get("jobTemplate", manifest)["spec"]
            found.append(spec["template"]["spec"])
    return found


Roles = dict[tuple[str, ...], str]
"""Command line to what `echo` does there, as tools/standins/cmd/echo describes it."""


def wanted(manifests: Iterable[Manifest], users: bytes) -> list[Image]:
    """What each image that the manifests name has to be, and what every node needs; `users` are whom Dex's stand-in
    knows, as its JSON.

    Raises:
        AssertionError: one command of an image would have to end in one place and to go on in another.
    """
    roles: dict[str, Roles] = {PAUSE: {}}
    for spec in pod_specs(manifests):
        ends = [each for each in spec.get("initContainers", []) if each.get("restartPolicy") != "Always"]
        for container in (*spec.get("initContainers", []), *spec["containers"]):
            known = roles.setdefault(container["image"], {})
            ports = {each["containerPort"] for each in container.get("ports", [])}
            over = container in ends or spec.get("restartPolicy", "Always") != "Always"
            command = tuple(container.get("command", _OF_IMAGE))
            known[command] = _role(known.get(command), "once" if over else _listed(ports))
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                if asked := container.get(probe, {}).get("exec"):
                    known[tuple(asked["command"])] = "probe"
    return [_image(name, roles[name], users) for name in sorted(roles)]


def _listed(ports: Iterable[int]) -> str:
    return ",".join(map(str, sorted(ports)))


def _role(known: str | None, wanted: str) -> str:
    if known is None or known == wanted:
        return wanted
    assert not {known, wanted} & {"once", "probe"}, f"the same command is to be {known!r} and {wanted!r}"
    return _listed({int(port) for each in (known, wanted) if each for port in each.split(",")})


def _image(name: str, roles: Roles, users: bytes) -> Image:
    short = re.sub(r"[:@].*", "", name.rpartition("/")[2])
    if short in REAL:
        module, binary, place = REAL[short]
        return Image(name, program(module, binary), place, True)
    if short in STANDINS:
        module, standin, place = STANDINS[short]
        if short == "dex":
            return Image(name, program(module, standin), place, False, {"STANDIN_USERS": USERS}, {USERS: users})
        return Image(name, program(module, standin), place, False, {"STANDIN_PORTS": roles.get(_OF_IMAGE, "")})
    commands = {" ".join(command): role for command, role in roles.items() if command != _OF_IMAGE}
    told = {"STANDIN_APP": name, "STANDIN_PORTS": roles.get(_OF_IMAGE, "")}
    if commands:
        told["STANDIN_COMMANDS"] = json.dumps(commands)
    names = {str(Path("/bin", command[0])) for command in roles if command != _OF_IMAGE}
    return Image(name, program("standins", "echo"), "/echo", False, told, names=sorted(names))


def write(images: Iterable[Image], archive: Path) -> None:
    """Write one archive of images; what several have in common, a program, is in it once."""
    with tarfile.open(archive, "w") as tar:
        known = set[str]()
        programs: dict[tuple[Path, str], Manifest] = {}

        def put(content: bytes, media: str) -> Manifest:
            digest = hashlib.sha256(content).hexdigest()
            if digest not in known:
                _add(tar, f"blobs/sha256/{digest}", content, 0o644)
            known.add(digest)
            media = f"application/vnd.oci.image.{media}"
            return {"mediaType": media, "digest": f"sha256:{digest}", "size": len(content)}

        entries = []
        for image in images:
            own = (image.program, image.place)
            if own not in programs:
                programs[own] = put(_layer({image.place: image.program.read_bytes()}, 0o755), "layer.v1.tar")
            layers = [programs[own]]
            if image.files or image.names:
                links = dict.fromkeys(image.names, image.place)
                layers.append(put(_layer(image.files, 0o644, links), "layer.v1.tar"))
            config = put(json.dumps(_config(image, layers)).encode(), "config.v1+json")
            manifest = {"schemaVersion": 2, "config": config, "layers": layers}
            manifest["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
            entry = put(json.dumps(manifest).encode(), "manifest.v1+json")
            entries.append({**entry, "annotations": {"io.containerd.image.name": image.name}})
        _add(tar, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode(), 0o644)
        _add(tar, "index.json", json.dumps({"schemaVersion": 2, "manifests": entries}).encode(), 0o644)


def _config(image: Image, layers: Iterable[Manifest]) -> Manifest:
    variables = {"PATH": "/usr/local/bin:/bin:/", **image.environment}
    return {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()],
        "os": "linux",
        "config": {"Entrypoint": [image.place], "Env": [f"{key}={value}" for key, value in variables.items()]},
        "rootfs": {"type": "layers", "diff_ids": [each["digest"] for each in layers]},
    }


def _layer(files: Mapping[str, bytes], mode: int, links: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """A tar of files, and of links (path to what they lead to)."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        made = set()
        for place in (*files, *links):
            for parent in reversed(Path(place).parents[:-1]):
                if parent not in made:
                    _add(tar, str(parent).lstrip("/"), None, 0o755)
                    made.add(parent)
        for place, content in files.items():
            _add(tar, place.lstrip("/"), content, mode)
        for place, target in links.items():
            link = tarfile.TarInfo(place.lstrip("/"))
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
    return written.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes | None, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.mode = mode
    if content is None:
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    else:
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
