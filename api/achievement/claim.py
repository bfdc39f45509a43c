"""Claims: prizes on their way to members. Managers approve and fulfil, the member confirms."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request
from pydantic import Field

from api.dependencies import Caller, CurrentDesk, IdempotencyKey, IfMatch
from api.desk import Desk
from api.errors import problems
from api.forms import Form, absent, action_route, unknown_action
from api.page import Page, PageQuery, page_of
from api.ticket.create import fingerprint
from domain.account import Principal
from domain.achievement.claim import Act, Action, Claim, ClaimDetail, State
from domain.authorization import Owned, check, may
from domain.text import Line
from storage.achievement import claim as claims

router = APIRouter(prefix="/claims")
acts = APIRouter(prefix="/{claim_id}/actions")

_SUMMARIES: Final = {
    Action.APPROVE: "what the prize costs is reserved. Nobody decides about their own.",
    Action.DECLINE: "there will be no prize.",
    Action.FULFIL: "it is on its way, and its cost is spent.",
    Action.FAIL: "it could not be got; what was reserved is given back.",
    Action.CONFIRM: "it has arrived; said by who has won it.",
    Action.DISPUTE: "it has not arrived, and has to be fulfilled once more; said by who has won it.",
}


class ClaimsQuery(PageQuery):
    state: State | None = None
    member: UUID | None = None


class ClaimAct(Form):
    note: Line = Field(default_factory=absent)


@router.get("")
async def list_claims(
    query: Annotated[ClaimsQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[Claim]:
    """The newest first: one's own, and for managers everybody's."""
    member = query.member if may(caller, "claim.read") else caller.person_id
    check(caller, "claim.read", Owned(member or caller.person_id))
    states = list(State) if query.state is None else [query.state]
    after = query.start("asked_at", datetime, UUID)
    async with desk.database.reading() as reader:
        found = await claims.claims(reader, member_id=member, states=states, after=after, size=query.size)
    return page_of(request, query, found, "asked_at", lambda one: (one.asked_at, one.id))


@router.get("/{claim_id}", responses=problems(404))
async def read_claim(claim_id: UUID, caller: Caller, desk: CurrentDesk) -> ClaimDetail:
    """With all that happened to it."""
    async with desk.database.reading() as reader:
        found = await claims.detail(reader, claim_id)
    check(caller, "claim.read", _owned(found))
    return found


def _add_route(action: Action) -> None:
    async def act(
        claim_id: UUID,
        desk: CurrentDesk,
        caller: Caller,
        version: IfMatch,
        key: IdempotencyKey,
        form: Any = None,
    ) -> ClaimDetail:
        return await carry_out(desk, caller, claim_id, action, form or ClaimAct(), version, key)

    action_route(acts, action, ClaimAct, act, of="claim", does=_SUMMARIES[action], answer=ClaimDetail)


for _action in Action:
    _add_route(_action)


@acts.post("/{action}", include_in_schema=False)
async def refuse_unknown(claim_id: UUID, action: str, caller: Caller) -> None:
    raise unknown_action(Action)


async def carry_out(
    desk: Desk,
    caller: Principal,
    claim_id: UUID,
    action: Action,
    form: ClaimAct,
    version: int | None,
    key: str | None,
) -> ClaimDetail:
    """Checks the right, and answers with the claim as it is then."""
    async with desk.database.reading() as reader:
        known = await claims.claim(reader, claim_id)
    check(caller, f"claim.act:{action}", _owned(known))
    wanted = Act(
        action=action,
        by=caller.person_id,
        note=form.note,
        request_id=f"{caller.person_id}:{key or uuid4()}",
        fingerprint=fingerprint([action, form.model_dump(mode="json")]),
        expected_version=version,
    )
    moving = claims.Claims(desk.database, mail=bool(desk.settings.smtp_url))
    return await moving.act(claim_id, wanted, datetime.now(UTC))


def _owned(known: Claim) -> Owned:
    return Owned(None if known.member is None else known.member.id)


router.include_router(acts)
