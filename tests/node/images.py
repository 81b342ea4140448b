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
STANDINS = {"dex": ("standins", "identity", "/usr/local/bin/dex"), "pause": ("standins", "pause", "/pause")}
"""The same for what is stood in for. Every image that is in neither is an app, or cloudflared: there it is `echo`,
which answers on the ports that the manifests name, and says that it is one."""

_WORKLOADS = ("Deployment", "CronJob", "Job", "DaemonSet", "StatefulSet")


@dataclass(frozen=True)
class Image:
    """What is in an image."""

    name: str
    program: Path
    place: str
    real: bool
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


def pod_specs(manifests: Iterable[Manifest]) -> list[Any]:
    """The pod template's spec of every workload."""
    found = []
    for manifest in manifests:
        if manifest["kind"] in _WORKLOADS:
            spec = manifest["spec"].get("jobTemplate", manifest)["spec"]
            found.append(spec["template"]["spec"])
    return found


def wanted(manifests: Iterable[Manifest], users: bytes) -> list[Image]:
    """What each image that the manifests name has to be, and what every node needs; `users` are whom Dex's stand-in
    knows, as its JSON."""
    ports: dict[str, set[int]] = {PAUSE: set()}
    for spec in pod_specs(manifests):
        for container in (*spec.get("initContainers", []), *spec["containers"]):
            known = ports.setdefault(container["image"], set())
            known |= {each["containerPort"] for each in container.get("ports", [])}
    return [_image(name, sorted(numbers), users) for name, numbers in sorted(ports.items())]


def _image(name: str, ports: list[int], users: bytes) -> Image:
    short = re.sub(r"[:@].*", "", name.rpartition("/")[2])
    if short in REAL:
        module, binary, place = REAL[short]
        return Image(name, program(module, binary), place, True)
    if short in STANDINS:
        module, standin, place = STANDINS[short]
        told = {"STANDIN_USERS": USERS} if short == "dex" else {}
        return Image(name, program(module, standin), place, False, told, {USERS: users} if told else {})
    told = {"STANDIN_APP": name, "STANDIN_PORTS": ",".join(map(str, ports or [8000]))}
    return Image(name, program("standins", "echo"), "/echo", False, told)


def write(image: Image, archive: Path) -> None:
    """Write an image's archive."""
    layer = _layer(image)
    blobs: dict[str, bytes] = {}

    def put(content: bytes, media: str) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[digest] = content
        return {
            "mediaType": f"application/vnd.oci.image.{media}",
            "digest": f"sha256:{digest}",
            "size": len(content),
        }

    described = put(layer, "layer.v1.tar")
    variables = {"PATH": "/usr/local/bin:/bin:/", **image.environment}
    config = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()],
        "os": "linux",
        "config": {"Entrypoint": [image.place], "Env": [f"{key}={value}" for key, value in variables.items()]},
        "rootfs": {"type": "layers", "diff_ids": [described["digest"]]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": put(json.dumps(config).encode(), "config.v1+json"),
        "layers": [described],
    }
    entry = put(json.dumps(manifest).encode(), "manifest.v1+json")
    entry["annotations"] = {"io.containerd.image.name": image.name}
    with tarfile.open(archive, "w") as tar:
        _add(tar, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode(), 0o644)
        _add(tar, "index.json", json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode(), 0o644)
        for digest, content in blobs.items():
            _add(tar, f"blobs/sha256/{digest}", content, 0o644)


def _layer(image: Image) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        made = set()
        for place, content in ((image.place, image.program.read_bytes()), *image.files.items()):
            for parent in reversed(Path(place).parents[:-1]):
                if parent not in made:
                    _add(tar, str(parent).lstrip("/"), None, 0o755)
                    made.add(parent)
            _add(tar, place.lstrip("/"), content, 0o755 if place == image.place else 0o644)
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
