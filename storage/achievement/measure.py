"""What criteria ask for, found in the facts that count, for one member or a page of them.

Only facts up to the member's cursor are looked at: those behind it are not counted yet. Each query gives a value for
those who have one; for the others it is 0.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BindParameter, Interval, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from domain.achievement.criteria import OF_FACTS, Measure, Metric
from storage.database import Reader, Writer
from storage.pipeline import Statement, pipeline

_FACTS: Final = """
    SELECT fact.member_id, fact.at, fact.amount, fact.subject, fact."by", (fact.at AT TIME ZONE 'UTC')::date AS day
    FROM member_facts AS fact JOIN members AS member ON member.person_id = fact.member_id
    WHERE fact.member_id = ANY(:ids) AND fact.id <= member.cursor AND fact.void IS NULL AND fact.reverses IS NULL
"""
_ACTION: Final = " AND fact.action = :action"
_WINDOW: Final = (
    "(PARTITION BY member_id ORDER BY at RANGE BETWEEN CAST(:window AS interval) PRECEDING AND CURRENT ROW)"
)
_STREAK: Final = """
    SELECT member_id, max(days) AS value FROM (
        SELECT member_id, count(*) AS days FROM (
            SELECT member_id, day - (row_number() OVER (PARTITION BY member_id ORDER BY day))::int AS run
            FROM (SELECT DISTINCT member_id, day FROM ({facts}) AS counted) AS active
        ) AS numbered
        GROUP BY member_id, run
    ) AS runs
    GROUP BY member_id
"""


@dataclass(frozen=True, slots=True)
class Values:
    """The values of measures about facts, by member."""

    found: Mapping[tuple[Measure, UUID], int]

    def of(self, member_id: UUID) -> Callable[[Measure], int]:
        return lambda measure: self.found.get((measure, member_id), 0)


async def values(session: Reader | Writer, measures: Collection[Measure], members: Sequence[UUID]) -> Values:
    """All measures about facts among `measures`, in one round trip."""
    wanted = [one for one in dict.fromkeys(measures) if one.metric in OF_FACTS]
    async with pipeline(session) as asking:
        answers = [(one, asking.ask(_statement(one), **_parameters(one, members))) for one in wanted]
    return Values({(one, row.member_id): int(row.value) for one, answer in answers for row in answer.rows})


def _parameters(measure: Measure, members: Sequence[UUID]) -> dict[str, Any]:
    asked: dict[str, Any] = {"ids": list(members)}
    if measure.action is not None:
        asked["action"] = measure.action
    if measure.window is not None:
        asked["window"] = timedelta(seconds=measure.window)
    return asked


def _statement(measure: Measure) -> Statement:
    return _compiled(
        measure.metric, measure.of, action=measure.action is not None, window=measure.window is not None
    )


@cache
def _compiled(metric: Metric, of: str | None, *, action: bool, window: bool) -> Statement:
    bound: list[BindParameter[Any]] = [bindparam("ids", type_=ARRAY(Uuid()))]
    bound += [bindparam("action", type_=Text())] if action else []
    bound += [bindparam("window", type_=Interval())] if window else []
    facts = _FACTS + (_ACTION if action else "")
    return Statement(text(_query(metric, of, facts, window=window)).bindparams(*bound))


def _query(metric: Metric, of: str | None, facts: str, *, window: bool) -> str:
    """All parts are constants of this module, and `of` is one of three words."""
    if metric is Metric.STREAK:
        return _STREAK.format(facts=facts)
    value = {Metric.COUNT: "count(*)", Metric.SUM: "sum(amount)"}.get(metric, f'count(DISTINCT "{of}")')
    if not window:
        return f"SELECT member_id, {value} AS value FROM ({facts}) AS counted GROUP BY member_id"  # noqa: S608
    within = f"SELECT member_id, {value} OVER {_WINDOW} AS value FROM ({facts}) AS counted"  # noqa: S608
    return f"SELECT member_id, max(value) AS value FROM ({within}) AS periods GROUP BY member_id"  # noqa: S608
