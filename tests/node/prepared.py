"""What every cluster with a stack has in common: the rendered stack, and containerd's store with its images.

Owns: making both once for all groups of a run, and how many of their clusters come up at a time.  A node's own store is
a copy, in which files are the same ones on disk.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.node import images, machine
from tests.real import stacks
from tests.real.api import Manifest
from tests.real.control_plane import wait
from tests.real.programs import Process, program
from tests.real.stacks import Rendered

USERS: list[dict[str, object]] = [
    {"id": "id-of-ann", "name": "Ann", "preferred_username": "ann", "email": "ann@devailab.work"}
    | {"email_verified": True, "groups": ["staff"]},
]
"""Whom Dex's stand-in knows."""

NAMESPACE = "--namespace=k8s.io"
"""Where containerd has what is kubelet's, as an option of `ctr`."""
_NOT_NEEDED = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]
"""Plugins for who runs pods."""


@dataclass(frozen=True)
class Prepared:
    """A stack that can be brought up; nobody changes what is there."""

    rendered: Rendered
    store: Path

    def copy_store(self, place: Path) -> None:
        """Put a copy of containerd's store into an empty folder on the same disk."""
        shutil.copytree(self.store, place, symlinks=True, copy_function=_linked, dirs_exist_ok=True)


def _linked(source: str, target: str) -> None:
    # What is in images is only ever read; containerd writes into its databases.
    (shutil.copy2 if source.endswith(".db") else os.link)(source, target)


def _common() -> Path:
    return Path(os.environ.get(machine.COMMON, os.environ[machine.FOLDER]))


@contextmanager
def turn() -> Iterator[None]:
    """Let as many clusters come up at a time as there are cores, the most urgent first.

    One that comes up works, and one that is up waits. Whatever ends this process gives its turn back.
    """
    place = int(os.environ.get(machine.PLACE, "0"))
    with _place(place).open("w") as own:
        fcntl.flock(own, fcntl.LOCK_EX)
        # All groups are started at once, and those before this one may not be so far.
        time.sleep(place)
        while sum(_taken(_place(each)) for each in range(place)) >= len(os.sched_getaffinity(0)):
            time.sleep(0.2)
        yield


def _place(number: int) -> Path:
    return _common() / f"place-{number}"


def _taken(file: Path) -> bool:
    try:
        with file.open("r") as other:
            fcntl.flock(other, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def prepare(stack: str, beside: list[Manifest]) -> Prepared:
    """Render a stack and unpack the images that it and what is `beside` it need, unless this run has done so."""
    common = _common() / "stacks"
    rendered = stacks.rendered_once(common, stack, "traefik")
    folder = common / f"{stack}-images"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (store := folder / "store").is_dir():
            archive = folder / "images.tar"
            images.write(images.wanted([*rendered.manifests, *beside], json.dumps(USERS).encode()), archive)
            _unpack(archive, folder / "unpacked")
            archive.unlink()
            (folder / "unpacked").rename(store)
    return Prepared(rendered, store)


def _unpack(archive: Path, store: Path) -> None:
    """Let a containerd that runs nothing import an archive, and end."""
    folder = archive.parent
    socket, config = folder / "socket", folder / "containerd.toml"
    lines = ["version = 3", f"root = {json.dumps(str(store))}", f"state = {json.dumps(str(folder / 'state'))}"]
    lines += [f"disabled_plugins = {json.dumps(_NOT_NEEDED)}", "[grpc]", f"address = {json.dumps(str(socket))}"]
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    containerd = Process([program("containerd"), "--config", config], folder / "containerd.log")
    try:

        def ctr(*arguments: str) -> bool:
            assert containerd.running, containerd.said()
            command = [str(program("containerd", "ctr")), f"--address={socket}", NAMESPACE, *arguments]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            said.append(done.stderr)
            return done.returncode == 0

        said: list[str] = []
        wait("containerd", lambda: ctr("version"), 60)
        assert ctr("images", "import", str(archive)), said[-1]
    finally:
        containerd.stop()
