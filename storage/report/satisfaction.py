"""What requesters answered after resolutions, for the report of tickets, and how sure that is."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, func

from domain.report.asked import Asked
from domain.survey.definition import AFTER_RESOLUTION
from domain.survey.estimate import Interval, wilson
from domain.survey.questions import SCALES, Kind
from storage.database import Reader
from storage.report.aggregate import share
from storage.report.grouping import ANSWERS, Figures, Key, grouped, within
from storage.tables.survey import SurveyAnswerRow, SurveyInvitationRow

_GOOD: Final = SCALES[Kind.CSAT].good


def _measures(columns: Any) -> list[ColumnElement[Any]]:
    return [
        func.count(columns.score).label("rated"),
        func.count().filter(columns.score >= _GOOD).label("satisfied"),
        func.avg(columns.score).label("satisfaction"),
    ]


async def given(reader: Reader, asked: Asked) -> tuple[dict[Key, Figures], Figures]:
    """The answers that were given in the period."""
    where = [
        SurveyAnswerRow.invitation_id == SurveyInvitationRow.id,
        SurveyAnswerRow.survey_id == AFTER_RESOLUTION,
        *within(ANSWERS, asked),
    ]
    return await grouped(reader, ANSWERS, asked, {"score": SurveyAnswerRow.score}, _measures, where)


def satisfied(row: Mapping[str, Any]) -> Figures:
    rated, good, mean = row.get("rated", 0), row.get("satisfied", 0), row.get("satisfaction")
    return {
        "rated": rated,
        "satisfied": good,
        "satisfaction_rate": share(good, rated),
        "satisfaction_rate_interval": shown(wilson(good, rated)),
        "satisfaction": None if mean is None else float(mean),
    }


def shown(interval: Interval | None) -> dict[str, float] | None:
    return None if interval is None else {"low": interval.low, "high": interval.high}
