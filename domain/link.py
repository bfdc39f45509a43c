"""Signed links: what lets somebody do one thing without signing in, until a time.

A token says what it is for by its signature alone: HMAC-SHA256 (RFC 2104) over the purpose, the key's number, the id
of the record and the end of the link, cut to half its length, as the RFC allows (section 5). A token of one purpose
opens nothing of another. The keys are kept in `storage/link.py`: the latest signs, all that were not revoked verify.
That a link is used once is the record's business: it knows whether it was answered.

    1 byte version | 2 bytes number of the key | 16 bytes id | 5 bytes end in seconds since 1970 | 16 bytes signature
"""

import binascii
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from domain.errors import Gone, NotFound

SECRET_BYTES: Final = 32
KEY_NUMBER_MAX: Final = 2**16 - 1
LENGTH: Final = 54
"""Characters of a token."""

_VERSION: Final = b"\x01"
_SIGNED: Final = 24
_SIGNATURE: Final = 16
_TEXT: Final = re.compile(rf"[A-Za-z0-9_-]{{{LENGTH}}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class LinkKey:
    """`number` counts up from 1; a later key signs."""

    number: int
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a token says, which anybody may have written. `verified` tells whether we did."""

    key: int
    record_id: UUID
    expires_at: datetime
    signed: bytes
    signature: bytes


def sign(key: LinkKey, purpose: str, record_id: UUID, expires_at: datetime) -> str:
    """The token of a link; `expires_at` is cut to the second."""
    seconds = int(expires_at.timestamp())
    signed = _VERSION + key.number.to_bytes(2, "big") + record_id.bytes + seconds.to_bytes(5, "big")
    return urlsafe_b64encode(signed + _signature(key, purpose, signed)).decode().rstrip("=")


def read(token: str) -> Unverified:
    """Takes a token apart. Raises NotFound `link_unknown` for what was never one."""
    if not _TEXT.fullmatch(token):
        raise forged()
    try:
        raw = urlsafe_b64decode(token + "==")
    except (binascii.Error, ValueError):
        raise forged() from None
    # The last character has bits that mean nothing: only one way of writing a token is right.
    if urlsafe_b64encode(raw).decode().rstrip("=") != token or raw[:1] != _VERSION:
        raise forged()
    return Unverified(
        key=int.from_bytes(raw[1:3], "big"),
        record_id=UUID(bytes=raw[3:19]),
        expires_at=_instant(int.from_bytes(raw[19:_SIGNED], "big")),
        signed=raw[:_SIGNED],
        signature=raw[_SIGNED:],
    )


def verified(said: Unverified, key: LinkKey | None, purpose: str, now: datetime) -> UUID:
    """The id of the record that the link is for. `key` is the one that the token names, None if there is none.

    Raises NotFound `link_unknown` for a token that we did not sign for this purpose, and Gone `link_expired`.
    """
    right = key is not None and key.number == said.key
    expected = _signature(key, purpose, said.signed) if key is not None else bytes(_SIGNATURE)
    if not hmac.compare_digest(expected, said.signature) or not right:
        raise forged()
    if said.expires_at <= now:
        raise expired()
    return said.record_id


def forged() -> NotFound:
    return NotFound(
        "link_unknown",
        "This link is not one of ours, or it was changed on its way. Copy it whole from the mail.",
    )


def expired() -> Gone:
    return Gone("link_expired", "This link could be used for a while only, and that time is over.")


def _signature(key: LinkKey, purpose: str, signed: bytes) -> bytes:
    return hmac.digest(key.secret, purpose.encode() + b"\0" + signed, sha256)[:_SIGNATURE]


def _instant(seconds: int) -> datetime:
    """A forged end may lie further ahead than a datetime reaches; whoever signed it meant none of these."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC)
