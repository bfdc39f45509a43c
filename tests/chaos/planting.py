"""Faults that tests plant in sound evidence, for the checker to find."""

from collections.abc import Callable
from typing import Any

from tests.chaos.evidence import Evidence

Plant = Callable[[Evidence], object]


def double(table: str, number: int) -> Plant:
    return lambda evidence: evidence.rows[table].append(dict(evidence.rows[table][number]))


def lose(table: str, number: int) -> Plant:
    return lambda evidence: evidence.rows[table].pop(number)


def change(table: str, number: int, **fields: Any) -> Plant:
    return lambda evidence: evidence.rows[table][number].update(fields)
