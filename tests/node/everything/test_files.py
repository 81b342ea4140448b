"""What a container reads: its files and its environment are as rendered, whoever they belong to."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.node.cluster import Cluster, Container
from tests.real.api import Manifest

File = tuple[bytes, int, int, int]
"""Content, mode, owner, group."""


class Rendered:
    """The ConfigMaps and Secrets of a stack, and what they are in a container."""

    def __init__(self, cluster: Cluster) -> None:
        self._data = {
            (each["kind"], each["metadata"]["namespace"], each["metadata"]["name"]): _content(each)
            for each in cluster.rendered.of("ConfigMap", "Secret")
        }
        self.specs = {
            f"{each['metadata']['namespace']}/{each['metadata']['name']}": each["spec"]["template"]["spec"]
            for each in cluster.rendered.of("Deployment")
        }

    def files(self, name: str, own: Manifest) -> Iterator[tuple[str, File]]:
        """The files that a container is to have."""
        pod, namespace = self.specs[name], name.split("/")[0]
        volumes = {each["name"]: each for each in pod.get("volumes", [])}
        group = pod["securityContext"]["fsGroup"]
        for mount in own.get("volumeMounts", []):
            volume = volumes[mount["name"]]
            mode = _mode(volume)
            for kind, source in _sources(volume):
                for path, content in self._named(kind, namespace, source).items():
                    # Kubelet gives files to the group, which may read them.
                    expected = (content, mode | 0o440, 0, group)
                    if mount.get("subPath") == path:
                        yield mount["mountPath"], expected
                    elif "subPath" not in mount:
                        yield f"{mount['mountPath']}/{path}", expected

    def _named(self, kind: str, namespace: str, source: Manifest) -> dict[str, bytes]:
        data = self._data[kind, namespace, source.get("secretName", source.get("name"))]
        items = source.get("items")
        return {each["path"]: data[each["key"]] for each in items} if items else data

    def environment(self, name: str, own: Manifest) -> dict[str, str]:
        """The variables that a container is to have."""
        found: dict[str, str] = {}
        for each in own.get("env", []):
            if "value" in each:
                found[each["name"]] = re.sub(r"\$\((\w+)\)", lambda match: found[match[1]], each["value"])
            elif wanted := each["valueFrom"].get("secretKeyRef"):
                data = self._data["Secret", name.split("/")[0], wanted["name"]]
                found[each["name"]] = data[wanted["key"]].decode()
        return found


def _content(manifest: Manifest) -> dict[str, bytes]:
    text = {**manifest.get("stringData", {}), **(manifest.get("data", {}) if manifest["kind"] == "ConfigMap" else {})}
    packed = manifest.get("binaryData", {}) if manifest["kind"] == "ConfigMap" else manifest.get("data", {})
    return {key: value.encode() for key, value in text.items()} | {
        key: base64.b64decode(value) for key, value in packed.items()
    }


def _sources(volume: Manifest) -> Iterator[tuple[str, Manifest]]:
    for key, kind in (("configMap", "ConfigMap"), ("secret", "Secret")):
        if key in volume:
            yield kind, volume[key]
    for source in volume.get("projected", {}).get("sources", []):
        yield from _sources(source)


def _mode(volume: Manifest) -> int:
    [source] = [value for key, value in volume.items() if key != "name"]
    return int(source.get("defaultMode", 0o644))


@pytest.fixture(scope="module")
def rendered(everything: Cluster) -> Rendered:
    """What they are to be."""
    return Rendered(everything)


def compared(
    cluster: Cluster,
    rendered: Rendered,
    expected: Callable[[str, Manifest], Any],
    actual: Callable[[Container, Any], Any],
) -> dict[str, tuple[Any, Any]]:
    """Where a running container does not have what it is to have; fails where none is to have anything."""
    both = {}
    for each in cluster.containers():
        if spec := rendered.specs.get(each.app):
            own = next(
                one
                for one in (*spec.get("initContainers", []), *spec["containers"])
                if one["name"] == each.spec["name"]
            )
            want = expected(each.app, own)
            both[f"{each.name} on {each.pod['spec']['nodeName']}"] = (want, actual(each, want))
    assert any(want for want, _ in both.values())
    return {name: (want, have) for name, (want, have) in both.items() if want != have}


def test_files_have_their_content_their_owner_and_their_mode(everything: Cluster, rendered: Rendered) -> None:
    def actual(container: Container, wanted: dict[str, File]) -> dict[str, File]:
        found = {}
        for name in wanted:
            path = Path(f"/proc/{container.pid}/root{name}")
            stat = path.stat()
            found[name] = (path.read_bytes(), stat.st_mode & 0o7777, stat.st_uid, stat.st_gid)
        return found

    assert compared(everything, rendered, lambda name, own: dict(rendered.files(name, own)), actual) == {}


def test_the_environment_has_its_values(everything: Cluster, rendered: Rendered) -> None:
    def actual(container: Container, wanted: dict[str, str]) -> dict[str, str]:
        lines = Path(f"/proc/{container.pid}/environ").read_bytes().decode().rstrip("\0").split("\0")
        variables = dict(line.split("=", 1) for line in lines)
        return {name: variables[name] for name in wanted if name in variables}

    assert compared(everything, rendered, rendered.environment, actual) == {}
