"""Sessions and API tokens: made, checked on every request, revoked.

A secret is 32 random bytes, shown once; only its SHA-256 is stored, which is enough for a secret that
nobody can guess. Checking one is a single query and never cached, so revoking, deactivating a person and
changing roles take effect with the next request, everywhere.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Row,
    Select,
    Uuid,
    bindparam,
    func,
    insert,
    or_,
    select,
    union,
    update,
)

from domain.account import Principal, Ref, Role, Scope, Token
from storage.conflicts import refusals
from storage.database import Database, Reader, Writer, connection_of
from storage.page import Order, page
from storage.tables.account import PersonRow, TeamMemberRow, TeamRow, TokenRow

_PREFIX: Final = "ddk_"
_SHAPE: Final = re.compile(r"ddk_[A-Za-z0-9_-]{43}")
_SHOWN: Final = 10
_USE_NOTED_EVERY: Final = timedelta(minutes=1)

_TEAMS: Final = func.array(
    union(
        select(TeamMemberRow.team_id).where(TeamMemberRow.person_id == PersonRow.id).correlate(PersonRow),
        select(TeamRow.id).where(TeamRow.lead_id == PersonRow.id).correlate(PersonRow),
    ).scalar_subquery(),
    type_=ARRAY(Uuid()),
)
_VALID: Final = (
    TokenRow.revoked_at.is_(None),
    TokenRow.expires_at > func.now(),
    PersonRow.active,
)
_use_is_old: Final = or_(
    TokenRow.last_used_at.is_(None), TokenRow.last_used_at < func.now() - _USE_NOTED_EVERY
)
_AUTHENTICATE: Final = (
    select(
        TokenRow.id.label("token_id"),
        TokenRow.scopes,
        _use_is_old.label("use_is_old"),
        PersonRow.id,
        PersonRow.email,
        PersonRow.name,
        PersonRow.roles,
        PersonRow.locale,
        PersonRow.time_zone,
        PersonRow.organization_id,
        _TEAMS.label("team_ids"),
    )
    .join(PersonRow, PersonRow.id == TokenRow.person_id)
    .where(TokenRow.digest == bindparam("digest"), *_VALID)
)
_NOTE_USE: Final = (
    update(TokenRow)
    .values(last_used_at=func.now())
    .where(
        TokenRow.id.in_(
            select(TokenRow.id)
            .where(TokenRow.id == bindparam("token_id"), _use_is_old)
            .with_for_update(skip_locked=True)
        )
    )
)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token with its secret, which is never shown again."""

    token: Token
    secret: str


async def authenticate(database: Database, secret: str) -> Principal | None:
    """The person behind `secret`, or None; notes the use, at most once a minute."""
    if not _SHAPE.fullmatch(secret):
        return None
    async with database.reading() as reader:
        row = await _find(reader, secret)
    if row is None:
        return None
    if row.use_is_old:
        async with database.writing() as writer:
            await writer.execute(_NOTE_USE, {"token_id": row.token_id})
    return _principal(row)


async def authenticate_token(reader: Reader, secret: str) -> Principal | None:
    """The person behind `secret`, or None. One query."""
    row = await _find(reader, secret)
    return None if row is None else _principal(row)


async def issue(
    writer: Writer, person_id: UUID, name: str, *, expires_at: datetime, scopes: Sequence[Scope] | None
) -> Issued:
    """A new credential; `scopes` None makes a session. Raises Invalid for a person who is not there."""
    secret = _PREFIX + token_urlsafe(32)
    token_id = uuid4()
    new = insert(TokenRow).values(
        id=token_id,
        person_id=person_id,
        name=name,
        prefix=secret[:_SHOWN],
        digest=_digest(secret),
        scopes=None if scopes is None else sorted(scopes),
        expires_at=expires_at,
    )
    async with refusals():
        await writer.execute(new)
    row = (await writer.execute(_tokens().where(TokenRow.id == token_id))).one()
    return Issued(_token(row), secret)


async def tokens(
    reader: Reader, *, person_id: UUID | None, after: Sequence[Any] | None, size: int
) -> list[Token]:
    """Valid credentials, newest first; of one person or, without `person_id`, of all."""
    statement = _tokens().where(*_VALID)
    if person_id is not None:
        statement = statement.where(TokenRow.person_id == person_id)
    newest_first = Order((TokenRow.created_at, TokenRow.id), descending=True)
    return [_token(row) for row in await reader.execute(page(statement, newest_first, after, size))]


async def owner(reader: Reader | Writer, token_id: UUID) -> UUID | None:
    """Whose credential it is; None for one that is unknown or revoked."""
    return await reader.scalar(
        select(TokenRow.person_id).where(TokenRow.id == token_id, TokenRow.revoked_at.is_(None))
    )


async def revoke(writer: Writer, token_id: UUID) -> None:
    await writer.execute(
        update(TokenRow)
        .values(revoked_at=func.now())
        .where(TokenRow.id == token_id, TokenRow.revoked_at.is_(None))
    )


async def revoke_all(writer: Writer, person_id: UUID, *, except_for: UUID | None = None) -> None:
    statement = update(TokenRow).values(revoked_at=func.now())
    statement = statement.where(TokenRow.person_id == person_id, TokenRow.revoked_at.is_(None))
    if except_for is not None:
        statement = statement.where(TokenRow.id != except_for)
    await writer.execute(statement)


def ended(before: datetime) -> ColumnElement[bool]:
    """Credentials that have been worth nothing since an instant before this one."""
    return or_(TokenRow.expires_at < before, TokenRow.revoked_at < before)


async def _find(reader: Reader, secret: str) -> Any:
    connection = await connection_of(reader)
    return (await connection.execute(_AUTHENTICATE, {"digest": _digest(secret)})).one_or_none()


def _digest(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "replace")).digest()


def _principal(row: Row[Any]) -> Principal:
    return Principal(
        person_id=row.id,
        roles=frozenset(map(Role, row.roles)),
        team_ids=frozenset(row.team_ids),
        organization_id=row.organization_id,
        scopes=None if row.scopes is None else frozenset(map(Scope, row.scopes)),
        locale=row.locale,
        time_zone=row.time_zone,
        name=row.name,
        email=row.email,
        token_id=row.token_id,
    )


def _tokens() -> Select[Any]:
    owner_name = PersonRow.name.label("person_name")
    return select(*TokenRow.__table__.columns, owner_name).join(PersonRow, PersonRow.id == TokenRow.person_id)


def _token(row: Row[Any]) -> Token:
    return Token(
        id=row.id,
        person=Ref(id=row.person_id, name=row.person_name),
        name=row.name,
        prefix=row.prefix,
        session=row.scopes is None,
        scopes=None if row.scopes is None else tuple(map(Scope, row.scopes)),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
