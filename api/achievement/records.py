"""Achievements: drafted, activated, retired."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from api.dependencies import Caller, CurrentDesk, IfMatch
from api.errors import problems
from api.forms import Form, absent
from api.page import Page, PageQuery, page_of
from domain.account import Principal
from domain.achievement.criteria import can_repeat, parse, read, written
from domain.achievement.record import Achievement, Repeat, Reward, State
from domain.authorization import check, may, not_found
from domain.errors import Invalid
from domain.member.rules import Rules
from domain.text import Fields, Line, Name
from storage.achievement import records
from storage.member.rules import rules

router = APIRouter()


class NewAchievement(Form):
    """`criteria` are terms joined by all and any, see docs/achievements.md. `repeat` is `each` for what is awarded
    each time its threshold is reached again."""

    name: Name
    description: Line
    criteria: Fields
    reward: Reward
    repeat: Repeat = Repeat.ONCE
    revocable: bool = True


class AchievementChanges(Form):
    """Only the fields that are sent change."""

    name: Name = Field(default_factory=absent)
    description: Line = Field(default_factory=absent)
    criteria: Fields = Field(default_factory=absent)
    reward: Reward = Field(default_factory=absent)
    repeat: Repeat = Field(default_factory=absent)
    revocable: bool = Field(default_factory=absent)
    state: State = Field(default_factory=absent)


class AchievementsQuery(PageQuery):
    state: State | None = None


@router.get("", name="list_achievements")
async def list_achievements(
    query: Annotated[AchievementsQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[Achievement]:
    """The newest first. Drafts and what is retired are for managers."""
    check(caller, "achievement.read")
    shown = _shown(caller) if query.state is None else [one for one in _shown(caller) if one is query.state]
    after = query.start("created_at", datetime, UUID)
    async with desk.database.reading() as reader:
        found = await records.achievements(reader, shown, after=after, size=query.size)
    return page_of(request, query, found, "created_at", lambda one: (one.created_at, one.id))


@router.post("", status_code=201, responses=problems(403, 409))
async def create_achievement(
    form: NewAchievement, caller: Caller, desk: CurrentDesk, response: Response
) -> Achievement:
    """A draft: nobody gets it before it is active."""
    check(caller, "achievement.write")
    async with desk.database.writing() as writer:
        worth = await rules(writer)
        values = _values(form.model_dump(mode="json"), worth)
        _check_repeat(values["criteria"], form.repeat)
        made = await records.create(writer, values, worth, caller.person_id)
    response.headers["Location"] = f"/api/v1/achievements/{made.id}"
    return made


@router.get("/{achievement_id}", responses=problems(404))
async def read_achievement(achievement_id: UUID, caller: Caller, desk: CurrentDesk) -> Achievement:
    check(caller, "achievement.read")
    async with desk.database.reading() as reader:
        found = await records.achievement(reader, achievement_id)
    if found.state not in _shown(caller):
        raise not_found()
    return found


@router.patch("/{achievement_id}", responses=problems(403, 404, 409, 412))
async def change_achievement(
    achievement_id: UUID, form: AchievementChanges, caller: Caller, desk: CurrentDesk, if_match: IfMatch
) -> Achievement:
    """With `state: active` everybody is looked at, and who meets it gets it; what it asks for and gives is fixed from
    then on. With `state: retired` nobody gets it any more; who has it keeps it."""
    check(caller, "achievement.write")
    changes = form.model_dump(mode="json", include=set(form.model_fields_set))
    async with desk.database.writing() as writer:
        worth = await rules(writer)
        known = await records.achievement(writer, achievement_id)
        if "criteria" in changes:
            changes = _values(changes, worth)
        _check_repeat(changes.get("criteria", known.criteria), Repeat(changes.get("repeat", known.repeat)))
        return await records.change(writer, achievement_id, changes, worth, caller.person_id, if_match)


def _values(fields: dict[str, Any], worth: Rules) -> dict[str, Any]:
    """With criteria as we write them."""
    return {**fields, "criteria": written(parse(fields["criteria"], worth))}


def _check_repeat(criteria: Any, repeat: Repeat) -> None:
    if repeat is Repeat.EACH and not can_repeat(read(criteria)):
        raise Invalid(
            "cannot_repeat",
            "What is awarded each time is a single count, sum or distinct of at least 1 (>=), without a window.",
            field="repeat",
        )


def _shown(caller: Principal) -> list[State]:
    return list(State) if may(caller, "achievement.drafts") else [State.ACTIVE]
