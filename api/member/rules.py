"""The points rules: what each action is worth, the daily cap, and the levels."""

from fastapi import APIRouter

from api.dependencies import Caller, CurrentDesk, IfMatch
from api.errors import problems
from api.forms import Form
from domain.authorization import check
from domain.member.rules import Rules, RulesContents
from storage.member import rules

router = APIRouter(prefix="/members/rules")


class RulesForm(RulesContents, Form):
    """All of them at once; what is not named is gone."""


@router.get("")
async def read_rules(caller: Caller, desk: CurrentDesk) -> Rules:
    """The rules that hold now; version 0 are those that a desk begins with."""
    check(caller, "rules.read")
    async with desk.database.reading() as reader:
        return await rules.rules(reader)


@router.put("", responses=problems(403, 412))
async def change_rules(form: RulesForm, caller: Caller, desk: CurrentDesk, if_match: IfMatch) -> Rules:
    """A new version. Facts that came before keep what they were worth; levels go by the new one at once."""
    check(caller, "rules.write")
    contents = RulesContents.model_validate(form.model_dump())
    async with desk.database.writing() as writer:
        return await rules.change(writer, contents, caller.person_id, if_match)
