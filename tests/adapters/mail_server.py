"""A real SMTP server on a port of its own that does as it is told: takes, refuses, defers, stalls, hangs up."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

TAKEN = "250 OK: queued"
HANG_UP = "hang up"
STALL = "stall"


class MailServer:
    """`rcpt` and `data` are the next answers at these stages, first in first out; without one, mail is taken.

    `heard` are all mails that were said to the end, `taken` those that it answered for.
    """

    def __init__(self) -> None:
        self.rcpt: list[str] = []
        self.data: list[str] = []
        self.heard: list[EmailMessage] = []
        self.taken: list[EmailMessage] = []
        self.tries = 0
        self.options: list[str] = []
        self.recipients: list[str] = []
        self.encrypted: list[bool] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_MAIL(  # noqa: N802  named by aiosmtpd
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        self.tries += 1
        self.options = options
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  named by aiosmtpd
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        answer = self.rcpt.pop(0) if self.rcpt else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
            self.recipients.append(address)
        return await _answer(server, answer)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  the same
        answer = self.data.pop(0) if self.data else TAKEN
        self.heard.append(message_from_bytes(envelope.content, policy=policy.default))
        if answer.startswith("250"):
            self.taken.append(self.heard[-1])
            self.encrypted.append(session.ssl is not None)
        return await _answer(server, answer)


async def _answer(server: Any, answer: str) -> str:
    if answer == HANG_UP:
        server.transport.abort()
        return "421 gone"
    if answer == STALL:
        await asyncio.Event().wait()
    return answer


@asynccontextmanager
async def mail_server(*, password: str | None = None, tls: bool = False) -> AsyncIterator[MailServer]:
    """`password` makes it ask everyone to sign in; `tls` makes it offer STARTTLS with a certificate of its own."""
    told = MailServer()
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(Path(__file__).with_name("mail_server.pem"))

    def signs_in(server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        return AuthResult(success=data.password.decode() == password, handled=False)

    def protocol() -> SMTP:
        return SMTP(
            told,
            hostname="mail.test",
            tls_context=context,
            authenticator=signs_in,
            auth_required=password is not None,
            auth_require_tls=False,
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
        )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    told.port = server.sockets[0].getsockname()[1]
    try:
        yield told
    finally:
        server.close()
