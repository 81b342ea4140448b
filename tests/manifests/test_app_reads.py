"""What an app's pods read, and what restarts them."""

from __future__ import annotations

from typing import Any

from manifests.app import apps, reads, static
from manifests.app.apps import Unit
from tests.config.examples import SITE, app, assert_valid


def _unit(**written: Any) -> Unit:
    made = app(**written)
    return Unit("team", "web", made, files=SITE if made.static else None)


def test_config_files_are_mounted_one_by_one_so_that_nothing_beside_them_disappears() -> None:
    unit = _unit(files={"/etc/app/a.conf": "A", "/etc/app/b.conf": "B"})
    made = reads.config_map(unit)
    assert made is not None
    assert_valid(made)
    assert made["data"] == {"_2fetc_2fapp_2fa.conf": "A", "_2fetc_2fapp_2fb.conf": "B"}
    pod = apps.pod_template(unit)["spec"]
    assert pod["containers"][0]["volumeMounts"][1:] == [
        {"name": "config", "mountPath": "/etc/app/a.conf", "subPath": "_2fetc_2fapp_2fa.conf", "readOnly": True},
        {"name": "config", "mountPath": "/etc/app/b.conf", "subPath": "_2fetc_2fapp_2fb.conf", "readOnly": True},
    ]
    assert pod["volumes"][1] == {
        "name": "config",
        "configMap": {
            "name": "web",
            "defaultMode": 365,
            "items": [
                {"key": "_2fetc_2fapp_2fa.conf", "path": "_2fetc_2fapp_2fa.conf"},
                {"key": "_2fetc_2fapp_2fb.conf", "path": "_2fetc_2fapp_2fb.conf"},
            ],
        },
    }


def test_the_config_map_of_a_static_site_has_its_files_and_the_servers_config() -> None:
    made = reads.config_map(_unit(static="x"))
    assert made is not None
    assert_valid(made)
    assert made["data"] == {"index.html": "<h1>hi</h1>", "_sws.toml": static.CONFIG}
    assert made["binaryData"] == {"logo.png": "iVBORwA="}


def test_the_digest_changes_with_the_config_and_with_nothing_else() -> None:
    def digest(**written: Any) -> str | None:
        return reads.config_digest(reads.config_map(_unit(**written)))

    assert digest() is None
    one = digest(files={"/a": "1"})
    assert one == digest(files={"/a": "1"}, replicas=3, env={"X": "y"})
    assert len({one, digest(files={"/a": "2"}), digest(files={"/b": "1"})}) == 3


def test_a_config_change_alters_the_checksum_and_nothing_else_in_the_pod() -> None:
    def template(text: str) -> dict[str, Any]:
        unit = _unit(files={"/a": text})
        return apps.pod_template(unit, reads.config_digest(reads.config_map(unit)))

    one, two = template("1"), template("2")
    assert one["metadata"].pop("annotations") != two["metadata"].pop("annotations")
    assert one == two


def join(*pieces: str) -> str:
    return "".join(pieces)


VALUES = {"db-password": "hunter2", "api-key": "k3y", "unrelated": "other"}


def test_the_secret_of_an_app_holds_what_it_reads_and_nothing_else() -> None:
    unit = _unit(env={"PASSWORD": {"secret": "db-password"}, "PLAIN": "x"})
    made = reads.secret(unit, VALUES, join)
    assert made is not None
    assert_valid(made)
    assert (made["type"], made["stringData"]) == ("Opaque", {"db-password": "hunter2"})
    assert reads.secret(_unit(), VALUES, join) is None


def test_a_checksum_is_keyed_where_a_secret_is_in_it_and_only_there() -> None:
    unit = _unit(env={"PASSWORD": {"secret": "db-password"}}, files={"/a": "1"})
    digest = reads.config_digest(reads.config_map(unit))
    assert digest is not None
    assert reads.keyed(digest, reads.secret(unit, VALUES, join)) == {"secret/db-password": "hunter2", "config": digest}
    assert reads.keyed(None, reads.secret(unit, VALUES, join)) == {"secret/db-password": "hunter2", "config": ""}
    assert reads.keyed(digest, None) is None


FILES = {
    "/etc/plain": "x",
    "/run/key": {"secret": "api-key"},
    "/etc/app.conf": {
        "text": "password = $(PASSWORD)\nkey = $(KEY)$(KEY)\ncost = $$(5)\nshell = $(date +%u)\n",
        "secrets": {"PASSWORD": {"secret": "db-password"}, "KEY": {"secret": "api-key"}},
    },
}


def test_files_with_secrets_are_in_the_apps_secret_and_nowhere_else() -> None:
    unit = _unit(files=FILES)
    config, secret = reads.config_map(unit), reads.secret(unit, VALUES, join)
    assert config is not None
    assert secret is not None
    assert_valid(secret)
    assert config["data"] == {"_2fetc_2fplain": "x"}
    assert secret["stringData"] == {
        "api-key": "k3y",
        "db-password": "hunter2",
        "_2fetc_2fapp.conf": "password = hunter2\nkey = k3yk3y\ncost = $(5)\nshell = $(date +%u)\n",
    }
    deployment = apps.deployment(unit)
    assert_valid(deployment)
    pod = deployment["spec"]["template"]["spec"]
    [volume] = [each for each in pod["volumes"] if each["name"] == "secret-files"]
    assert volume["secret"] == {
        "secretName": "web",
        "defaultMode": 0o440,
        "items": [
            {"key": "_2fetc_2fapp.conf", "path": "_2fetc_2fapp.conf"},
            {"key": "api-key", "path": "_2frun_2fkey"},
        ],
    }
    mounts = {each["mountPath"]: (each["name"], each["subPath"]) for each in pod["containers"][0]["volumeMounts"][1:]}
    assert mounts == {
        "/etc/app.conf": ("secret-files", "_2fetc_2fapp.conf"),
        "/etc/plain": ("config", "_2fetc_2fplain"),
        "/run/key": ("secret-files", "_2frun_2fkey"),
    }


def test_the_text_around_a_secret_restarts_the_app_as_the_secret_does() -> None:
    def keyed(text: str, values: dict[str, str]) -> Any:
        unit = _unit(files={"/a": {"text": text, "secrets": {"KEY": {"secret": "api-key"}}}})
        return reads.keyed(None, reads.secret(unit, values, join))

    one = keyed("$(KEY)", VALUES)
    assert one == keyed("$(KEY)", VALUES)
    assert keyed("key $(KEY)", VALUES) != one
    assert keyed("$(KEY)", {**VALUES, "api-key": "new"}) != one
