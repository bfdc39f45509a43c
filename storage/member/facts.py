"""The intake of facts. Whoever writes facts, a route or another feature in its own transaction, does it by `receive`.

The member's row is locked first, and held until the commit. So the facts of one member become visible in the order of
their ids, and a process that finds no more can say so: whoever comes later sees that nobody is asked, and asks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from domain.authorization import not_found
from domain.errors import Conflict
from domain.member.fact import BATCH_MAX, NewFact, Received, received
from runtime.origin import origin
from storage import outbox
from storage.database import Writer
from storage.member.rules import rules
from storage.pipeline import Statement, pipeline

_LOCK: Final = Statement(
    text("""
    INSERT INTO members (person_id)
    SELECT id FROM people WHERE id = ANY(:ids) ORDER BY id
    ON CONFLICT DO NOTHING
""").bindparams(bindparam("ids", type_=ARRAY(Uuid())))
)
_LOCKED: Final = Statement(
    text(
        "SELECT person_id FROM members WHERE person_id = ANY(:ids) ORDER BY person_id FOR UPDATE"
    ).bindparams(bindparam("ids", type_=ARRAY(Uuid())))
)
_KEEP: Final = Statement(
    text("""
    INSERT INTO member_facts (
        member_id, fact_id, fingerprint, action, at, amount, by, subject, reverses, worth, capped, once, cap, rules,
        void
    )
    SELECT new.* FROM jsonb_to_recordset(:facts) AS new (
        member_id uuid, fact_id text, fingerprint text, action text, at timestamptz, amount bigint, by uuid,
        subject text, reverses text, worth int, capped boolean, once text, cap int, rules int, void text
    )
    WHERE EXISTS (SELECT FROM members WHERE person_id = new.member_id)
    ON CONFLICT DO NOTHING
    RETURNING member_id, fact_id
""").bindparams(bindparam("facts", type_=JSONB))
)
_KNOWN: Final = Statement(
    text("""
    SELECT member_id, fact_id, fingerprint FROM member_facts
    WHERE (member_id, fact_id) IN (SELECT * FROM unnest(:members, :facts))
""").bindparams(bindparam("members", type_=ARRAY(Uuid())), bindparam("facts", type_=ARRAY(Text())))
)
_ASK: Final = Statement(
    text("""
    WITH asked AS (
        UPDATE members SET wanted_since = now()
        WHERE person_id = ANY(:ids) AND wanted_since IS NULL
        RETURNING person_id
    ), put AS (
        INSERT INTO outbox (topic, key, payload)
        SELECT 'member', person_id, jsonb_strip_nulls(jsonb_build_object('origin', CAST(:origin AS jsonb)))
        FROM asked
        RETURNING id
    )
    SELECT pg_notify(:channel, 'member') FROM put LIMIT 1
""").bindparams(
        bindparam("ids", type_=ARRAY(Uuid())),
        bindparam("origin", type_=JSONB(none_as_null=True)),
        channel=outbox.CHANNEL,
    )
)


@dataclass(frozen=True, slots=True)
class Kept:
    """How many of the facts are new, and how many were known already."""

    new: int
    known: int


async def receive(writer: Writer, facts: Sequence[Received]) -> Kept:
    """Keeps facts, each once for its id, and asks for the processes of their members.

    Raises NotFound for a member who is nobody, and Conflict `fact_id_reused` for another body under a known id;
    nothing is kept then.
    """
    members = sorted({fact.member_id for fact in facts})
    async with pipeline(writer) as asking:
        asking.ask(_LOCK, ids=members)
        locked = asking.ask(_LOCKED, ids=members)
        kept = asking.ask(_KEEP, facts=[_values(fact) for fact in facts])
    if len(locked.rows) < len(members):
        raise not_found()
    new = {(row.member_id, row.fact_id) for row in kept.rows}
    await _check_same(writer, facts, new)
    if new:
        await ask(writer, sorted({member for member, _ in new}))
    return Kept(new=len(new), known=len(facts) - len(new))


async def lock(writer: Writer, members: Sequence[UUID]) -> None:
    """Until the commit, in one order for everybody."""
    async with pipeline(writer) as asking:
        asking.ask(_LOCKED, ids=sorted(members))


async def observe(writer: Writer, facts: Sequence[tuple[UUID, NewFact]], now: datetime) -> None:
    """Facts of members that the desk itself saw happen. For what its rules do not name nothing is given."""
    worth = await rules(writer)
    known = [
        received(member, new, worth, now)
        for member, new in facts
        if new.reverses or new.action in worth.actions
    ]
    for start in range(0, len(known), BATCH_MAX):
        await receive(writer, known[start : start + BATCH_MAX])


async def ask(writer: Writer, members: Sequence[UUID]) -> None:
    """Asks for the processes of these members, which are locked, unless they are asked for already."""
    async with pipeline(writer) as asking:
        asking.ask(_ASK, ids=list(members), origin=origin() or None)


async def _check_same(writer: Writer, facts: Sequence[Received], new: set[tuple[UUID, str]]) -> None:
    """An id may come again with the same body, also within one request."""
    first: dict[tuple[UUID, str], str] = {}
    for fact in facts:
        _compare(fact, first.setdefault((fact.member_id, fact.fact_id), fact.fingerprint))
    known = [fact for fact in facts if (fact.member_id, fact.fact_id) not in new]
    if not known:
        return
    async with pipeline(writer) as asking:
        answer = asking.ask(
            _KNOWN, members=[fact.member_id for fact in known], facts=[fact.fact_id for fact in known]
        )
    there: Mapping[Any, str] = {(row.member_id, row.fact_id): row.fingerprint for row in answer.rows}
    for fact in known:
        _compare(fact, there[fact.member_id, fact.fact_id])


def _compare(fact: Received, fingerprint: str) -> None:
    if fact.fingerprint != fingerprint:
        raise Conflict(
            "fact_id_reused", "This id was used for another fact.", field="fact_id", fact_id=fact.fact_id
        )


def _values(fact: Received) -> dict[str, Any]:
    values: dict[str, Any] = orjson.loads(orjson.dumps(fact))
    return values
