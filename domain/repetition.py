"""A request that comes twice is carried out once: what a process remembers of those that it has carried out."""

from collections.abc import Sequence
from typing import Final, Protocol

from pydantic import BaseModel, ConfigDict

from domain.errors import Conflict, StaleVersion

SEEN_LIMIT: Final = 200
"""How many request ids a process remembers across its runs."""


class Seen(BaseModel):
    """A request that was carried out: what it was, and the version that it made."""

    model_config = ConfigDict(frozen=True)

    request_id: str
    fingerprint: str
    version: int


class Request(Protocol):
    """What identifies an action, and the version that it was meant for, if it was meant for one."""

    @property
    def request_id(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def expected_version(self) -> int | None: ...


def key_reused() -> Conflict:
    return Conflict("idempotency_key_reused", "This idempotency key was used for another request.")


def earlier(seen: Sequence[Seen], act: Request, version: int) -> Seen | None:
    """The outcome of the same request, if it was carried out. Raises Conflict for another body under its id, and
    StaleVersion for one that comes for the first time and was meant for another version."""
    known = next((one for one in seen if one.request_id == act.request_id), None)
    if known is not None and known.fingerprint != act.fingerprint:
        raise key_reused()
    if known is None and act.expected_version not in (None, version):
        raise StaleVersion(act.expected_version or 0, version)
    return known


def remembered(seen: Sequence[Seen], act: Request, version: int) -> tuple[Seen, ...]:
    """With this request, which made `version`; the oldest is forgotten."""
    newest = Seen(request_id=act.request_id, fingerprint=act.fingerprint, version=version)
    return (*seen[-(SEEN_LIMIT - 1) :], newest)
