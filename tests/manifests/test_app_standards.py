"""Which Pod Security Standard a pod needs: the same rows as a real API server judges (tests/cluster/test_walls.py)."""

from __future__ import annotations

from typing import Any

import pytest

from manifests import pod_security
from manifests.app import apps
from tests.cluster.test_walls import PRIVILEGED, RESTRICTED, pod
from tests.config import files
from tests.config.examples import stack, workspace
from tests.real.stacks import STACKS, described


@pytest.mark.parametrize("case", PRIVILEGED)
def test_what_baseline_refuses_needs_privileged(case: str) -> None:
    changes, _ = PRIVILEGED[case]
    level, what = pod_security.needs(pod(**changes)["spec"])
    assert (level, bool(what)) == ("privileged", True)


@pytest.mark.parametrize("case", RESTRICTED)
def test_what_restricted_alone_refuses_needs_baseline(case: str) -> None:
    changes, _ = RESTRICTED[case]
    level, what = pod_security.needs(pod(**changes)["spec"])
    assert (level, bool(what)) == ("baseline", True)


def test_a_good_pod_needs_nothing_and_a_privileged_container_everything() -> None:
    assert pod_security.needs(pod()["spec"]) == ("restricted", "")
    both = pod(container={"securityContext": {"privileged": True}})
    assert pod_security.needs(both["spec"]) == ("privileged", "privileged: true")


def test_an_init_container_counts() -> None:
    made = pod()["spec"]
    made["initContainers"] = [{**made["containers"][0], "securityContext": {}}]
    assert pod_security.needs(made) == ("baseline", "a way to more privileges")


@pytest.mark.parametrize("name", STACKS)
def test_every_app_of_every_stack_fits_into_its_workspace(name: str) -> None:
    """Which the API server says too, of the same stacks (tests/cluster/test_admission.py)."""
    platform = described(name)
    for each in platform.workspaces:
        for unit in apps.units(platform.stack, each, platform.static[each.name]):
            needed, _ = pod_security.needs(apps.pod_template(unit)["spec"])
            assert pod_security.LEVELS.index(needed) <= pod_security.LEVELS.index(each.podSecurity), unit.name


def test_root_needs_baseline() -> None:
    def needed(**app: Any) -> str:
        made = workspace(apps={"web": {"image": "x/web:1", "port": 80, **app}})
        [unit] = apps.units(stack(), made, {})
        return pod_security.needs(apps.pod_template(unit)["spec"])[0]

    assert (needed(), needed(user=0), needed(writableRoot=True)) == ("restricted", "baseline", "restricted")


LOOSE = ("auth: none", "auth: none\npodSecurity: {}")


def _warnings(tmp_path: Any, level: str, *changes: tuple[str, str]) -> list[str]:
    old, new = LOOSE
    made = files.edited("workspaces/shop.yaml", (old, new.format(level)), *changes)
    return [str(each) for each in files.load(files.write(tmp_path, made)).warnings if "podSecurity" in str(each)]


def test_a_level_that_nothing_needs_is_told(tmp_path: Any) -> None:
    [told] = _warnings(tmp_path, "baseline")
    assert told == "workspaces/shop.yaml:5: podSecurity: baseline is more than any app here needs; take it out"
    [told] = _warnings(tmp_path, "privileged", ("    routes: [/]", "    routes: [/]\n    user: 0"))
    assert told.endswith("privileged is more than any app here needs; write podSecurity: baseline")


def test_a_level_that_something_needs_is_not(tmp_path: Any) -> None:
    assert _warnings(tmp_path, "baseline", ("    routes: [/]", "    routes: [/]\n    user: 0")) == []
    assert _warnings(tmp_path, "restricted") == []


def test_an_app_that_the_api_server_would_refuse_is_a_mistake(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever key lets it in: no key of today does without a word of its own."""
    monkeypatch.setattr(apps, "pod_template", lambda unit: {"spec": {**pod()["spec"], "hostNetwork": True}})
    [refused] = files.mistakes(tmp_path, files.FILES | {"Pulumi.home.yaml": files.STACK.replace("mcd, ", "")})
    assert refused == (
        "workspaces/shop.yaml:6: apps.web: has hostNetwork, which podSecurity restricted refuses; take it out, or "
        "write podSecurity: privileged beside apps"
    )
