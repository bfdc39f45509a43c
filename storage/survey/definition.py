"""Surveys as they are defined. A change counts the version up and wakes the process."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.authorization import not_found
from domain.errors import Conflict
from domain.survey.definition import (
    AFTER_RESOLUTION,
    DEFAULT,
    Contents,
    Occasion,
    State,
    Survey,
    check_move,
    no_campaign,
)
from domain.survey.invitation import Skip
from domain.survey.invitation import State as InvitationState
from storage import outbox
from storage.conflicts import check_version
from storage.database import Reader, Writer
from storage.tables.survey import SurveyInvitationRow, SurveyRow

_FIXED: Final = frozenset({"questions", "audience", "schedule", "sample"})
"""What a campaign that was started does not change: its rounds would not compare."""


async def ensure_default_survey(writer: Writer) -> None:
    """Puts the survey after resolutions on a desk that never had it; one that was changed or paused stays so."""
    values = {
        "id": AFTER_RESOLUTION,
        "occasion": Occasion.RESOLUTION,
        "state": State.ACTIVE,
        "contents": DEFAULT.model_dump(mode="json"),
    }
    await writer.execute(upsert(SurveyRow).values(values).on_conflict_do_nothing())


async def surveys(reader: Reader) -> list[Survey]:
    rows = (await reader.scalars(select(SurveyRow).order_by(SurveyRow.created_at, SurveyRow.id))).all()
    return [_survey(row) for row in rows]


async def survey(reader: Reader | Writer, survey_id: UUID) -> Survey:
    """Raises NotFound."""
    row = (await reader.scalars(select(SurveyRow).where(SurveyRow.id == survey_id))).one_or_none()
    if row is None:
        raise not_found()
    return _survey(row)


async def create(writer: Writer, contents: Contents) -> Survey:
    """A campaign, as a draft."""
    survey_id = uuid4()
    values = {
        "id": survey_id,
        "occasion": Occasion.CAMPAIGN,
        "state": State.DRAFT,
        "contents": contents.model_dump(mode="json"),
    }
    await writer.execute(insert(SurveyRow).values(values))
    return await survey(writer, survey_id)


async def change(
    writer: Writer, survey_id: UUID, changes: Mapping[str, Any], expected: int | None
) -> tuple[Survey, Contents]:
    """The survey, locked, and what it is after `changes` to its fields. Raises NotFound, StaleVersion, Conflict, and
    pydantic's ValidationError."""
    locked = select(SurveyRow.id).where(SurveyRow.id == survey_id).with_for_update(key_share=True)
    if await writer.scalar(locked) is None:
        raise not_found()
    known = await survey(writer, survey_id)
    check_version(expected, known.version)
    fixed = sorted(_FIXED & changes.keys()) if known.started_at is not None else []
    if fixed and known.occasion is Occasion.CAMPAIGN:
        raise Conflict("survey_started", f"A campaign that was started keeps its {fixed[0]}.", field=fixed[0])
    contents = Contents.model_validate({**contents_of(known).model_dump(), **changes})
    if contents.audience is not None and known.occasion is not Occasion.CAMPAIGN:
        raise no_campaign()
    return known, contents


async def keep(writer: Writer, known: Survey, contents: Contents, state: State, now: datetime) -> Survey:
    """A new version, unless nothing changes; the process looks at it at once. Raises Conflict for a state that cannot
    follow. A campaign that is ended asks nobody who still waits."""
    check_move(known.occasion, known.state, state)
    if (contents, state) == (contents_of(known), known.state):
        return known
    values = {"contents": contents.model_dump(mode="json"), "state": state, "version": known.version + 1}
    if known.started_at is None and state is State.ACTIVE:
        values["started_at"] = now
    if state is State.ENDED:
        waiting = (
            SurveyInvitationRow.survey_id == known.id,
            SurveyInvitationRow.state == InvitationState.WAITING,
        )
        skipped = {"state": InvitationState.SKIPPED, "reason": Skip.ENDED, "next_at": None}
        await writer.execute(update(SurveyInvitationRow).where(*waiting).values(skipped))
    await writer.execute(
        update(SurveyRow).where(SurveyRow.id == known.id).values(**values, updated_at=func.now())
    )
    await outbox.put(writer, "survey", str(known.id), {})
    return await survey(writer, known.id)


def contents_of(known: Survey) -> Contents:
    return Contents.model_validate(known.model_dump(include=set(Contents.model_fields)))


def _survey(row: SurveyRow) -> Survey:
    return Survey.model_validate(
        {
            **row.contents,
            "id": row.id,
            "occasion": row.occasion,
            "state": row.state,
            "round": row.round,
            "round_at": row.round_at,
            "started_at": row.started_at,
            "version": row.version,
            "next_at": row.next_at,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
        }
    )
