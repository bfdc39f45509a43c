"""A crowd: more people than one transaction tells, or asks."""

from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Uuid, bindparam, text

from storage.database import Database

_IDS = bindparam("ids", type_=ARRAY(Uuid()))
_PEOPLE = text("""
    INSERT INTO people (id, email, name, roles, locale, time_zone, skills, languages, tier, capacity, active, version)
    SELECT id, id || '@desk.example', 'Somebody', '{requester}', 'en', 'UTC', '{}', '{}', 1, 20, true, 1
    FROM unnest(:ids) AS id
""").bindparams(_IDS)
_SILENT = text("""
    INSERT INTO notification_preferences (person_id, choices)
    SELECT id, '{"channels": {"feedback_answered": {"email": false}}}' FROM unnest(:ids) AS id
""").bindparams(_IDS)
_FOLLOWERS = text("""
    INSERT INTO feedback_followers (feedback_id, person_id, role, since, at)
    SELECT feedback.id, person, 'voter', feedback.version, now()
    FROM feedback, unnest(:ids) AS person WHERE feedback.id = :item
""").bindparams(_IDS)
_REACH = text("UPDATE feedback SET reach = reach + :count WHERE id = :item")


async def insert_people(database: Database, count: int) -> list[UUID]:
    """So many who may open tickets."""
    ids = [uuid4() for _ in range(count)]
    async with database.writing() as writer:
        await writer.execute(_PEOPLE, {"ids": ids})
    return ids


async def insert_followers(database: Database, feedback_id: UUID, count: int) -> None:
    """So many people follow an item from now on, as if they had voted; they read answers in the app only."""
    ids = await insert_people(database, count)
    async with database.writing() as writer:
        await writer.execute(_SILENT, {"ids": ids})
        await writer.execute(_FOLLOWERS, {"ids": ids, "item": feedback_id})
        await writer.execute(_REACH, {"count": count, "item": feedback_id})
