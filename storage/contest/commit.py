"""Commits one change of a contest's process: all of it in one transaction, once.

The guard is the event number, as with tickets (`storage/ticket/commit.py`): if the database knows it already, nothing
is written and the process is given the state that holds. What a change wants is found or done first, by the module of
its use: entries, judging, standing, appeals, telling. A refusal there rolls everything back.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.contest.messages import Change, CreateContest, Facts, Outcome
from domain.contest.process import is_finished, timers, with_facts
from domain.contest.state import ContestState
from domain.errors import Unavailable
from storage.contest import appeals, entries, judging, standing, telling
from storage.database import Writer
from storage.tables.contest import ContestEventRow, ContestProcessRow, ContestRow

_Step = Callable[[Writer, Change], Awaitable[Facts]]

_STEPS: Final[dict[str, _Step]] = {
    "entrant": entries.enter,
    "entry": entries.withdraw,
    "points": entries.give_back,
    "assignment": judging.score,
    "late": judging.late,
    "missed": judging.miss,
    "fill": judging.fill,
    "standing": standing.reckon,
    "winners": standing.award,
    "appeal": appeals.appeal,
    "decision": appeals.decide,
}


async def commit(writer: Writer, change: Change, *, mail: bool) -> Outcome:
    """Finds or does what `change` wants, completes it, writes it. `mail` says whether mails can be sent.

    Raises what the steps refuse, and Unavailable when the database is behind the process: one of them was restored.
    """
    row = (await writer.execute(_process(change))).one_or_none()
    ahead = _ahead(row, change)
    if ahead is not None:
        return Outcome(state=ahead)
    if change.created is not None:
        await _create(writer, change, change.created)
    facts = await _gather(writer, change, mail=mail) if change.wants else None
    if facts is not None:
        change = with_facts(change, facts)
    if change.empty:
        return Outcome(facts=facts)
    await _write_contest(writer, change)
    await judging.write(writer, change)
    await _write_history(writer, change)
    await telling.notify(writer, change, mail=mail)
    return Outcome(facts=facts)


async def _gather(writer: Writer, change: Change, *, mail: bool) -> Facts:
    found: dict[str, Any] = {}
    for want in change.wants:
        if want == "audience":
            facts = await telling.page(writer, change, mail=mail)
        elif want in _STEPS:
            facts = await _STEPS[want](writer, change)
        else:
            continue
        found |= {name: getattr(facts, name) for name in facts.model_fields_set}
    return Facts(**found)


def _process(change: Change) -> Any:
    statement = select(ContestProcessRow.version, ContestProcessRow.state)
    return statement.where(ContestProcessRow.contest_id == change.contest_id).with_for_update()


def _ahead(row: Row[Any] | None, change: Change) -> ContestState | None:
    """The state that holds, if the database knows this event number already. The process's row is locked."""
    version, expected = (0 if row is None else row.version), change.state.event_number
    if row is not None and version >= expected:
        return ContestState.model_validate(row.state)
    if version != expected - 1:
        raise Unavailable(
            "process_out_of_step",
            f"Contest {change.contest_id} is at version {version} in the database and the process commits "
            f"{expected}.",
        )
    return None


async def _create(writer: Writer, change: Change, created: CreateContest) -> None:
    values = {
        "id": created.contest_id,
        "fingerprint": created.fingerprint,
        "name": created.name,
        "description": created.description,
        "created_by": created.created_by,
        "created_at": change.at,
    }
    await writer.execute(insert(ContestRow).values(values | _mirrored(change)))


async def _write_contest(writer: Writer, change: Change) -> None:
    values = _mirrored(change)
    if change.edit is not None:
        values |= change.edit.model_dump(include={"name", "description"}, exclude_none=True)
    await writer.execute(update(ContestRow).where(ContestRow.id == change.contest_id).values(values))


def _mirrored(change: Change) -> dict[str, Any]:
    state = change.state
    step = next(iter(timers(state)), None)
    return {
        "version": state.event_number,
        "status": state.status,
        "opens_at": state.rules.opens_at,
        "closes_at": state.rules.closes_at,
        "judging_until": state.rules.judging_until,
        "appeals_until": state.appeals_until,
        "entries": state.entries,
        "participants": state.participants,
        "short": state.short,
        "rules": state.rules.model_dump(mode="json"),
        "next_step": None if step is None else step.name,
        "next_step_at": None if step is None else step.due_at,
        "updated_at": change.at,
    }


async def _write_history(writer: Writer, change: Change) -> None:
    state = change.state
    known = {
        "version": state.event_number,
        "state": state.model_dump(mode="json"),
        "finished": is_finished(state),
    }
    process = upsert(ContestProcessRow).values(contest_id=state.id, **known)
    await writer.execute(process.on_conflict_do_update(index_elements=["contest_id"], set_=known))
    rows = [
        {
            "contest_id": state.id,
            "version": state.event_number,
            "position": position,
            **event.model_dump(),
        }
        for position, event in enumerate(change.events)
    ]
    if rows:
        await writer.execute(insert(ContestEventRow), rows)
