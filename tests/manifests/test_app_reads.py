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


VALUES = {"db-password": "hunter2", "api-key": "k3y", "unrelated": "other"}


def test_the_secret_of_an_app_holds_what_it_reads_and_nothing_else() -> None:
    unit = _unit(env={"PASSWORD": {"secret": "db-password"}, "PLAIN": "x"})
    made = reads.secret(unit, VALUES)
    assert made is not None
    assert_valid(made)
    assert (made["type"], made["stringData"]) == ("Opaque", {"db-password": "hunter2"})
    assert reads.secret(_unit(), VALUES) is None


def test_a_checksum_is_keyed_where_a_secret_is_in_it_and_only_there() -> None:
    unit = _unit(env={"PASSWORD": {"secret": "db-password"}}, files={"/a": "1"})
    digest = reads.config_digest(reads.config_map(unit))
    assert digest is not None
    assert reads.keyed(digest, reads.secret(unit, VALUES)) == {"secret/db-password": "hunter2", "config": digest}
    assert reads.keyed(None, reads.secret(unit, VALUES)) == {"secret/db-password": "hunter2", "config": ""}
    assert reads.keyed(digest, None) is None
