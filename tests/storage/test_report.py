"""Reports say what a count in plain Python says, of whatever period, by whatever groups."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from domain.authorization import Visibility
from domain.report.asked import PARTS, Asked, Dimension, Grouping, Span, buckets
from domain.report.figures import BACKLOG, SLA, STATISTICS, TICKETS
from domain.ticket.filter import Filter
from storage import report
from storage.database import Database
from storage.report.lines import Report
from storage.ticket.statistics import statistics
from tests.storage.figures import Figures, Reference, Said, said
from tests.storage.play import T0, Turn, play, turns
from tests.storage.recount import recount
from tests.storage.test_measure import emptied

ZONE: Final = ZoneInfo("Asia/Shanghai")
DIMENSIONS: Final[tuple[Dimension, ...]] = (
    "team",
    "agent",
    "category",
    "kind",
    "priority",
    "channel",
    "organization",
)
EVERYTHING: Final = Visibility(everything=True, person_id=UUID(int=0))
LATE: Final = T0 + timedelta(days=400)

groupings: Final = st.lists(
    st.sampled_from([*PARTS, *DIMENSIONS]), max_size=2, unique_by=lambda one: "part" if one in PARTS else one
)
spans: Final = st.tuples(st.sampled_from([-60 * 24, -5, 0, 1, 13, 40, 24 * 9]), st.integers(0, 24 * 45)).map(
    lambda one: Span(T0 + timedelta(hours=one[0]), T0 + timedelta(hours=one[0] + one[1]))
)
moments: Final = st.integers(0, 24 * 60).map(lambda hours: T0 + timedelta(hours=hours))
filters: Final = st.fixed_dictionaries(
    {},
    optional={
        "category": st.sampled_from([["disk"], ["net", None], [None]]),
        "priority": st.sampled_from([["high", "critical"], ["normal"]]),
        "kind": st.sampled_from([["fault"], [None, "usage"]]),
    },
)


def asked_of(span: Span, groups: list[Grouping], only: dict[Any, Any]) -> Asked:
    part = next((one for one in groups if one in PARTS), None)
    return Asked(span, tuple(groups), buckets(span, part, ZONE) if part else (), only)


def check(found: Report, expected: tuple[dict[Said, Figures], Figures]) -> None:
    rows, total = expected
    assert said(found).keys() == rows.keys()
    assert len(said(found)) == len(found.lines)
    for key, figures in said(found).items():
        same(figures, rows[key])
    same(found.total, total)


def same(figures: Figures, expected: Figures) -> None:
    assert list(figures) == list(expected)
    for name, value in figures.items():
        if isinstance(value, dict):
            same(value, expected[name])
        elif value is None or expected[name] is None:
            assert value is expected[name], name
        else:
            assert value == pytest.approx(expected[name], rel=1e-9, abs=1e-6), name


@settings(
    max_examples=20,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(turns, st.lists(st.tuples(spans, groupings, filters, moments, st.booleans()), min_size=4, max_size=8))
async def test_reports_count_as_a_person_would(
    database: Database, story: list[Turn], questions: list[tuple[Any, ...]]
) -> None:
    await emptied(database)
    world = await play(database)
    for turn in story:
        await world.turn(turn)
    await world.end()
    now = max(world.now, T0 + timedelta(minutes=1))
    reference = Reference(await recount(database, world.hand), now)
    async with database.snapshot() as reader:
        for span, groups, only, moment, with_clock in questions:
            asked = asked_of(span, groups, only)
            check(await report.tickets(reader, asked, now), reference.tickets(asked))
            by_clock = asked_of(span, [*groups[:1], "clock"] if with_clock else groups, only)
            check(await report.sla(reader, by_clock), reference.sla(by_clock))
            at = min(moment, now)
            whole = asked_of(span, [one for one in groups if one not in PARTS], only)
            check(await report.backlog(reader, whole, at), reference.backlog(whole, at))
            await check_breaches(reader, asked, reference)
        same_counts(await statistics(reader, EVERYTHING, Filter(), now), reference.statistics())


def same_counts(figures: Figures, expected: Figures) -> None:
    """`same`, but the values of a field may be counted in any order."""
    counts = [name for name in expected if name.startswith("by_")]
    assert {name: figures[name] for name in counts} == {name: expected[name] for name in counts}
    same({**figures, **{name: expected[name] for name in counts}}, expected)


async def check_breaches(reader: Any, asked: Asked, reference: Reference) -> None:
    """Page by page: those that the report counts, each once, the latest first."""
    found: list[report.Breach] = []
    after: Any = None
    while rows := await report.breaches(reader, asked, after, 2):
        found += rows[:2]
        after = found[-1].key
        if len(rows) <= 2:
            break
    keys = [one.key for one in found]
    assert keys == sorted(keys, reverse=True)
    _, total = reference.sla(Asked(asked.span, (), (), asked.only))
    assert len(set(keys)) == len(keys) == total["promises_broken"]
    expected = {
        (one.decided_at, one.ticket_id, one.clock, one.cycle): (
            one.was.team_id,
            one.was.agent_id,
            one.ended_at,
        )
        for one in reference.counted.promises
        if one.outcome == "broken"
    }
    for one in found:
        ids = (one.team and one.team.id, one.agent and one.agent.id)
        assert (*ids, one.ended_at) == expected[one.key]


async def test_a_report_has_the_figures_that_are_defined(database: Database) -> None:
    asked = Asked(Span(T0, LATE))
    async with database.reading() as reader:
        for found, figures in (
            (await report.tickets(reader, asked, LATE), TICKETS),
            (await report.sla(reader, asked), SLA),
            (await report.backlog(reader, asked, T0), BACKLOG),
        ):
            assert list(found.total) == [figure.name for figure in figures]
        of_all = await statistics(reader, EVERYTHING, Filter(), LATE)
        assert list(of_all) == [figure.name for figure in STATISTICS]
