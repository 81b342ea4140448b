"""The bench says met only where it measured something that meets the aim."""

from __future__ import annotations

from bench.report import PROGRAMS, Aim, Row, Rows, Shares, aims, growth, previews, shares


def rows(**seconds: tuple[float, float, float]) -> Rows:
    parts = Shares(imports=1.0, pure=0.5, load=0.25, composing=0.0, registration=0.5)
    return {
        (size.removeprefix("n"), program): Row(size.removeprefix("n"), program, 10, value, 100.0, value, parts)
        for size, values in seconds.items()
        for program, value in zip(PROGRAMS, values, strict=True)
    }


def met(aims: list[Aim], word: str) -> bool | None:
    return next(aim.met for aim in aims if aim.text.startswith(word))


def test_a_size_that_was_not_measured_meets_no_aim_and_misses_none() -> None:
    found = aims(rows(n10=(1.0, 2.0, 1.0)))
    assert met(found, "10 workspaces") is True
    assert [met(found, word) for word in ("home", "linear", "200 workspaces")] == [None, None, None]


def test_home_must_take_half_of_the_typed_program_and_other_sizes_a_tenth_more_at_most() -> None:
    found = aims(rows(home=(1.2, 2.0, 1.0), n10=(2.3, 2.0, 1.0)))
    assert met(found, "home: at most 1.10") is True
    assert met(found, "home: at most 0.50") is False
    assert met(found, "10 workspaces") is False


def test_growth_is_linear_when_an_app_more_costs_no_more_at_the_end_than_at_the_start() -> None:
    straight = rows(n10=(2.0, 9.0, 1.0), n50=(6.0, 9.0, 1.0), n200=(21.0, 29.0, 1.0))
    bent = rows(n10=(2.0, 9.0, 1.0), n50=(6.0, 9.0, 1.0), n200=(31.0, 29.0, 1.0))
    assert met(aims(straight), "linear") is True
    assert met(aims(bent), "linear") is False
    assert "20.0" in growth(straight)


def test_the_pure_part_of_two_hundred_workspaces_is_held_to_a_second() -> None:
    assert met(aims(rows(n200=(21.0, 29.0, 1.0))), "200 workspaces: the pure part") is True


def test_the_rest_of_a_preview_is_what_its_measured_shares_leave() -> None:
    line = next(line for line in shares(rows(n10=(3.5, 5.0, 3.0))).splitlines() if "Warren" in line)
    assert line.split()[-2:] == ["1.50", "3.50"]


def test_the_table_shows_every_program_and_the_ratio_to_each_rival() -> None:
    header, line = previews(rows(n10=(3.0, 6.0, 2.0))).splitlines()
    assert all(program in header for program in PROGRAMS)
    assert line.split()[-2:] == ["0.50", "1.50"]
