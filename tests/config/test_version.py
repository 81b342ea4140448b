"""Pulumi.yaml says which Warren the files beside it are for; a Warren that is too old or too new says so, alone."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from config.files import project_file
from config.files.project_file import other_version
from config.files.stack_file import before_the_engine
from config.version import OLDEST, VERSION, order
from tests.config.files import FILES, edited, load, mistakes, write

ROOT = Path(__file__).parents[2]
DECLARED = "name: warren\nconfig:\n  version:\n    type: string\n    default: {}\n    description: x\n"
NONSENSE = "must be three numbers with dots between them, such as 0.5.0"

# https://semver.org/#spec-item-11 has most of them, in this order.
SORTED = """
0.0.9 0.1.0-rc.1 0.1.0 0.1.1 0.2.0 0.10.0 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2
1.0.0-beta.11 1.0.0-rc.1 1.0.0 2.0.0 2.1.0 2.1.1
""".split()


@pytest.fixture(autouse=True)
def of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """This is Warren 0.5.0, and the oldest files it reads are for 0.3.0."""
    monkeypatch.setattr(project_file, "VERSION", "0.5.0")
    monkeypatch.setattr(project_file, "OLDEST", "0.3.0")


def told(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "Pulumi.yaml").write_text(text, "utf-8")
    return [str(mistake) for mistake in other_version(tmp_path)]


def test_versions_are_sorted_as_semver_sorts_them() -> None:
    for older, newer in itertools.combinations(SORTED, 2):
        assert order(older) < order(newer), (older, newer)
    assert order("1.0.0+build.7") == order("1.0.0")


@pytest.mark.parametrize("said", ["0.3.0", "0.3.1", "0.4.0-rc.1", "0.5.0-dev", "0.5.0", "0.5.0+mine"])
def test_a_version_from_the_oldest_to_this_one_is_read(said: str, tmp_path: Path) -> None:
    assert told(tmp_path, DECLARED.format(said)) == []


@pytest.mark.parametrize("said", ["0.5.1", "0.6.0", "1.0.0", "0.5.1-rc.1", "0.10.0", "999999999.0.0"])
def test_files_for_a_newer_warren_are_told_how_to_get_it(said: str, tmp_path: Path) -> None:
    assert told(tmp_path, DECLARED.format(said)) == [
        f"Pulumi.yaml:5: version: the files here are for Warren {said}, and this is 0.5.0, which is older; "
        "git submodule update --init brings the one that is pinned here, and make upgrade moves the pin"
    ]


@pytest.mark.parametrize("said", ["0.2.9", "0.0.1", "0.3.0-rc.1"])
def test_files_for_a_warren_too_old_are_told_where_the_changes_are(said: str, tmp_path: Path) -> None:
    assert told(tmp_path, DECLARED.format(said)) == [
        f"Pulumi.yaml:5: version: the files here are for Warren {said}, and 0.5.0 reads those for 0.3.0 and later; "
        "Breaking in Warren's CHANGELOG.md has what to change since then; after that, write 0.5.0 here"
    ]


@pytest.mark.parametrize(
    "said",
    [
        "latest", "0.5", "1", "v0.4.0", "0.4.0.1", "0.04.0", "'0.4.0 '", '"0.4.0\\n"', "[0.4.0]", "{}", "true", "~",
        "0.4.0-", "0.4.0-a..b", "0.4.0+", "\u0660.4.0", "1234567890.0.0", "0.4.0-" + "9" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_version_is_told(said: str, tmp_path: Path) -> None:
    assert told(tmp_path, DECLARED.format(said)) == [f"Pulumi.yaml:5: version: {NONSENSE}"]


@pytest.mark.parametrize(
    "config",
    [
        "version: {}", "warren:version: {}", "version: {{ value: {} }}", "warren:version: {{ default: {} }}",
        'version: {{ type: string, default: "{}" }}',
    ],
)  # fmt: skip
def test_every_form_that_the_engine_takes_is_read(config: str, tmp_path: Path) -> None:
    assert told(tmp_path, f"name: warren\nconfig:\n  {config.format('0.4.0')}\n") == []
    [mistake] = told(tmp_path, f"name: warren\nconfig:\n  {config.format('0.6.0')}\n")
    assert mistake.startswith("Pulumi.yaml:3: version: the files here are for Warren 0.6.0, and this is 0.5.0")


@pytest.mark.parametrize(
    ("text", "line"), [("name: warren\nconfig:\n  domain: {type: string}\n", 2), ("name: warren\n", 1), ("[]\n", 1)]
)
def test_a_repository_that_does_not_say_it_is_told_what_to_write(text: str, line: int, tmp_path: Path) -> None:
    what = "is missing; write under config: version: 0.5.0, the Warren that the files here are for"
    assert told(tmp_path, text) == [f"Pulumi.yaml:{line}: version: {what}"]


def test_a_project_file_that_cannot_be_read_is_told_as_that(tmp_path: Path) -> None:
    assert told(tmp_path, "config: {}\nconfig: {}\n") == [
        "Pulumi.yaml:2: config: is written twice, first at line 1; keep one"
    ]


def test_another_version_is_told_alone_by_the_program_and_before_the_engine(tmp_path: Path) -> None:
    wrong = edited("workspaces/shop.yaml", ("auth: none", "auth: nome"))
    wrong["Pulumi.home.yaml"] = FILES["Pulumi.home.yaml"].replace("domain", "domian") + "  a: { secure: 'v1:A:B' }\n"
    assert len(mistakes(tmp_path / "without", wrong)) > 2
    root = tmp_path / "with"
    alone = mistakes(root, {**wrong, "Pulumi.yaml": DECLARED.format("0.6.0")})
    assert [mistake.partition(": the")[0] for mistake in alone] == ["Pulumi.yaml:5: version"]
    assert [str(mistake) for mistake in before_the_engine(root, "home")] == alone
    assert [str(mistake) for mistake in before_the_engine(root, "nobody")] == alone


def test_a_stack_that_says_a_version_is_told_where_it_belongs(tmp_path: Path) -> None:
    files = edited("Pulumi.home.yaml", ("  warren:ingress", "  warren:version: 0.4.0\n  warren:ingress"))
    assert mistakes(tmp_path, {**files, "Pulumi.yaml": DECLARED.format("0.4.0")}) == [
        "Pulumi.home.yaml:11: version: is not a key here; Pulumi.yaml says it once for all stacks; take this line out"
    ]


def test_a_repository_that_is_right_is_loaded(tmp_path: Path) -> None:
    assert load(write(tmp_path, {**FILES, "Pulumi.yaml": DECLARED.format("0.5.0")})).hosts


def test_this_checkout_is_for_itself() -> None:
    assert order(OLDEST) <= order(VERSION)
    assert f"  version:\n    type: string\n    default: {VERSION}\n" in (ROOT / "Pulumi.yaml").read_text("utf-8")
