"""A desk whose requesters are asked after resolutions, led by hand at times of the test's choosing."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select

from domain.account import Role
from domain.notification.kind import Channel
from domain.survey.definition import AFTER_RESOLUTION, State
from domain.survey.messages import Advance, Advanced
from domain.survey.questions import Given
from domain.ticket.moves import Action
from storage.account import teams
from storage.database import Database
from storage.survey import answer, definition
from storage.survey.commit import advance
from storage.tables.notification import NotificationRow
from storage.tables.outbox import OutboxRow
from storage.tables.survey import SurveyInvitationRow
from tests.rows import link_to
from tests.storage.hand import Hand
from tests.storage.world import person

T0: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


@dataclass
class Surveyed:
    """A desk with the survey after resolutions, somebody who asks, and an agent of a team with a lead."""

    database: Database
    hand: Hand
    asker: UUID
    agent: UUID
    lead: UUID
    team: UUID

    async def resolved(self, now: datetime = T0, **fields: Any) -> UUID:
        ticket = await self.hand.open(self.asker, now - HOUR, category="net", **fields)
        await self.resolve(ticket, now)
        return ticket

    async def resolve(self, ticket: UUID, now: datetime) -> None:
        await self.hand.act(ticket, Action.RESOLVE, self.agent, now, body="Done.")

    async def advance(self, now: datetime) -> Advanced:
        async with self.database.writing() as writer:
            return await advance(writer, Advance(survey_id=AFTER_RESOLUTION, now=now), mail=False)

    async def all_due(self, now: datetime) -> Advanced:
        while (done := await self.advance(now)).more:
            pass
        return done

    async def change(self, state: State | None = None, **changes: Any) -> None:
        async with self.database.writing() as writer:
            known, contents = await definition.change(writer, AFTER_RESOLUTION, changes, None)
            await definition.keep(writer, known, contents, state or known.state, T0)

    async def states(self) -> list[str]:
        statement = select(SurveyInvitationRow.state).order_by(SurveyInvitationRow.ask_at)
        async with self.database.reading() as reader:
            return list(await reader.scalars(statement))

    async def invitation(self) -> SurveyInvitationRow:
        async with self.database.reading() as reader:
            return (await reader.scalars(select(SurveyInvitationRow))).one()

    async def kinds(self, recipient: UUID) -> Counter[str]:
        """The mails of a person, by kind."""
        mails = (NotificationRow.recipient_id == recipient, NotificationRow.channel == Channel.EMAIL)
        async with self.database.reading() as reader:
            found = Counter(await reader.scalars(select(NotificationRow.kind).where(*mails)))
        return Counter({kind: count for kind, count in found.items() if kind.startswith("survey")})

    async def answer(self, score: int, now: datetime, invitation: UUID | None = None, **given: Any) -> None:
        token = await link_to(self.database, invitation or (await self.invitation()).id, now + DAY)
        async with self.database.writing() as writer:
            await answer.take(writer, token, Given.model_validate({"score": score, **given}), now, mail=False)

    async def calls(self) -> int:
        """How often the process was called since; the calls are taken away, as the relay does it."""
        async with self.database.writing() as writer:
            taken = delete(OutboxRow).where(OutboxRow.topic == "survey").returning(OutboxRow.id)
            return len((await writer.scalars(taken)).all())

    async def rows(self, table: Any) -> int:
        async with self.database.reading() as reader:
            return await reader.scalar(select(func.count()).select_from(table)) or 0


async def surveyed(database: Database) -> Surveyed:
    async with database.writing() as writer:
        await definition.ensure_default_survey(writer)
    lead = await person(database, Role.AGENT)
    values = {"name": "Network", "lead_id": lead, "categories": ["net"]}
    async with database.writing() as writer:
        team = (await teams.create_team(writer, values, [])).id
    agent = await person(database, Role.AGENT, teams=[team])
    return Surveyed(database, Hand(database), await person(database, Role.REQUESTER), agent, lead, team)
