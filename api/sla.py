"""Routes of SLA policies: which promises which tickets get, and what a ticket would be promised."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from api.dependencies import Caller, CurrentDesk, IfMatch
from api.errors import problems
from api.forms import Form, Instant, absent, as_request
from api.page import Page, PageQuery, page_of
from domain.authorization import check
from domain.duration import Duration
from domain.sla.clock import Clock, next_steps
from domain.sla.policy import (
    CalendarReference,
    ClockName,
    Ladder,
    Match,
    PauseOn,
    Policy,
    PolicyVersion,
    Position,
    Targets,
    TicketFacts,
    choose_policy,
)
from domain.sla.record import PolicyRecord
from domain.text import Line, Name, Word
from domain.ticket.fields import Priority
from storage import sla as store

router = APIRouter(prefix="/sla-policies", tags=["sla"])

Version = Annotated[int | None, Query(ge=1, lt=2**31, description="An earlier version.")]


class PoliciesQuery(PageQuery):
    q: Line | None = None


class PolicyChanges(Form):
    """Only the fields that are sent change, each as a whole."""

    name: Name = Field(default_factory=absent)
    position: Position = Field(default_factory=absent)
    match: Match = Field(default_factory=absent)
    calendar: CalendarReference = Field(default_factory=absent)
    targets: Targets = Field(default_factory=absent)
    pause_on: PauseOn = Field(default_factory=absent)
    on_priority_change: Literal["keep", "restart"] = Field(default_factory=absent)
    on_reopen: Literal["new_cycle", "resume"] = Field(default_factory=absent)
    ladder: Ladder = Field(default_factory=absent)


class Ticket(Form):
    """A ticket that could be: what policies are matched by, and when it is opened."""

    priority: Priority
    category: Word | None = None
    team: UUID | None = None
    organization: UUID | None = None
    start: Instant


class StepPreview(BaseModel):
    step: str
    due_at: AwareDatetime
    do: tuple[str, ...]


class ClockPreview(BaseModel):
    """`steps` are the first occurrences, in the order in which they fire. `due_at` is null when the calendar
    never has so much working time."""

    target: Duration
    due_at: AwareDatetime | None
    steps: list[StepPreview]


class PolicyPreview(BaseModel):
    """What a ticket is promised; no policy, no promises. Clocks are shown as if they began at `start`."""

    policy: dict[str, Any] | None = Field(None, description="id, name and version")
    clocks: dict[ClockName, ClockPreview] = {}


@router.get("")
async def list_policies(
    query: Annotated[PoliciesQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[PolicyRecord]:
    """By position: the first that matches a ticket wins."""
    check(caller, "policy.read")
    after = query.start("position", int, UUID)
    async with desk.database.reading() as reader:
        found = await store.policies(reader, q=query.q, after=after, size=query.size)
    return page_of(request, query, found, "position", lambda one: (one.position, one.id))


@router.post("", status_code=201)
async def create_policy(body: Policy, caller: Caller, desk: CurrentDesk, response: Response) -> PolicyRecord:
    check(caller, "policy.write")
    async with desk.database.writing() as writer:
        created = await store.create_policy(writer, body, caller.person_id)
    response.headers["Location"] = f"/api/v1/sla-policies/{created.id}"
    return created


@router.post("/preview")
async def preview_policies(body: Ticket, caller: Caller, desk: CurrentDesk) -> PolicyPreview:
    check(caller, "policy.read")
    facts = TicketFacts(body.priority, body.category, body.team, body.organization)
    async with desk.database.reading() as reader:
        chosen = choose_policy(await store.active_policies(reader), facts)
    if chosen is None:
        return PolicyPreview()
    named = {"id": str(chosen.id), "name": chosen.policy.name, "version": chosen.version}
    clocks = {name: _preview(chosen, name, body) for name in chosen.policy.targets[body.priority]}
    return PolicyPreview(policy=named, clocks=clocks)


@router.get("/{policy_id}", responses=problems(404))
async def read_policy(
    policy_id: UUID, caller: Caller, desk: CurrentDesk, version: Version = None
) -> PolicyRecord:
    check(caller, "policy.read")
    async with desk.database.reading() as reader:
        return await store.policy(reader, policy_id, version=version)


@router.patch("/{policy_id}", responses=problems(404, 412))
async def update_policy(
    policy_id: UUID, body: PolicyChanges, caller: Caller, desk: CurrentDesk, if_match: IfMatch
) -> PolicyRecord:
    check(caller, "policy.write")
    changes = {name: getattr(body, name) for name in body.model_fields_set}
    async with desk.database.writing() as writer:
        current = await store.lock_policy(writer, policy_id)
        with as_request():
            spec = Policy.model_validate({**dict(current.rule()), **changes})
        return await store.update_policy(writer, policy_id, spec, if_match, caller.person_id)


@router.delete("/{policy_id}", status_code=204, responses=problems(404, 412))
async def archive_policy(policy_id: UUID, caller: Caller, desk: CurrentDesk, if_match: IfMatch) -> None:
    """Puts the policy out of force. Its open tickets get the next one that matches; its versions stay."""
    check(caller, "policy.write")
    async with desk.database.writing() as writer:
        await store.archive_policy(writer, policy_id, if_match)


def _preview(chosen: PolicyVersion, name: ClockName, ticket: Ticket) -> ClockPreview:
    target = chosen.policy.target(ticket.priority, name)
    assert target is not None
    clock = Clock(name=name, cycle=1, target=target, started_at=ticket.start, running_since=ticket.start)
    steps = [
        StepPreview(step=step.step or step.key, due_at=step.due_at, do=step.effects)
        for step in next_steps(clock, chosen)
    ]
    return ClockPreview(target=target, due_at=clock.due_at(chosen), steps=steps)
