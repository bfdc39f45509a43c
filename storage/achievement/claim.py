"""The claims of prizes: asked for by awards, moved by people, and what becomes of them by itself.

Whoever moves a claim locks its row first and then its prize, writes what happened, and asks for the claim's process,
which waits for what is due. So the process carries no state, and finds by itself what a lost one would have done. A
claim stays when its award is gone with an erased person, as one whose award is held no more.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, String, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from domain.account import Ref, Role
from domain.achievement.claim import (
    OVER,
    Act,
    Action,
    Claim,
    ClaimAdvance,
    ClaimAdvanced,
    ClaimDetail,
    ClaimState,
    ClaimStep,
    Holding,
    State,
    by_itself,
    check_budget,
    due_after,
    holds,
    manager_notice,
    member_notice,
    moved,
)
from domain.achievement.record import AwardState
from domain.authorization import not_found
from domain.errors import Forbidden
from domain.member.record import is_due
from domain.notification.notice import Notice, plan
from domain.repetition import Seen, earlier
from storage import notification, outbox
from storage.database import Database, Reader, Writer
from storage.page import Order, page
from storage.tables.account import PersonRow
from storage.tables.achievement import AchievementRow, AwardRow, ClaimRow, ClaimStepRow, PrizeRow

NEWEST_FIRST: Final = Order((ClaimRow.asked_at, ClaimRow.id), descending=True)
_TOLD: Final = (State.APPROVED, State.FULFILLED, State.DECLINED, State.WITHDRAWN)
"""What a member hears of."""


async def claim(session: Reader | Writer, claim_id: UUID) -> Claim:
    """Raises NotFound."""
    row = (await session.execute(_all().where(ClaimRow.id == claim_id))).one_or_none()
    if row is None:
        raise not_found()
    return _claim(row)


async def detail(reader: Reader | Writer, claim_id: UUID) -> ClaimDetail:
    """With all that happened to it."""
    found = await claim(reader, claim_id)
    statement = select(ClaimStepRow).where(ClaimStepRow.claim_id == claim_id).order_by(ClaimStepRow.version)
    steps = [ClaimStep.model_validate(row) for row in await reader.scalars(statement)]
    return ClaimDetail(**dict(found), steps=tuple(steps))


async def claims(
    reader: Reader,
    *,
    member_id: UUID | None,
    states: Sequence[State],
    after: Sequence[Any] | None,
    size: int,
) -> list[Claim]:
    """Of one member, or of all."""
    statement = _all().where(ClaimRow.state.in_(states))
    if member_id is not None:
        statement = statement.where(ClaimRow.member_id == member_id)
    return [_claim(row) for row in await reader.execute(page(statement, NEWEST_FIRST, after, size))]


class Claims:
    """What people and the processes of claims do; `mail` says whether mails can be sent."""

    def __init__(self, database: Database, *, mail: bool) -> None:
        self._database = database
        self._mail = mail

    async def act(self, claim_id: UUID, act: Act, now: datetime) -> ClaimDetail:
        """Raises NotFound, StaleVersion, and Conflict for an illegal move or a budget that does not hold it."""
        async with self._database.writing() as writer:
            row = await self._locked(writer, claim_id)
            if row is None:
                raise not_found()
            is_theirs = act.action in (Action.CONFIRM, Action.DISPUTE)
            if row["member_id"] == act.by and not is_theirs:
                raise Forbidden("own_claim", "Somebody else decides about your own prize.")
            if earlier(await self._seen(writer, claim_id, act), act, row["version"]) is None:
                await self._move(writer, row, moved(State(row["state"]), act.action), now, act)
                await outbox.put(writer, "claim", str(claim_id), {})
            return await detail(writer, claim_id)

    async def advance(self, wanted: ClaimAdvance) -> ClaimAdvanced:
        """What is due, and what follows from the award. Running twice finds it done."""
        async with self._database.writing() as writer:
            award = await self._award(writer, wanted.claim_id)
            is_held = award is not None and award.state == AwardState.HELD
            row = await self._locked(writer, wanted.claim_id)
            if row is None and is_held:
                row = _asked(award, wanted.now)
            if row is None:  # the award was lost, or the person erased, before there was a claim
                return ClaimAdvanced(state=ClaimState(over=True))
            state, due = State(row["state"]) if row["version"] else None, is_due(row["due_at"], wanted.now)
            becomes = by_itself(state, held=is_held, is_due=due)
            if becomes is not None:
                row = await self._move(writer, row, becomes, wanted.now)
            elif due:
                row = await self._remind(writer, row, wanted.now)
        over = State(row["state"]) in OVER
        return ClaimAdvanced(state=ClaimState(event_number=row["version"], next_at=row["due_at"], over=over))

    async def _award(self, writer: Writer, claim_id: UUID) -> Any:
        """With its prize, and what that costs now; None if it is gone."""
        statement = (
            select(
                *(AwardRow.id, AwardRow.member_id, AwardRow.achievement_id, AwardRow.state),
                *(PrizeRow.id.label("prize_id"), PrizeRow.cost),
            )
            .join(PrizeRow, AwardRow.reward["prize"].as_string() == PrizeRow.id.cast(String))
            .where(AwardRow.id == claim_id)
        )
        return (await writer.execute(statement)).one_or_none()

    async def _locked(self, writer: Writer, claim_id: UUID) -> dict[str, Any] | None:
        statement = select(*ClaimRow.__table__.columns).where(ClaimRow.id == claim_id).with_for_update()
        row = (await writer.execute(statement)).one_or_none()
        return None if row is None else dict(row._mapping)

    async def _seen(self, writer: Writer, claim_id: UUID, act: Act) -> list[Seen]:
        """The step that this request made, if it was carried out."""
        statement = select(ClaimStepRow.request_id, ClaimStepRow.fingerprint, ClaimStepRow.version).where(
            ClaimStepRow.claim_id == claim_id, ClaimStepRow.request_id == act.request_id
        )
        return [Seen.model_validate(row._asdict()) for row in await writer.execute(statement)]

    async def _move(
        self,
        writer: Writer,
        row: Mapping[str, Any],
        becomes: State,
        now: datetime,
        act: Act | None = None,
    ) -> dict[str, Any]:
        """The row as it is then. Without an act it moves by itself."""
        was = State(row["state"]) if row["version"] else None
        prize = await self._take(
            writer, row["prize_id"], holds(was, row["cost"]), holds(becomes, row["cost"])
        )
        version = row["version"] + 1
        kept = {**row, "state": becomes, "version": version, "updated_at": now}
        kept["due_at"] = due_after(becomes, now)
        statement = upsert(ClaimRow).values(kept)
        changed = {name: statement.excluded[name] for name in ("state", "version", "updated_at", "due_at")}
        await writer.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed))
        step = {
            "claim_id": row["id"],
            "version": version,
            "at": now,
            "state": becomes,
        }
        if act is not None:
            step |= {"by": act.by, "note": act.note}
            step |= {"request_id": act.request_id, "fingerprint": act.fingerprint}
        await writer.execute(insert(ClaimStepRow).values(step))
        if becomes is State.ASKED or (was is State.FULFILLED and becomes is State.APPROVED):
            await self._tell_managers(writer, kept, prize, now)
        if becomes in _TOLD:
            notice = member_notice(row["id"], prize, becomes)
            await self._tell(writer, kept, notice, [row["member_id"]] if row["member_id"] else [], now)
        return kept

    async def _take(self, writer: Writer, prize_id: UUID, was: Holding, becomes: Holding) -> str:
        """Takes from the budget what a claim holds more, or gives back what it holds less; the name of the prize."""
        statement = select(*PrizeRow.__table__.columns).where(PrizeRow.id == prize_id).with_for_update()
        prize = dict((await writer.execute(statement)).one()._mapping)
        more = Holding(becomes.reserved - was.reserved, becomes.spent - was.spent)
        if more.reserved + more.spent > 0:
            check_budget(prize, more)
        if more != Holding(0, 0):
            kept = {"reserved": prize["reserved"] + more.reserved, "spent": prize["spent"] + more.spent}
            await writer.execute(update(PrizeRow).where(PrizeRow.id == prize_id).values(kept))
        return str(prize["name"])

    async def _remind(self, writer: Writer, row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """Once for each time that it waits."""
        kept = {**row, "due_at": None}
        await writer.execute(update(ClaimRow).where(ClaimRow.id == row["id"]).values(due_at=None))
        name = await writer.scalar(select(PrizeRow.name).where(PrizeRow.id == row["prize_id"]))
        await self._tell_managers(writer, kept, str(name), now, ":late")
        return kept

    async def _tell_managers(
        self, writer: Writer, row: Mapping[str, Any], prize: str, now: datetime, more: str = ""
    ) -> None:
        managers = select(PersonRow.id).where(
            PersonRow.roles.contains([Role.MANAGER.value]), PersonRow.active
        )
        notice = manager_notice(row["id"], prize, State(row["state"]), row["member_id"])
        await self._tell(writer, row, notice, list(await writer.scalars(managers)), now, more)

    async def _tell(
        self,
        writer: Writer,
        row: Mapping[str, Any],
        notice: Notice,
        people: Sequence[UUID],
        now: datetime,
        more: str = "",
    ) -> None:
        recipients = await notification.recipients(writer, people)
        key = f"claim:{row['id']}:{row['version']}:{notice.kind}{more}"
        await notification.add(writer, plan(notice, key, {}, recipients, now), smtp_configured=self._mail)


def _asked(award: Any, now: datetime) -> dict[str, Any]:
    """A claim that is about to be."""
    names = ("id", "member_id", "achievement_id", "prize_id", "cost")
    made = {name: getattr(award, name) for name in names}
    return {**made, "state": State.ASKED, "version": 0, "due_at": None, "asked_at": now, "updated_at": now}


def _all() -> Select[Any]:
    return (
        select(
            *ClaimRow.__table__.columns,
            PrizeRow.name.label("prize"),
            PrizeRow.currency,
            PersonRow.name.label("member"),
            AchievementRow.name.label("achievement"),
        )
        .join(PrizeRow, PrizeRow.id == ClaimRow.prize_id)
        .join(AchievementRow, AchievementRow.id == ClaimRow.achievement_id)
        .outerjoin(PersonRow, PersonRow.id == ClaimRow.member_id)
    )


def _claim(row: Any) -> Claim:
    return Claim(
        id=row.id,
        member=Ref.of(row.member_id, row.member),
        prize=Ref(id=row.prize_id, name=row.prize),
        achievement=Ref(id=row.achievement_id, name=row.achievement),
        state=row.state,
        cost=row.cost,
        currency=row.currency,
        due_at=row.due_at,
        version=row.version,
        asked_at=row.asked_at,
        updated_at=row.updated_at,
    )
