"""What two files say of a port that one offers and the other uses: both, or neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from manifests.app.between import Way
from tests.config.files import FILES, edited, load, mistakes, write

OFFER = ("    port: 8000\n    routes: [/hello]\n", "    ports: { http: 8000, db: OFFER }\n    routes: [/hello]\n")
OFFERED = (OFFER[0], OFFER[1].replace("OFFER", "{ number: 5432, offeredTo: [shop] }"))
CLOSED = (OFFER[0], OFFER[1].replace("OFFER", "5432"))
USE = ("    env: { COLOUR: green }\n", "    env: { COLOUR: green }\n    uses: [{ app: mcd/hello, port: db }]\n")
BARE = (OFFER[0], "    port: 8000\n    routes: [/hello]\n")


def project(offer: tuple[str, str] = OFFERED, use: tuple[str, str] | None = USE) -> dict[str, str]:
    """Two files that agree, unless said otherwise."""
    files = edited("workspaces/mcd.yaml", offer)
    shop = edited("workspaces/shop.yaml", use)["workspaces/shop.yaml"] if use else FILES["workspaces/shop.yaml"]
    return {**files, "workspaces/shop.yaml": shop}


def test_what_both_files_say_is_a_way(tmp_path: Path) -> None:
    assert load(write(tmp_path, project())).between == (Way("mcd", "hello", "db", 5432, "shop", "web"),)


def test_without_a_word_there_is_none(tmp_path: Path) -> None:
    assert load(write(tmp_path, FILES)).between == ()


def test_taking_the_offer_away_is_one_mistake_that_says_what_to_write(tmp_path: Path) -> None:
    assert mistakes(tmp_path, project(offer=CLOSED)) == [
        "workspaces/shop.yaml:11: apps.web.uses[0]: mcd/hello does not offer that port to shop; "
        "write in workspaces/mcd.yaml:16: db: { number: 5432, offeredTo: [shop] }, or take this out"
    ]


def test_taking_the_use_away_is_one_mistake_that_says_what_to_write(tmp_path: Path) -> None:
    assert mistakes(tmp_path, project(use=None)) == [
        "workspaces/mcd.yaml:16: apps.hello.ports.db.offeredTo[0]: no app of shop uses it; "
        "write at one in workspaces/shop.yaml:5: uses: [{ app: mcd/hello, port: db }], or take shop off the list"
    ]


@pytest.mark.parametrize("side", ["offer", "use"])
def test_what_a_mistake_tells_to_write_is_right(tmp_path: Path, side: str) -> None:
    told = mistakes(tmp_path, project(offer=CLOSED) if side == "offer" else project(use=None))[0]
    line = told.split(": ", 3)[-1].split(", or take")[0]
    if side == "offer":
        file, old, new = "workspaces/mcd.yaml", "db: 5432", line
        assert told.split("write in ")[1].startswith(f"{file}:16: db: ")
        new = told.split(f"{file}:16: ")[1].split(", or take")[0]
    else:
        file, old = "workspaces/shop.yaml", "    env: { COLOUR: green }\n"
        new = old + "    " + told.split(f"{file}:5: ")[1].split(", or take")[0] + "\n"
    written = (tmp_path / file).read_text("utf-8")
    assert written.count(old) == 1
    (tmp_path / file).write_text(written.replace(old, new), "utf-8")
    assert len(load(tmp_path).between) == 1


def test_a_port_with_a_route_is_offered_only_where_siblings_may_come_too(tmp_path: Path) -> None:
    routed = (BARE[0], BARE[1].replace("8000", "{ number: 8000, offeredTo: [shop] }"))
    use = (USE[0], USE[1].replace("{ app: mcd/hello, port: db }", "mcd/hello"))
    assert mistakes(tmp_path, project(routed, use)) == [
        "workspaces/mcd.yaml:16: apps.hello.port.offeredTo: a route leads to this port, and apps of other workspaces "
        "would come without anybody having signed in; write siblings: true beside it if the app believes no identity "
        "header, or offer another port"
    ]
    open_to_all = (routed[0], routed[1].replace("8000,", "8000, siblings: true,"))
    assert load(write(tmp_path, project(open_to_all, use))).between == (
        Way("mcd", "hello", "http", 8000, "shop", "web"),
    )


def test_the_line_to_write_for_a_port_with_a_route_has_siblings_in_it(tmp_path: Path) -> None:
    use = (USE[0], USE[1].replace("{ app: mcd/hello, port: db }", "mcd/hello"))
    [told] = mistakes(tmp_path, project(BARE, use))
    assert "workspaces/mcd.yaml:16: port: { number: 8000, siblings: true, offeredTo: [shop] }" in told


def test_the_line_to_write_keeps_what_the_port_says_already(tmp_path: Path) -> None:
    udp = (OFFER[0], OFFER[1].replace("OFFER", "{ number: 53, protocol: UDP }"))
    [told] = mistakes(tmp_path, project(offer=udp))
    assert "db: { number: 53, protocol: UDP, offeredTo: [shop] }" in told


def test_an_app_on_its_nodes_network_neither_offers_nor_uses(tmp_path: Path) -> None:
    why = "an app with hostNetwork has its node's address, by which no wall knows it; take this out"
    offering = project(offer=(OFFERED[0], OFFERED[1].replace("routes: [/hello]", "hostNetwork: true")))
    assert f"workspaces/mcd.yaml:16: apps.hello.ports.db.offeredTo: {why}" in mistakes(tmp_path, offering)
    using = project(use=(USE[0], f"    hostNetwork: true\n{USE[1]}"))
    using["workspaces/shop.yaml"] = using["workspaces/shop.yaml"].replace("    routes: [/]\n", "")
    assert any(f"apps.web.uses[0]: {why}" in each for each in mistakes(tmp_path, using))


def test_a_file_with_mistakes_of_its_own_is_not_told_that_it_lacks_the_other_side(tmp_path: Path) -> None:
    files = project(use=None)
    files["workspaces/shop.yaml"] = files["workspaces/shop.yaml"].replace("auth: none", "auth: nobody")
    assert [each.split(": ")[1] for each in mistakes(tmp_path, files)] == ["auth"]


def test_a_way_is_for_one_app_and_not_for_its_neighbours(tmp_path: Path) -> None:
    files = project()
    files["workspaces/shop.yaml"] += "  blog: { image: 'ghcr.io/example/blog:1' }\n"
    assert [way.app for way in load(write(tmp_path, files)).between] == ["web"]
