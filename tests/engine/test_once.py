"""Apps that run once at a change, and apps that wait for them, as the real engine plans it."""

from __future__ import annotations

from pathlib import Path

from tests.engine.harness import Project, Result, make_platform

STORE = """\
name: store
host: store
quota: { cpu: 500m, memory: 512Mi }
auth: none
apps:
  db: { image: docker.io/library/postgres:17.6-alpine, port: 5432 }
  migrate: { image: "ghcr.io/example/store:1.0.0", command: [migrate], once: 10m, after: [db] }
  web: { image: "ghcr.io/example/store:1.0.0", port: 8000, routes: [/], after: [migrate] }
"""
JOB, WEB, DB = "store.migrate-job", "store.web-deployment", "store.db-deployment"


def _steps(result: Result) -> list[tuple[str, str]]:
    """What is done to pods, in the engine's order."""
    assert result.ok, result.output
    return [(step.op, step.name) for step in result.steps if step.name in (JOB, WEB, DB) and step.op != "same"]


def test_a_change_runs_it_again_before_the_app_that_waits_for_it(tmp_path: Path) -> None:
    project: Project = make_platform(tmp_path / "platform")
    stack, file = project.root / "Pulumi.sandbox.yaml", project.root / "workspaces/store.yaml"
    stack.write_text(stack.read_text("utf-8").replace("perso]", "perso, store]"), "utf-8")
    file.write_text(STORE, "utf-8")
    assert _steps(project.up()) == [("create", DB), ("create", JOB), ("create", WEB)]
    assert _steps(project.up()) == []

    # Of one image, both change: the old run goes first, and nothing else of the workspace is replaced.
    file.write_text(STORE.replace("1.0.0", "1.1.0"), "utf-8")
    steps = _steps(project.up())
    assert [step for step in steps if step[0] != "replace"] == [
        ("delete-replaced", JOB),
        ("create-replacement", JOB),
        ("update", WEB),
    ]

    # What waits for it is no reason to run again, and it is none to change what waits.
    file.write_text(STORE.replace("1.0.0", "1.1.0").replace("[migrate]", "[migrate, --again]", 1), "utf-8")
    assert {name for _, name in _steps(project.up())} == {JOB}
