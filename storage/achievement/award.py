"""What a member's commit reads of achievements, and writes of what `domain/achievement/judge.py` decided.

The member's row is locked, so nobody else judges the same member; the key of an award names its occasion, so it is
there once even so.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import orjson
from pydantic import TypeAdapter
from sqlalchemy import Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from domain.achievement.criteria import Criteria, read
from domain.achievement.judge import Candidate, Having, Held, Judge, kept
from domain.achievement.record import AwardState, Repeat, Reward, Rule
from storage.pipeline import Pipeline, Statement

_ID: Final = bindparam("id", type_=Uuid())
_REWARD: Final = TypeAdapter[Reward](Reward)

HELD: Final = Statement(
    text("""
    SELECT award.id, achievement_id, occurrence, award.state, points, day, warn_at, expires_at, name
    FROM awards AS award JOIN achievements AS achievement ON achievement.id = achievement_id
    WHERE member_id = :id
""").bindparams(_ID)
)
REVIEWS: Final = Statement(
    text("SELECT achievement_id FROM achievement_reviews WHERE member_id = :id").bindparams(_ID)
)
ACTIVE: Final = Statement(
    text("""
    SELECT id, version, name, criteria::text AS criteria, reward, repeat, revocable FROM achievements
    WHERE state = 'active' AND (actions && :actions OR id = ANY(:reviews))
""").bindparams(bindparam("actions", type_=ARRAY(Text())), bindparam("reviews", type_=ARRAY(Uuid())))
)
_WRITE: Final = Statement(
    text("""
    INSERT INTO awards AS known (
        id, member_id, achievement_id, achievement_version, occurrence, state, reward, points, day, awarded_at,
        revoked_at, warn_at, expires_at
    )
    SELECT new.id, :id, new.achievement_id, new.version, new.occurrence, new.state, new.reward, new.points, new.day,
        new.at, NULL, new.warn_at, new.expires_at
    FROM jsonb_to_recordset(:awards) AS new (
        id uuid, achievement_id uuid, version int, occurrence int, state text, reward jsonb, points int, day date,
        at timestamptz, warn_at timestamptz, expires_at timestamptz
    )
    ON CONFLICT (id) DO UPDATE
    SET state = excluded.state, warn_at = excluded.warn_at,
        revoked_at = CASE WHEN excluded.state = 'revoked' THEN excluded.awarded_at END
""").bindparams(_ID, bindparam("awards", type_=JSONB))
)
_REVIEW_AGAIN: Final = Statement(
    text("""
    INSERT INTO achievement_reviews (member_id, achievement_id) SELECT :id, unnest(:reviews) ON CONFLICT DO NOTHING
""").bindparams(_ID, bindparam("reviews", type_=ARRAY(Uuid())))
)
_CLAIM: Final = Statement(
    text("""
    WITH claimed AS (
        INSERT INTO outbox (topic, key, payload)
        SELECT 'claim', id::text, '{}' FROM awards WHERE id = ANY(:ids) AND reward ->> 'type' = 'prize'
        RETURNING id
    )
    SELECT pg_notify('duradesk_outbox', 'claim') FROM claimed LIMIT 1
""").bindparams(bindparam("ids", type_=ARRAY(Uuid())))
)
_REVIEWED: Final = Statement(
    text(
        "DELETE FROM achievement_reviews WHERE member_id = :id AND achievement_id = ANY(:reviews)"
    ).bindparams(_ID, bindparam("reviews", type_=ARRAY(Uuid())))
)


def write(asking: Pipeline, judge: Judge, reviews: Sequence[UUID]) -> None:
    """What was decided, the claims that follow from it, and that these achievements were looked at."""
    if judge.changed:
        rows = [kept(held, one, judge.now) for held, one in judge.changed.values()]
        asking.ask(_WRITE, id=judge.member_id, awards=orjson.loads(orjson.dumps(rows)))
        asking.ask(_CLAIM, ids=list(judge.changed))
    if done := [one for one in reviews if one not in judge.unfinished]:
        asking.ask(_REVIEWED, id=judge.member_id, reviews=done)
    if judge.unfinished:
        asking.ask(_REVIEW_AGAIN, id=judge.member_id, reviews=list(judge.unfinished))


def held_of(rows: Iterable[Any]) -> Having:
    found: Having = {}
    for row in rows:
        values = {**row._asdict(), "state": AwardState(row.state)}
        found.setdefault(row.achievement_id, {})[row.occurrence] = Held(**values)
    return found


def candidates(rows: Iterable[Any]) -> list[Candidate]:
    return [
        Candidate(rule_of(row, _criteria(row.criteria)), row.version, _REWARD.validate_python(row.reward))
        for row in rows
    ]


def rule_of(row: Any, criteria: Criteria) -> Rule:
    return Rule(row.id, row.name, criteria, Repeat(row.repeat), row.revocable)


def touched(actions: Iterable[str]) -> Sequence[str]:
    """The actions of facts, and what stands for points, levels and other achievements, which any may change."""
    return sorted({*actions, "*"})


@lru_cache(maxsize=1000)
def _criteria(written: str) -> Criteria:
    return read(orjson.loads(written))
