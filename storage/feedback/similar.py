"""Finds the items that may be about the same as a text, by the words that they share with it."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, cast, func, literal, literal_column, select, true
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY
from sqlalchemy.types import Text

from domain.authorization import FeedbackVisibility
from domain.feedback.fields import Status
from domain.feedback.likeness import LIKE_ENOUGH, likeness, telling
from domain.feedback.record import Similar
from storage import search
from storage.database import Reader
from storage.feedback.read import visible
from storage.tables.feedback import FeedbackRow

PROPOSED: Final = 5
_CANDIDATES: Final = 200
_ASKED: Final = 60
_ENGLISH: Final[ColumnElement[Any]] = literal_column("'english'")


async def similar(
    reader: Reader, to: FeedbackVisibility, text: str, *, without: UUID | None = None
) -> list[Similar]:
    """The likest first, `without` the item that the text is of: what somebody could vote for instead of saying it
    again."""
    lexemes: list[str] = (
        await reader.scalar(select(func.tsvector_to_array(func.to_tsvector(_ENGLISH, search.words(text)))))
        or []
    )
    asked = telling(lexemes)[:_ASKED]
    if not asked:
        return []
    rows = (await reader.execute(_candidates(to, asked, without))).all()
    frequencies = {word: sum(word in row.shared for row in rows) for word in asked}
    scored = [(likeness(asked, row.shared, frequencies, len(rows)), row) for row in rows]
    scored.sort(key=lambda one: (-one[0], -one[1].reach, one[1].number))
    return [
        Similar(
            id=row.id,
            number=row.number,
            title=row.title,
            status=row.status,
            reach=row.reach,
            likeness=round(points, 3),
        )
        for points, row in scored[:PROPOSED]
        if points >= LIKE_ENOUGH
    ]


def _candidates(to: FeedbackVisibility, asked: list[str], without: UUID | None) -> Any:
    """Those that hold any of the words, the best by PostgreSQL's own ranking, with the words that they share."""
    anything: ColumnElement[Any] = cast(literal(" | ".join(map(_quoted, asked)), Text), TSQUERY)
    known = func.unnest(func.tsvector_to_array(FeedbackRow.search)).column_valued("word")
    given = literal(asked, ARRAY(Text))
    shared = select(known).where(known == given.any_()).scalar_subquery()
    return (
        select(
            FeedbackRow.id,
            FeedbackRow.number,
            FeedbackRow.title,
            FeedbackRow.status,
            FeedbackRow.reach,
            func.array(shared).label("shared"),
        )
        .where(FeedbackRow.search.bool_op("@@")(anything), FeedbackRow.status != Status.MERGED, *visible(to))
        .where(true() if without is None else FeedbackRow.id != without)
        .order_by(func.ts_rank(FeedbackRow.search, anything).desc(), FeedbackRow.id)
        .limit(_CANDIDATES)
    )


def _quoted(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
