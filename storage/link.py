"""The keys that sign links, and the tokens made with them. What a token is stands in `domain/link.py`.

The keys are rows of the database: every part has them without a setting, and links that were mailed are still good
after a backup was put back. A new key signs from then on, earlier ones verify until they are revoked.
"""

import secrets
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, insert, select, text, update

from domain.errors import NotFound
from domain.link import SECRET_BYTES, LinkKey, read, sign, verified
from storage.database import Reader, Writer
from storage.tables.link import LinkKeyRow

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOCK = text("SELECT pg_advisory_xact_lock(7215002)")


async def ensure_key(writer: Writer) -> None:
    """Makes the first key, unless there is one that signs."""
    if await _signing(writer) is None:
        await writer.execute(_LOCK)
        if await _signing(writer) is None:
            await _make(writer)


async def rotate(writer: Writer, *, revoke: bool) -> int:
    """A new key signs from now on; with `revoke` all links that were signed before are void. Answers its number."""
    await writer.execute(_LOCK)
    if revoke:
        live = LinkKeyRow.revoked_at.is_(None)
        await writer.execute(update(LinkKeyRow).where(live).values(revoked_at=func.now(), secret=b""))
    return await _make(writer)


async def token_of(session: Reader | Writer, wanted: Any, notification_id: UUID) -> str | None:
    """The token of a link as a notification names it: `{"purpose", "id", "expires_at"}`; without an id it is for the
    notification itself. None without a key."""
    key = await _signing(session)
    if key is None or not isinstance(wanted, dict):
        return None
    end = datetime.fromisoformat(wanted["expires_at"])
    return sign(key, wanted["purpose"], UUID(wanted.get("id") or str(notification_id)), end)


async def record_of(session: Reader | Writer, token: str, purpose: str, now: datetime) -> UUID:
    """The id of the record that the link is for. Raises NotFound `link_unknown`, and Gone `link_expired`."""
    said = read(token)
    statement = select(LinkKeyRow.number, LinkKeyRow.secret).where(
        LinkKeyRow.number == said.key, LinkKeyRow.revoked_at.is_(None)
    )
    row = (await session.execute(statement)).one_or_none()
    return verified(said, None if row is None else LinkKey(row.number, row.secret), purpose, now)


async def ended_record_of(session: Reader | Writer, token: str, purpose: str) -> UUID | None:
    """The id of the record, also when the link has ended; None for one that is not ours."""
    try:
        return await record_of(session, token, purpose, _BEGINNING)
    except NotFound:
        return None


async def _signing(session: Reader | Writer) -> LinkKey | None:
    statement = select(LinkKeyRow.number, LinkKeyRow.secret).where(LinkKeyRow.revoked_at.is_(None))
    row = (await session.execute(statement.order_by(LinkKeyRow.number.desc()).limit(1))).one_or_none()
    return None if row is None else LinkKey(row.number, row.secret)


async def _make(writer: Writer) -> int:
    made = insert(LinkKeyRow).values(secret=secrets.token_bytes(SECRET_BYTES)).returning(LinkKeyRow.number)
    return (await writer.execute(made)).scalar_one()
