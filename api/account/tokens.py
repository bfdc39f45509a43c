"""API tokens: scoped, expiring, revocable."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, Field

from api.dependencies import Caller, CurrentDesk
from api.errors import problems
from api.forms import Form
from api.page import Page, PageQuery, page_of
from domain.account import TOKEN_LIFETIME, TOKEN_LIFETIME_MAX, Scope, Token
from domain.authorization import Owned, check, not_found
from domain.errors import Invalid
from domain.text import Name
from storage.account import tokens

router = APIRouter(prefix="/tokens", tags=["tokens"])


class NewToken(Form):
    name: Name
    scopes: Annotated[frozenset[Scope], Field(min_length=1)] = frozenset({Scope.TICKETS_WRITE})
    expires_at: AwareDatetime | None = Field(None, description="90 days from now; at most 366 days")
    person: UUID | None = Field(None, description="whose token; another person's is for administrators")


class TokenIssued(Token):
    """`token` is the secret, shown this once."""

    token: str


class TokensQuery(PageQuery):
    person: UUID | None = None


@router.get("")
async def list_tokens(
    query: Annotated[TokensQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[Token]:
    """The caller's valid sessions and tokens; an administrator may name another `person`."""
    person_id = query.person or caller.person_id
    check(caller, "token.list", Owned(person_id))
    after = query.start("newest", datetime, UUID)
    async with desk.database.reading() as reader:
        found = await tokens.tokens(reader, person_id=person_id, after=after, size=query.size)
    return page_of(request, query, found, "newest", lambda token: (token.created_at, token.id))


@router.post("", status_code=201)
async def create_token(body: NewToken, caller: Caller, desk: CurrentDesk) -> TokenIssued:
    person_id = body.person or caller.person_id
    check(caller, "token.create", Owned(person_id))
    now = datetime.now(UTC)
    expires_at = body.expires_at or now + TOKEN_LIFETIME
    if not now < expires_at <= now + TOKEN_LIFETIME_MAX:
        raise Invalid("invalid_expiry", "Must be in the future, at most 366 days ahead.", field="expires_at")
    async with desk.database.writing() as writer:
        issued = await tokens.issue(
            writer, person_id, body.name, expires_at=expires_at, scopes=sorted(body.scopes)
        )
    return TokenIssued(token=issued.secret, **issued.token.model_dump())


@router.delete("/{token_id}", status_code=204, responses=problems(404))
async def revoke_token(token_id: UUID, caller: Caller, desk: CurrentDesk) -> None:
    """The token stops working at once."""
    async with desk.database.writing() as writer:
        person_id = await tokens.owner(writer, token_id)
        if person_id is None:
            raise not_found()
        check(caller, "token.revoke", Owned(person_id))
        await tokens.revoke(writer, token_id)
