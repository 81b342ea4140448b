"""Variables that apps inherit from their workspace and their stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config.environment import with_inherited
from tests.config.examples import stack, workspace
from tests.config.files import FILES, edited, load, mistakes, write


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


LIKE = """\
fragments:
  suite: &suite { user: 1000, limits: { memory: 512Mi } }
  volumes: &volumes { volumes: { config: { mount: /config, size: 1Gi } }, user: 1 }
apps:
  web: { <<: *suite, image: "x/web:1", port: 8000, routes: [/] }
  films: { <<: [*suite, *volumes], image: "x/films:1", port: 7878, routes: [/films] }
  music: { <<: [*suite, *volumes], image: "x/music:1", port: 8686, routes: [/music], user: 1001 }
"""


def _like(text: str = LIKE) -> dict[str, str]:
    head, _, _ = FILES["workspaces/shop.yaml"].partition("apps:")
    return {**FILES, "workspaces/shop.yaml": f"{head}{text}"}


def test_several_like_apps_are_a_line_each(tmp_path: Path) -> None:
    shop = load(write(tmp_path, _like())).workspaces[1]
    written = {name: (app.image, app.user, sorted(app.volumes)) for name, app in shop.apps.items()}
    assert written == {
        "web": ("x/web:1", 1000, []),
        "films": ("x/films:1", 1000, ["config"]),
        "music": ("x/music:1", 1001, ["config"]),
    }


def test_a_mistake_in_a_fragment_is_told_at_each_app_that_uses_it(tmp_path: Path) -> None:
    told = mistakes(tmp_path, _like(LIKE.replace("size: 1Gi", "sise: 1Gi")))
    assert [each.partition(": is not a key")[0] for each in told] == [
        "workspaces/shop.yaml:10: apps.films.volumes.config.sise",
        "workspaces/shop.yaml:11: apps.music.volumes.config.sise",
    ]


def test_no_fragment_brings_an_app_more_than_it_may_write_itself(tmp_path: Path) -> None:
    [told] = mistakes(
        tmp_path, _like(LIKE.replace("user: 1000,", "user: 0,").replace("<<: [*suite, *volumes]", "<<: *volumes"))
    )
    assert "shop.yaml:9: apps.web.user: 0 is root, which podSecurity restricted refuses" in told
