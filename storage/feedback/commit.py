"""Commits one change of a feedback process: all of it in one transaction, once.

The guard is the event number, as for tickets: where the database knows it already, nothing is written and the process
is given the state that holds. Who follows the item is the business of `followers.py`, telling them that of
`telling.py`.
"""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.errors import Conflict, Unavailable
from domain.feedback.fields import Status
from domain.feedback.messages import Change, Outcome
from domain.feedback.process import is_empty, timers, with_facts
from domain.feedback.state import FeedbackState
from domain.sla.ledger import LedgerEntry
from storage import notification
from storage.database import Writer
from storage.feedback import facts as finding
from storage.feedback import followers, points, release, telling
from storage.feedback.audience import notifications
from storage.feedback.words import document
from storage.tables.feedback import (
    FeedbackCommentRow,
    FeedbackEventRow,
    FeedbackLedgerRow,
    FeedbackProcessRow,
    FeedbackRow,
)
from storage.ticket.commit import merged

_OPENING: Final = 1


async def commit(writer: Writer, change: Change, *, mail: bool) -> Outcome:
    """Finds the facts that `change` wants, completes it, writes it.

    `mail` says whether mails can be sent; without, they are kept to be read. Raises Unavailable when the database is
    behind the process: one of them was restored, and they have to be reconciled first.
    """
    ahead = await _ahead(writer, change)
    if ahead is not None:
        return Outcome(state=ahead)
    await followers.lock(writer, change)
    facts = await finding.gather(writer, change) if change.wants else None
    if facts is not None:
        change = with_facts(change, facts)
        if is_empty(change):
            return Outcome(facts=facts)
    await _write_item(writer, change)
    await _write_history(writer, change)
    await _write_comments(writer, change)
    await followers.write(writer, change)
    await release.mark_shipped(writer, change)
    await points.thank(writer, change)
    await telling.begin(writer, change, smtp_configured=mail)
    rows = await notifications(writer, change)
    await notification.add(writer, rows, smtp_configured=mail)
    return Outcome(facts=facts)


async def _ahead(writer: Writer, change: Change) -> FeedbackState | None:
    """The state that holds, if the database knows this event number already. The process's row is locked."""
    statement = select(FeedbackProcessRow).where(FeedbackProcessRow.feedback_id == change.feedback_id)
    row = (await writer.scalars(statement.with_for_update())).one_or_none()
    version, expected = (0 if row is None else row.version), change.state.event_number
    if row is not None and version >= expected:
        return FeedbackState.model_validate(row.state)
    if version != expected - 1:
        raise Unavailable(
            "process_out_of_step",
            f"Feedback {change.feedback_id} is at version {version} in the database and the process commits "
            f"{expected}.",
        )
    return None


async def _write_item(writer: Writer, change: Change) -> None:
    """A new row, or the columns that mirror the process, and the contents if they change."""
    mirrored, command = _mirrored(change), change.submitted
    if command is not None:
        contents = {
            "id": change.feedback_id,
            "number": change.state.number,
            "fingerprint": command.fingerprint,
            "title": command.title,
            "body": command.body,
            "source": command.source,
            "guessed": command.guessed,
            "tags": merged([], command.tags, []),
            "search": document(command.title, command.body),
        }
        await writer.execute(insert(FeedbackRow).values(**contents, **mirrored))
        return
    values: dict[str, Any] = {**mirrored, "score": FeedbackRow.reach * change.state.importance}
    if change.state.status is not Status.SUBMITTED:
        values["guessed"] = []
    this = FeedbackRow.id == change.feedback_id
    if change.tags != ([], []) or change.edit is not None:
        row = (
            await writer.execute(select(FeedbackRow.tags, FeedbackRow.title, FeedbackRow.body).where(this))
        ).one()
        add, remove = change.tags
        values["tags"] = merged(row.tags, add, remove)
        if change.edit is not None:
            title, body = change.edit.title or row.title, change.edit.body or row.body
            values |= {"title": title, "body": body, "search": document(title, body)}
    await writer.execute(update(FeedbackRow).where(this).values(values))


def _mirrored(change: Change) -> dict[str, Any]:
    state = change.state
    step = next((timer for timer in timers(state) if timer.name != "finish"), None)
    same = (
        "status",
        "kind",
        "priority",
        "importance",
        "category",
        "public",
        "requester_id",
        "owner_id",
        "merged_into",
        "release_id",
        "created_at",
        "answered_at",
        "decided_at",
        "shipped_at",
        "verified_at",
        "closed_at",
        "reopen_count",
        "breached",
    )
    return {
        **{name: getattr(state, name) for name in same},
        "version": state.event_number,
        "updated_at": change.at,
        "next_step": None if step is None else step.name,
        "next_step_at": None if step is None else step.due_at,
    }


async def _write_history(writer: Writer, change: Change) -> None:
    state = change.state
    place = {"feedback_id": change.feedback_id, "version": state.event_number}
    if change.events:
        events = [
            {**place, "position": position, **dict(event), "data": event.model_dump(mode="json")["data"]}
            for position, event in enumerate(change.events)
        ]
        await writer.execute(insert(FeedbackEventRow), events)
    if change.ledger:
        ledger = [
            {**place, "position": position, **_ledger_row(row)} for position, row in enumerate(change.ledger)
        ]
        await writer.execute(insert(FeedbackLedgerRow), ledger)
    values = {"version": state.event_number, "state": state.model_dump(mode="json")}
    statement = upsert(FeedbackProcessRow).values(feedback_id=change.feedback_id, **values)
    if state.event_number == _OPENING:
        await writer.execute(statement)  # two first commits cannot pass each other at the primary key
        return
    await writer.execute(statement.on_conflict_do_update(index_elements=["feedback_id"], set_=values))


def _ledger_row(row: LedgerEntry) -> dict[str, Any]:
    lengths = {"target": _seconds(row.target), "elapsed": _seconds(row.elapsed)}
    return dict(row) | lengths


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


async def _write_comments(writer: Writer, change: Change) -> None:
    """The id of a comment is made of its request. If it stands there already, the request was carried out so long
    ago that the process has forgotten it."""
    for comment in change.comments:
        statement = upsert(FeedbackCommentRow).values(feedback_id=change.feedback_id, **comment.model_dump())
        made = await writer.scalar(statement.on_conflict_do_nothing().returning(FeedbackCommentRow.id))
        if made is None:
            raise Conflict(
                "request_repeated", "This request was carried out long ago. Read the item to see what it did."
            )
