"""The text formats of the Kubernetes API: names, labels, ports, quantities, schedules, addresses.

Owns: one function a format; each returns what is wrong as a sentence, or None.  Source of the patterns and limits:
``k8s.io/apimachinery/pkg/util/validation`` and the API conventions.  Does not own: which field has which format.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from ipaddress import ip_address, ip_network

Check = Callable[[str], str | None]

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_PORT_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_PERCENT = re.compile(r"[0-9]+%")
_QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:[eE]([+-]?[0-9]+)|([numkMGTPE]|[KMGTPE]i))?")
_SUFFIXES = {
    **{
        suffix: Fraction(10) ** power
        for suffix, power in zip("numkMGTPE", (-9, -6, -3, 3, 6, 9, 12, 15, 18), strict=True)
    },
    **{f"{letter}i": Fraction(1024) ** power for power, letter in enumerate("KMGTPE", 1)},
}
_LABEL_LENGTH, _SUBDOMAIN_LENGTH = 63, 253


def label(name: str) -> str | None:
    """Check a DNS-1123 label: a namespace, a container, a volume."""
    if len(name) > _LABEL_LENGTH:
        return f"{name!r} is longer than {_LABEL_LENGTH} characters"
    if not _LABEL.fullmatch(name):
        return f"{name!r} is not a DNS label (lower case letters, digits and '-', letter or digit at both ends)"
    return None


def label_1035(name: str) -> str | None:
    """Check a DNS-1035 label: a Service.  It must start with a letter."""
    if len(name) > _LABEL_LENGTH:
        return f"{name!r} is longer than {_LABEL_LENGTH} characters"
    if not _LABEL_1035.fullmatch(name):
        return f"{name!r} is not a DNS-1035 label (lower case letters, digits and '-', starting with a letter)"
    return None


def subdomain(name: str) -> str | None:
    """Check a DNS-1123 subdomain: most objects' names."""
    if len(name) > _SUBDOMAIN_LENGTH:
        return f"{name!r} is longer than {_SUBDOMAIN_LENGTH} characters"
    if not all(_LABEL.fullmatch(part) for part in name.split(".")):
        return f"{name!r} is not a DNS name (lower case letters, digits, '-' and '.')"
    return None


def host(name: str) -> str | None:
    """Check the host of an Ingress: a DNS name, with ``*.`` in front or not, and no address."""
    if _is_address(name):
        return f"{name!r} is an address; it must be a DNS name"
    return subdomain(name.removeprefix("*."))


def path_segment(name: str) -> str | None:
    """Check a name that only has to fit into a URL: RBAC objects."""
    if name in (".", "..") or "/" in name or "%" in name or not name:
        return f"{name!r} may not be empty, '.' or '..', nor contain '/' or '%'"
    return None


def qualified(key: str) -> str | None:
    """Check the key of a label or annotation: ``name`` or ``dns.domain/name``."""
    prefix, slash, name = key.rpartition("/")
    if slash and (not prefix or subdomain(prefix)):
        return f"{key!r}: the part before '/' is not a DNS name"
    if len(name) > _LABEL_LENGTH or not _QUALIFIED.fullmatch(name):
        return f"{key!r}: not 1 to {_LABEL_LENGTH} letters, digits, '-', '_' and '.', letter or digit at both ends"
    return None


def label_value(value: str) -> str | None:
    """Check the value of a label."""
    if value and (len(value) > _LABEL_LENGTH or not _QUALIFIED.fullmatch(value)):
        return (
            f"{value!r} is not at most {_LABEL_LENGTH} letters, digits, '-', '_' and '.', letter or digit at both ends"
        )
    return None


def config_key(key: str) -> str | None:
    """Check a key of a ConfigMap or Secret, which becomes a file name."""
    if len(key) > _SUBDOMAIN_LENGTH or key in (".", "..") or key.startswith("..") or not _CONFIG_KEY.fullmatch(key):
        return f"{key!r} is not a valid key (letters, digits, '-', '_' and '.')"
    return None


def env_name(name: str) -> str | None:
    """Check the name of an environment variable: printable ASCII without '='."""
    if not name or "=" in name or not all(" " <= character <= "~" for character in name):
        return f"{name!r} is not the name of an environment variable (printable ASCII without '=')"
    return None


def port_name(name: str) -> str | None:
    """Check an IANA service name."""
    if len(name) > 15 or not _PORT_NAME.fullmatch(name) or "--" in name or not any("a" <= c <= "z" for c in name):
        return (
            f"{name!r} is not a port name (at most 15 lower case letters, digits and single '-', at least one letter)"
        )
    return None


def port(value: object) -> str | None:
    """Check a port number."""
    if isinstance(value, int) and not 1 <= value <= 65535:
        return f"{value} is not a port (1-65535)"
    return None


def port_or_name(value: object) -> str | None:
    """Check a port that may be given by name."""
    return port_name(value) if isinstance(value, str) else port(value)


def number_or_percent(value: object) -> str | None:
    """Check a count that may be a percentage."""
    if isinstance(value, str) and not _PERCENT.fullmatch(value):
        return f"{value!r} is neither a number nor a percentage such as '50%'"
    if isinstance(value, int) and value < 0:
        return f"{value} is negative"
    return None


def quantity(value: object) -> Fraction | None:
    """Return a resource quantity as an exact number, or None when it is not one."""
    if isinstance(value, bool):
        return None
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        return None
    number, exponent, suffix = match.groups()
    scale = Fraction(10) ** int(exponent) if exponent else _SUFFIXES.get(suffix or "", Fraction(1))
    return Fraction(number) * scale


def network(value: str) -> str | None:
    """Check a CIDR block: an address range with no bits set beyond its prefix."""
    try:
        ip_network(value)
    except ValueError as error:
        return f"{value!r} is not a CIDR block ({str(error).partition(': ')[2] or error})"
    return None


def inside(value: str, outer: str) -> bool:
    """Say whether a CIDR block is a strict part of another; both must be valid."""
    one, other = ip_network(value), ip_network(outer)
    return one.version == other.version and one != other and one.subnet_of(other)  # type: ignore[arg-type]


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def address(value: str) -> str | None:
    """Check an IP address."""
    return None if _is_address(value) else f"{value!r} is not an IP address"


_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_CRON_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day of week", 0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
_CRON_NAMES = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_DURATION = re.compile(r"([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+")


def schedule(value: str) -> str | None:
    """Check a CronJob's schedule as the controller's parser does: five fields, or a name such as ``@daily``."""
    if value.startswith("@"):
        every = value.removeprefix("@every ")
        good = value in _CRON_NAMES or (every != value and _DURATION.fullmatch(every) is not None)
        return None if good else f"{value!r} is not a schedule"
    if "TZ=" in value:
        return f"{value!r}: the time zone belongs in timeZone"
    fields = value.split()
    if len(fields) != 5:
        return f"{value!r} has {len(fields)} fields; a schedule has 5 (minute, hour, day of month, month, day of week)"
    for text, (name, least, most, names) in zip(fields, _CRON_FIELDS, strict=True):
        for part in text.split(","):
            if not _cron_part(part, least, most, names):
                return f"{value!r}: {part!r} is not a {name} ({least}-{most})"
    return None


def _cron_part(text: str, least: int, most: int, names: dict[str, int]) -> bool:
    span, slash, step = text.partition("/")
    if slash and not (step.isdigit() and int(step) > 0):
        return False
    if span in ("*", "?"):
        return True
    bounds = [names.get(bound.lower(), int(bound) if bound.isdigit() else -1) for bound in span.split("-")]
    return len(bounds) <= 2 and all(least <= bound <= most for bound in bounds) and bounds == sorted(bounds)
