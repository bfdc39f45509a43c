"""Rows that a test inserts by hand, where the process that writes them is not what it is about."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import insert, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.field import comparables
from domain.notification.kind import Kind
from domain.survey.definition import AFTER_RESOLUTION
from domain.survey.invitation import PURPOSE
from storage import link
from storage.database import Database, connection_of
from storage.feedback import question
from storage.survey.definition import ensure_default_survey
from storage.tables.achievement import AwardRow, ClaimRow
from storage.tables.contest import ContestAppealRow
from storage.tables.member import MemberRow
from storage.tables.notification import NotificationRow
from storage.tables.survey import SurveyAnswerRow, SurveyInvitationRow, SurveyTaskRow
from storage.tables.ticket import TicketFieldRow, TicketRow, TicketTagRow
from storage.ticket.words import write_anew


async def insert_ticket(database: Database, requester_id: UUID, **fields: Any) -> UUID:
    """A ticket of which no process knows; `fields` are columns of tickets."""
    now = datetime.now(UTC)
    values = {
        "id": uuid4(),
        "version": 1,
        "fingerprint": "",
        "subject": "The printer is on fire",
        "description": "It burns.",
        "status": "open",
        "priority": "normal",
        "rank": 3,
        "requested_priority": "normal",
        "channel": "api",
        "tier": 1,
        "requester_id": requester_id,
        "created_at": now,
        "updated_at": now,
        **fields,
    }
    custom = [
        {"ticket_id": values["id"], "created_at": values["created_at"], **asdict(one)}
        for one in comparables(fields.get("custom_fields", {}))
    ]
    async with database.writing() as writer:
        await writer.execute(insert(TicketRow).values(values))
        if custom:
            await writer.execute(insert(TicketFieldRow), custom)
        for tag in fields.get("tags", ()):
            row = {"ticket_id": values["id"], "tag": tag, "team_id": fields.get("team_id")}
            await writer.execute(insert(TicketTagRow).values(row))
        await write_anew(await connection_of(writer), values["id"])
    ticket_id: UUID = values["id"]
    return ticket_id


async def insert_invitation(database: Database, person_id: UUID, **fields: Any) -> UUID:
    """Somebody who was asked just now by the survey after resolutions; `fields` are columns of invitations."""
    now = datetime.now(UTC)
    values = {
        "id": uuid4(),
        "survey_id": AFTER_RESOLUTION,
        "person_id": person_id,
        "state": "asked",
        "ask_at": now,
        "asked_at": now,
        "closes_at": (now + timedelta(days=7)).replace(microsecond=0),
        **fields,
    }
    async with database.writing() as writer:
        await ensure_default_survey(writer)
        await writer.execute(insert(SurveyInvitationRow).values(values))
    invitation_id: UUID = values["id"]
    return invitation_id


async def insert_answer(database: Database, invitation_id: UUID, score: int | None, **fields: Any) -> None:
    values = {
        "survey_id": AFTER_RESOLUTION,
        "version": 1,
        "score": score,
        "answers": {},
        "answered_at": datetime.now(UTC),
        **fields,
    }
    async with database.writing() as writer:
        await writer.execute(insert(SurveyAnswerRow).values(invitation_id=invitation_id, **values))
        of = SurveyInvitationRow.id == invitation_id
        await writer.execute(update(SurveyInvitationRow).where(of).values(state="answered", next_at=None))


async def insert_task(database: Database, person_id: UUID, ticket_id: UUID) -> UUID:
    """What a low score on a ticket asks for."""
    now, task_id = datetime.now(UTC), uuid4()
    invitation_id = await insert_invitation(database, person_id, ticket_id=ticket_id)
    await insert_answer(database, invitation_id, 1)
    values = {"ticket_id": ticket_id, "state": "open", "created_at": now, "due_at": now + timedelta(hours=8)}
    ids = {"id": task_id, "invitation_id": invitation_id, "survey_id": AFTER_RESOLUTION}
    async with database.writing() as writer:
        await writer.execute(insert(SurveyTaskRow).values(**ids, **values))
    return task_id


async def link_to(
    database: Database, record_id: UUID, expires_at: datetime | None = None, purpose: str = PURPOSE
) -> str:
    """The token of the link that the mail of an invitation holds, or another one's."""
    end = expires_at or datetime.now(UTC) + timedelta(days=7)
    wanted = {"purpose": purpose, "expires_at": end.isoformat()}
    async with database.writing() as writer:
        await link.ensure_key(writer)
        token = await link.token_of(writer, wanted, record_id)
    assert token is not None
    return token


async def link_to_question(database: Database, feedback_id: UUID, person_id: UUID, number: int = 1) -> str:
    """The token of the link by which somebody answers whether an item is solved, asked in that round."""
    now, asking = datetime.now(UTC), uuid4()
    end = now + timedelta(days=7)
    wanted = {"purpose": question.PURPOSE, "expires_at": end.isoformat()}
    values = {
        "event_key": asking.hex,
        "channel": "in_app",
        "kind": Kind.FEEDBACK_SHIPPED,
        "params": {"feedback_id": str(feedback_id), "round": number, "link": wanted},
        "locale": "en",
        "state": "unread",
        "created_at": now,
    }
    async with database.writing() as writer:
        await writer.execute(insert(NotificationRow).values(id=asking, recipient_id=person_id, **values))
    return await link_to(database, asking, end, question.PURPOSE)


async def insert_claim(database: Database, person_id: UUID, achievement_id: str, prize_id: str) -> UUID:
    """A prize on its way to somebody, and the award that it is for: both have this id."""
    now, made = datetime.now(UTC), uuid4()
    both = {"id": made, "member_id": person_id, "achievement_id": achievement_id}
    award = {"achievement_version": 2, "occurrence": 1, "state": "held", "reward": {"type": "badge"}}
    claim = {"prize_id": prize_id, "state": "fulfilled", "cost": 0, "version": 1}
    async with database.writing() as writer:
        await writer.execute(upsert(MemberRow).values(person_id=person_id).on_conflict_do_nothing())
        awarded = {"points": 0, "day": now.date(), "awarded_at": now}
        await writer.execute(insert(AwardRow).values(**both, **award, **awarded))
        asked = {"asked_at": now, "updated_at": now}
        await writer.execute(insert(ClaimRow).values(**both, **claim, **asked))
    return made


async def insert_appeal(database: Database, *, contest_id: str, entry_id: str, person_id: UUID) -> UUID:
    """An open appeal of somebody for their entry, whatever the contest is at."""
    about = {"contest_id": UUID(contest_id), "entry_id": UUID(entry_id), "person_id": person_id}
    values = {"id": uuid4(), **about, "state": "open", "reason": "Why?", "adjustment": 0}
    async with database.writing() as writer:
        await writer.execute(insert(ContestAppealRow).values(at=datetime.now(UTC), **values))
    appeal_id: UUID = values["id"]
    return appeal_id
