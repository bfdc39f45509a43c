"""Password hashes: argon2id in threads of its own, so that the event loop never waits for one.

The parameters are OWASP's first choice (19 MiB, 2 passes, about 20 ms). Two threads bound what a flood of
logins takes: 40 MiB and two cores.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_THREADS: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")
# Verified when there is nothing to verify, so that an unknown address takes as long as a wrong password.
_NOBODY: Final = (
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$wlkUvQqfXb4Lu3Ak/eHCjSvSUlVzPcYsVcNNFvMFdwM"
)


async def hash_password(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, password)


async def is_password(password_hash: str | None, password: str) -> bool:
    """Whether `password` made `password_hash`; takes as long when there is no hash."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _verify, password_hash, password)


def _verify(password_hash: str | None, password: str) -> bool:
    try:
        _HASHER.verify(password_hash or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None
