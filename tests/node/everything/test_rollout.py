"""What a person changes in a file reaches the app by a roll-out, and nobody else is touched."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.engine.harness import Project
from tests.node.cluster import Cluster
from tests.real.api import Key, Manifest
from tests.real.stacks import Rendered

CHANGED = {
    "team/hello": ("workspaces/team.yaml", "greeting: hello", "greeting: good morning", "/etc/hello/config.yaml"),
    "open/site": ("workspaces/open/site/index.html", "Everything, and", "News, and", "/public/index.html"),
}
"""App to a file of the repository, what is changed in it, and where that is in the container."""


def test_a_changed_file_reaches_its_app_and_nobody_else(everything: Cluster, tmp_path: Path) -> None:
    own = everything.rendered.project
    project = Project(shutil.copytree(own.root, tmp_path / "everything", symlinks=True), own.stack)
    for file, before, after, _ in CHANGED.values():
        path = project.root / file
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after, 1), encoding="utf-8")
    result = project.up(WARREN_SANDBOX_SHOW_SECRETS="1")
    assert result.ok, result.output
    old, new = (_by_key(each) for each in (everything.rendered, Rendered("everything", project)))
    different = {str(key) for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    assert different == {f"{kind} {app}" for kind in ("ConfigMap", "Deployment") for app in CHANGED}

    pods = {each["metadata"]["uid"]: each for each in everything.pods()}
    for key in sorted(different):
        answer = everything.api.apply(next(manifest for own, manifest in new.items() if str(own) == key))
        assert answer.ok, answer.message
    everything.await_ready()
    seen: dict[str, set[bool]] = {}
    for each in everything.containers():
        if each.app in CHANGED and "deletionTimestamp" not in each.pod["metadata"]:
            _, _, after, place = CHANGED[each.app]
            text = Path(f"/proc/{each.pid}/root{place}").read_text(encoding="utf-8")
            seen.setdefault(each.app, set()).add(after in text and each.pod["metadata"]["uid"] not in pods)
    assert seen == {name: {True} for name in CHANGED}


def _by_key(rendered: Rendered) -> dict[Key, Manifest]:
    return {Key.of(manifest): manifest for manifest in rendered.manifests}
