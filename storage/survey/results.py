"""The results of a survey: how many were asked and answered, what they said, and how sure that is, in groups.

They are counted by the same grouping as reports (`storage/report/`), of whoever was asked in the period, until now.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, select, text
from sqlalchemy.orm import aliased

from domain.report.asked import Asked
from domain.survey.definition import Contents
from domain.survey.estimate import net_promoter_interval, net_promoter_score, wilson
from domain.survey.invitation import State
from domain.survey.questions import SCALES, Kind, QuestionType
from storage.database import Reader
from storage.report.aggregate import share
from storage.report.grouping import INVITATIONS, Figures, Measures, grouped, within
from storage.report.lines import Report, every_key, lines
from storage.report.satisfaction import shown
from storage.tables.survey import SurveyAnswerRow, SurveyInvitationRow

_ANSWER: Final = aliased(SurveyAnswerRow)
_SCORE: Final = (
    select(_ANSWER.score)
    .where(_ANSWER.invitation_id == SurveyInvitationRow.id)
    .correlate(SurveyInvitationRow)
    .scalar_subquery()
)
_INPUTS: Final = {
    "answered": case((SurveyInvitationRow.state == State.ANSWERED, 1)),
    "score": _SCORE,
}


async def results(reader: Reader, survey_id: UUID, contents: Contents, asked: Asked) -> Report:
    """A row for each group, and everything together."""
    where = [SurveyInvitationRow.survey_id == survey_id, *within(INVITATIONS, asked)]
    found, total = await grouped(reader, INVITATIONS, asked, _INPUTS, _measures(contents.kind), where)
    nothing: Figures = {}
    keys = every_key(asked, found)
    rows = {key: _figures(found.get(key, nothing), contents.kind) for key in keys}
    return Report(await lines(reader, asked, rows), _figures(total, contents.kind))


def _measures(kind: Kind) -> Measures:
    scale = SCALES.get(kind)

    def measures(columns: Any) -> list[ColumnElement[Any]]:
        common: list[ColumnElement[Any]] = [
            func.count().label("asked"),
            func.count(columns.answered).label("answered"),
            func.avg(columns.score).label("score"),
        ]
        if scale is None:
            return common
        return common + [
            func.count().filter(columns.score == score).label(f"score_{score}") for score in scale.scores
        ]

    return measures


def _figures(row: Mapping[str, Any], kind: Kind) -> Figures:
    asked, answered = row.get("asked", 0), row.get("answered", 0)
    figures: Figures = {
        "asked": asked,
        "answered": answered,
        "response_rate": share(answered, asked),
        "response_rate_interval": shown(wilson(answered, asked)),
        **dict.fromkeys(("score", "satisfied", "satisfaction_rate", "satisfaction_rate_interval"), None),
        **dict.fromkeys(("net_promoter_score", "net_promoter_score_interval"), None),
        "scores": {},
    }
    scale = SCALES.get(kind)
    if scale is None:
        return figures
    scores = {score: row.get(f"score_{score}", 0) for score in scale.scores}
    n = sum(scores.values())
    good = sum(count for score, count in scores.items() if score >= scale.good)
    bad = sum(count for score, count in scores.items() if score <= scale.bad)
    mean = row.get("score")
    figures |= {
        "score": None if mean is None else float(mean),
        "satisfied": good,
        "satisfaction_rate": share(good, n),
        "satisfaction_rate_interval": shown(wilson(good, n)),
        "scores": {str(score): count for score, count in scores.items()},
    }
    if kind is Kind.NPS:
        figures["net_promoter_score"] = net_promoter_score(good, bad, n)
        figures["net_promoter_score_interval"] = shown(net_promoter_interval(good, bad, n))
    return figures


_CHOSEN: Final = text("""
    SELECT one.key, given.value #>> '{}' AS value, count(*) AS times
    FROM survey_answers AS answer
    JOIN survey_invitations AS invitation ON invitation.id = answer.invitation_id,
    LATERAL jsonb_each(answer.answers) AS one,
    LATERAL jsonb_array_elements(
        CASE jsonb_typeof(one.value) WHEN 'array' THEN one.value ELSE jsonb_build_array(one.value) END
    ) AS given
    WHERE answer.survey_id = :survey_id AND one.key = ANY(:keys)
        AND invitation.asked_at >= :start AND invitation.asked_at < :end
    GROUP BY 1, 2
""")


async def chosen(
    reader: Reader, survey_id: UUID, contents: Contents, asked: Asked
) -> dict[str, dict[str, int]]:
    """How often each value of each of the desk's own questions was chosen, of whoever was asked in the period; texts
    are not counted."""
    counted = [one for one in contents.questions if one.type is not QuestionType.TEXT]
    found: dict[str, dict[str, int]] = {
        one.key: dict.fromkeys(_values(one.low, one.high, [option.value for option in one.options]), 0)
        for one in counted
    }
    given = {"survey_id": survey_id, "keys": list(found), "start": asked.span.start, "end": asked.span.end}
    for row in await reader.execute(_CHOSEN, given):
        found[row.key][row.value] = row.times
    return found


def _values(low: int | None, high: int | None, options: Sequence[str]) -> list[str]:
    return list(options) if low is None or high is None else [str(value) for value in range(low, high + 1)]
