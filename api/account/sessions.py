"""Signing in and out."""

from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AwareDatetime, BaseModel, Field

from api.dependencies import Caller, CurrentDesk, client_address
from api.desk import Desk
from api.errors import problems
from api.forms import Form
from api.throttle import is_right
from domain.account import PASSWORD_LENGTH_MAX, SESSION_LIFETIME, Person
from domain.errors import Unauthorized
from domain.text import EMAIL_LENGTH, Text
from runtime.passwords import is_password
from storage.account import people, tokens

router = APIRouter(prefix="/sessions", tags=["sessions"])
_SESSION_NAME: Final = "session"


class SignIn(Form):
    email: Annotated[Text, Field(max_length=EMAIL_LENGTH)]
    password: Annotated[Text, Field(max_length=PASSWORD_LENGTH_MAX)]


class Session(BaseModel):
    token: str
    expires_at: AwareDatetime
    person: Person


@router.post("", status_code=201, responses=problems(429))
async def sign_in(body: SignIn, desk: CurrentDesk, request: Request) -> Session:
    """A token for `Authorization: Bearer`, valid for 24 hours."""
    person_id = await proven(desk, request, body.email, body.password)
    expires_at = datetime.now(UTC) + SESSION_LIFETIME
    async with desk.database.writing() as writer:
        issued = await tokens.issue(writer, person_id, _SESSION_NAME, expires_at=expires_at, scopes=None)
        person = await people.person(writer, person_id)
    return Session(token=issued.secret, expires_at=expires_at, person=person)


async def proven(desk: Desk, request: Request, email: str, password: str) -> UUID:
    """The person whose address and password these are; raises Unauthorized, or Throttled after many tries."""
    async with desk.database.reading() as reader:
        known = await people.credentials(reader, email.strip())
    password_hash = known.password_hash if known and known.active else None

    async def verify() -> bool:
        return await is_password(password_hash, password)

    if not await is_right(desk, email.strip(), client_address(request), verify):
        raise Unauthorized("invalid_credentials", "The address or the password is wrong.")
    assert known is not None
    return known.person_id


@router.delete("/current", status_code=204)
async def sign_out(caller: Caller, desk: CurrentDesk) -> None:
    """Ends the session or token that this request came with, at once."""
    assert caller.token_id is not None
    async with desk.database.writing() as writer:
        await tokens.revoke(writer, caller.token_id)
