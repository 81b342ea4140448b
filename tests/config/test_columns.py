from __future__ import annotations

from config.columns import text_table


def test_a_text_table_lines_its_columns_up() -> None:
    assert text_table([{"a": "1", "long": "x"}, {"a": "22", "long": "y"}]) == "a   long\n1   x\n22  y"
    assert text_table([]) == ""
