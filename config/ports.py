"""What an app says about the ports that it listens on, and about those of other workspaces that it uses."""

from __future__ import annotations

from typing import Annotated, Literal

from config.fields.addresses import Port
from config.fields.names import AppPath, Name
from config.fields.written import NUMBER, ShortForm, Written
from config.together import editor, such_as


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
    offeredTo: Annotated[tuple[Name, ...], such_as(["shop"])] = ()
    """Other workspaces whose apps reach it too, each where it says `uses`. A port with a route needs `siblings: true`
    for that: what the workspace's own apps may not reach, those of others may not either."""


_WORDS = "a port such as 8000, without quotes, or a mapping with number"
OnePort = Annotated[AppPort, ShortForm("number", Port, _WORDS, NUMBER)]


class Use(Written):
    """A port of another workspace's app, which that workspace offers to this one."""

    model_config = editor(example={"app": "data/postgres", "port": "metrics"})
    app: AppPath
    """The workspace and the app. It is reached as `<app>.<workspace>`, such as `postgres.data:5432`."""
    port: Annotated[Name | None, such_as("metrics")] = None
    """Which of its ports, by name; needed only where it has several."""


OneUse = Annotated[Use, ShortForm("app", AppPath, "an app such as data/postgres, or a mapping with app and port")]
