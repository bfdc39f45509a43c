"""What managers do to a contest: a route an action, each an update of the contest's process."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter

from api.contest.access import act_of, contest_for, not_a_judge, send
from api.contest.forms import Appoint, ContestChanges, Dismiss, Extend, Nothing, Reason, Recuse
from api.contest.read import check_people
from api.dependencies import Caller, CurrentDesk, IdempotencyKey, IfMatch
from api.desk import Desk
from api.errors import problems
from api.forms import Form, action_route, as_request, unknown_action
from domain.account import Principal
from domain.authorization import check, may
from domain.contest.fields import ContestRules
from domain.contest.messages import Edit
from domain.contest.moves import Action
from domain.contest.record import Contest
from domain.errors import Invalid
from storage.contest import read

router = APIRouter(prefix="/contests/{contest_id}", tags=["contests"])
actions = APIRouter(prefix="/actions")

FORMS: Final[dict[Action, tuple[type[Form], str]]] = {
    Action.SCHEDULE: (Nothing, "it is shown to everybody, and opens by itself."),
    Action.EXTEND: (
        Extend,
        "everything that is still to come comes later; participants and judges are told.",
    ),
    Action.APPOINT: (Appoint, "more people judge."),
    Action.DISMISS: (Dismiss, "somebody judges no longer; their entries go to others."),
    Action.PUBLISH: (Nothing, "the provisional standing is reckoned from the scores that are there."),
    Action.AWARD: (Nothing, "the prizes are given, once."),
    Action.CANCEL: (Reason, "it ends without prizes; participants and judges are told."),
}


def _add_route(action: Action, form_type: type[Form], summary: str) -> None:
    async def act(
        contest_id: UUID,
        desk: CurrentDesk,
        caller: Caller,
        version: IfMatch,
        key: IdempotencyKey,
        form: Any = None,
    ) -> Contest:
        return await carry_out(desk, caller, contest_id, action, form or form_type(), version, key)

    action_route(actions, action, form_type, act, of="contest", does=summary, answer=Contest)


for _action, (_form, _summary) in FORMS.items():
    _add_route(_action, _form, _summary)


@actions.post("/recuse", name="contest_recuse", responses=problems(403, 404, 409, 412))
async def recuse(
    contest_id: UUID,
    form: Recuse,
    desk: CurrentDesk,
    caller: Caller,
    version: IfMatch,
    key: IdempotencyKey,
) -> Contest:
    """The action `recuse`: a conflict of interest; a judge declares their own, a manager that of anybody."""
    check(caller, "contest.judge")
    judge = form.judge or caller.person_id
    if judge != caller.person_id:
        check(caller, "contest.write")
    if (form.person is None) == (form.entry is None):
        raise Invalid("one_of", "Name a person or an entry, one of them.", field="person")
    async with desk.database.reading() as reader:
        found = await contest_for(reader, caller, contest_id, "contest.read")
        if not may(caller, "contest.write") and not await read.is_judge(reader, contest_id, caller.person_id):
            raise not_a_judge()
        person = form.person
        if form.entry is not None:
            person = (await read.entry(reader, contest_id, form.entry)).person.id
    if form.person is not None:
        await check_people(desk, [form.person], "person")
    given = form.model_dump(mode="json")
    fields = {"people": [judge], "person_id": person, "text": form.reason, "expected_version": version}
    await send(desk, found, act_of(caller, Action.RECUSE, key, [contest_id, given], **fields))
    async with desk.database.reading() as reader:
        return await read.contest(reader, contest_id)


@actions.post("/{action}", include_in_schema=False)
async def refuse_unknown(contest_id: UUID, action: str, caller: Caller) -> None:
    raise unknown_action([*FORMS, Action.RECUSE])


router.include_router(actions)


@router.patch("", responses=problems(403, 404, 409, 412))
async def edit_contest(
    contest_id: UUID,
    form: ContestChanges,
    desk: CurrentDesk,
    caller: Caller,
    version: IfMatch,
    key: IdempotencyKey,
) -> Contest:
    """Changes a draft. What is scheduled is promised; it can be extended or cancelled."""
    if not form.model_fields_set:
        raise Invalid("nothing_to_change", "Name at least one field to change.")
    return await carry_out(desk, caller, contest_id, Action.EDIT, form, version, key)


async def carry_out(
    desk: Desk,
    caller: Principal,
    contest_id: UUID,
    action: Action,
    form: Form,
    version: int | None,
    key: str | None,
) -> Contest:
    """Checks the right, asks the process, answers with the contest as it is then."""
    async with desk.database.reading() as reader:
        found = await contest_for(reader, caller, contest_id, "contest.write")
    if isinstance(form, Appoint):
        await check_people(desk, form.people, "people")
    given = [contest_id, form.model_dump(mode="json", exclude_unset=True)]
    fields = {**_fields(found, form), "expected_version": version}
    await send(desk, found, act_of(caller, action, key, given, **fields))
    async with desk.database.reading() as reader:
        return await read.contest(reader, contest_id)


def _fields(known: Contest, form: Form) -> dict[str, Any]:
    match form:
        case Extend():
            return {"by": form.by, "text": form.reason}
        case Reason():
            return {"text": form.reason}
        case Appoint():
            return {"people": form.people}
        case Dismiss():
            return {"person_id": form.person, "text": form.reason}
        case ContestChanges():
            return {"edit": _edit(known, form)}
    return {}


def _edit(known: Contest, form: ContestChanges) -> Edit:
    """The new contents; the rules are checked as a whole."""
    changes = form.model_dump(include=set(form.model_fields_set))
    contents = {name: changes.pop(name) for name in ("name", "description") if name in changes}
    if not changes:
        return Edit(**contents)
    with as_request():
        rules = ContestRules.model_validate(known.rules.model_dump() | changes)
    return Edit(**contents, rules=rules)
