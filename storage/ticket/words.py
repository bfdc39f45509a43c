"""Keeps the words of a ticket in its search document, in the transaction that writes the texts.

A new text is added to the document; one that was edited, and copies of comments, make it anew. What is a word
is `storage/search.py`'s business, finding them is that of `storage/ticket/find.py`.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Boolean, DateTime, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ticket.fields import Visibility
from domain.ticket.messages import Change
from storage import search
from storage.pipeline import Pipeline, Statement

_ANEW_LIMIT: Final = 150_000
"""Characters of split words of all comments, when a document is made anew."""

_ANEW: Final = text("""
    INSERT INTO ticket_search AS known (ticket_id, created_at, shared, entire)
    SELECT :ticket_id, :created_at, shared, CASE WHEN :notes <> '' THEN
        shared || setweight(to_tsvector('english', :notes), 'D') || array_to_tsvector(CAST(:note_codes AS text[]))
    END
    FROM (
        SELECT setweight(to_tsvector('english', :subject), 'A')
            || setweight(to_tsvector('english', :description), 'C')
            || setweight(to_tsvector('english', :comments), 'D')
            || array_to_tsvector(CAST(:codes AS text[])) AS shared
    ) AS made
    ON CONFLICT (ticket_id) DO UPDATE SET shared = excluded.shared, entire = excluded.entire
""").bindparams(bindparam("ticket_id", type_=Uuid()), bindparam("created_at", type_=DateTime(timezone=True)))
_WRITE: Final = Statement(_ANEW)
_ADD: Final = Statement(
    text("""
    WITH added AS (
        SELECT setweight(to_tsvector('english', :words), 'D') || array_to_tsvector(CAST(:codes AS text[])) AS more
    ), made AS (
        SELECT ticket_id, more,
            octet_length(tsvectorsend(coalesce(entire, shared))) + octet_length(tsvectorsend(more)) < :limit AS fits
        FROM ticket_search, added WHERE ticket_id = :ticket_id
    )
    UPDATE ticket_search AS known
    SET shared = CASE WHEN :public THEN shared || more ELSE shared END,
        entire = CASE WHEN :public AND entire IS NULL THEN NULL ELSE coalesce(entire, shared) || more END
    FROM made WHERE known.ticket_id = made.ticket_id AND fits
""").bindparams(bindparam("ticket_id", type_=Uuid()), bindparam("public", type_=Boolean()))
)
_TEXTS: Final = text(
    "SELECT created_at, number, external_id, subject, description FROM tickets WHERE id = :ticket_id"
)
_BODIES: Final = text(
    "SELECT body, visibility FROM ticket_comments WHERE ticket_id = :ticket_id ORDER BY at, id"
)


def is_new_text(change: Change) -> bool:
    """Whether what was indexed before no longer holds, so that the document is made anew."""
    edit = change.edit
    edited = edit is not None and (edit.subject is not None or edit.description is not None)
    opened = change.opened
    return edited or (opened is not None and (bool(opened.copies) or opened.past is not None))


def add(asking: Pipeline, change: Change) -> None:
    """What was opened or said now, unless the document will be made anew."""
    opened = change.opened
    if is_new_text(change):
        return
    if opened is not None:
        state = change.state
        ticket = (state.created_at, state.number, opened.external_id, opened.subject, opened.description)
        said = [(comment.body, comment.visibility) for comment in change.comments]
        asking.ask(_WRITE, **_document(change.ticket_id, ticket, said))
        return
    for comment in change.comments:
        asking.ask(
            _ADD,
            ticket_id=change.ticket_id,
            public=comment.visibility == Visibility.PUBLIC,
            words=search.words(comment.body),
            codes=search.codes(comment.body),
            limit=search.DOCUMENT_LIMIT,
        )


async def write_anew(connection: AsyncConnection, ticket_id: UUID) -> None:
    """The document from everything that was ever written on the ticket."""
    ticket = (await connection.execute(_TEXTS, {"ticket_id": ticket_id})).one()
    rows = (await connection.execute(_BODIES, {"ticket_id": ticket_id})).all()
    said = [(row.body, row.visibility) for row in rows]
    made = _document(ticket_id, tuple(ticket), said)
    await connection.execute(_ANEW, made)


def _document(ticket_id: UUID, ticket: tuple[Any, ...], said: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The parameters of `_WRITE`. A ticket is found by its number and its ids too."""
    created_at, number, external_id, subject, description = ticket
    public = [body for body, visibility in said if visibility == Visibility.PUBLIC]
    notes = [body for body, visibility in said if visibility != Visibility.PUBLIC]
    names = [str(number), str(ticket_id), *([external_id.lower()[:100]] if external_id else [])]
    found = [code for one in (subject, description, *public) for code in search.codes(one)]
    return {
        "ticket_id": ticket_id,
        "created_at": created_at,
        "subject": search.words(subject),
        "description": search.words(description),
        "comments": _joined(public),
        "codes": list(dict.fromkeys([*names, *found]))[: search.CODES_LIMIT],
        "notes": _joined(notes),
        "note_codes": [code for one in notes for code in search.codes(one)][: search.CODES_LIMIT],
    }


def _joined(texts: Iterable[str]) -> str:
    return "\n".join(map(search.words, texts))[:_ANEW_LIMIT]
