"""Appeals: one at a time for an entry, and what a manager decided."""

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.authorization import not_found
from domain.contest.fields import AppealState
from domain.contest.messages import Change, Facts
from domain.errors import Conflict, Forbidden
from storage.contest.entries import STANDING
from storage.database import Writer
from storage.tables.contest import ContestAppealRow, ContestEntryRow


async def appeal(writer: Writer, change: Change) -> Facts:
    """Raises NotFound for an entry that is not theirs or does not stand, Conflict while another appeal is open."""
    new = change.appeal
    assert new is not None
    entry = ContestEntryRow
    theirs = select(entry.id).where(
        entry.id == new.entry_id,
        entry.contest_id == change.contest_id,
        entry.person_id == new.person_id,
        entry.state == STANDING,
    )
    if await writer.scalar(theirs) is None:
        raise not_found()
    values = new.model_dump() | {
        "contest_id": change.contest_id,
        "state": AppealState.OPEN,
        "adjustment": 0,
        "at": change.at,
    }
    made = await writer.scalar(
        upsert(ContestAppealRow).values(values).on_conflict_do_nothing().returning(ContestAppealRow.id)
    )
    if made is None:
        raise Conflict("appeal_open", "An appeal for this entry is open already.")
    return Facts()


async def decide(writer: Writer, change: Change) -> Facts:
    """Raises NotFound, Forbidden for one's own, or Conflict for one that is decided. An adjustment adds to those
    before."""
    decision = change.decision
    assert decision is not None
    row = ContestAppealRow
    this = (row.id == decision.appeal_id, row.contest_id == change.contest_id)
    known = (await writer.execute(select(row.state, row.entry_id, row.person_id).where(*this))).one_or_none()
    if known is None:
        raise not_found()
    if known.person_id == change.actor_id:
        raise Forbidden("own_appeal", "Somebody else decides about your own appeal.")
    if known.state != AppealState.OPEN:
        raise Conflict("appeal_decided", "This appeal is decided.")
    await writer.execute(
        update(row)
        .where(*this)
        .values(
            state=AppealState.UPHELD if decision.upheld else AppealState.REJECTED,
            answer=decision.answer,
            adjustment=decision.adjustment,
            decided_at=change.at,
            decided_by=change.actor_id,
        )
    )
    entry = update(ContestEntryRow).where(ContestEntryRow.id == known.entry_id)
    await writer.execute(entry.values(adjustment=ContestEntryRow.adjustment + decision.adjustment))
    return Facts(appellant=known.person_id)
