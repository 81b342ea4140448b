"""Tier 4: real requests through a real Traefik and a real OAuth2-Proxy, in a network namespace without a way out."""
