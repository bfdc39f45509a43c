"""What a member's process commits: the facts that are new, counted, in one transaction.

The member's row is locked from the first statement to the commit, and the cursor up to which facts were taken stands in
it. So whoever repeats a commit, because its answer was lost or Temporal's store was restored, finds those facts taken.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, Boolean, Date, DateTime, Integer, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from domain.achievement.judge import Judge, given_by
from domain.member.fact import Fact, Void
from domain.member.ledger import Book, Day, Known
from domain.member.record import (
    PAGE,
    Advance,
    Advanced,
    MemberState,
    Window,
    begin_of,
    level_notice,
    levels_reached,
)
from domain.notification.notice import Notice, plan
from storage import notification
from storage.achievement import award, measure
from storage.database import Writer
from storage.member.rules import LATEST, rules_of
from storage.pipeline import Pipeline, Statement, pipeline

_ID: Final = bindparam("id", type_=Uuid())
_CURSOR: Final = bindparam("cursor", type_=BigInteger())
_COLUMNS: Final = "fact_id, action, at, reverses, worth, capped, once, cap, rules, void"

_MEMBER: Final = Statement(text("SELECT * FROM members WHERE person_id = :id FOR UPDATE").bindparams(_ID))
_LEVELS: Final = Statement(text("SELECT name FROM member_levels WHERE member_id = :id").bindparams(_ID))
_NEW: Final = Statement(
    text(f"""
    SELECT id, {_COLUMNS} FROM member_facts
    WHERE member_id = :id AND id > (SELECT cursor FROM members WHERE person_id = :id)
    ORDER BY id LIMIT {PAGE + 1}
""").bindparams(_ID)  # noqa: S608  constants
)
_RELATED: Final = Statement(
    text(f"""
    WITH direct AS (
        SELECT {_COLUMNS} FROM member_facts
        WHERE member_id = :id AND id <= :cursor AND fact_id = ANY(:reverses)
        UNION
        SELECT {_COLUMNS} FROM member_facts
        WHERE member_id = :id AND id <= :cursor AND reverses IS NOT NULL AND reverses = ANY(:facts)
    )
    SELECT * FROM direct
    UNION
    SELECT {_COLUMNS} FROM member_facts
    WHERE member_id = :id AND id <= :cursor AND once IS NOT NULL
        AND once IN (SELECT unnest(:onces) UNION SELECT once FROM direct)
""").bindparams(  # noqa: S608  constants
        _ID, _CURSOR, *(bindparam(name, type_=ARRAY(Text())) for name in ("reverses", "facts", "onces"))
    )
)
_DAYS: Final = Statement(
    text("SELECT * FROM member_days WHERE member_id = :id AND day = ANY(:days)").bindparams(
        _ID, bindparam("days", type_=ARRAY(Date()))
    )
)
_WRITE_ROWS: Final = Statement(
    text("""
    INSERT INTO member_points (
        member_id, version, at, kind, points, day, action, fact_id, about, reason, rules, award_id
    )
    SELECT :id, :version, now(), row.* FROM jsonb_to_recordset(:rows) AS row (
        kind text, points int, day date, action text, fact_id text, about text, reason text, rules int, award_id uuid
    )
""").bindparams(_ID, bindparam("version", type_=Integer()), bindparam("rows", type_=JSONB))
)
_WRITE_VOIDS: Final = Statement(
    text("""
    UPDATE member_facts AS known SET void = new.void
    FROM jsonb_to_recordset(:voids) AS new (fact_id text, void text)
    WHERE known.member_id = :id AND known.fact_id = new.fact_id
""").bindparams(_ID, bindparam("voids", type_=JSONB))
)
_WRITE_DAYS: Final = Statement(
    text("""
    INSERT INTO member_days (member_id, day, gross, free, cap, rules)
    SELECT :id, new.* FROM jsonb_to_recordset(:days) AS new (day date, gross int, free int, cap int, rules int)
    ON CONFLICT (member_id, day) DO UPDATE
    SET gross = excluded.gross, free = excluded.free, cap = excluded.cap, rules = excluded.rules
""").bindparams(_ID, bindparam("days", type_=JSONB))
)
_WRITE_SCORES: Final = Statement(
    text("""
    INSERT INTO member_scores AS known (member_id, span, begin, points, listed)
    SELECT :id, new.span, new.begin, new.points, member.listed
    FROM jsonb_to_recordset(:scores) AS new (span text, begin date, points int)
    JOIN members AS member ON member.person_id = :id
    ON CONFLICT (member_id, span, begin) DO UPDATE SET points = known.points + excluded.points
""").bindparams(_ID, bindparam("scores", type_=JSONB))
)
_WRITE_LEVELS: Final = Statement(
    text("""
    INSERT INTO member_levels (member_id, name, reached_at)
    SELECT :id, name, now() FROM unnest(:names) AS reached (name) ON CONFLICT DO NOTHING
""").bindparams(_ID, bindparam("names", type_=ARRAY(Text())))
)
_WRITE_CURSOR: Final = Statement(
    text("UPDATE members SET cursor = :cursor WHERE person_id = :id").bindparams(_ID, _CURSOR)
)
_WRITE_MEMBER: Final = Statement(
    text("""
    UPDATE members SET version = :version, points = :points, next_at = :next_at,
        wanted_since = CASE WHEN :more THEN coalesce(wanted_since, now()) END
    WHERE person_id = :id
""").bindparams(
        _ID,
        *(bindparam(name, type_=Integer()) for name in ("version", "points")),
        bindparam("more", type_=Boolean()),
        bindparam("next_at", type_=DateTime(timezone=True)),
    )
)
# In the order of the points, so that two commits never wait for each other in a circle; and last, because they are
# rows that many members share.
_COUNT_SCORES: Final = Statement(
    text("""
    INSERT INTO member_score_counts AS known (points, members)
    SELECT points, members FROM jsonb_to_recordset(:moves) AS new (points int, members int) ORDER BY points
    ON CONFLICT (points) DO UPDATE SET members = known.members + excluded.members
""").bindparams(bindparam("moves", type_=JSONB))
)


async def advance(writer: Writer, wanted: Advance, *, mail: bool) -> Advanced:
    """Takes the next facts of a member, and judges what they may have achieved. Without anything new, nothing changes
    but that nobody is asked any more."""
    member_id = wanted.member_id
    async with pipeline(writer) as asking:
        member = asking.ask(_MEMBER, id=member_id)
        new = asking.ask(_NEW, id=member_id)
        reached = asking.ask(_LEVELS, id=member_id)
        latest = asking.ask(LATEST)
        held = asking.ask(award.HELD, id=member_id)
        reviews = asking.ask(award.REVIEWS, id=member_id)
    row = member.one_or_none()
    if row is None:  # the person was erased
        return Advanced(state=MemberState(member_id=member_id), more=False)
    facts, more = [_fact(one) for one in new.rows[:PAGE]], len(new.rows) > PAGE
    cursor = new.rows[:PAGE][-1].id if facts else row.cursor
    asked = [one.achievement_id for one in reviews.rows]
    known, active = await _known(writer, wanted, row.cursor, facts, held.rows, asked)
    book = Book(known)
    book.take(facts)
    rules = rules_of(latest.one_or_none())
    having = award.held_of(held.rows)
    judge = Judge(
        member_id=member_id,
        now=wanted.now,
        rules=rules,
        points=row.points + book.points - given_by(having),
        book=book,
        losing=bool(book.voids) or any(one.points < 0 for one in book.rows),
        held=having,
        candidates=award.candidates(active),
    )
    async with pipeline(writer) as asking:
        _write_facts(asking, member_id, cursor, book)
    judge.settle()
    found = await measure.values(writer, judge.measures(), [member_id])
    judge.judge(found.of(member_id))
    more = more or bool(judge.unfinished)
    points = row.points + book.points
    levels = levels_reached(rules, points, [one.name for one in reached.rows])
    version = row.version + 1 if facts or book.rows or judge.changed else row.version
    async with pipeline(writer) as asking:
        _write_book(asking, member_id, version, book)
        award.write(asking, judge, asked)
        if levels:
            asking.ask(_WRITE_LEVELS, id=member_id, names=[level.name for level in levels])
        if version != row.version or row.wanted_since is not None:
            said = {"version": version, "points": points, "more": more, "next_at": judge.next_at}
            asking.ask(_WRITE_MEMBER, id=member_id, **said)
    notices = [(level_notice(one, points), f"member:{member_id}:level:{one.name}") for one in levels]
    await _tell(writer, wanted, [*notices, *judge.notices], mail=mail)
    async with pipeline(writer) as asking:
        _count_scores(asking, row.points, points, listed=row.listed)
    state = MemberState(member_id=member_id, event_number=version, points=points, next_at=judge.next_at)
    return Advanced(state=state, more=more)


async def _known(
    writer: Writer,
    wanted: Advance,
    cursor: int,
    facts: Sequence[Fact],
    held: Sequence[Any],
    reviews: Sequence[UUID],
) -> tuple[Known, Sequence[Any]]:
    """What was counted before and these facts touch, with the days on which awards are booked, and the active
    achievements that may be met by it."""
    if not facts and not reviews and not held:
        return Known(), ()
    reverses = [fact.reverses for fact in facts if fact.reverses is not None]
    async with pipeline(writer) as asking:
        related = asking.ask(
            _RELATED,
            id=wanted.member_id,
            cursor=cursor,
            reverses=reverses,
            facts=[*(fact.fact_id for fact in facts), *reverses],
            onces=[fact.once for fact in facts if fact.once is not None],
        )
    known = [_fact(one) for one in related.rows]
    days = {fact.day for fact in (*facts, *known)} | {one.day for one in held} | {wanted.now.date()}
    actions = award.touched(fact.action for fact in (*facts, *known))
    async with pipeline(writer) as asking:
        kept = asking.ask(_DAYS, id=wanted.member_id, days=sorted(days))
        active = asking.ask(award.ACTIVE, actions=actions, reviews=list(reviews))
    by_day = {one.day: Day(one.gross, one.free, one.cap, one.rules) for one in kept.rows}
    return Known(known, by_day), active.rows


def _fact(row: Any) -> Fact:
    return Fact(
        fact_id=row.fact_id,
        action=row.action,
        at=row.at,
        reverses=row.reverses,
        worth=row.worth,
        capped=row.capped,
        once=row.once,
        cap=row.cap,
        rules=row.rules,
        void=None if row.void is None else Void(row.void),
    )


def _write_facts(asking: Pipeline, member_id: UUID, cursor: int, book: Book) -> None:
    """What criteria look at: which facts count, and up to where they are taken."""
    if book.rows:
        asking.ask(_WRITE_CURSOR, id=member_id, cursor=cursor)
    if book.voids:
        voids = [{"fact_id": fact_id, "void": void} for fact_id, void in book.voids.items()]
        asking.ask(_WRITE_VOIDS, id=member_id, voids=voids)


def _write_book(asking: Pipeline, member_id: UUID, version: int, book: Book) -> None:
    if book.rows:
        asking.ask(_WRITE_ROWS, id=member_id, version=version, rows=_json(book.rows))
        days = [{"day": day.isoformat(), **_json(known)} for day, known in book.days.items()]
        asking.ask(_WRITE_DAYS, id=member_id, days=days)
        asking.ask(_WRITE_SCORES, id=member_id, scores=_scores((row.day, row.points) for row in book.rows))


def _scores(changes: Iterable[tuple[date, int]]) -> list[Mapping[str, Any]]:
    """What the windows gain in which these days are."""
    gained: Counter[tuple[Window, date]] = Counter()
    for day, points in changes:
        for window in Window:
            gained[window, begin_of(window, day)] += points
    return [
        {"span": window, "begin": begin.isoformat(), "points": points}
        for (window, begin), points in gained.items()
        if points
    ]


async def _tell(
    writer: Writer, wanted: Advance, notices: Sequence[tuple[Notice, str]], *, mail: bool
) -> None:
    """What is told once for ever has a key that holds nothing that could come again."""
    if not notices:
        return
    recipients = await notification.recipients(writer, [wanted.member_id])
    rows = []
    for notice, key in notices:
        rows += plan(notice, key, {}, recipients, wanted.now)
    await notification.add(writer, rows, smtp_configured=mail)


def _count_scores(asking: Pipeline, before: int, after: int, *, listed: bool) -> None:
    moves = [{"points": before, "members": -1}] if before > 0 else []
    moves += [{"points": after, "members": 1}] if after > 0 else []
    if listed and before != after:
        asking.ask(_COUNT_SCORES, moves=moves)


def _json(value: Any) -> Any:
    return orjson.loads(orjson.dumps(value))
