"""Looking at everybody for one achievement, page by page: who meets it now. The same look previews a draft.

Nothing is awarded here: the member's own process is asked to judge, so that nobody else ever writes to a member.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.account import Ref
from domain.achievement.criteria import Evidence, dependencies, read, terms_of
from domain.achievement.record import (
    AwardState,
    Backfill,
    BackfillState,
    Met,
    Rule,
    State,
    occurrences,
)
from domain.authorization import not_found
from domain.member.rules import Rules
from storage import outbox
from storage.achievement import measure
from storage.achievement.award import rule_of
from storage.database import Database, Reader, Writer
from storage.member import facts
from storage.member.rules import rules
from storage.page import Order, page
from storage.tables.account import PersonRow
from storage.tables.achievement import AchievementReviewRow, AchievementRow, AwardRow, BackfillRow
from storage.tables.member import MemberRow

NEWEST_FIRST: Final = Order((BackfillRow.created_at, BackfillRow.id), descending=True)
SIZE: Final = 500


@dataclass(frozen=True, slots=True)
class Look:
    """One page: `last` is None when there are no more members."""

    last: UUID | None
    checked: int
    met: Sequence[Met]


async def rule(session: Reader | Writer, achievement_id: UUID) -> Rule:
    """Raises NotFound."""
    row = await session.get(AchievementRow, achievement_id)
    if row is None:
        raise not_found()
    return rule_of(row, read(row.criteria))


async def look(
    session: Reader | Writer, wanted: Rule, after: UUID | None, worth: Rules, size: int = SIZE
) -> Look:
    """Who of the next members meets an achievement. It writes nothing."""
    statement = (
        select(MemberRow.person_id, MemberRow.points, PersonRow.name)
        .join(PersonRow, PersonRow.id == MemberRow.person_id)
        .where(MemberRow.cursor > 0)
        .order_by(MemberRow.person_id)
        .limit(size)
    )
    if after is not None:
        statement = statement.where(MemberRow.person_id > after)
    members = (await session.execute(statement)).all()
    ids = [row.person_id for row in members]
    values = await measure.values(session, [term.measure for term in terms_of(wanted.criteria)], ids)
    held = await _times(session, wanted, ids)
    given = await _given(session, ids)
    met = []
    for row in members:
        evidence = Evidence(
            points=row.points - given.get(row.person_id, 0),
            rules=worth,
            times=held.get(row.person_id, Counter()).__getitem__,
            found=values.of(row.person_id),
        )
        if count := occurrences(wanted, evidence.value, worth):
            met.append(Met(member=Ref(id=row.person_id, name=row.name), occurrences=count))
    return Look(ids[-1] if len(ids) == size else None, len(ids), met)


async def _times(session: Reader | Writer, wanted: Rule, ids: Sequence[UUID]) -> dict[UUID, Counter[UUID]]:
    """How often each member was awarded what the criteria ask for."""
    others = dependencies(wanted.criteria)
    if not others:
        return {}
    statement = select(AwardRow.member_id, AwardRow.achievement_id).where(
        AwardRow.member_id.in_(ids),
        AwardRow.achievement_id.in_(others),
        AwardRow.state != AwardState.REVOKED,
    )
    found: dict[UUID, Counter[UUID]] = {}
    for row in await session.execute(statement):
        found.setdefault(row.member_id, Counter())[row.achievement_id] += 1
    return found


async def _given(session: Reader | Writer, ids: Sequence[UUID]) -> dict[UUID, int]:
    """The points that achievements gave."""
    statement = (
        select(AwardRow.member_id, func.sum(AwardRow.points).label("points"))
        .where(AwardRow.member_id.in_(ids), AwardRow.state == AwardState.HELD, AwardRow.points > 0)
        .group_by(AwardRow.member_id)
    )
    return {row.member_id: row.points for row in await session.execute(statement)}


async def begin(writer: Writer, achievement_id: UUID, *, dry_run: bool) -> Backfill:
    """Keeps what is wanted, and asks for the process."""
    made = uuid4()
    values = {"achievement_id": achievement_id, "dry_run": dry_run, "state": BackfillState.RUNNING}
    await writer.execute(insert(BackfillRow).values(id=made, **values))
    await outbox.put(writer, "backfill", str(made), {})
    return await backfill(writer, achievement_id, made)


async def backfill(session: Reader | Writer, achievement_id: UUID, backfill_id: UUID) -> Backfill:
    """Raises NotFound."""
    of = (BackfillRow.id == backfill_id, BackfillRow.achievement_id == achievement_id)
    row = (await session.execute(select(*BackfillRow.__table__.columns).where(*of))).one_or_none()
    if row is None:
        raise not_found()
    return Backfill.model_validate(row)


async def backfills(
    reader: Reader, achievement_id: UUID, *, after: Sequence[Any] | None, size: int
) -> list[Backfill]:
    statement = select(*BackfillRow.__table__.columns).where(BackfillRow.achievement_id == achievement_id)
    rows = await reader.execute(page(statement, NEWEST_FIRST, after, size))
    return [Backfill.model_validate(row) for row in rows]


async def cancel(writer: Writer, backfill_id: UUID) -> None:
    """Whoever was asked already is still judged."""
    running = (BackfillRow.id == backfill_id, BackfillRow.state == BackfillState.RUNNING)
    await writer.execute(
        update(BackfillRow).where(*running).values(state=BackfillState.CANCELLED, finished_at=func.now())
    )


class Backfills:
    """What the process of a backfill does, a page in one transaction."""

    def __init__(self, database: Database, size: int = SIZE) -> None:
        self._database = database
        self._size = size

    async def look(self, backfill_id: UUID) -> bool:
        """Looks at the next page and says whether there may be more. The page is kept with where it ended, so nobody
        is looked at twice."""
        async with self._database.writing() as writer:
            row = await writer.get(BackfillRow, backfill_id, with_for_update=True)
            if row is None or row.state != BackfillState.RUNNING:
                return False
            wanted = await rule(writer, row.achievement_id)
            seen = await look(writer, wanted, row.after, await rules(writer), self._size)
            asked = 0 if row.dry_run else await _ask(writer, row.achievement_id, seen.met)
            done = {"state": BackfillState.DONE, "finished_at": func.now()} if seen.last is None else {}
            counts = {
                "after": seen.last,
                "checked": row.checked + seen.checked,
                "met": row.met + len(seen.met),
                "asked": row.asked + asked,
            }
            await writer.execute(
                update(BackfillRow).where(BackfillRow.id == backfill_id).values(**counts, **done)
            )
        return seen.last is not None


async def _ask(writer: Writer, achievement_id: UUID, met: Sequence[Met]) -> int:
    """None for one that is not active any more."""
    row = await writer.get(AchievementRow, achievement_id)
    if not met or row is None or row.state != State.ACTIVE:
        return 0
    members = [one.member.id for one in met]
    reviews = [{"member_id": member, "achievement_id": achievement_id} for member in members]
    await facts.lock(writer, members)
    await writer.execute(upsert(AchievementReviewRow).on_conflict_do_nothing(), reviews)
    await facts.ask(writer, members)
    return len(members)
