"""How a route gets at a contest: it reads it, asks the policy, and answers 404 for a draft that is none of the
caller's business. And how an action reaches the contest's process."""

from collections.abc import Awaitable
from uuid import UUID, uuid4, uuid5

from api.desk import Desk
from api.temporal import LIMIT, ProcessEnded, ask_again, process_lost
from api.ticket.create import fingerprint
from domain import ids
from domain.account import Principal
from domain.authorization import check, may, not_found
from domain.contest.fields import Status
from domain.contest.messages import Act
from domain.contest.moves import Action, check_move
from domain.contest.process import is_finished
from domain.contest.record import Contest
from domain.errors import Forbidden
from domain.process import Committed
from storage.contest import read
from storage.database import Reader
from workflows.contest import ACT


async def contest_for(reader: Reader, caller: Principal, contest_id: UUID, action: str) -> Contest:
    """The contest, if the caller may do `action`; raises NotFound or Forbidden."""
    check(caller, action)
    found = await read.contest(reader, contest_id)
    if found.status is Status.DRAFT and not may(caller, "contest.draft"):
        raise not_found()
    return found


def not_a_judge() -> Forbidden:
    return Forbidden("not_a_judge", "You are not a judge of this contest.")


def request_of(caller: Principal, key: str | None) -> str:
    """The name of one request of one person; the same key gives the same name."""
    return f"{caller.person_id}:{key or uuid4()}"


def record_id(contest_id: UUID, request_id: str) -> UUID:
    """The id of what a request makes."""
    return uuid5(contest_id, request_id)


async def send(desk: Desk, contest: Contest, act: Act) -> Committed:
    """Sends one action to the contest's process. The update's id is the request's, so a repeat is one action."""
    handle = desk.temporal.get_workflow_handle(ids.workflow_id("contest", contest.id))
    update_id = f"{fingerprint(act.request_id)}:{act.fingerprint[:8]}"

    def update() -> Awaitable[Committed]:
        return handle.execute_update(ACT, act, id=update_id, result_type=Committed, rpc_timeout=LIMIT)

    try:
        return await ask_again(update)
    except ProcessEnded:
        async with desk.database.reading() as reader:
            state = await read.state(reader, contest.id)
        if state is None or not is_finished(state):
            raise process_lost() from None
        check_move(state.status, act.action)
        raise


def act_of(caller: Principal, action: Action, key: str | None, body: object, **fields: object) -> Act:
    """An action of the caller; `body` is what tells two requests under one key apart."""
    values = {
        "action": action,
        "actor_id": caller.person_id,
        "request_id": request_of(caller, key),
        "fingerprint": fingerprint([action, body]),
        **fields,
    }
    return Act.model_validate(values)
