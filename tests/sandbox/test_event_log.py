"""What is read of the engine's event log."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.event_log import Resource, read

STACK = "urn::pulumi:pulumi:Stack::dev"
TEAM = "urn::warren:components:Workspace::team"
SECRET = "urn::kubernetes:core/v1:Secret::a"


def step(urn: str, op: str, **states: Any) -> dict[str, Any]:
    return {"resourcePreEvent": {"metadata": {"urn": urn, "type": urn.split("::")[1], "op": op, **states}}}


def outputs(urn: str, old: str | None, new: str | None) -> dict[str, Any]:
    states = {key: mark and {"outputs": {"written": mark}} for key, mark in (("old", old), ("new", new))}
    return {"resOutputsEvent": {"metadata": {"urn": urn, "type": urn.split("::")[1], "op": "same", **states}}}


def diagnostic(message: str, severity: str = "info", **more: Any) -> dict[str, Any]:
    return {"diagnosticEvent": {"message": message, "severity": severity, **more}}


@pytest.mark.parametrize(
    ("ops", "op"),
    [
        (["same"], "same"),
        (["read"], "same"),
        (["refresh", "same"], "same"),
        (["refresh", "update"], "update"),
        (["import"], "create"),
        (["create-replacement", "replace", "delete-replaced"], "replace"),
        (["delete-replaced", "replace", "create-replacement"], "replace"),
        (["create", "delete"], "replace"),
        (["same", "delete"], "delete"),
    ],
)
def test_all_events_of_a_resource_are_one_operation(ops: list[str], op: str) -> None:
    log = read(step(SECRET, each, new={"parent": STACK}) for each in ops)
    assert list(log.resources.values()) == [Resource(SECRET, "kubernetes:core/v1:Secret", STACK, op)]


def test_a_resource_that_goes_has_the_parent_that_it_had() -> None:
    log = read([step(SECRET, "delete", old={"parent": TEAM}, new=None)])
    assert (log.resources[SECRET].parent, log.resources[SECRET].name) == (TEAM, "a")


def test_of_what_is_written_for_a_workspace_the_program_s_word_counts_and_not_the_state_s() -> None:
    known = read([outputs(TEAM, "was", "was"), outputs(TEAM, "was", "is")]).written
    assert known == {TEAM: ("was", "is")}
    assert read([outputs(TEAM, None, "is"), outputs(STACK, "was", "is")]).written == {TEAM: (None, "is")}


def test_what_the_program_said_to_stay_is_kept_without_its_colors() -> None:
    events = [
        diagnostic("noise", "debug"),
        diagnostic("<{%reset%}>of a resource<{%reset%}>", urn=SECRET),
        diagnostic("gone soon", ephemeral=True),
        step(STACK, "create", new={}),
        diagnostic("retired\n", "warning", prefix="<{%fg 3%}>warning: <{%reset%}>", urn=STACK),
        diagnostic("<{%reset%}>Routes\nurl  auth\n<{%reset%}>"),
        {"summaryEvent": {}},
    ]
    assert read(events).said == ("warning: retired", "Routes\nurl  auth")
