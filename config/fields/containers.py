"""What a container is made from and told: image, variables, paths inside it, when it runs, how safe it has to be."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator

from config import patterns
from config.fields.written import like

PodSecurity = Literal["restricted", "baseline", "privileged"]


def _image(text: str) -> str:
    if not re.fullmatch(
        r"[a-z0-9][a-z0-9._-]*(:[0-9]+)?(/[a-z0-9._-]+)*(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?",
        text,
    ):
        raise ValueError(f"{text!r} is not an image reference such as ghcr.io/owner/name:1.2.3")
    name = text.split("@")[0].rsplit("/", 1)[-1]
    if "@" not in text and (":" not in name or name.endswith(":latest")):
        raise ValueError(
            f"{text!r} does not say which version; pin a tag or a digest, such as {text.removesuffix(':latest')}:1.2.3"
        )
    return text


Image = Annotated[
    str,
    AfterValidator(_image),
    like(patterns.IMAGE, "an image with a tag or digest, never latest", "ghcr.io/owner/name:1.2.3"),
]


def _env_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise ValueError(f"{text!r} is not an environment variable name")
    return text


EnvName = Annotated[
    str, AfterValidator(_env_name), like(patterns.ENV_NAME, "the name of an environment variable", "LOG_LEVEL")
]


def _absolute(text: str) -> str:
    if (
        not text.startswith("/")
        or {"..", "."} & set(text.split("/"))
        or "//" in text
        or ":" in text
        or not text.isprintable()
    ):
        raise ValueError(f"{text!r} is not an absolute path such as /data")
    return text.rstrip("/") or "/"


ContainerPath = Annotated[
    str, AfterValidator(_absolute), like(patterns.CONTAINER_PATH, "a path that starts with /", "/srv/share")
]


def _mount(text: str) -> str:
    if _absolute(text) == "/":
        raise ValueError("'/' would hide the whole image; mount a directory below it, such as /data")
    return _absolute(text)


MountPath = Annotated[
    str, AfterValidator(_mount), like(patterns.MOUNT_PATH, "an absolute path, but not / itself", "/data")
]


_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_CRON: tuple[tuple[int, int, list[str]], ...] = ((0, 59, []), (0, 23, []), (1, 31, []), (1, 12, _MONTHS), (0, 6, _DAYS))


def _cron_field(text: str, low: int, high: int, words: list[str]) -> bool:
    def number(part: str) -> int:
        word = part.lower()
        return words.index(word) + low if word in words else int(part) if part.isascii() and part.isdigit() else -1

    for item in text.split(","):
        span, slash, step = item.partition("/")
        first, dash, last = span.partition("-")
        if slash and not (step.isascii() and step.isdigit() and int(step)):
            return False
        if span != "*" and not low <= number(first) <= (number(last) if dash else high) <= high:
            return False
    return True


_NAMED = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")


def _cron(text: str) -> str:
    fields = text.split()
    if text not in _NAMED and not (
        len(fields) == 5 and all(_cron_field(part, *limits) for part, limits in zip(fields, _CRON, strict=True))
    ):
        raise ValueError(
            f'{text!r} is not a cron schedule of five fields (minute hour day month weekday), such as "0 3 * * *", '
            "or @daily and the like"
        )
    return text


Cron = Annotated[
    str,
    AfterValidator(_cron),
    like(
        patterns.any_of(*_NAMED, patterns.cron(_CRON)),
        "five cron fields (minute, hour, day, month, weekday), or @daily and the like",
        "0 3 * * *",
        "@daily",
    ),
]


def _time_zone(text: str) -> str:
    if not re.fullmatch(patterns.TIME_ZONE, text) or not _known(text):
        raise ValueError(f"{text!r} is not a time zone such as Europe/Berlin")
    return text


def _known(time_zone: str) -> bool:
    try:
        ZoneInfo(time_zone)
    except (LookupError, ValueError, OSError):
        # A machine may have no time zones at all. The API server has its own, and the last word.
        return not available_timezones()
    return True


TimeZone = Annotated[
    str, AfterValidator(_time_zone), like(patterns.TIME_ZONE, "a time zone of the IANA database", "Europe/Berlin")
]
