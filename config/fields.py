"""The small types that stacks and workspaces are made of: names, ports, quantities, addresses, secret references.

Each refuses with a sentence that says what the value must look like. None echoes text that could be a secret.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import core_schema

from config import patterns

MAX_PATH = 255
MAX_TEBIBYTES = 1024
MAX_HOURS = 168
MAX_CORES = 10_000
"""More than anybody means. nginx loads no part of a config with a number or a word in it that is too large for it, so
that one route would stand in the way of everybody's next change."""

LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"


class Written(BaseModel):
    """The base of everything a person writes: frozen, strict, no unknown keys, and no values in its errors."""

    # Attribute docstrings reach the JSON schema through `schema`: pydantic would parse the source at every preview.
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", hide_input_in_errors=True, defer_build=True)


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", text) or len(text) > 40:
        raise ValueError(f"{text!r} is not a name: a letter, then a-z, 0-9 and -, at most 40 characters")
    return text


def _host_label(text: str) -> str:
    # Two labels are a question of certificates, which only the stack can answer (`check`).
    if text.startswith("_"):
        raise ValueError(f"{text!r} starts with _, which is for records that are no hosts; choose another label")
    if text == "@" or all(re.fullmatch(LABEL, part) and len(part) <= 63 for part in text.split(".")):
        return text
    raise ValueError(f'{text!r} is not a host label: a-z, 0-9 and -, or "@" for the domain itself')


def _domain(text: str) -> str:
    if (
        "." not in text
        or len(text) > 253
        or not all(re.fullmatch(LABEL, part) and len(part) <= 63 for part in text.split("."))
    ):
        raise ValueError(f"{text!r} is not a domain name such as example.com")
    return text


def _port(number: int) -> int:
    if not 1 <= number <= 65535:
        raise ValueError(f"{number} is not a port (1-65535)")
    return number


def _path(text: str) -> str:
    # Both controllers drop an Ingress with any other character in a path (strict path validation).
    if "*" in text:
        raise ValueError(f"{text!r} has a *; a path covers everything below it, so write it without")
    if not text.startswith("/") or not re.fullmatch(r"(/[A-Za-z0-9._-]+)*/?", text) or "/." in text:
        raise ValueError(
            f"{text!r} is not a path: / and then segments of letters, digits, - . _ that do not start with a dot"
        )
    if len(text) > MAX_PATH:
        raise ValueError(f"is a path of {len(text)} characters; write at most {MAX_PATH}")
    return text.rstrip("/") or "/"


def _cidr(text: str) -> str:
    try:
        # What follows a % is the name of a network card, and Python lets that be anything at all.
        network = ipaddress.ip_network(text.replace("%", " "))
    except ValueError:
        raise ValueError(
            f"{text!r} is not a network such as 10.0.0.0/24 or 10.0.0.7/32, with no host bits set"
        ) from None
    return str(network)


def _address(text: str) -> str:
    try:
        # "fe80::1%eth0" means another address on every machine.
        return str(ipaddress.ip_address(text.replace("%", " ")))
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address") from None


_SCALE = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


@functools.cache
def millicores(text: str) -> int:
    """A cpu quantity ("2", "0.5", "250m") in thousandths of a core.

    Raises:
        ValueError: it is not a cpu quantity, or is finer than a millicore.
    """
    if match := re.fullmatch(r"([0-9]+)m|([0-9]+(?:\.[0-9]{1,3})?)", text):
        amount = int(match[1]) if match[1] else int(Decimal(match[2]) * 1000)
        if amount > 0:
            return amount
    raise ValueError(f'{text!r} is not a cpu quantity: write cores ("2", "0.5") or millicores ("250m")')


@functools.cache
def mebibytes(text: str) -> int:
    """A memory or storage quantity ("512Mi", "2Gi", "1G") in whole MiB, rounded down (but at least 1).

    Raises:
        ValueError: it is not such a quantity, or has no unit (bytes are never meant).
    """
    if match := re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(k|M|G|T|Ki|Mi|Gi|Ti)", text):
        amount = Decimal(match[1]) * _SCALE[match[2]]
        if amount > 0:
            return max(1, int(amount / 2**20))
    meant = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([kmgt])i?b?", text, re.IGNORECASE)
    example = f"{meant[1]}{meant[2].upper()}i" if meant and Decimal(meant[1]) else "512Mi or 2Gi"
    raise ValueError(f"{text!r} is not a memory quantity: write a number with a unit, such as {example}")


def memory_quantity(mib: int) -> str:
    """Whole MiB in Kubernetes' canonical form, which has the largest unit that needs no fraction.

    Other forms mean the same, but pulumi-kubernetes rewrites them, and the API server compares text.
    """
    for unit, size in (("Ti", 1024**2), ("Gi", 1024)):
        if mib and mib % size == 0:
            return f"{mib // size}{unit}"
    return f"{mib}Mi" if mib else "0"


def cpu_quantity(millis: int) -> str:
    """Millicores in the same form."""
    return f"{millis}m" if millis % 1000 else str(millis // 1000)


def _cpu(text: str) -> str:
    if millicores(text) > MAX_CORES * 1000:
        raise ValueError(f"is more than {MAX_CORES} cores; write less")
    return text


def _memory(text: str) -> str:
    if mebibytes(text) > MAX_TEBIBYTES * 2**20:
        raise ValueError(f"is more than {MAX_TEBIBYTES}Ti; write less")
    return text


def seconds(text: str) -> int:
    """A duration ("90s", "5m", "12h") in seconds.

    Raises:
        ValueError: it is not a duration.
    """
    if (match := re.fullmatch(r"([0-9]+)(s|m|h)", text)) and int(match[1]):
        return int(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]
    raise ValueError(f"{text!r} is not a duration: write 90s, 5m or 12h")


def _duration(text: str) -> str:
    if seconds(text) > MAX_HOURS * 3600:
        raise ValueError(f"{text!r} is longer than {MAX_HOURS}h; write less")
    return text


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


def _email(text: str) -> str:
    if text != text.lower() or not re.fullmatch(r"[^@\s,*]+@[^@\s,*]+\.[^@\s,*]+", text):
        raise ValueError(f"{text!r} is not an e-mail address in lower case")
    return text


def _email_domain(text: str) -> str:
    if text in ("*", ".", ""):
        raise ValueError(f"{text!r} admits everyone who has any account; list the domains, or use allow.groups")
    return _domain(text)


def _hex32(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{32}", text):
        raise ValueError(
            f"{text!r} is not a Cloudflare id (32 hexadecimal digits; the dashboard shows it beside the domain)"
        )
    return text


def _env_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise ValueError(f"{text!r} is not an environment variable name")
    return text


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


def _mount(text: str) -> str:
    if _absolute(text) == "/":
        raise ValueError("'/' would hide the whole image; mount a directory below it, such as /data")
    return _absolute(text)


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


def _schedule(text: str) -> str:
    fields = text.split()
    if len(fields) != 5 or not all(_cron_field(part, *limits) for part, limits in zip(fields, _CRON, strict=True)):
        raise ValueError(
            f'{text!r} is not a cron schedule of five fields (minute hour day month weekday), such as "0 3 * * *"'
        )
    return text


def _label_key(text: str) -> str:
    prefix, slash, name = text.rpartition("/")
    if not re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", name) or (
        slash and not re.fullmatch(rf"{LABEL}(\.{LABEL})*", prefix)
    ):
        raise ValueError(f"{text!r} is not a label such as kubernetes.io/arch")
    return text


def _label_value(text: str) -> str:
    if text and not re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", text):
        raise ValueError(f"{text!r} is not a label's value: letters, digits, - _ . and at most 63 of them")
    return text


def _object_name(text: str) -> str:
    if not re.fullmatch(rf"{LABEL}(\.{LABEL})*", text) or len(text) > 253:
        raise ValueError(f"{text!r} is not the name of a Kubernetes object: a-z, 0-9, - and .")
    return text


def _server(text: str) -> str:
    try:
        return _address(text)
    except ValueError:
        if re.fullmatch(rf"{LABEL}(\.{LABEL})*", text) and len(text) <= 253:
            return text
    raise ValueError(f"{text!r} is not an IP address or a host name")


def like(pattern: str, about: str, *examples: Any, **more: Any) -> WithJsonSchema:
    """What an editor can check of a text, and says of it; the validator beside it has the last word."""
    such = f", such as {examples[0]}" if examples else ""
    told = {"description": about, "errorMessage": f"must be {about}{such}"} | (
        {"examples": list(examples)} if examples else {}
    )
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$", **more, **told})


def unit_missing(forms: str) -> BeforeValidator:
    """Tells a bare number what it lacks, once, instead of asking for quotes first and for a unit then.

    `forms` shows how to write the number, which is `{n}`, and `{m}` thousand times over.
    """

    def check(value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise ValueError(f"{value:g} {forms.format(n=f'{value:g}', m=f'{value * 1000:.0f}')}")
        return value

    return BeforeValidator(check)


Name = Annotated[
    str, AfterValidator(_name), like(patterns.NAME, "a letter, then a-z, 0-9 and -, at most 40 characters", "web")
]
"""A workspace, app, port or volume: a DNS label that starts with a letter."""
HostLabel = Annotated[
    str,
    AfterValidator(_host_label),
    like(patterns.HOST_LABEL, 'one label under the domain, or "@" for the domain itself', "api"),
]
"""One label under the stack's domain, or "@" for the domain itself."""
Domain = Annotated[str, AfterValidator(_domain), like(patterns.DOMAIN, "a domain name", "example.com", maxLength=253)]
Port = Annotated[
    int,
    AfterValidator(_port),
    WithJsonSchema(
        {
            "type": "integer",
            "minimum": 1,
            "maximum": 65535,
            "description": "a number from 1 to 65535",
            "examples": [8000],
        }
    ),
]
RoutePath = Annotated[
    str,
    AfterValidator(_path),
    like(
        patterns.ROUTE_PATH,
        "a path; it matches whole segments and everything below them",
        "/api/v1",
        maxLength=MAX_PATH,
    ),
]
"""A URL path prefix, matched segment by segment; without a trailing slash but for "/"."""
Cidr = Annotated[
    str,
    AfterValidator(_cidr),
    like(patterns.CIDR, "an address and a prefix length, with no host bits set", "10.0.0.0/24"),
]
Address = Annotated[str, AfterValidator(_address), like(patterns.ADDRESS, "an IP address", "10.0.0.50")]
Cpu = Annotated[
    str,
    AfterValidator(_cpu),
    like(patterns.CPU, 'cores ("2", "0.5") or thousandths of one; numbers in quotes', "250m"),
    unit_missing('is a number; write "{n}" in quotes for cores, or {m}m'),
]
Memory = Annotated[
    str,
    AfterValidator(_memory),
    like(patterns.MEMORY, "a number with a unit: Ki, Mi, Gi, Ti, k, M, G or T", "512Mi"),
    unit_missing("has no unit; write {n}Mi or {n}Gi"),
]
Duration = Annotated[
    str,
    AfterValidator(_duration),
    like(patterns.durations_up_to(MAX_HOURS * 3600), "a whole number with s, m or h", "90s"),
    unit_missing("has no unit; write {n}s or {n}m"),
]
Image = Annotated[
    str,
    AfterValidator(_image),
    like(patterns.IMAGE, "an image with a tag or digest, never latest", "ghcr.io/owner/name:1.2.3"),
]
Email = Annotated[str, AfterValidator(_email), like(patterns.EMAIL, "an address in lower case", "ada@example.com")]
EmailDomain = Annotated[
    str, AfterValidator(_email_domain), like(patterns.DOMAIN, "what follows the @", "example.com", maxLength=253)
]
CloudflareId = Annotated[
    str,
    AfterValidator(_hex32),
    like(patterns.HEX32, "32 hexadecimal digits", "0123456789abcdef0123456789abcdef"),
]
EnvName = Annotated[
    str, AfterValidator(_env_name), like(patterns.ENV_NAME, "the name of an environment variable", "LOG_LEVEL")
]
ContainerPath = Annotated[
    str, AfterValidator(_absolute), like(patterns.CONTAINER_PATH, "a path that starts with /", "/srv/share")
]
MountPath = Annotated[
    str, AfterValidator(_mount), like(patterns.MOUNT_PATH, "an absolute path, but not / itself", "/data")
]
ObjectName = Annotated[
    str,
    AfterValidator(_object_name),
    like(patterns.OBJECT_NAME, "the name of a Kubernetes object", "local-path", maxLength=253),
]
"""The name of a Kubernetes object that exists already."""
LabelKey = Annotated[
    str,
    AfterValidator(_label_key),
    like(patterns.LABEL_KEY, "the name of a Kubernetes label", "kubernetes.io/arch"),
]
LabelValue = Annotated[
    str, AfterValidator(_label_value), like(patterns.LABEL_VALUE, "the value of a Kubernetes label", "arm64")
]
Server = Annotated[
    str,
    AfterValidator(_server),
    like(patterns.SERVER, "an IP address or a host name", "10.0.0.7", maxLength=253),
]
"""An IP address or a host name."""
Schedule = Annotated[
    str,
    AfterValidator(_schedule),
    like(patterns.cron(_CRON), "five cron fields (minute, hour, day, month, weekday), in UTC", "0 3 * * *"),
]
PodSecurity = Literal["restricted", "baseline", "privileged"]


# Unions are told apart by what was written, so that a mistake gets one message instead of one for each member. Tags in
# angle brackets are no keys that anybody writes; `refusals` leaves them out of paths.
TEXT, MAPPING = "<text>", "<mapping>"


def written_as(value: Any) -> str | None:
    """Whether something was written as text or as a mapping; None for numbers, lists and nothing at all."""
    return TEXT if isinstance(value, str) else None if isinstance(value, int | float | list | None) else MAPPING


def either(what: str) -> Discriminator:
    """Tells a union of text and mapping apart; `what` says what it must be."""
    return Discriminator(written_as, custom_error_type="neither", custom_error_message=f"must be {what}")


@dataclass(frozen=True)
class ShortForm:
    """Lets text stand for a model with that text at `key`, so that `/api` is a route and `/healthz` a health check."""

    key: str
    text: Any
    """The type of the text."""
    what: str
    """What may be written, for messages."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """The model's own schema, and that of the text, by what was written."""
        text = core_schema.no_info_after_validator_function(
            lambda value: source(**{self.key: value}), handler.generate_schema(self.text)
        )
        return core_schema.tagged_union_schema(
            {TEXT: text, MAPPING: handler(source)},
            discriminator=written_as,
            custom_error_type="neither",
            custom_error_message=f"must be {self.what}",
        )


def is_secret_name(text: object) -> bool:
    """Whether this is what a secret may be called. A long run without a dash is what tokens look like, so it is not."""
    return (
        isinstance(text, str)
        and re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", text) is not None
        and len(text) <= 63
        and all(len(part) <= 20 for part in text.split("-"))
    )


def _secret_name(text: str) -> str:
    if not is_secret_name(text):
        # The text is never repeated: people paste secrets here.
        raise ValueError(
            "is not a secret's name: a-z, 0-9 and -, such as web-db-password; the value goes into the stack config"
        )
    return text


SecretName = Annotated[
    str,
    AfterValidator(_secret_name),
    like(patterns.SECRET_NAME, "the name of a secret: a-z, 0-9 and -", "web-db-password", maxLength=63),
]
"""What a secret of the stack is called."""


class SecretRef(Written):
    """A secret of the stack config, by name: `{ secret: mcd-entra-client-secret }`."""

    secret: SecretName = Field(description="The key under warren:secrets that holds the value.")


def _reference(value: Any) -> Any:
    if not isinstance(value, dict | SecretRef):
        raise ValueError(
            "must be a reference such as { secret: NAME }; the value goes into the stack config, by the command that "
            "a preview then prints"
        )
    return value


Secret = Annotated[SecretRef, BeforeValidator(_reference)]
"""A place for a secret: a reference and never the secret itself."""
