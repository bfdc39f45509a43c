"""Attempts in vain, counted for all API processes together. How many are too many is `api/throttle.py`'s."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import case, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from storage.database import Reader, Writer
from storage.tables.account import AttemptRow

_SWEPT: Final = 20


@dataclass(frozen=True, slots=True)
class Attempts:
    """How many there were, and when they are forgotten."""

    tries: int
    until: datetime | None


async def attempts(reader: Reader, kind: str, whose: str) -> Attempts:
    found = await reader.execute(
        select(AttemptRow.tries, AttemptRow.expires_at).where(
            AttemptRow.key == _key(kind, whose), AttemptRow.expires_at > func.now()
        )
    )
    row = found.one_or_none()
    return Attempts(0, None) if row is None else Attempts(row.tries, row.expires_at)


async def count(writer: Writer, kind: str, whose: str, window: timedelta) -> Attempts:
    """Counts one more; all are forgotten a `window` after the first. The first of a window sweeps out a few of
    those that are over, so the table stays as small as what counts.
    """
    over = AttemptRow.expires_at <= func.now()
    first = insert(AttemptRow).values(key=_key(kind, whose), tries=1, expires_at=func.now() + window)
    statement = first.on_conflict_do_update(
        index_elements=[AttemptRow.key],
        set_={
            "tries": case((over, 1), else_=AttemptRow.tries + 1),
            "expires_at": case((over, func.now() + window), else_=AttemptRow.expires_at),
        },
    ).returning(AttemptRow.tries, AttemptRow.expires_at)
    row = (await writer.execute(statement)).one()
    if row.tries == 1:
        ended = select(AttemptRow.key).where(over).limit(_SWEPT).with_for_update(skip_locked=True)
        await writer.execute(delete(AttemptRow).where(AttemptRow.key.in_(ended)))
    return Attempts(row.tries, row.expires_at)


async def forget(writer: Writer, kind: str, whose: str) -> None:
    await writer.execute(delete(AttemptRow).where(AttemptRow.key == _key(kind, whose)))


def _key(kind: str, whose: str) -> bytes:
    return sha256(f"{kind}:{whose}".encode("utf-8", "replace")).digest()
