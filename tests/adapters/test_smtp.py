"""The sender against a real mail server: what is taken, what is refused for good, what may be tried again."""

from datetime import UTC, datetime
from email.message import EmailMessage
from uuid import UUID

import pytest

from adapters.mail import MailRenderer
from adapters.smtp import NullSender, SmtpSender, sender_for
from domain.notification.delivery import Delivery, DeliveryDelayed, DeliveryFailed, DeliveryRefused
from domain.notification.kind import Kind
from tests.adapters.mail_server import HANG_UP, STALL, mail_server
from tests.conftest import free_port

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


def mail(email: str = "lin.wei@customers.example", body: str = "Have you tried *this*?") -> EmailMessage:
    delivery = Delivery(
        notification_id=UUID(int=1),
        kind=Kind.TICKET_REPLIED,
        params={"ticket_id": str(UUID(int=2)), "number": 7, "subject": "磁盘空间不足", "actor": "Ada"},
        locale="zh-CN",
        time_zone="Asia/Shanghai",
        name="林薇",
        email=email,
        body=body,
    )
    return MailRenderer("Duradesk", "desk@desk.example", "https://desk.example").render(delivery, NOW)


async def send(url: str, message: EmailMessage | None = None) -> None:
    await sender_for(url).send(message or mail())


async def test_a_mail_is_taken_as_it_was_built() -> None:
    async with mail_server() as server:
        await send(server.url)
    (taken,) = server.taken
    assert taken["Subject"] == "Re: [#7] 磁盘空间不足"
    assert taken["To"].addresses[0].addr_spec == "lin.wei@customers.example"
    assert taken["Message-ID"] == f"<notification.{UUID(int=1)}@desk.example>"
    assert "Have you tried *this*?" in taken.get_body(("plain",)).get_content()  # type: ignore[union-attr]


async def test_very_long_lines_and_large_bodies_arrive_whole() -> None:
    body = "长" * 50_000 + "\r\n.\r\n" + "x" * 50_000
    async with mail_server() as server:
        await send(server.url, mail(body=body))
    assert body in server.taken[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]


@pytest.mark.parametrize("stage", ["rcpt", "data"])
async def test_a_5xx_to_the_mail_is_for_good(stage: str) -> None:
    async with mail_server() as server:
        getattr(server, stage).append("550 5.1.1 <lin.wei@customers.example>: no such user")
        with pytest.raises(DeliveryRefused) as refused:
            await send(server.url)
    error = refused.value
    assert (error.code, error.reply_code, error.permanent) == ("mail_refused", 550, True)
    assert "lin.wei" in error.told
    assert "lin.wei" not in str(error)


@pytest.mark.parametrize("stage", ["rcpt", "data"])
async def test_a_4xx_is_for_now_and_the_next_try_is_taken(stage: str) -> None:
    async with mail_server() as server:
        getattr(server, stage).append("451 4.7.1 Greylisted, try again")
        with pytest.raises(DeliveryDelayed) as delayed:
            await send(server.url)
        assert (delayed.value.code, delayed.value.retryable) == ("mail_deferred", True)
        await send(server.url)
    assert (server.tries, len(server.taken)) == (2, 1)


async def test_a_dropped_connection_in_the_middle_of_data_is_for_now() -> None:
    async with mail_server() as server:
        server.data.append(HANG_UP)
        with pytest.raises(DeliveryDelayed) as delayed:
            await send(server.url)
    assert delayed.value.code == "smtp_away"


async def test_a_server_that_does_not_answer_in_time_is_for_now() -> None:
    async with mail_server() as server:
        server.data.append(STALL)
        with pytest.raises(DeliveryDelayed) as delayed:
            await send(f"{server.url}?timeout=1")
    assert delayed.value.code == "smtp_timeout"


async def test_a_server_that_is_not_there_is_for_now() -> None:
    with pytest.raises(DeliveryDelayed) as delayed:
        await send(f"smtp://127.0.0.1:{free_port()}")
    assert delayed.value.code == "smtp_away"


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
async def test_signing_in_works_and_a_wrong_password_kills_no_mail() -> None:
    async with mail_server(password="p@ss word") as server:
        host = f"127.0.0.1:{server.port}"
        await send(f"smtp://desk:p%40ss%20word@{host}")
        with pytest.raises(DeliveryDelayed) as wrong:
            await send(f"smtp://desk:wrong@{host}")
        with pytest.raises(DeliveryDelayed) as missing:
            await send(f"smtp://{host}")
    assert len(server.taken) == 1
    assert wrong.value.code == "smtp_login_refused"
    assert missing.value.reply_code == 530


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
async def test_a_greeting_goes_as_far_as_a_mail_would_and_sends_none() -> None:
    async with mail_server(password="right") as server:
        address = server.url.removeprefix("smtp://")
        await sender_for(f"smtp://desk:right@{address}").greet("desk.example")
        with pytest.raises(DeliveryDelayed) as wrong:
            await sender_for(f"smtp://desk:wrong@{address}").greet("desk.example")
    assert wrong.value.code == "smtp_login_refused"
    assert server.taken == []
    with pytest.raises(DeliveryDelayed) as away:
        await sender_for(f"smtp://127.0.0.1:{free_port()}").greet("desk.example")
    assert away.value.code == "smtp_away"


async def test_starttls_encrypts_and_an_untrusted_certificate_is_for_now() -> None:
    async with mail_server(tls=True) as server:
        host = f"127.0.0.1:{server.port}"
        await send(f"smtp+starttls://{host}?verify=no")
        await send(f"smtp://{host}?starttls=never")
        with pytest.raises(DeliveryDelayed) as untrusted:
            await send(f"smtp+starttls://{host}")
    assert server.encrypted == [True, False]
    assert untrusted.value.code == "smtp_tls_failed"


async def test_starttls_is_insisted_on() -> None:
    async with mail_server() as server:
        with pytest.raises(DeliveryFailed) as failed:
            await send(f"smtp+starttls://127.0.0.1:{server.port}")
    assert (failed.value.code, failed.value.permanent) == ("smtp_not_supported", False)
    assert server.taken == []


async def test_an_international_address_goes_out_as_an_international_mail() -> None:
    async with mail_server() as server:
        await send(server.url, mail("林薇@例子.example"))
    assert "SMTPUTF8" in server.options
    assert server.recipients == ["林薇@xn--fsqu00a.example"]


async def test_without_a_mail_server_nothing_is_sent() -> None:
    sender = sender_for("")
    assert not sender.configured
    assert isinstance(sender, NullSender)
    with pytest.raises(DeliveryDelayed):
        await sender.send(mail())


def test_both_senders_are_made_from_the_setting() -> None:
    assert isinstance(sender_for("smtps://mail.example"), SmtpSender)
    assert isinstance(sender_for(""), NullSender)
