"""What `make workspace` writes, and that it writes nothing where something would be refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.mistakes import Mistakes
from manifests import platform
from scripts import check_files, examples, workspace
from tests import config_from_file
from tests.config.files import FILES, PROJECT, edited, write

TOKEN = "  cloudflare:apiToken: { secure: AAAA }\n"
ALL = {
    **FILES,
    "Pulumi.yaml": PROJECT,
    "Pulumi.home.yaml": FILES["Pulumi.home.yaml"] + TOKEN,
    "Pulumi.away.yaml": FILES["Pulumi.home.yaml"].replace("[mcd, shop]", "\n    - mcd # first\n    - shop"),
}


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def begin(root: Path, name: str, *stacks: str) -> list[str]:
    return list(workspace.begin(root, stacks, name))


def test_a_workspace_is_begun_and_listed_in_every_stack(tmp_path: Path) -> None:
    before = tree(write(tmp_path, ALL))
    assert begin(tmp_path, "club", "away", "home") == [
        "workspaces/club.yaml: written",
        "Pulumi.away.yaml: lists club, as https://club.example.com/",
        "Pulumi.home.yaml: lists club, as https://club.example.com/",
    ]
    after = tree(tmp_path)
    assert after.pop("workspaces/club.yaml").decode() == workspace.text_of("club", tmp_path)
    wanted = {name: text.replace(b"[mcd, shop]", b"[mcd, shop, club]") for name, text in before.items()}
    wanted["Pulumi.away.yaml"] = before["Pulumi.away.yaml"].replace(b"    - shop\n", b"    - shop\n    - club\n")
    assert after == wanted
    config, secrets = config_from_file(tmp_path / "Pulumi.home.yaml")
    plan = platform.load(tmp_path, "home", config, secrets=secrets)
    assert [(row.host, row.path) for row in plan.routes if row.workspace == "club"] == [("club.example.com", "/")]
    assert plan.warnings == ()


def test_only_the_stack_that_was_named_lists_it(tmp_path: Path) -> None:
    before = tree(write(tmp_path, ALL))
    begin(tmp_path, "club", "home")
    assert tree(tmp_path)["Pulumi.away.yaml"] == before["Pulumi.away.yaml"]


def test_what_is_there_stays_and_the_second_time_changes_nothing(tmp_path: Path) -> None:
    mine = "# mine\n" + workspace.text_of("club", tmp_path)
    write(tmp_path, {**ALL, "workspaces/club.yaml": mine})
    assert begin(tmp_path, "club", "home") == [
        "workspaces/club.yaml: is there already, and stays as it is",
        "Pulumi.home.yaml: lists club",
    ]
    before = tree(tmp_path)
    assert before["workspaces/club.yaml"].decode() == mine
    assert begin(tmp_path, "club", "home")[1:] == ["Pulumi.home.yaml: lists club already"]
    assert tree(tmp_path) == before


def test_a_stack_s_own_file_needs_no_common_one(tmp_path: Path) -> None:
    write(tmp_path, {**ALL, "workspaces.home/shop.yaml": FILES["workspaces/shop.yaml"]})
    assert begin(tmp_path, "shop", "home") == ["Pulumi.home.yaml: lists shop already"]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("", "say which: make workspace NAME=club"),
        ("Club", "is not a name: a letter"),
        ("../club", "is not a name: a letter"),
        ("a/b", "is not a name: a letter"),
        ("a\nb: c", "is not a name: a letter"),
        ("$(touch made)", "is not a name: a letter"),
        ("a" * 41, "at most 40 characters"),
        ("kube-club", "is a namespace of the system"),
        ("monitoring", "is a namespace of a platform service"),
        ("www", "is what people type for the domain itself"),
        ("taken", "shop"),
    ],
)
def test_a_name_that_is_none_or_is_taken_changes_nothing(tmp_path: Path, name: str, answer: str) -> None:
    files = {**ALL, "workspaces/shop.yaml": FILES["workspaces/shop.yaml"].replace("host: shop", "host: taken")}
    before = tree(write(tmp_path, files))
    with pytest.raises((SystemExit, Mistakes), match=answer):
        begin(tmp_path, name, "away", "home")
    assert tree(tmp_path) == before


def test_a_workspace_that_does_not_fit_on_the_nodes_of_one_stack_changes_nothing(tmp_path: Path) -> None:
    files = {**ALL, "Pulumi.away.yaml": ALL["Pulumi.away.yaml"].replace("cpu: 4", "cpu: 1")}
    for name, cpu in (("mcd", 600), ("shop", 700)):
        text = files[f"workspaces/{name}.yaml"]
        files[f"workspaces/{name}.yaml"] = text.replace("port: 8000", f"port: 8000\n    requests: {{ cpu: {cpu}m }}")
    before = tree(write(tmp_path, files))
    assert check_files.examine(tmp_path, ["away"], later=True).errors == {}
    with pytest.raises(Mistakes, match=r"Pulumi\.away\.yaml:\d+: cluster\.nodes"):
        begin(tmp_path, "club", "away", "home")
    assert tree(tmp_path) == before


def test_mistakes_that_were_there_before_do_not_stand_in_the_way(tmp_path: Path) -> None:
    files = edited("workspaces/shop.yaml", ("port: 8000", "port: 80000"))
    write(tmp_path, {**ALL, "workspaces/shop.yaml": files["workspaces/shop.yaml"]})
    assert begin(tmp_path, "club", "home")[1].startswith("Pulumi.home.yaml: lists club")


@pytest.mark.parametrize(
    ("old", "new", "answer"),
    [
        ("[mcd, shop]", '\'["mcd", "shop"]\'', r"write: warren:workspaces: \[\.\.\., club\]"),
        ("  warren:workspaces: [mcd, shop]\n", "", r"has its list from Pulumi\.yaml; add club there"),
        ("config:\n", "config: [\n", "is not YAML"),
    ],
)
def test_a_list_that_cannot_be_edited_changes_nothing_in_any_stack(
    tmp_path: Path, old: str, new: str, answer: str
) -> None:
    common = f"{PROJECT}  warren:workspaces: {{ value: [mcd, shop] }}\n"
    home = ALL["Pulumi.home.yaml"].replace(old, new)
    before = tree(write(tmp_path, {**ALL, "Pulumi.yaml": common, "Pulumi.home.yaml": home}))
    with pytest.raises((SystemExit, Mistakes), match=answer):
        begin(tmp_path, "club", "away", "home")
    assert tree(tmp_path) == before


def test_a_list_is_replaced_at_once_with_the_rights_that_it_had_and_links_stay_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, ALL)
    (tmp_path / "kept").mkdir()
    real = (tmp_path / "Pulumi.home.yaml").rename(tmp_path / "kept" / "home.yaml")
    real.chmod(0o640)
    (tmp_path / "Pulumi.home.yaml").symlink_to(real)
    begin(tmp_path, "club", "home")
    assert (tmp_path / "Pulumi.home.yaml").is_symlink()
    assert b"[mcd, shop, club]" in real.read_bytes()
    assert real.stat().st_mode & 0o777 == 0o640

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28), "disk")

    before = tree(tmp_path)
    monkeypatch.setattr("shutil.copymode", full)
    with pytest.raises(OSError, match="disk"):
        begin(tmp_path, "pub", "home")
    left = tree(tmp_path)
    assert left.pop("workspaces/pub.yaml"), "nobody lists it, and the same command goes on from there"
    assert left == before


def test_the_file_names_the_schema_where_warren_is_inside_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "WARREN", tmp_path / "lib" / "warren")
    text = workspace.text_of("club", tmp_path)
    assert text.startswith("# yaml-language-server: $schema=../lib/warren/workspaces/schema.json\nname: club\n")
    assert "lib/warren/docs/sign-in.md" in text
    monkeypatch.setattr(workspace, "WARREN", tmp_path)
    assert workspace.text_of("club", tmp_path).startswith("# yaml-language-server: $schema=./schema.json\n")
    assert workspace.text_of("club", tmp_path / "other").startswith("name: club\n")


# Copies of the examples in docs/apps.


def copy(root: Path, name: str, example: str, *stacks: str) -> list[str]:
    return list(workspace.begin(root, stacks, name, example))


def test_a_copy_of_an_example_is_told_where_it_is_served_and_which_secrets_it_wants(tmp_path: Path) -> None:
    write(tmp_path, ALL)
    assert copy(tmp_path, "vault-2", "vaultwarden", "home") == [
        "workspaces/vault-2.yaml: written",
        "Pulumi.home.yaml: lists vault-2, as https://vault-2.example.com/",
        "Its secrets for home, each asked for, or made up: openssl rand -hex 24 | make secret ...",
        "  make secret NAME=vault-2-admin-token STACK=home",
    ]
    text = (tmp_path / "workspaces" / "vault-2.yaml").read_text("utf-8")
    assert "\nname: vault-2\nhost: vault-2\n" in text
    assert "DOMAIN: https://vault-2.example.com\n" in text
    assert "image: docker.io/vaultwarden/server:" in text, "an image's name is its own"


def test_two_copies_of_an_example_live_beside_each_other(tmp_path: Path) -> None:
    write(tmp_path, ALL)
    copy(tmp_path, "budget", "actual", "home")
    copy(tmp_path, "actual", "actual", "home")
    found = check_files.examine(tmp_path, ["home"], later=True)
    assert found.errors == {}


def test_an_example_that_says_its_address_is_copied_for_one_domain(tmp_path: Path) -> None:
    away = ALL["Pulumi.away.yaml"].replace("example.com", "casa.test")
    before = tree(write(tmp_path, {**ALL, "Pulumi.away.yaml": away}))
    with pytest.raises(SystemExit, match=r"casa\.test and example\.com are not one: name a stack, such as STACK=home"):
        copy(tmp_path, "safe", "vaultwarden", "away", "home")
    assert tree(tmp_path) == before
    copy(tmp_path, "safe", "vaultwarden", "away")
    assert "DOMAIN: https://safe.casa.test\n" in (tmp_path / "workspaces" / "safe.yaml").read_text("utf-8")
    copy(tmp_path, "budget", "actual", "away", "home")


def test_an_example_that_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    small = ALL["Pulumi.home.yaml"].replace("memory: 8Gi", "memory: 1536Mi").replace("memory: 4Gi", "memory: 1536Mi")
    before = tree(write(tmp_path, {**ALL, "Pulumi.home.yaml": small}))
    with pytest.raises(Mistakes, match=r"cluster\.nodes"):
        copy(tmp_path, "photos", "immich", "home")
    assert tree(tmp_path) == before


def test_an_example_that_there_is_not_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    before = tree(write(tmp_path, ALL))
    with pytest.raises(SystemExit, match=r"did you mean immich\?; there are actual, "):
        copy(tmp_path, "photos", "imich", "home")
    assert tree(tmp_path) == before


def test_what_a_stack_has_to_say_first_is_printed_and_nothing_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = "# The stack has to say:\n#   warren:openings: { networks: [10.0.0.7/32] }\n"
    text = f"#\n# A NAS.\n{needs}name: nas\nhost: nas\n" + FILES["workspaces/shop.yaml"].partition("host: shop\n")[2]
    opened = "egress: { allow: [{ cidr: 10.0.0.7/32 }] }\n"
    write(tmp_path, {**ALL, "apps/nas.yaml": text + opened})
    monkeypatch.setattr(examples, "FOLDER", tmp_path / "apps")
    monkeypatch.setattr(workspace, "PROJECT", tmp_path)
    before = tree(tmp_path)
    with pytest.raises(SystemExit) as told:
        workspace.main("home", "disk", "nas")
    said = str(told.value)
    assert said.endswith("under config:\n\nwarren:openings: { networks: [10.0.0.7/32] }"), said
    assert "workspaces/disk.yaml" in said
    assert tree(tmp_path) == before
    home = ALL["Pulumi.home.yaml"]
    write(tmp_path, {"Pulumi.home.yaml": f"{home}  warren:openings: {{ networks: [10.0.0.7/32] }}\n"})
    workspace.main("home", "disk", "nas")
    assert (tmp_path / "workspaces" / "disk.yaml").is_file()
