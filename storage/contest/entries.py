"""Entries: whether somebody may enter, and the row; withdrawing, and who takes part."""

from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.account import Role
from domain.authorization import not_found
from domain.contest.entrant import Entrant, check_entrant
from domain.contest.messages import Change, Facts
from domain.contest.points import left, taken_part
from domain.errors import Conflict
from storage.database import Writer
from storage.member.facts import observe
from storage.tables.account import PersonRow
from storage.tables.contest import ContestEntryRow, ContestParticipantRow

PAGE: Final = 500
"""Participants of whom points are taken back in one commit."""

STANDING = "standing"
WITHDRAWN = "withdrawn"


async def enter(writer: Writer, change: Change) -> Facts:
    """Keeps the entry of `change`, if its person may enter. The process's row is locked, so nobody's entries pass each
    other. Raises Forbidden and Conflict, also for an entry that is there: its request was carried out long ago."""
    entry, rules = change.entry, change.state.rules
    assert entry is not None
    day = rules.day(entry.arrived_at)
    check_entrant(rules, await _entrant(writer, change.contest_id, entry.person_id, day))
    values = entry.model_dump() | {
        "contest_id": change.contest_id,
        "state": STANDING,
        "day": day,
        "adjustment": 0,
        "means": {},
    }
    made = await writer.scalar(
        upsert(ContestEntryRow).values(values).on_conflict_do_nothing().returning(ContestEntryRow.id)
    )
    if made is None:
        raise Conflict("request_repeated", "This request was carried out long ago. Read the entry it made.")
    return Facts(first=await _count(writer, change, entry.person_id, 1))


async def withdraw(writer: Writer, change: Change) -> Facts:
    """Raises NotFound, or Conflict for one that is withdrawn already."""
    entry = (ContestEntryRow.id == change.withdraw, ContestEntryRow.contest_id == change.contest_id)
    statement = select(ContestEntryRow.person_id, ContestEntryRow.state).where(*entry)
    row = (await writer.execute(statement)).one_or_none()
    if row is None:
        raise not_found()
    if row.state != STANDING:
        raise Conflict("withdrawn", "This entry is withdrawn.")
    await writer.execute(update(ContestEntryRow).where(*entry).values(state=WITHDRAWN))
    return Facts(first=await _count(writer, change, row.person_id, -1))


async def _entrant(writer: Writer, contest_id: UUID, person_id: UUID, day: date) -> Entrant:
    mine = (ContestEntryRow.contest_id == contest_id, ContestEntryRow.person_id == person_id)
    stands = func.count().filter(ContestEntryRow.state == STANDING)
    counted: Any = select(stands, func.count().filter(ContestEntryRow.day == day)).where(*mine)
    standing, today = (await writer.execute(counted)).one()
    columns = (PersonRow.roles, PersonRow.organization_id, PersonRow.created_at, PersonRow.active)
    person = (await writer.execute(select(*columns).where(PersonRow.id == person_id))).one_or_none()
    if person is None:
        raise not_found()
    return Entrant(
        roles=frozenset(map(Role, person.roles)),
        organization_id=person.organization_id,
        registered_at=person.created_at,
        active=person.active,
        standing=standing,
        today=today,
    )


async def _count(writer: Writer, change: Change, person_id: UUID, step: int) -> bool:
    """Whether the person has become a participant by it, or is none any more."""
    row = ContestParticipantRow
    this = (row.contest_id == change.contest_id, row.person_id == person_id)
    known = (await writer.execute(select(row.standing, row.facts).where(*this))).one_or_none()
    standing = step if known is None else known.standing + step
    if standing != max(step, 0):
        await writer.execute(update(row).where(*this).values(standing=standing))
        return False
    times = 0 if known is None else known.facts
    if step < 0:
        await writer.execute(update(row).where(*this).values(standing=standing))
        await observe(writer, [(person_id, left(change.contest_id, times, change.at))], change.at)
        return True
    values = {"version": change.state.event_number, "standing": standing, "facts": times + 1}
    insertion = upsert(row).values(contest_id=change.contest_id, person_id=person_id, **values)
    await writer.execute(
        insertion.on_conflict_do_update(
            index_elements=row.__table__.primary_key, set_={"standing": standing, "facts": times + 1}
        )
    )
    await observe(writer, [(person_id, taken_part(change.contest_id, times + 1, change.at))], change.at)
    return True


async def give_back(writer: Writer, change: Change) -> Facts:
    """The contest did not happen: the next participants give back what they got for taking part."""
    row, after = ContestParticipantRow, change.state.reversed_to
    statement = (
        select(row.person_id, row.facts)
        .where(row.contest_id == change.contest_id, row.standing > 0)
        .order_by(row.person_id)
        .limit(PAGE + 1)
    )
    rows = (
        await writer.execute(statement if after is None else statement.where(row.person_id > after))
    ).all()
    facts = [(one.person_id, left(change.contest_id, one.facts, change.at)) for one in rows[:PAGE]]
    await observe(writer, facts, change.at)
    return Facts(after=rows[PAGE - 1].person_id if len(rows) > PAGE else None)
