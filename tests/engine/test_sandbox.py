"""The sandbox itself, with small programs: the protocol between the real engine and the stand-ins."""

from __future__ import annotations

import os
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.harness import Project, write_program

Tiny = Callable[[str], Project]

ONE_NAMESPACE = """
cluster = kubernetes(enableSecretMutable=True, enableConfigMapMutable=True)
team = native(cluster, "Namespace", "team")
"""
SECRETS = (
    ONE_NAMESPACE
    + """
chance = provider("random")
password = CustomResource(
    "random:index/randomPassword:RandomPassword", "password", {"length": 40, "result": None},
    ResourceOptions(provider=chance, additional_secret_outputs=["result"]),
)
native(cluster, "Secret", "keys", "team", depends_on=[team], stringData={
    "made": password.result, "given": pulumi.Output.secret("correct horse battery staple"),
})
"""
).replace(
    "CustomResource(\n", "type('Password', (CustomResource,), {'__annotations__': {'result': pulumi.Output[str]}})(\n"
)


def test_an_up_makes_what_its_preview_promised_and_a_second_one_changes_nothing(tiny: Tiny) -> None:
    project = tiny(ONE_NAMESPACE + 'native(cluster, "ConfigMap", "one", "team", depends_on=[team], data={"a": "1"})')
    promised = project.preview()
    assert promised.ok, promised.output
    assert promised.changes == {"create": 3}
    done = project.up()
    assert done.ok, done.output
    assert done.changes == promised.changes
    assert project.manifest_files() == {"_cluster/namespace-team.yaml", "team/configmap-one.yaml"}
    again = project.up()
    assert again.ok
    assert again.changes == {}
    assert any("sandbox stand-in kubernetes: no cluster was contacted" in message for message in done.messages)


def test_a_preview_says_nothing_of_the_plugins_it_runs_on(tiny: Tiny) -> None:
    result = tiny(ONE_NAMESPACE).preview()
    assert result.ok, result.output
    assert "warning" not in result.output.lower()
    assert "plugin" not in result.output.lower()


def test_a_change_is_an_update_and_a_removal_removes_the_file(tiny: Tiny) -> None:
    config_map = 'native(cluster, "ConfigMap", "one", "team", depends_on=[team], data={"a": "%s"})'
    project = tiny(ONE_NAMESPACE + config_map % "1")
    assert project.up().ok
    write_program(project.root, ONE_NAMESPACE + config_map % "2")
    changed = project.up()
    assert changed.changes == {"update": 1}, changed.output
    assert "a: '2'" in (project.manifests / "team" / "configmap-one.yaml").read_text()
    write_program(project.root, ONE_NAMESPACE)
    removed = project.up()
    assert removed.changes == {"delete": 1}, removed.output
    assert project.manifest_files() == {"_cluster/namespace-team.yaml"}


def test_destroy_leaves_no_resource_and_no_manifest(tiny: Tiny) -> None:
    project = tiny(SECRETS)
    assert project.up().ok
    assert project.destroy().ok
    assert project.resources() == []
    assert not project.manifests.exists()


def test_a_refused_object_gives_one_error_for_each_mistake_and_nothing_is_made(tiny: Tiny) -> None:
    project = tiny(ONE_NAMESPACE + 'native(cluster, "ConfigMap", "One!", "team", depends_on=[team], dta={"a": "1"})')
    result = project.preview()
    assert not result.ok
    text = "\n".join(result.errors)
    assert text.count("unknown field (did you mean data?)") == 1
    assert "Traceback" not in result.output
    assert not project.manifests.exists()


def test_two_resources_that_are_one_object_are_refused(tiny: Tiny) -> None:
    twice = """
for name in ("first", "second"):
    CustomResource("kubernetes:core/v1:ConfigMap", name, {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "same", "namespace": "team"},
    }, ResourceOptions(provider=cluster, depends_on=[team]))
"""
    result = tiny(ONE_NAMESPACE + twice).preview()
    assert not result.ok
    assert "ConfigMap 'same' in namespace team already exists" in "\n".join(result.errors)


def test_an_object_whose_namespace_nobody_made_is_refused(tiny: Tiny) -> None:
    result = tiny(ONE_NAMESPACE + 'native(cluster, "ConfigMap", "one", "elsewhere")').preview()
    assert not result.ok
    assert 'namespaces "elsewhere" not found' in "\n".join(result.errors)


def test_no_secret_is_in_any_file_or_line_of_output(tiny: Tiny) -> None:
    project = tiny(SECRETS)
    outputs = [project.preview().output]
    result = project.up()
    assert result.ok, result.output
    outputs.append(result.output)
    rendered = (project.manifests / "team" / "secret-keys.yaml").read_text()
    assert "made: (redacted)" in rendered
    everything = project.everything_written() + "".join(outputs) + (project.root / "events.jsonl").read_text()
    assert "correct horse" not in everything
    [password] = [r for r in project.resources() if r["type"] == "random:index/randomPassword:RandomPassword"]
    assert "ciphertext" in password["outputs"]["result"]
    assert stat.S_IMODE(project.manifests.stat().st_mode) == 0o700


def test_secrets_are_rendered_for_who_asks(tiny: Tiny) -> None:
    project = tiny(SECRETS)
    assert project.up(WARREN_SANDBOX_SHOW_SECRETS="1").ok
    assert "given: correct horse battery staple" in (project.manifests / "team" / "secret-keys.yaml").read_text()


@pytest.mark.every_python
def test_a_killed_up_leaves_no_process_and_is_finished_by_one_that_takes_over(tiny: Tiny) -> None:
    many = (
        ONE_NAMESPACE
        + """
for number in range(40):
    native(cluster, "ConfigMap", f"map-{number}", "team", depends_on=[team], data={"number": str(number)})
"""
    )
    project = tiny(many)
    process = project.start("up")
    deadline = time.monotonic() + 60
    while len(project.manifest_files()) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert no_process_works_in(project), "a stand-in or the program outlives its engine"
    made = project.manifest_files()
    assert 5 <= len(made) < 41, "the update must be killed in the middle for this test to mean something"
    project.pulumi("cancel", "--yes", check=False)
    finished = project.up(PULUMI_K8S_UPSERT_EXISTING_OBJECTS="true")
    assert finished.ok, finished.output
    assert len(project.manifest_files()) == 41
    assert project.up().changes == {}
    assert not list(project.manifests.rglob(".*")), "a temporary file was left behind"
    assert project.destroy().ok
    assert not project.manifests.exists()


def no_process_works_in(project: Project) -> bool:
    """Say whether every process in the project's directory has ended, waiting a little (Linux only; elsewhere: yes)."""

    def works_here(link: Path) -> bool:
        try:
            return link.resolve() == project.root.resolve()
        except OSError:
            return False

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not any(works_here(link) for link in Path("/proc").glob("[0-9]*/cwd")):
            return True
        time.sleep(0.1)
    return False


def test_the_stand_in_serves_no_provider_that_could_be_a_real_cluster(tiny: Tiny) -> None:
    result = tiny('provider("kubernetes", kubeconfig="~/.kube/config", context="home")').preview()
    assert not result.ok
    [error] = [error for error in result.errors if "sandbox stand-in" in error]
    assert "it serves only stacks whose file says `warren:sandbox: true`" in error


def test_the_stand_in_serves_no_token_that_could_be_a_real_account(tiny: Tiny) -> None:
    result = tiny('provider("cloudflare", apiToken=pulumi.Output.secret("v1.0-real-looking"))').preview()
    assert not result.ok
    assert "it serves only tokens that start with 'sandbox-'" in "\n".join(result.errors)
    assert "v1.0-real-looking" not in result.output


def test_a_tunnel_is_not_deleted_before_its_connectors(tiny: Tiny) -> None:
    tunnel = """
account = provider("cloudflare", apiToken="sandbox-token-that-opens-no-account-at-all")
tunnel = CustomResource(
    "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared", "tunnel",
    {"accountId": ACCOUNT, "name": "warren", "configSrc": "cloudflare"}, ResourceOptions(provider=account),
)
native(
    cluster, "Pod", "cloudflared", "team", depends_on=%s,
    spec={"containers": [{"name": "cloudflared", "image": "cloudflare/cloudflared:2026.7.0"}]},
)
"""
    careless = tiny(ONE_NAMESPACE + tunnel % "[team]")
    assert careless.up().ok
    refused = careless.destroy("--parallel", "1", "--target", careless_urn(careless))
    assert "active connections" in "\n".join(refused.errors)


def careless_urn(project: Project) -> str:
    """Return the URN of the tunnel."""
    [urn] = [str(r["urn"]) for r in project.resources() if "zeroTrustTunnelCloudflared" in r["type"]]
    return urn


def test_a_program_that_fails_shows_its_own_frames_only(tiny: Tiny) -> None:
    result = tiny("def decide():\n    raise ValueError('no such thing')\n\n\ndecide()\n").preview()
    assert not result.ok
    text = "\n".join(result.errors)
    assert "ValueError: no such thing" in text
    assert "program.py" not in text


def test_what_a_program_prints_is_shown(tiny: Tiny) -> None:
    result = tiny("print('hello from the program')").preview()
    assert "hello from the program" in result.output


def test_refresh_answers_from_the_state(tiny: Tiny) -> None:
    project = tiny(SECRETS)
    assert project.up().ok
    refreshed = project.refresh()
    assert refreshed.ok, refreshed.output
    assert project.up().changes == {}


def test_a_resource_that_gets_a_new_name_needs_an_alias(tiny: Tiny) -> None:
    named = """
CustomResource("kubernetes:core/v1:ConfigMap", "%s", {
    "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "team"},
}, ResourceOptions(provider=cluster, depends_on=[team], aliases=[%s]))
"""
    project = tiny(ONE_NAMESPACE + named % ("before", ""))
    assert project.up().ok
    write_program(project.root, ONE_NAMESPACE + named % ("after", ""))
    refused = project.preview()
    assert "already exists, made by resource 'before'" in "\n".join(refused.errors)
    write_program(project.root, ONE_NAMESPACE + named % ("after", 'pulumi.Alias(name="before")'))
    assert project.up().changes == {}
    assert project.destroy().ok
    assert not project.manifests.exists()
