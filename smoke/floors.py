"""Which versions have known advisories. One row a part; a new advisory is one line here.

Owns the floors. What Warren runs itself is pinned in `manifests.images`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from manifests import images

Version = tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """A program of the platform's own."""

    name: str
    pinned: str
    """The image of this release of Warren."""
    lowest: Version = ()
    """The first version without the advisories."""
    broken: tuple[Version, ...] = ()
    advisories: str = ""
    retired: str = ""
    """Why no version of it is good."""


TRAEFIK = Part(
    "traefik",
    images.TRAEFIK,
    lowest=(3, 7, 13),
    advisories="CVE-2026-54763, CVE-2026-67309, CVE-2026-88004, CVE-2026-88011, CVE-2026-88877",
)
NGINX = Part(
    "nginx",
    images.INGRESS_NGINX,
    lowest=(1, 15, 1),
    advisories="CVE-2026-1580, CVE-2026-3288, CVE-2026-24512, CVE-2026-24513, CVE-2026-24514",
    retired="the project ended in March 2026, and what is found since then is not fixed",
)
OAUTH2_PROXY = Part(
    "oauth2-proxy",
    images.OAUTH2_PROXY,
    lowest=(7, 15, 5),
    advisories="CVE-2025-54576, CVE-2025-64484, CVE-2026-34457, CVE-2026-40574, CVE-2026-40575, CVE-2026-41059, "
    "CVE-2026-76835",
)
DEX = Part("dex", images.DEX)
CLOUDFLARED = Part(
    "cloudflared",
    images.CLOUDFLARED,
    broken=((2026, 8, 0), (2026, 8, 1)),
    advisories="broken releases (Warren's docs/security.md, rule 45)",
)
STATIC_SERVER = Part("static-web-server", images.STATIC_SERVER)

PARTS = {part.name: part for part in (TRAEFIK, NGINX, OAUTH2_PROXY, DEX, CLOUDFLARED)}
"""By the name of their container."""

OLDEST_KUBERNETES: Version = (1, 33)
"""The first in which everything that Warren uses is stable: sidecars became so last. Tests run it, and the newest."""
NEWEST_KUBERNETES: Version = (1, 36)
"""Newer ones were not tried with this release of Warren."""


def version_of(text: str) -> Version | None:
    """The version that an image's tag, or a server, names; None when it names none."""
    tag = text.partition("@")[0].rpartition("/")[2].rpartition(":")[2]
    match = re.match(r"v?(\d+(?:\.\d+)+)", tag)
    return tuple(int(number) for number in match[1].split(".")) if match else None
