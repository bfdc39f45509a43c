"""The standing in the database: reckoned from all scores at once, and what is won by it."""

from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.contest.fields import AssignmentState
from domain.contest.messages import Change, Facts
from domain.contest.points import won
from domain.contest.standing import Judged, Place, standing
from domain.member.fact import granted
from storage.contest.entries import STANDING
from storage.database import Writer
from storage.member.facts import receive
from storage.member.rules import rules
from storage.tables.contest import ContestAssignmentRow, ContestEntryRow, ContestPrizeRow

# A place is unique, but not while half of the rows are written; nothing but a reader's order depends on it.
_WRITE: Final = text("""
    UPDATE contest_entries SET place = new.place, rank = new.rank, total = new.total, means = new.means
    FROM jsonb_to_recordset(:places) AS new (id uuid, place int, rank int, total numeric, means jsonb)
    WHERE contest_entries.id = new.id
""").bindparams(bindparam("places", type_=JSONB))


async def reckon(writer: Writer, change: Change) -> Facts:
    """Writes everybody's place. Whoever has not scored yet need not do so any more."""
    row = ContestAssignmentRow
    pending = (row.contest_id == change.contest_id, row.state == AssignmentState.PENDING)
    await writer.execute(update(row).where(*pending).values(state=AssignmentState.RELEASED))
    places = standing(change.state.rules.criteria, await _judged(writer, change.contest_id))
    if places:
        await writer.execute(_WRITE, {"places": [_values(place) for place in places]})
    return Facts()


async def _judged(writer: Writer, contest_id: UUID) -> list[Judged]:
    row = ContestAssignmentRow
    scores: dict[UUID, list[dict[str, int]]] = {}
    scored = (row.contest_id == contest_id, row.state == AssignmentState.SCORED)
    for entry_id, given in await writer.execute(select(row.entry_id, row.scores).where(*scored)):
        scores.setdefault(entry_id, []).append(given)
    entry = ContestEntryRow
    statement = select(entry.id, entry.arrived_at, entry.adjustment).where(
        entry.contest_id == contest_id, entry.state == STANDING
    )
    return [
        Judged(one.id, one.arrived_at, scores.get(one.id, ()), one.adjustment)
        for one in await writer.execute(statement)
    ]


def _values(place: Place) -> dict[str, Any]:
    return {
        "id": str(place.entry_id),
        "place": place.place,
        "rank": place.rank,
        "total": None if place.total is None else str(place.total),
        "means": {name: str(mean) for name, mean in place.means.items()},
    }


async def award(writer: Writer, change: Change) -> Facts:
    """Notes what is won, once for each prize and entry, and gives the points of it."""
    prizes = {prize.rank: prize for prize in change.state.rules.prizes}
    entry = ContestEntryRow
    statement = (
        select(entry.id, entry.person_id, entry.rank)
        .where(entry.contest_id == change.contest_id, entry.state == STANDING, entry.rank.in_(prizes))
        .order_by(entry.place)
    )
    rows = (await writer.execute(statement)).all()
    prizes_won: list[dict[str, Any]] = [
        {
            "id": uuid5(change.contest_id, f"prize:{row.rank}:{row.id}"),
            "contest_id": change.contest_id,
            "rank": row.rank,
            "entry_id": row.id,
            "person_id": row.person_id,
            "name": prizes[row.rank].name,
            "points": prizes[row.rank].points,
        }
        for row in rows
    ]
    if prizes_won:
        await writer.execute(upsert(ContestPrizeRow).values(prizes_won).on_conflict_do_nothing())
        worth = await rules(writer)
        facts = [
            granted(
                one["person_id"],
                won(change.contest_id, one["id"], change.at),
                one["points"],
                worth,
                change.at,
            )
            for one in prizes_won
            if one["points"]
        ]
        if facts:
            await receive(writer, facts)
    return Facts(winners=list(dict.fromkeys(row.person_id for row in rows)))
