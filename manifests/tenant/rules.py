"""What holds for every workspace at the API server: all admission policies and what puts them into force.

What each says is `admission` and `bounds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from manifests.ingress.annotations import ALLOWED_ANNOTATIONS
from manifests.tenant import admission, bounds

Manifest = dict[str, Any]


def policies(at_home: Sequence[str] = ()) -> dict[str, Manifest]:
    """The policies, by role; `at_home` are the Services that the stack gives to the home network."""
    own = {"ingresses": admission.ingress_policy(ALLOWED_ANNOTATIONS), "services": admission.service_policy(at_home)}
    return {**own, **bounds.policies()}


def bindings() -> dict[str, Manifest]:
    """What puts each of them into force, by the same roles."""
    return {**admission.bindings(), **bounds.bindings()}
