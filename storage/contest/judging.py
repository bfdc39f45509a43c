"""Judging in the database: who judges what, scores, deadlines, and those who take over.

An entry has `judges_per_entry` judges when so many of its assignments are pending or scored. What lacks some is found
by walking all entries by their ids, a page a commit, so each walk ends, whoever is to be found.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.contest.fields import AssignmentState
from domain.contest.judging import Assigned, Judge, Unjudged, assign
from domain.contest.messages import Change, Facts, Filled
from domain.errors import Conflict, Forbidden
from storage.contest.entries import STANDING
from storage.database import Writer
from storage.tables.account import PersonRow, TeamMemberRow
from storage.tables.contest import (
    ContestAssignmentRow,
    ContestConflictRow,
    ContestEntryRow,
    ContestJudgeRow,
)

PAGE: Final = 200
"""Entries that get their judges in one commit."""

_LIVE: Final = (AssignmentState.PENDING, AssignmentState.SCORED)
_TAKEN: Final = (*_LIVE, AssignmentState.RECUSED)
_Row: Final = ContestAssignmentRow


def _pending(contest_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return _Row.contest_id == contest_id, _Row.state == AssignmentState.PENDING


async def write(writer: Writer, change: Change) -> None:
    """What a change says of judges: appointed, dismissed, with a conflict, with more time."""
    contest_id = change.contest_id
    pending = _pending(contest_id)
    if change.appoint:
        rows = [{"contest_id": contest_id, "person_id": one, "active": True} for one in change.appoint]
        appointing = upsert(ContestJudgeRow).values(rows)
        await writer.execute(
            appointing.on_conflict_do_update(
                index_elements=["contest_id", "person_id"], set_={"active": True}
            )
        )
    if change.dismiss is not None:
        await _deactivate(writer, contest_id, [change.dismiss])
        theirs = update(_Row).where(*pending, _Row.judge_id == change.dismiss)
        await writer.execute(theirs.values(state=AssignmentState.RELEASED))
    if change.conflict is not None:
        declared = change.conflict.model_dump()
        known = upsert(ContestConflictRow).values(contest_id=contest_id, **declared)
        await writer.execute(known.on_conflict_do_nothing())
        of_person = select(ContestEntryRow.id).where(
            ContestEntryRow.contest_id == contest_id, ContestEntryRow.person_id == change.conflict.person_id
        )
        theirs = update(_Row).where(
            _Row.contest_id == contest_id,
            _Row.state.in_(_LIVE),
            _Row.judge_id == change.conflict.judge_id,
            _Row.entry_id.in_(of_person),
        )
        await writer.execute(theirs.values(state=AssignmentState.RECUSED))
    if change.by is not None:
        await _move(writer, contest_id, change.by)


async def _move(writer: Writer, contest_id: UUID, by: timedelta) -> None:
    await writer.execute(update(_Row).where(*_pending(contest_id)).values(due_at=_Row.due_at + by))


async def _deactivate(writer: Writer, contest_id: UUID, judges: Sequence[UUID]) -> None:
    those = (ContestJudgeRow.contest_id == contest_id, ContestJudgeRow.person_id.in_(judges))
    await writer.execute(update(ContestJudgeRow).where(*those).values(active=False))


async def fill(writer: Writer, change: Change) -> Facts:
    """The next page of entries that lack judges gets some."""
    state = change.state
    walk = state.fill
    assert walk is not None
    found = await _unjudged(writer, change, walk.after)
    entries = found[:PAGE]
    assigned = assign(await _judges(writer, state.id), entries)
    await _give(writer, change, assigned)
    judges = list(dict.fromkeys(one.judge_id for one in assigned))
    if len(found) > PAGE:
        return Facts(filled=Filled(after=entries[-1].id, judges=judges))
    pending = await writer.scalar(select(func.count()).where(*_pending(state.id)))
    short = await _short(writer, change)
    return Facts(filled=Filled(after=None, judges=judges, pending=pending or 0, short=short))


async def _give(writer: Writer, change: Change, assigned: Sequence[Assigned]) -> None:
    """Who gave one up before may get it again: they were appointed anew."""
    assert change.state.fill is not None
    if not assigned:
        return
    values = {"state": AssignmentState.PENDING, "due_at": change.state.fill.due_at}
    rows = [
        {
            "entry_id": one.entry_id,
            "judge_id": one.judge_id,
            "contest_id": change.contest_id,
            "scores": {},
            **values,
        }
        for one in assigned
    ]
    giving = upsert(_Row).values(rows)
    await writer.execute(giving.on_conflict_do_update(index_elements=["entry_id", "judge_id"], set_=values))


async def _judges(writer: Writer, contest_id: UUID) -> list[Judge]:
    """Who can be given entries: active as a judge and as a person."""
    loads: Any = (
        select(_Row.judge_id, func.count()).where(_Row.contest_id == contest_id, _Row.state.in_(_LIVE))
    ).group_by(_Row.judge_id)
    load = {row[0]: row[1] for row in await writer.execute(loads)}
    conflicts: dict[UUID, set[UUID]] = {}
    declared = select(ContestConflictRow.judge_id, ContestConflictRow.person_id)
    for row in await writer.execute(declared.where(ContestConflictRow.contest_id == contest_id)):
        conflicts.setdefault(row.judge_id, set()).add(row.person_id)
    people = (
        select(PersonRow.id, PersonRow.organization_id)
        .join(ContestJudgeRow, ContestJudgeRow.person_id == PersonRow.id)
        .where(ContestJudgeRow.contest_id == contest_id, ContestJudgeRow.active, PersonRow.active)
        .order_by(PersonRow.id)
    )
    rows = (await writer.execute(people)).all()
    teams = await _teams(writer, [row.id for row in rows])
    return [
        Judge(
            row.id,
            row.organization_id,
            teams.get(row.id, frozenset()),
            frozenset(conflicts.get(row.id, ())),
            load.get(row.id, 0),
        )
        for row in rows
    ]


async def _teams(writer: Writer, people: Sequence[UUID]) -> dict[UUID, frozenset[UUID]]:
    statement = select(TeamMemberRow.person_id, func.array_agg(TeamMemberRow.team_id))
    grouped = statement.where(TeamMemberRow.person_id.in_(people)).group_by(TeamMemberRow.person_id)
    return {row[0]: frozenset(row[1]) for row in await writer.execute(grouped)}


async def _unjudged(writer: Writer, change: Change, after: UUID | None) -> list[Unjudged]:
    """The next entries that lack judges; one more than a page when there are more."""
    needed = change.state.rules.judges_per_entry
    live = func.count().filter(_Row.state.in_(_LIVE))
    taken = func.array_agg(_Row.judge_id).filter(_Row.state.in_(_TAKEN))
    entry = ContestEntryRow
    statement = (
        select(entry.id, entry.person_id, PersonRow.organization_id, live.label("live"), taken.label("taken"))
        .join(PersonRow, PersonRow.id == entry.person_id)
        .outerjoin(_Row, _Row.entry_id == entry.id)
        .where(entry.contest_id == change.contest_id, entry.state == STANDING)
        .group_by(entry.id, PersonRow.organization_id)
        .having(live < needed)
        .order_by(entry.id)
        .limit(PAGE + 1)
    )
    if after is not None:
        statement = statement.where(entry.id > after)
    rows = (await writer.execute(statement)).all()
    teams = await _teams(writer, list({row.person_id for row in rows}))
    return [
        Unjudged(
            row.id,
            row.person_id,
            row.organization_id,
            teams.get(row.person_id, frozenset()),
            frozenset(row.taken or ()),
            needed - row.live,
        )
        for row in rows
    ]


async def _short(writer: Writer, change: Change) -> int:
    """How many entries have fewer judges than they need."""
    live = func.count().filter(_Row.state.in_(_LIVE))
    entry = ContestEntryRow
    lacking = (
        select(entry.id)
        .outerjoin(_Row, _Row.entry_id == entry.id)
        .where(entry.contest_id == change.contest_id, entry.state == STANDING)
        .group_by(entry.id)
        .having(live < change.state.rules.judges_per_entry)
        .subquery()
    )
    return await writer.scalar(select(func.count()).select_from(lacking)) or 0


async def score(writer: Writer, change: Change) -> Facts:
    """Keeps a judge's scores; until the judging ends they may be given anew. Raises Forbidden for who was never given
    the entry, Conflict for who had to give it up."""
    given = change.score
    assert given is not None
    mine = (_Row.entry_id == given.entry_id, _Row.judge_id == given.judge_id)
    known = await writer.scalar(select(_Row.state).where(*mine, _Row.contest_id == change.contest_id))
    if known is None:
        raise Forbidden("not_assigned", "You are not to judge this entry.")
    if known not in _LIVE:
        raise Conflict(f"assignment_{known}", "You had to give up this entry; somebody else judges it.")
    await writer.execute(
        update(_Row)
        .where(*mine)
        .values(state=AssignmentState.SCORED, scores=given.scores, comment=given.comment, scored_at=change.at)
    )
    pending = await writer.scalar(select(exists().where(*_pending(change.contest_id))))
    return Facts(pending=int(bool(pending)))


async def late(writer: Writer, change: Change) -> Facts:
    """Who still has to score something by this deadline."""
    statement = select(_Row.judge_id).where(*_pending(change.contest_id), _Row.due_at <= change.due_at)
    return Facts(late=sorted(await writer.scalars(statement.distinct())))


async def miss(writer: Writer, change: Change) -> Facts:
    """Takes the entries from those who were not ready; they are given no more."""
    pending = update(_Row).where(*_pending(change.contest_id), _Row.due_at <= change.due_at)
    found = await writer.scalars(pending.values(state=AssignmentState.MISSED).returning(_Row.judge_id))
    judges = sorted(set(found))
    await _deactivate(writer, change.contest_id, judges)
    return Facts(missed=judges)
