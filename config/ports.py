"""What an app says about the ports that it listens on."""

from __future__ import annotations

from typing import Annotated, Literal

from config.fields.addresses import Port
from config.fields.written import NUMBER, ShortForm, Written
from config.together import editor


class AppPort(Written):
    """A port with more to say than its number."""

    model_config = editor(example={"number": 8989, "siblings": True})
    number: Port
    """What the app listens on."""
    protocol: Literal["TCP", "UDP"] = "TCP"
    """How it is spoken to. Where both are, they are two ports with one number; a route needs TCP."""
    siblings: bool = False
    """The workspace's other apps reach it too, although a route leads here; a port without a route is theirs anyway.
    They come past sign-in and write whatever headers they like, so an app that believes `X-Auth-Request-Email` there
    believes its siblings."""
    loadBalancer: Port | None = None
    """Its number on the home network, where it is offered too if the stack's `loadBalancers` give that to this app. Who
    comes that way comes past the tunnel, its limits and sign-in."""


_WORDS = "a port such as 8000, without quotes, or a mapping with number"
OnePort = Annotated[AppPort, ShortForm("number", Port, _WORDS, NUMBER)]
