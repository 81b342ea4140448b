"""What a stack gives of the home network: which ports an app may offer there, to whom, and at which address."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from config import patterns
from config.fields.addresses import Address, Cidr, port_number
from config.fields.written import Written, like, unit_missing
from config.together import such_as


def _offered(text: str) -> str:
    found = re.fullmatch(r"([0-9]{1,5})/(TCP|UDP)", text)
    if found is None:
        raise ValueError(f"{text!r} is not a port and its protocol: write 1883/TCP or 53/UDP")
    return f"{port_number(int(found[1]))}/{found[2]}"


OfferedPort = Annotated[
    str,
    AfterValidator(_offered),
    like(rf"(?=[0-9]{{1,5}}/){patterns.up_to(65535)}/(TCP|UDP)", "a port and its protocol", "1883/TCP"),
    unit_missing("has no protocol; write {n}/TCP or {n}/UDP"),
]
"""A port of an address, as `kubectl get services` shows it."""


class LoadBalancer(Written):
    """What one app may offer on the home network, past the tunnel and past sign-in."""

    ports: Annotated[tuple[OfferedPort, ...], Field(min_length=1, examples=[["53/TCP", "53/UDP"]])]
    """What its file may take, as `loadBalancer` of its ports."""
    loadBalancerSourceRanges: Annotated[tuple[Cidr, ...], Field(min_length=1)]
    """Who comes in: the networks at home, or machines in them. Everybody else is closed out; the nodes too, unless one
    is named by itself."""
    loadBalancerIP: Annotated[Address | None, such_as("10.0.0.241")] = None
    """An address of its own, which MetalLB or another controller has in a pool. Left out, K3s' ServiceLB has the ports
    on the node that the app's pod is on."""


def offered(number: int, protocol: str) -> str:
    """A port as an `OfferedPort`."""
    return f"{number}/{protocol}"


def service_name(app: str) -> str:
    """The name of the Service that offers an app's ports at home. No other app may have it."""
    return f"{app}-lan"
