"""Who the command line is to the desk: a token that was given, or the first administrator's session.

The session is kept in the data directory, readable by its owner only, together with the address and the person
it belongs to: it is never sent anywhere else. How signing in goes over HTTP is `cli.client`'s.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import orjson

from cli.options import PASSWORD_FILE
from domain.errors import DeskError, Unauthorized
from runtime.private import write_private
from runtime.settings import PREFIX, Settings

TOKEN_FILE: Final = "cli-token"  # noqa: S105  the name of a file


@dataclass(frozen=True, slots=True)
class SignIn:
    """`source` is where the password is from, as the person knows it."""

    email: str
    password: str
    source: str


class Credentials:
    """`given` is the token of the command line; the setting TOKEN is the next choice."""

    def __init__(self, settings: Settings, address: str, given: str | None) -> None:
        self._settings = settings
        self._given = (given or settings.token.get_secret_value()).strip()
        self._belongs_to = {"address": address, "email": settings.admin_email}
        self._file = settings.home / TOKEN_FILE
        if not self._given.isascii() or not self._given.isprintable():
            raise Unauthorized("token_invalid", "The token holds characters that no token has.")

    @property
    def can_renew(self) -> bool:
        """Whether a refused token may be replaced by signing in: only a session of ours."""
        return not self._given

    def kept(self) -> str | None:
        """The token to begin with, if there is one."""
        if self._given:
            return self._given
        with suppress(OSError, orjson.JSONDecodeError):
            kept = orjson.loads(self._file.read_bytes())
            if isinstance(kept, dict) and kept.items() >= self._belongs_to.items():
                return str(kept["token"]) if "token" in kept else None
        return None

    def keep(self, token: str) -> None:
        """Keeps the session for the next command. Where that cannot be, the next command signs in again."""
        with suppress(OSError):
            write_private(self._file, orjson.dumps({**self._belongs_to, "token": token}).decode())

    def sign_in(self) -> SignIn | None:
        """The administrator's address and password, if this is the desk's machine and we may read them."""
        email = self._settings.admin_email
        if password := self._settings.admin_password.get_secret_value():
            return SignIn(email, password, f"{PREFIX}ADMIN_PASSWORD")
        file = self._settings.home / PASSWORD_FILE
        with suppress(OSError, UnicodeDecodeError):
            if password := file.read_text().strip():
                return SignIn(email, password, str(file))
        return None

    def missing(self) -> DeskError:
        file = self._settings.home / PASSWORD_FILE
        return Unauthorized(
            "token_missing",
            f"No token: set {PREFIX}TOKEN, or run this where the desk's data is ({file} is not readable here).",
        )
