"""Passwords may be tried only so often: per address of a person, and per client.

Counted in this process: several API processes allow as many times more. Only failures count, so a busy
office behind one address is not locked out, and a right password clears its own count.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import Request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from api.metrics import PASSWORDS
from domain.errors import Throttled

_PER_PERSON: Final = RateLimitItemPerMinute(10, 5, namespace="person")
_PER_CLIENT: Final = RateLimitItemPerMinute(100, 5, namespace="client")


class Throttle:
    def __init__(self) -> None:
        self._windows = FixedWindowRateLimiter(MemoryStorage())

    async def attempt(self, email: str, client: str, verify: Callable[[], Awaitable[bool]]) -> bool:
        """Whether `verify` says yes; raises Throttled, without asking it, after too many failures."""
        person = email.casefold()
        try:
            await self._check(_PER_PERSON, person)
            await self._check(_PER_CLIENT, client)
        except Throttled:
            PASSWORDS.labels("throttled").inc()
            raise
        # Counted before the answer is known: attempts that run side by side must not all pass the check.
        await self._windows.hit(_PER_PERSON, person)
        if await verify():
            PASSWORDS.labels("accepted").inc()
            await self._windows.clear(_PER_PERSON, person)
            return True
        PASSWORDS.labels("wrong").inc()
        await self._windows.hit(_PER_CLIENT, client)
        return False

    async def _check(self, limit: RateLimitItem, key: str) -> None:
        if await self._windows.test(limit, key):
            return
        window = await self._windows.get_window_stats(limit, key)
        wait = max(1, int(window.reset_time - time.time()) + 1)
        raise Throttled("too_many_attempts", f"Too many attempts. Wait {wait} seconds.", retry_after=wait)


def throttle_of(request: Request) -> Throttle:
    throttle: Throttle = request.app.state.throttle
    return throttle
