"""The first administrator: one person who can log in to a fresh desk.

The password is DURADESK_ADMIN_PASSWORD; without it one is made and kept in `home/admin-password`, readable by
its owner only. A desk that has an administrator is left as it is.
"""

import secrets
from pathlib import Path

from cli.options import PASSWORD_FILE
from domain.account import Role
from runtime.private import write_private
from runtime.settings import Settings
from storage.account import ensure_admin
from storage.account.people import PeopleFilter, people
from storage.database import Database

_ADMINISTRATORS = PeopleFilter(role=Role.ADMIN, active=True)


async def ensure_administrator(database: Database, settings: Settings) -> None:
    """The file is written before the person: a kill in between leaves no password that nobody knows."""
    async with database.reading() as reader:
        if await people(reader, _ADMINISTRATORS, order="created_at", after=None, size=1):
            return
    file = settings.home / PASSWORD_FILE
    given = settings.admin_password.get_secret_value()
    known_before = file.exists()
    password = given or _kept(file)
    async with database.writing() as writer:
        created = await ensure_admin(writer, settings.admin_email, password, locale=settings.locale)
    if not created and not given and not known_before:
        file.unlink()


def _kept(file: Path) -> str:
    """The password in the file, which is made if it is missing or was cut off by a kill."""
    if file.exists() and (password := file.read_text().strip()):
        return password
    password = secrets.token_urlsafe(18)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_private(file, password + "\n")
    return password
