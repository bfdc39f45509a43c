"""Cells of CSV: read back they are what they were, and none of them is a formula."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.sheet import Cell, escaped, original, written

FORMULAS = "=+-@＝＋－＠\t\r\n"
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")) | st.text(
    alphabet="'=+-@\"\n\r\t,; ＝a"
)


def read(content: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content, newline="")))


@pytest.mark.parametrize("sign", FORMULAS)
def test_a_text_that_would_be_a_formula_gets_an_apostrophe(sign: str) -> None:
    assert escaped(f"{sign}cmd|' /C calc'!A0") == f"'{sign}cmd|' /C calc'!A0"
    assert escaped(f"'{sign}1") == f"''{sign}1"
    assert escaped(f"1{sign}1") == f"1{sign}1"


@given(texts)
def test_every_text_comes_back_and_none_is_a_formula(text: str) -> None:
    assert original(escaped(text)) == text
    assert escaped(text)[:1] not in list(FORMULAS)


@given(st.lists(st.lists(texts, min_size=2, max_size=4), min_size=1, max_size=5))
def test_a_text_stays_in_its_cell(rows: list[list[str]]) -> None:
    assert [[original(cell) for cell in row] for row in read(written(rows))] == rows


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (-5, "-5"),
        (-0.25, "-0.25"),
        (True, "true"),
        (False, "false"),
        (datetime(2026, 11, 1, 8, tzinfo=timezone(timedelta(hours=8))), "2026-11-01T00:00:00Z"),
        (datetime(2026, 11, 1, 0, 0, 0, 5, UTC), "2026-11-01T00:00:00.000005Z"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("磁盘空间不足", "磁盘空间不足"),
    ],
)
def test_a_cell_is_written_plainly(cell: Cell, text: str) -> None:
    assert written([[cell, "x"]]) == f"{text},x\r\n"
