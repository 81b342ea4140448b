"""Which file a stack reads for a workspace, and that no static folder is somebody else's (security rule 49)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.files import folders
from config.files.stack_file import file_of, stacks
from config.mistakes import Mistake, Mistakes
from manifests import platform, report
from manifests.app.static import read_folder
from manifests.platform import Platform
from tests import config_from_file
from tests.config.files import FILES, MCD, SHOP, STACK, edited, mistakes, write

PORT = "port: 8000"


def load(root: Path, stack: str = "home") -> Platform:
    """The project under `root` as one of its stacks has it."""
    written, secrets = config_from_file(root / file_of(stack))
    return platform.load(root, stack, written, secrets=secrets)


def ports(plan: Platform) -> dict[str, int]:
    """Workspace -> the port of its first app with an image."""
    return {
        each.name: next(app.port.number for app in each.apps.values() if app.image and app.port)
        for each in plan.workspaces
    }


def test_two_stacks_have_a_workspace_of_one_name_with_different_content(tmp_path: Path) -> None:
    own = {"Pulumi.work.yaml": STACK, "workspaces.work/shop.yaml": SHOP.replace(PORT, "port: 9000")}
    write(tmp_path, {**FILES, **own})
    assert ports(load(tmp_path, "work")) == {"mcd": 8000, "shop": 9000}
    assert ports(load(tmp_path, "home")) == {"mcd": 8000, "shop": 8000}


def test_the_preview_says_what_was_read_for_this_stack_alone_and_nothing_where_that_is_nothing(tmp_path: Path) -> None:
    own = {"workspaces.home/shop.yaml": SHOP, "workspaces.home/mcd/landing/index.html": "home's"}
    write(tmp_path, {**FILES, **own, "Pulumi.work.yaml": STACK})
    assert report.own_files(load(tmp_path).read_from) == [
        {"workspace": "mcd", "read from": "workspaces.home/mcd/landing"},
        {"workspace": "shop", "read from": "workspaces.home/shop.yaml"},
    ]
    assert report.own_files(load(tmp_path, "work").read_from) == []


def test_a_workspace_may_be_of_one_stack_alone(tmp_path: Path) -> None:
    files = edited("Pulumi.home.yaml", ("[mcd, shop]", "[mcd, shop, blog]"))
    blog = SHOP.replace("shop", "blog")
    write(tmp_path, {**files, "Pulumi.work.yaml": files["Pulumi.home.yaml"], "workspaces.work/blog.yaml": blog})
    assert set(ports(load(tmp_path, "work"))) == {"blog", "mcd", "shop"}
    assert mistakes(tmp_path, {}) == [
        "Pulumi.home.yaml:12: workspaces[2]: there is no workspaces/blog.yaml; create it, or take the name off the list"
    ]


def test_mistakes_carry_the_file_that_was_read(tmp_path: Path) -> None:
    own = SHOP.replace(PORT, "port: 80800").replace("host: shop", "host: mcd")
    assert mistakes(tmp_path, {**FILES, "workspaces.home/shop.yaml": own}) == [
        "workspaces.home/shop.yaml:2: host: mcd.example.com belongs to the workspace mcd (workspaces/mcd.yaml:2); "
        "a host has one workspace",
        "workspaces.home/shop.yaml:8: apps.web.port: 80800 is not a port (1-65535)",
    ]


def test_a_misspelt_name_is_near_one_in_either_folder(tmp_path: Path) -> None:
    files = edited("Pulumi.home.yaml", ("[mcd, shop]", "[mcd, shpo, blgo]"))
    said = mistakes(tmp_path, {**files, "workspaces.home/blog.yaml": SHOP})
    assert [line.rpartition(", ")[2] for line in said] == ["did you mean shop?", "did you mean blog?"]


def test_what_stands_in_place_of_the_stacks_own_file_does_not_bring_the_common_one_back_unsaid(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "workspaces.home/shop.yml": SHOP})
    assert mistakes(tmp_path, {}) == [
        "Pulumi.home.yaml:12: workspaces[1]: workspaces.home/shop.yaml is called shop.yml; nobody reads .yml here, so "
        "rename it to shop.yaml"
    ]
    (tmp_path / "workspaces.home/shop.yaml").symlink_to("gone.yaml")
    assert mistakes(tmp_path, {}) == [
        "Pulumi.home.yaml:12: workspaces[1]: workspaces.home/shop.yaml is a link to gone.yaml, where nothing is; mend "
        "or delete it"
    ]


def test_a_stacks_own_file_may_not_be_a_link_to_another_stacks(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "workspaces.work/shop.yaml": SHOP, "workspaces.home/a.yaml": SHOP})
    (tmp_path / "workspaces.home/shop.yaml").symlink_to("../workspaces.work/shop.yaml")
    assert mistakes(tmp_path, {}) == [
        "Pulumi.home.yaml:12: workspaces[1]: workspaces.home/shop.yaml leads outside workspaces.home/; copy the file "
        "instead of linking it"
    ]


@pytest.mark.parametrize("target", [".", "workspaces", "gone", "notes.txt"])
def test_rule_49_a_stacks_own_folder_may_not_be_a_link(target: str, tmp_path: Path) -> None:
    """To the project, it would let `static: docs` publish what was never meant to be."""
    files = {**edited("workspaces/mcd.yaml", ("mcd/landing", "docs")), "docs/index.html": "mine", "notes.txt": "mine"}
    said = mistakes(tmp_path, files, prepare=lambda root: (root / "workspaces.home").symlink_to(target))
    assert said == [
        "workspaces.home: is a link or a file; make it a folder, or delete it",
        "workspaces/mcd.yaml:13: apps.landing.static: workspaces/docs: there is no such folder; create it with an "
        "index.html",
    ]


def test_a_file_in_place_of_the_stacks_own_folder_is_told(tmp_path: Path) -> None:
    said = mistakes(tmp_path, {**FILES, "workspaces.home": "?"})
    assert said == ["workspaces.home: is a link or a file; make it a folder, or delete it"]


@pytest.mark.parametrize("stack", ["home", "Home", "my.home", "me/warren/home", "mcd", "yaml"])
def test_a_folder_is_named_as_the_stacks_file_is(stack: str, tmp_path: Path) -> None:
    last = stack.rpartition("/")[2]
    own = {f"Pulumi.{last}.yaml": STACK, f"workspaces.{last}/shop.yaml": SHOP.replace(PORT, "port: 9000")}
    assert ports(load(write(tmp_path, {**FILES, **own}), stack))["shop"] == 9000


def test_a_workspace_may_be_called_like_the_stack(tmp_path: Path) -> None:
    landing = "landing: { static: home/landing, routes: [/] }"
    home = SHOP.replace("shop", "home").replace("routes: [/]", "routes: [/app]").replace("apps:", f"apps:\n  {landing}")
    files = {**edited("Pulumi.home.yaml", ("[mcd, shop]", "[home, shop]")), "workspaces/home.yaml": home}
    write(tmp_path, {**files, "workspaces/home/landing/index.html": "all", "workspaces/home/shop.yaml": "not: read"})
    assert load(tmp_path).static["home"]["landing"].files == (("index.html", b"all"),)
    write(tmp_path, {"workspaces.home/home/landing/index.html": "own", "workspaces.home/home.yaml": home})
    plan = load(tmp_path)
    assert plan.static["home"]["landing"].files == (("index.html", b"own"),)
    assert list(plan.read_from["home"]) == ["workspaces.home/home.yaml", "workspaces.home/home/landing"]


def test_a_folder_that_no_stack_reads_is_a_warning(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "workspaces.hmoe/shop.yaml": SHOP, "workspaces.work/shop.yaml": SHOP})
    assert [str(each) for each in load(tmp_path).warnings] == [
        "workspaces.hmoe/: is read by no stack: there is no Pulumi.hmoe.yaml, did you mean home?",
        "workspaces.work/: is read by no stack: there is no Pulumi.work.yaml; rename or delete it",
    ]
    write(tmp_path, {"Pulumi.work.yaml": STACK, "Pulumi.hmoe.yaml": STACK, "workspaces.md": "words about them"})
    assert load(tmp_path).warnings == ()
    (tmp_path / "Pulumi.hmoe.yaml").unlink()  # the engine may have a stack's config from elsewhere
    assert list(folders.strays(tmp_path, "hmoe")) == []


def test_rule_49_a_workspace_of_another_stack_owns_its_secrets_too(tmp_path: Path) -> None:
    secret = "{ COLOUR: { secret: shop-x-key } }"
    files = edited("workspaces/shop.yaml", ("{ COLOUR: green }", secret))
    files["Pulumi.home.yaml"] = STACK.replace("mcd-entra: {", "shop-x-key: { secure: AAAA }\n    mcd-entra: {")
    assert load(write(tmp_path, files)).readers["shop-x-key"] == ("shop",)
    [said] = mistakes(tmp_path, {"workspaces.work/shop-x.yaml": SHOP})
    assert "shop-x-... are those of the workspace shop-x" in said


# A workspace file that would publish what is not its own


OTHERS = {
    "index.html": "the project's",
    "workspaces/index.html": "the folder's",
    "workspaces/mcd/index.html": "mcd's",
    "workspaces/MCD/index.html": "mcd's, where capitals count",
    "workspaces/team/index.html": "of team, which another stack runs",
    "workspaces.home/index.html": "the folder's",
    "workspaces.home/mcd/landing/index.html": "mcd's",
    "workspaces.home/team/index.html": "of team, which another stack runs",
    "workspaces.work/index.html": "another stack's",
    "workspaces.work/shop/index.html": "shop's in another stack",
}
RIGHTFUL = {
    "workspaces/shop/index.html": "shop's",
    "workspaces/home/index.html": "nobody's, though a stack is called so",
    "workspaces/pages/index.html": "nobody's",
    "workspaces.home/shop/web/index.html": "shop's in this stack",
    "workspaces.home/work/index.html": "nobody's in this stack, though another is called so",
}
LINKS = {
    "workspaces/shop/mcd": "../mcd",
    "workspaces/shop/own": "../../workspaces.home/shop",
    "workspaces/up": "..",
    "workspaces/out": "../workspaces.work/shop",
    "workspaces.home/common": "../workspaces/mcd",
    "workspaces.home/shop/mcd": "../mcd/landing",
    "workspaces.home/shop/work": "../../workspaces.work/shop",
    "workspaces.home/round": "round",
}
KNOWN = ["mcd", "shop", "team"]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with folders of everybody, each with a file that says whose it is, and links between them."""
    root = tmp_path_factory.mktemp("crowded")
    files = {"workspaces/mcd.yaml": MCD, "workspaces.home/shop.yaml": SHOP, "workspaces.work/team.yaml": SHOP}
    write(root, {**files, **OTHERS, **RIGHTFUL, "Pulumi.home.yaml": STACK, "Pulumi.work.yaml": STACK})
    for link, target in LINKS.items():
        (root / link).symlink_to(target)
    return root


def published(root: Path, written: str, stack: str = "home") -> str | None:
    """The page that the workspace shop would publish in a stack; None where it is refused."""
    found: list[Mistake] = []
    places, known = folders.folders(root, stack, found), folders.on_disk(root)
    assert not found
    assert known == set(KNOWN)
    try:
        _, path = folders.static_folder(places, written, "shop", "web", known)
        files = dict(read_folder(path).files)
    except (ValueError, OSError, RuntimeError):
        return None
    return files["index.html"].decode()


@pytest.mark.parametrize(
    "written",
    [
        ".",
        "..",
        "",
        "shop/..",
        "mcd",
        "MCD",
        "mcd/landing",
        "team",  # runs in another stack only, and lies in the common folder
        "TEAM/../team",
        "../workspaces.work/shop",
        "../workspaces.home",
        "../workspaces.home/team",
        "../workspaces/mcd",
        "../workspaces/shop",  # its own, but past the folder that comes first
        "shop/mcd",
        "shop/own",
        "shop/work",
        "common",
        "up",
        "out",
        "out/../shop",
        "round/../mcd",
        "/",
    ],
)
def test_rule_49_a_path_leads_to_nobody_elses_folder(written: str, crowded: Path) -> None:
    assert published(crowded, written) is None


@pytest.mark.parametrize(
    ("written", "page"),
    [
        ("shop", None),  # the stack's own has no index.html, and the common one does not come back
        ("shop/web", "shop's in this stack"),
        ("mcd/../shop/web", "shop's in this stack"),
        ("../workspaces.home/shop/web", "shop's in this stack"),
        ("home", "nobody's, though a stack is called so"),
        ("work", "nobody's in this stack, though another is called so"),
        ("pages", "nobody's"),
    ],
)
def test_a_static_folder_is_looked_for_in_the_stacks_own_folder_first(
    written: str, page: str | None, crowded: Path
) -> None:
    assert published(crowded, written) == page


PARTS = [".", "..", "", *KNOWN, "MCD", "Shop", "home", "work", "pages", "web", "landing", "own", "common", "up", "out"]
STACKS = ["home", "third"]
"""One with a folder of its own, and one without."""
PARTS += ["round", "workspaces", "workspaces.home", "workspaces.work"]


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.sampled_from(PARTS), max_size=7), absolute=st.booleans(), stack=st.sampled_from(STACKS))
def test_rule_49_whatever_a_path_is_made_of_it_publishes_nothing_of_others(
    parts: list[str], absolute: bool, stack: str, crowded: Path
) -> None:
    written = "/".join([str(crowded)] * absolute + parts)
    mine = {text for page, text in RIGHTFUL.items() if stack == "home" or page.startswith("workspaces/")}
    assert published(crowded, written, stack) in {None, *mine}


def test_the_pages_of_others_are_there_to_be_published(crowded: Path) -> None:
    assert {(crowded / page).read_text("utf-8") for page in OTHERS}.isdisjoint(RIGHTFUL.values())


def test_a_static_folder_of_a_file_that_all_stacks_share_may_be_the_stacks_own(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "Pulumi.work.yaml": STACK, "workspaces.work/mcd/landing/index.html": "work's"})
    assert load(tmp_path, "work").static["mcd"]["landing"].files == (("index.html", b"work's"),)
    assert load(tmp_path, "home").static["mcd"]["landing"].files == (("index.html", b"<h1>mcd</h1>"),)


def test_rule_49_a_broken_link_does_not_bring_the_common_static_folder_back(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "workspaces.home/mcd/a.txt": "?"})
    (tmp_path / "workspaces.home/mcd/landing").symlink_to("gone")
    with pytest.raises(Mistakes, match=r"static: workspaces\.home/mcd/landing: there is no such folder"):
        load(tmp_path)


@pytest.mark.parametrize(("own", "named"), [({}, "workspaces/"), ({"workspaces.home/a.txt": "?"}, "workspaces.home/")])
def test_a_folder_that_is_not_there_is_not_named(own: dict[str, str], named: str, tmp_path: Path) -> None:
    [said] = mistakes(tmp_path, {**edited("workspaces/mcd.yaml", ("mcd/landing", "/")), **own})
    assert said.endswith(f"'/' leads outside {named}; name a folder inside it, such as mcd/landing")


def test_what_is_wrong_with_a_stacks_own_static_folder_names_it(tmp_path: Path) -> None:
    (tmp_path / "workspaces.home/mcd/landing").mkdir(parents=True)
    with pytest.raises(Mistakes, match=r"static: workspaces\.home/mcd/landing: has no index\.html"):
        load(write(tmp_path, FILES))


def test_what_no_stack_can_be_called_is_none_and_in_no_command(tmp_path: Path) -> None:
    write(
        tmp_path,
        {**FILES, "Pulumi.x;touch made #.yaml": STACK, "Pulumi.x\ny.yaml": STACK, "Pulumi.A_b.c-1.yaml": STACK},
    )
    assert stacks(tmp_path) == ["A_b.c-1", "home"]


HOSTILE = "x\x1b]0;title\x07\n::error::made up"
"""A terminal obeys the first half, the host of the repository a line that begins like the second."""


@pytest.mark.parametrize("place", ["file", "folder", "link", "target", "static", "tag"])
def test_a_name_cannot_write_to_the_terminal_or_the_log_what_it_likes(place: str, tmp_path: Path) -> None:
    write(tmp_path, FILES)
    shop, pages = tmp_path / "workspaces" / "shop.yaml", tmp_path / "workspaces" / "mcd" / "landing"
    if place == "file":
        shop.rename(shop.with_name("shop\x1b\n::x.yaml"))
    elif place == "folder":
        (tmp_path / "workspaces.home\x1b\n::x").mkdir()
    elif place == "link":
        (pages / HOSTILE).symlink_to("/etc/passwd")
    elif place == "target":
        shop.unlink()
        shop.symlink_to(HOSTILE)
    elif place == "static":
        mcd = shop.with_name("mcd.yaml")
        mcd.write_text(mcd.read_text("utf-8").replace("mcd/landing", f'"{HOSTILE.encode("unicode_escape").decode()}"'))
    elif place == "tag":
        shop.write_text(SHOP.replace("name: shop", "name: !<x%1b%0a::error::made> shop"))
    try:
        said = report.warning_text(load(tmp_path).warnings)
    except Mistakes as refused:
        said = str(refused)
    lines = said.splitlines()[1:]
    assert len(lines) == 1, said
    assert lines[0].isprintable()
    assert "::" in lines[0], "what is wrong is named all the same"
