"""Variables that apps inherit from their workspace and their stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config.environment import with_inherited
from tests.config.examples import stack, workspace
from tests.config.files import edited, load, write


def environments(made: Any) -> dict[str, dict[str, Any]]:
    return {name: {key: value.model_dump() for key, value in app.env.items()} for name, app in made.apps.items()}


def test_the_nearest_variable_wins() -> None:
    image = {"image": "x/y:1"}
    apps = {"a": image, "b": {**image, "env": {"BOTH": "app", "ALL": "app"}}, "c": {"static": "a/b", "routes": ["/"]}}
    own = workspace(apps=apps, env={"BOTH": "workspace", "ALL": "workspace", "KEY": {"secret": "team-key"}})
    given = with_inherited(stack(env={"ALL": "stack", "TZ": "Europe/Berlin"}), own)
    common = {"TZ": {"value": "Europe/Berlin"}, "KEY": {"secret": "team-key"}}
    assert environments(given) == {
        "a": {**common, "ALL": {"value": "workspace"}, "BOTH": {"value": "workspace"}},
        "b": {**common, "ALL": {"value": "app"}, "BOTH": {"value": "app"}},
        # Its server is the platform's, and reads variables of its own.
        "c": {},
    }
    assert given.model_copy(update={"apps": own.apps}) == own
    assert with_inherited(stack(), workspace(apps=apps)).model_dump(exclude_unset=True) == workspace(
        apps=apps
    ).model_dump(exclude_unset=True)


def test_what_is_decided_is_decided_of_what_apps_inherit(tmp_path: Path) -> None:
    plan = load(
        write(tmp_path, edited("workspaces/shop.yaml", ("auth: none", "auth: none\nenv: { TZ: Europe/Berlin }")))
    )
    assert [each["TZ"] for each in environments(plan.workspaces[1]).values()] == [{"value": "Europe/Berlin"}]
