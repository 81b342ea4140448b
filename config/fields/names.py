"""What things are called: workspaces and their parts, objects and labels of Kubernetes, Cloudflare's accounts."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from config import patterns
from config.fields.addresses import LABEL
from config.fields.written import like, matching


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", text) or len(text) > 40:
        raise ValueError(f"{text!r} is not a name: a letter, then a-z, 0-9 and -, at most 40 characters")
    return text


Name = Annotated[
    str, AfterValidator(_name), like(patterns.NAME, "a letter, then a-z, 0-9 and -, at most 40 characters", "web")
]
"""A workspace, app, port or volume: a DNS label that starts with a letter."""


def _app_path(text: str) -> str:
    workspace, slash, app = text.partition("/")
    if not slash:
        raise ValueError(f"{text!r} does not say whose; write <workspace>/<app>")
    _name(workspace)
    _name(app)
    return text


AppPath = Annotated[
    str, AfterValidator(_app_path), like(rf"{patterns.NAME}/{patterns.NAME}", "<workspace>/<app>", "data/postgres")
]
"""An app of any workspace."""


ObjectName = Annotated[
    str,
    matching(rf"{LABEL}(\.{LABEL})*", "is not the name of a Kubernetes object: a-z, 0-9, - and .", longest=253),
    like(patterns.OBJECT_NAME, "the name of a Kubernetes object", "local-path", maxLength=253),
]
"""The name of a Kubernetes object that exists already."""


def _api_group(text: str) -> str:
    if text and (not re.fullmatch(rf"{LABEL}(\.{LABEL})*", text) or len(text) > 253):
        raise ValueError(f'{text!r} is not an API group such as apps; write "" for the core group, and never *')
    return text


ApiGroup = Annotated[
    str,
    AfterValidator(_api_group),
    like(f"({patterns.OBJECT_NAME})?", "an API group, which never is *", "", "apps", maxLength=253),
]
"""A group of the API; the core one is empty."""


ApiResource = Annotated[
    str,
    matching(patterns.API_RESOURCE, "is not a resource such as pods or pods/log, in small letters and never *"),
    like(patterns.API_RESOURCE, "a resource as URLs have it, which never is *", "pods"),
]
"""A resource of the API, or a subresource."""


def _label_key(text: str) -> str:
    prefix, slash, name = text.rpartition("/")
    if not re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", name) or (
        slash and not re.fullmatch(rf"{LABEL}(\.{LABEL})*", prefix)
    ):
        raise ValueError(f"{text!r} is not a label such as kubernetes.io/arch")
    return text


LabelKey = Annotated[
    str,
    AfterValidator(_label_key),
    like(patterns.LABEL_KEY, "the name of a Kubernetes label", "kubernetes.io/arch"),
]


def _label_value(text: str) -> str:
    if text and not re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", text):
        raise ValueError(f"{text!r} is not a label's value: letters, digits, - _ . and at most 63 of them")
    return text


LabelValue = Annotated[
    str, AfterValidator(_label_value), like(patterns.LABEL_VALUE, "the value of a Kubernetes label", "arm64")
]


def _hex32(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{32}", text):
        raise ValueError(
            f"{text!r} is not a Cloudflare id (32 hexadecimal digits; the dashboard shows it beside the domain)"
        )
    return text


CloudflareId = Annotated[
    str,
    AfterValidator(_hex32),
    like(patterns.HEX32, "32 hexadecimal digits", "0123456789abcdef0123456789abcdef"),
]
