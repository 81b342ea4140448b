"""The platform's own images, pinned in one place. Each line says why this version.

A digest is written where a source that we can check names it; a tag alone otherwise (security rule 47).
`warren:images` does not touch these: a platform image changes with a release of Warren, not with a tenant's pipeline.
"""

from __future__ import annotations

# Rule 2: the floor is 3.7.13 (CVE-2026-67309, -88877, -88011, -88004).
TRAEFIK = "docker.io/library/traefik:v3.7.13"

# Rule 2 and 29: the last release; the project ended in March 2026.
INGRESS_NGINX = "registry.k8s.io/ingress-nginx/controller:v1.15.1"

# Rule 3: the floor is 7.15.5 (CVE-2025-54576, CVE-2025-64484, CVE-2026-34457, -40574, -40575, -41059, -76835).
OAUTH2_PROXY = "quay.io/oauth2-proxy/oauth2-proxy:v7.15.5"

# The newest release; security rules 16-23 were checked against it.
DEX = "ghcr.io/dexidp/dex:v2.45.1"

# Rule 45: 2026.8.0 and 2026.8.1 are broken.
CLOUDFLARED = "docker.io/cloudflare/cloudflared:2026.8.2"

# One static binary of 10 MB for arm64 and amd64; runs as any user on a read-only root, unlike the stock nginx image.
STATIC_SERVER = "ghcr.io/static-web-server/static-web-server:2.40.0"
