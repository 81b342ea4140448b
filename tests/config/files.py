"""A small project on disk that is right, and ways to make it wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from config.mistakes import Mistakes
from config.version import VERSION
from manifests import platform
from manifests.platform import Platform
from tests import config_from_file

PROJECT = f"name: warren\nconfig:\n  version: {VERSION}\n"
"""What the commands ask for beside them; the program is told by the engine."""

STACK = """\
config:
  warren:domain: example.com
  warren:cluster:
    context: home
    nodes:
      - { name: pi-1, role: control-plane, ip: 10.0.0.50, cpu: 4, memory: 8Gi }
      - { name: pi-2, role: worker, ip: 10.0.0.51, cpu: 4, memory: 4Gi }
  warren:cloudflare:
    accountId: 0123456789abcdef0123456789abcdef
    zoneId: 0123456789abcdef0123456789abcdef
  warren:ingress: { controller: traefik }
  warren:workspaces: [mcd, shop]
  warren:secrets:
    mcd-entra: { secure: AAAA }
  pulumi:disable-default-providers: ["*"]
"""

MCD = """\
name: mcd
host: mcd
quota: { cpu: "2", memory: 2Gi, pods: 20 }
auth:
  providers:
    - type: microsoft
      id: entra
      tenant: example.com
      clientId: an-app
      clientSecret: { secret: mcd-entra }
  allow: { emailDomains: [example.com] }
apps:
  landing: { static: mcd/landing, routes: [/] }
  hello:
    image: ghcr.io/example/hello:1.2.3
    port: 8000
    routes: [/hello]
    health: /healthz
"""

SHOP = """\
name: shop
host: shop
quota: { cpu: "2", memory: 2Gi, pods: 20, storage: 8Gi }
auth: none
apps:
  web:
    image: ghcr.io/example/web:1.2.3
    port: 8000
    routes: [/]
    env: { COLOUR: green }
    volumes: { data: { mount: /data, size: 5Gi } }
"""

FILES = {
    "Pulumi.home.yaml": STACK,
    "workspaces/mcd.yaml": MCD,
    "workspaces/shop.yaml": SHOP,
    "workspaces/mcd/landing/index.html": "<h1>mcd</h1>",
}


def write(root: Path, files: dict[str, str]) -> Path:
    """The files under `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


def edited(file: str, *changes: tuple[str, str]) -> dict[str, str]:
    """The good project with `changes` (old text, new text) made in one of its files."""
    text = FILES[file]
    for old, new in changes:
        assert old in text, f"{old!r} is not in {file}"
        text = text.replace(old, new, 1)
    return {**FILES, file: text}


def load(root: Path, *, cloudflare_token: bool = True) -> Platform:
    """The project under `root` as the program loads it, but for the engine in between."""
    try:
        config, secrets = config_from_file(root / "Pulumi.home.yaml")
    except (Mistakes, FileNotFoundError):
        config, secrets = {}, []
    return platform.load(root, "home", config, secrets=secrets, cloudflare_token=cloudflare_token)


def mistakes(
    root: Path, files: dict[str, str], *, cloudflare_token: bool = True, prepare: Callable[[Path], None] | None = None
) -> Sequence[str]:
    """What a project is refused for, as people read it."""
    write(root, files)
    if prepare is not None:
        prepare(root)
    with pytest.raises(Mistakes) as refused:
        load(root, cloudflare_token=cloudflare_token)
    return [str(mistake) for mistake in refused.value.mistakes]
