"""The way out for mails: a sender over SMTP, and one for desks without a mail server.

What goes wrong is told as `DeliveryRefused` (for good) or `DeliveryDelayed` (try later); when to try again is
decided by `workflows/notification`. The server's own words stay out of the error's `detail`.

An operator's mistake must not kill mail: a wrong password, a refused sender, a missing STARTTLS or an
untrusted certificate delay it, and it goes out when the setting is mended.
"""

import asyncio
import ssl
from email.message import EmailMessage
from typing import Final, Protocol

import aiosmtplib

from domain.notification.delivery import DeliveryDelayed, DeliveryFailed, DeliveryRefused
from runtime import tracing
from runtime.address import SmtpServer, parse_smtp_url

# At whatever stage the server says so: the mail is larger than it takes; it wants us to sign in.
_TOO_LARGE: Final = 552
_SIGN_IN: Final = frozenset({530, 534, 535, 538})


class Sender(Protocol):
    """`configured` is False when there is no mail server: mails are then kept, never handed to `send`."""

    @property
    def configured(self) -> bool: ...

    async def send(self, message: EmailMessage) -> None: ...

    async def greet(self, hostname: str) -> None:
        """Connects, encrypts and signs in as for a mail, and leaves again; raises DeliveryFailed."""
        ...


def sender_for(url: str) -> Sender:
    """The sender that SMTP_URL asks for; an empty one means that mails are kept."""
    return SmtpSender(parse_smtp_url(url)) if url else NullSender()


class NullSender:
    """No mail server: whoever asks is told that nothing can be sent."""

    configured = False

    async def send(self, message: EmailMessage) -> None:
        raise DeliveryDelayed("smtp_not_configured", "No mail server is configured.")

    async def greet(self, hostname: str) -> None:
        raise DeliveryDelayed("smtp_not_configured", "No mail server is configured.")


class SmtpSender:
    """One connection a mail: a delivery is a process of its own, and no connection outlives its server."""

    configured = True

    def __init__(self, server: SmtpServer) -> None:
        self._server = server

    async def send(self, message: EmailMessage) -> None:
        """Returns when the server has taken the mail; raises DeliveryRefused or DeliveryDelayed."""
        try:
            with tracing.span("smtp", "client", server=self._server.host):
                async with asyncio.timeout(self._server.timeout.total_seconds()):
                    await self._send(message)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # Not "from error": the library's errors name the recipient, and a cause is kept in the history.
            raise failure(error) from None

    async def greet(self, hostname: str) -> None:
        client = self._client(hostname)
        try:
            async with asyncio.timeout(self._server.timeout.total_seconds()):
                await client.connect()
                await _leave(client)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise failure(error) from None

    def _client(self, hostname: str) -> aiosmtplib.SMTP:
        server = self._server
        start_tls = {"auto": None, "always": True, "never": False}[server.starttls]
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            local_hostname=hostname,
            timeout=server.timeout.total_seconds(),
            use_tls=server.tls,
            start_tls=False if server.tls else start_tls,
            validate_certs=server.verify,
        )

    async def _send(self, message: EmailMessage) -> None:
        client = self._client(_hostname(message))
        sender, recipient = _addresses(message)
        international = not (sender + recipient).isascii()
        await client.connect()
        try:
            await client.sendmail(
                sender,
                [recipient],
                message.as_bytes(),
                mail_options=["SMTPUTF8", "BODY=8BITMIME"] if international else None,
            )
        except BaseException:
            client.close()
            raise
        await _leave(client)


async def _leave(client: aiosmtplib.SMTP) -> None:
    """The mail is taken; whatever happens to the goodbye does not change that."""
    try:
        await client.quit(timeout=2)
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        client.close()


def _addresses(message: EmailMessage) -> tuple[str, str]:
    sender, recipient = message["From"].addresses[0], message["To"].addresses[0]
    return str(sender.addr_spec), str(recipient.addr_spec)


def _hostname(message: EmailMessage) -> str:
    """What we greet with: the domain that our mails come from."""
    return str(message["From"].addresses[0].domain)


def failure(error: Exception) -> DeliveryFailed:
    """Whether what went wrong is for good or for now."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return _answered(error.recipients[0])
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _answered(error)
    # Only a server that lacks AUTH or STARTTLS is told by the base class itself.
    if isinstance(error, aiosmtplib.SMTPNotSupported) or type(error) is aiosmtplib.SMTPException:
        return _not_supported(error)
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        detail = "The encrypted connection to the mail server failed."
        return DeliveryDelayed("smtp_tls_failed", detail, reply=str(error))
    if isinstance(error, TimeoutError):
        return DeliveryDelayed("smtp_timeout", "The mail server did not answer in time.")
    return DeliveryDelayed("smtp_away", "The mail server cannot be reached.", reply=str(error))


def _answered(error: aiosmtplib.SMTPResponseException) -> DeliveryFailed:
    """The server said no: to the recipient or the content for good, to everything else for now."""
    about_the_mail = isinstance(error, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError)
    if (about_the_mail and _is_final(error.code)) or error.code == _TOO_LARGE:
        detail = f"The mail server refused the mail for good ({error.code})."
        return DeliveryRefused("mail_refused", detail, reply_code=error.code, reply=str(error.message))
    login = isinstance(error, aiosmtplib.SMTPAuthenticationError)
    detail = f"The mail server did not take the mail now ({error.code})."
    return DeliveryDelayed(
        "smtp_login_refused" if login else "mail_deferred",
        detail,
        reply_code=error.code,
        reply=str(error.message),
    )


def _not_supported(error: aiosmtplib.SMTPException) -> DeliveryFailed:
    if "SMTPUTF8" in error.message:
        detail = "The mail server takes no international addresses."
        return DeliveryRefused("address_not_supported", detail, reply=error.message)
    detail = "The mail server lacks what SMTP_URL asks for."
    return DeliveryDelayed("smtp_not_supported", detail, reply=error.message)


def _is_final(code: int) -> bool:
    return 500 <= code < 600 and code not in _SIGN_IN
