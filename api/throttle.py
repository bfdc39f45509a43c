"""How often somebody may try in vain: passwords for one person, passwords and tokens from one client.

Counted in the database, for all API processes together. Only failures count, so a busy office behind one address
is not locked out; a right password clears its person's count, and a right token always works: a wrong one is 32
random bytes away from it, so what is throttled here is the noise.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from fastapi import Request

from api.desk import Desk
from api.metrics import PASSWORDS
from domain.errors import Throttled
from storage.account import attempts
from storage.account.attempts import Attempts

WINDOW: Final = timedelta(minutes=5)
PASSWORDS_OF_PERSON: Final = 10
PASSWORDS_OF_CLIENT: Final = 100
TOKENS_OF_CLIENT: Final = 300

_PERSON: Final = "person"
_CLIENT: Final = "client"
_TOKENS: Final = "tokens"
_REMEMBERED: Final = 10_000


async def is_right(desk: Desk, email: str, client: str, verify: Callable[[], Awaitable[bool]]) -> bool:
    """Whether `verify` says yes; raises Throttled, without asking it, after too many failures."""
    person = email.casefold()
    try:
        await _admit(desk, person, client)
    except Throttled:
        PASSWORDS.labels("throttled").inc()
        raise
    right = await verify()
    PASSWORDS.labels("accepted" if right else "wrong").inc()
    async with desk.database.writing() as writer:
        if right:
            await attempts.forget(writer, _PERSON, person)
        else:
            await attempts.count(writer, _CLIENT, client, WINDOW)
    return right


async def _admit(desk: Desk, person: str, client: str) -> None:
    """Counts the attempt before its answer is known: those that run side by side must not all pass."""
    async with desk.database.reading() as reader:
        _check(await attempts.attempts(reader, _CLIENT, client), PASSWORDS_OF_CLIENT - 1)
        _check(await attempts.attempts(reader, _PERSON, person), PASSWORDS_OF_PERSON - 1)
    async with desk.database.writing() as writer:
        counted = await attempts.count(writer, _PERSON, person, WINDOW)
    _check(counted, PASSWORDS_OF_PERSON)


class WrongTokens:
    """Clients that sent too many wrong tokens are remembered here, so that the next ones cost nothing."""

    def __init__(self) -> None:
        self._refused: dict[str, datetime] = {}

    async def count(self, desk: Desk, client: str) -> None:
        """Raises Throttled after too many."""
        until = self._refused.get(client)
        if until is not None and until > datetime.now(UTC):
            raise _throttled(until)
        async with desk.database.writing() as writer:
            counted = await attempts.count(writer, _TOKENS, client, WINDOW)
        if counted.tries > TOKENS_OF_CLIENT and counted.until is not None:
            if len(self._refused) >= _REMEMBERED:
                self._refused.clear()
            self._refused[client] = counted.until
            raise _throttled(counted.until)


def wrong_tokens(request: Request) -> WrongTokens:
    found: WrongTokens = request.app.state.wrong_tokens
    return found


def _check(found: Attempts, most: int) -> None:
    if found.tries > most and found.until is not None:
        raise _throttled(found.until)


def _throttled(until: datetime) -> Throttled:
    wait = max(1, int((until - datetime.now(UTC)).total_seconds()) + 1)
    return Throttled("too_many_attempts", f"Too many attempts. Wait {wait} seconds.", retry_after=wait)
