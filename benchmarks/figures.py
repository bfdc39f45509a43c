"""What a measurement gives: percentiles, tables, goals, and how they look in Markdown."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


def percentile(values: Iterable[float], share: float) -> float:
    """The nearest-rank percentile; `share` between 0 and 1. NaN for nothing."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    return str(value)


@dataclass(frozen=True, slots=True)
class Goal:
    """A measured value beside what is wanted; `at_most` or `at_least`."""

    name: str
    value: float
    at_most: float | None = None
    at_least: float | None = None
    unit: str = ""

    @property
    def met(self) -> bool:
        if self.at_most is not None:
            return self.value <= self.at_most
        return self.at_least is not None and self.value >= self.at_least

    @property
    def wanted(self) -> str:
        sign, bound = ("≤", self.at_most) if self.at_most is not None else ("≥", self.at_least)
        return f"{sign} {shown(bound)} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Table:
    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""

    def markdown(self) -> str:
        lines = [f"{self.caption}\n"] if self.caption else []
        lines += [_row(self.head), _row(["---", *["---:"] * (len(self.head) - 1)])]
        return "\n".join([*lines, *(_row([shown(cell) for cell in row]) for row in self.rows)])


@dataclass(slots=True)
class Section:
    """The result of one benchmark."""

    title: str
    about: str
    tables: list[Table] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        parts = [f"## {self.title}", self.about, *(table.markdown() for table in self.tables)]
        if self.goals:
            parts.append(goals_table(self.goals).markdown())
        if self.notes:
            parts.append("\n".join(f"- {note}" for note in self.notes))
        return "\n\n".join(parts)


def goals_table(goals: Iterable[Goal]) -> Table:
    rows = [
        (goal.name, f"{shown(goal.value)} {goal.unit}".strip(), goal.wanted, "yes" if goal.met else "**no**")
        for goal in goals
    ]
    return Table(("goal", "measured", "wanted", "met"), rows)


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
