"""How the providers are connected."""

from __future__ import annotations

import pytest

from manifests import connection
from tests.config.examples import stack


def test_rule_63_the_identity_is_the_stacks_own_and_kept_for_ever() -> None:
    renamed = stack(cluster={**stack().cluster.model_dump(), "context": "castle"})
    assert connection.kubernetes(stack(), "home")["clusterIdentifier"] == "warren-home"
    assert connection.kubernetes(renamed, "home")["clusterIdentifier"] == "warren-home"
    assert connection.kept(stack()) == ["clusterIdentifier"]
    assert connection.kept(stack(sandbox=True)) == []


def test_rule_36_a_real_stack_names_its_path_and_context_and_is_strict() -> None:
    settings = connection.kubernetes(stack(), "home")
    assert settings["kubeconfig"] == "~/.kube/config"
    assert (settings["context"], settings["strictMode"]) == ("home", "true")
    assert not {"deleteUnreachable", "skipUpdateUnreachable", "upsertExistingObjects"} & settings.keys()


@pytest.mark.parametrize("sandbox", [True, False])
def test_rule_60_what_was_changed_by_hand_is_overwritten(sandbox: bool) -> None:
    assert connection.kubernetes(stack(sandbox=sandbox), "home")["enablePatchForce"] == "true"


def test_a_sandbox_names_no_cluster_and_every_stack_has_a_folder() -> None:
    settings = connection.kubernetes(stack(sandbox=True), "mine")
    assert not {"kubeconfig", "context", "clusterIdentifier"} & settings.keys()
    assert settings["renderYamlToDirectory"] == ".state/sandbox/manifests-mine"
    assert connection.manifests("sandbox") == ".state/sandbox/manifests"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("~/.kube/config", "~/.kube/config"),
        ("/etc/kubeconfig", "/etc/kubeconfig"),
        ("home.kubeconfig", "../home.kubeconfig"),
        ("../kube/config", "../../kube/config"),
    ],
)
def test_a_program_below_the_project_tells_paths_from_where_it_runs(written: str, told: str) -> None:
    real = stack(cluster={**stack().cluster.model_dump(), "kubeconfig": written})
    assert connection.kubernetes(real, "home", "..")["kubeconfig"] == told
    assert connection.kubernetes(real, "home", ".")["kubeconfig"] == written
    assert connection.kubernetes(stack(sandbox=True), "sandbox", "..")["renderYamlToDirectory"] == (
        "../.state/sandbox/manifests"
    )
