r"""What texts look like, as patterns that Python and editors (ECMAScript) read alike.

Owns: what an editor can check of a text. Does not own: the validators of `config.fields` and their words, which have
the last word; a property holds the two together and names what no pattern can say. None is anchored: whoever uses one
writes `^(...)$`, and in Python `\Z` for the end.
"""

from __future__ import annotations


def up_to(limit: int) -> str:
    """The whole numbers from 1 to `limit`, zeros before them or not."""
    digits = str(limit)
    length = len(digits)
    options = [f"[1-9][0-9]{{0,{length - 2}}}"] if length > 1 else []
    for at, digit in enumerate(digits):
        low, high = (0 if at else 1), int(digit) - 1
        if high >= low:
            options.append(f"{digits[:at]}[{low}-{high}][0-9]{{{length - at - 1}}}")
    return f"0*({'|'.join([*options, digits])})"


def within(low: int, high: int) -> str:
    """The whole numbers from `low`, which is 0 or 1, to `high`."""
    return f"({up_to(high)}|0+)" if low == 0 else up_to(high)


def durations_up_to(seconds: int) -> str:
    """Durations of at most so many seconds."""
    units = (("s", 1), ("m", 60), ("h", 3600))
    return "|".join(f"{up_to(seconds // size)}{unit}" for unit, size in units if seconds >= size)


def any_case(text: str) -> str:
    """A word in capitals or not."""
    return "".join(f"[{mark}{mark.upper()}]" if mark.isalpha() else mark for mark in text)


def any_of(*texts: str) -> str:
    """One of these."""
    return f"({'|'.join(texts)})"


LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
NAME = r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?"
HOST_LABEL = rf"@|{LABEL}(\.{LABEL})*"
DOMAIN = rf"{LABEL}(\.{LABEL})+"
OBJECT_NAME = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
API_RESOURCE = r"[a-z][a-z0-9]{0,62}(/[a-z]{1,62})?"
ROUTE_PATH = r"/|(/\.well-known)?(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+/?|/\.well-known/?"

_SOME = r"(?=[^1-9]*[1-9])"
"""Nothing is what nobody means: at least one digit is not 0."""
CPU = rf"{_SOME}([0-9]+m|[0-9]+(\.[0-9]{{1,3}})?)"
MEMORY = rf"{_SOME}[0-9]+(\.[0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)"

_REPOSITORY = r"[a-z0-9][a-z0-9._-]*(:[0-9]+)?(/[a-z0-9._-]+)*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
IMAGE = rf"{_REPOSITORY}(:{_TAG})?@sha256:[0-9a-f]{{64}}|{_REPOSITORY}:(?!latest$){_TAG}"

_REGISTRY_HOST = rf"({LABEL}(\.{LABEL})+(:{up_to(65535)})?|{LABEL}:{up_to(65535)})"
REGISTRY = rf"(?!index\.docker\.io){_REGISTRY_HOST}(/[a-z0-9][a-z0-9._-]*)*"

TIME_ZONE = r"(?!Local$)[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}"

EMAIL = r"[^@\s,*A-Z]+@[^@\s,*A-Z]+\.[^@\s,*A-Z]+"
HEX32 = "[0-9a-f]{32}"
ENV_NAME = "[A-Za-z_][A-Za-z0-9_]*"
_SEGMENT = r"/(?!\.{1,2}(/|$))[^/:]+"
CONTAINER_PATH = f"/|({_SEGMENT})+/?"
MOUNT_PATH = f"({_SEGMENT})+/?"
DEVICE = r"/dev(/(?!\.{1,2}(/|$))[A-Za-z0-9._:+@-]+)+/?"
SYSCTL = r"net(\.[a-z0-9_-]+)+|fs\.mqueue\.[a-z_]+|kernel\.(shm[a-z_]+|msg[a-z_]+|sem)"
EXTENDED_RESOURCE = rf"(?!([^/]*\.)?kubernetes\.io/|requests\.){DOMAIN}/[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?"
LABEL_VALUE = "([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?"
LABEL_KEY = rf"({OBJECT_NAME}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?"
SECRET_NAME = "[a-z][a-z0-9]{0,19}(-+[a-z0-9]{1,20})*"  # noqa: S105 - what a secret may be called

_OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_V4 = rf"{_OCTET}(\.{_OCTET}){{3}}"
_GROUP = "[0-9A-Fa-f]{1,4}"
_V6 = any_of(
    f"({_GROUP}:){{7}}{_GROUP}",
    *(f"({_GROUP}:){{1,{before}}}(:{_GROUP}){{1,{7 - before}}}" for before in range(1, 7)),
    f"({_GROUP}:){{1,7}}:",
    f":(:{_GROUP}){{1,7}}",
    "::",
    f"({_GROUP}:){{6}}{_V4}",
    *(f"({_GROUP}:){{1,{before}}}(:{_GROUP}){{0,{5 - before}}}:{_V4}" for before in range(1, 6)),
    f":(:{_GROUP}){{0,5}}:{_V4}",
)
ADDRESS = any_of(_V4, _V6)
SERVER = any_of(OBJECT_NAME, _V6)
CIDR = any_of(rf"{_V4}(/({within(0, 32)}|{_V4}))?", rf"{_V6}(/{within(0, 128)})?")
CLUSTER_CIDR = rf"(?![0-9.]+/0*[0-7]$)(?![^/]*:[^/]*/0*(3[01]|[12]?[0-9])$){CIDR}"


def cron(fields: tuple[tuple[int, int, list[str]], ...]) -> str:
    """Cron fields: lists of numbers, words, ranges and steps. That a range goes up is beyond a pattern."""

    def one(low: int, high: int, words: list[str]) -> str:
        value = any_of(within(low, high), *map(any_case, words))
        item = rf"(\*|{value}(-{value})?)(/0*[1-9][0-9]*)?"
        return f"{item}(,{item})*"

    return r"\s*" + r"\s+".join(one(*limits) for limits in fields) + r"\s*"
