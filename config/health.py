"""What an app says about how Kubernetes asks whether it is well."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Tag, model_validator

from config import patterns
from config.containers import Word
from config.fields.addresses import AskedPath, Port
from config.fields.names import Name
from config.fields.quantities import Duration, seconds
from config.fields.written import NUMBER, TEXT, ShortForm, Written, either, like
from config.together import editor, one_of, such_as


def _start(duration: str) -> str:
    if seconds(duration) > 3600:
        raise ValueError(f"{duration!r} is longer than 1h, and everybody's `up` waits for it; write 1h or less")
    return duration


WhichPort = Annotated[
    Annotated[Name, Tag(TEXT)] | Annotated[Port, Tag(NUMBER)],
    either("a port's name or number"),
]


class TcpOrExec(Written):
    """A health check other than a bare path."""

    model_config = editor(
        *one_of("http", "tcp", "exec", says="a health check has exactly one of http, tcp, exec"), example={"tcp": True}
    )
    http: Annotated[AskedPath | None, such_as("/healthz")] = None
    """A path that answers 200 to 399."""
    tcp: bool = False
    """Whether the port accepts a connection."""
    exec: tuple[Word, ...] = ()
    """A command that leaves with 0."""
    port: WhichPort | None = None
    """Which of the app's ports, by name; the first one when left out. Or a number, of any port that it listens on."""
    start: Annotated[
        Duration, AfterValidator(_start), like(patterns.durations_up_to(3600), "a duration of at most 1h", "5m")
    ] = "60s"
    """How long the app may take to answer for the first time, at most 1h."""

    @model_validator(mode="after")
    def _exactly_one(self) -> TcpOrExec:
        if [self.http is not None, self.tcp, bool(self.exec)].count(True) != 1:
            raise ValueError("needs exactly one of http, tcp, exec")
        return self


Health = Annotated[
    TcpOrExec, ShortForm("http", AskedPath, "a path such as /healthz, or a mapping with one of http, tcp, exec")
]
