"""The data directory of a desk on this machine: who uses it. Only the holder of its lock starts servers on it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from runtime.settings import PREFIX, SettingError

RESTORING: Final = "restoring"
"""A folder that is there while a backup is being put back; what else is there then is half of a desk."""


@contextmanager
def data_directory(home: Path) -> Iterator[None]:
    """Holds the lock of the data directory; raises SettingError when another desk has it."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "lock").open("a+")
    except OSError as error:
        raise SettingError(f"{PREFIX}HOME: cannot write to {home}: {error.strerror}.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            raise SettingError(
                f"The data directory {home} is in use by another desk (process {owner}). "
                f"Stop that one, or set {PREFIX}HOME."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def is_in_use(home: Path) -> bool:
    """Whether somebody holds the lock now."""
    try:
        with (home / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def check_whole(home: Path) -> None:
    """Raises SettingError where a restore was broken off: half a desk must not start."""
    if (home / RESTORING).exists():
        raise SettingError(
            f"A restore into {home} was broken off. Run `duradesk restore` again; it begins anew."
        )
