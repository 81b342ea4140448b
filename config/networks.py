"""Addresses that are not the internet, whatever a cluster looks like."""

from __future__ import annotations

PRIVATE_V4 = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
PRIVATE_V6 = (
    "::/127",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
)
"""Never the internet: what IANA's registries of special-purpose addresses call neither global nor documentation. RFC
1918, carrier-grade NAT, loopback, link-local with the cloud metadata address, multicast and broadcast; and the IPv6
addresses that carry an IPv4 one (NAT64, 6to4), which could be a private one. A machine at home with a public IPv6
address is on the internet as far as this can tell; docs/security.md says so."""
