"""Mails as they are built: their headers, their two bodies, and what hostile text cannot do to them."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mail import MailRenderer, bodies, header_text, markdown
from domain.notification.delivery import Delivery, DeliveryRefused
from domain.notification.kind import Kind
from domain.text import LOCALES

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
RENDERER = MailRenderer("Duradesk", "desk@desk.example", "https://desk.example")
PARAMS = {
    "ticket_id": str(UUID(int=2)),
    "number": 7,
    "subject": "Disk full",
    "actor": "Ada",
    "priority": "high",
    "clock": "first_response",
    "due_at": "2026-11-21T06:30:05+00:00",
}


ABOUT_NO_TICKET: Final = {
    kind for kind in Kind if kind.startswith(("level_", "achievement_", "prize_", "contest_"))
}


def mail(
    kind: Kind = Kind.TICKET_REPLIED, params: dict[str, Any] | None = None, **fields: Any
) -> EmailMessage:
    values: dict[str, Any] = {
        "notification_id": UUID(int=1),
        "locale": "en",
        "time_zone": "Asia/Shanghai",
        "name": "Lin Wei",
        "email": "lin.wei@customers.example",
        **fields,
    }
    return RENDERER.render(Delivery(kind=kind, params={**PARAMS, **(params or {})}, **values), NOW)


def arrived(message: EmailMessage) -> EmailMessage:
    """The mail as a receiver parses it, after the wire."""
    wire = message.as_bytes()
    assert max(map(len, wire.split(b"\r\n"))) <= 998
    return message_from_bytes(wire, policy=policy.default)


def test_the_headers_identify_thread_and_mark_the_mail() -> None:
    message = arrived(mail())
    assert message["Message-ID"] == f"<notification.{UUID(int=1)}@desk.example>"
    assert message["In-Reply-To"] == message["References"] == f"<ticket.{UUID(int=2)}@desk.example>"
    assert message["Subject"] == "Re: [#7] Disk full"
    assert str(message["From"]) == "Duradesk <desk@desk.example>"
    assert message["Date"].datetime == NOW
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["Content-Language"] == "en"
    assert message["List-Unsubscribe"] == "<https://desk.example/notifications/preferences>"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_every_kind_is_worded_in_every_language() -> None:
    for kind in Kind:
        for locale in LOCALES:
            message = mail(kind, {"level": "expert", "points": 10_000}, locale=locale)
            about_a_ticket = kind not in ABOUT_NO_TICKET
            assert ("[#7]" in message["Subject"]) == about_a_ticket
            for body in bodies(message).values():
                assert ("Disk full" in body) == about_a_ticket
                assert "{" not in body.replace("{{", "")


def test_the_mail_speaks_the_language_and_the_time_zone_of_its_reader() -> None:
    message = mail(Kind.SLA_BREACHED, locale="zh-CN")
    assert message["Subject"] == "[#7] 已超时：Disk full"
    text = bodies(message)["plain"]
    assert "首次响应的截止时间 2026年11月21日" in text
    assert "14:30:05" in text


def test_a_mail_about_a_contest_names_it_and_leads_to_it() -> None:
    contest = str(UUID(int=3))
    params = {"ticket_id": None, "contest_id": contest, "contest": "Winter", "count": 1200}
    message = mail(Kind.CONTEST_EXTENDED, params)
    assert message["Subject"] == "The contest is extended: Winter"
    assert message["References"] == f"<contest.{contest}@desk.example>"
    for body in bodies(message).values():
        assert "2:30:05" in body
        assert f"https://desk.example/contests/{contest}" in body
    assert "For 1,200 entries" in bodies(mail(Kind.CONTEST_SHORT, params))["plain"]


def test_the_conversation_keeps_one_subject() -> None:
    assert mail(Kind.TICKET_CREATED)["Subject"] == "[#7] Disk full"
    assert mail(Kind.TICKET_RESOLVED)["Subject"] == "Re: [#7] Disk full"


def test_markdown_becomes_html_and_stays_text() -> None:
    both = bodies(mail(body="Try **this**:\n\n- `df -h`\n- [docs](https://docs.example)"))
    assert "- `df -h`" in both["plain"]
    assert "<strong>this</strong>" in both["html"]
    assert '<a href="https://docs.example" rel="noopener noreferrer nofollow">docs</a>' in both["html"]


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![pixel](https://spy.example/pixel.png)",
        "[x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        '<a href="https://x.example" onclick="alert(1)">x</a>',
        "</div></body><style>*{display:none}</style>",
    ],
)
def test_hostile_text_stays_text(hostile: str) -> None:
    html = markdown(hostile)
    for forbidden in ("<script", "<img", "<style", "</div", 'href="javascript', 'href="data', "<a href"):
        assert forbidden not in html


def test_names_and_subjects_are_escaped_in_html() -> None:
    html = bodies(mail(params={"subject": "<b>&", "reason": "<i>"}, name="<u>Lin</u>"))["html"]
    assert "&lt;b&gt;&amp;" in html
    assert "<u>" not in html
    assert "<i>" not in html


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028", "\u2029", "\x1e"])
def test_no_text_can_add_a_header(ending: str) -> None:
    hostile = f"Hello{ending}Bcc: everyone@customers.example{ending}{ending}<p>body"
    message = arrived(mail(params={"subject": hostile}, name=hostile))
    assert message["Bcc"] is None
    assert message["Subject"] == "Re: [#7] Hello Bcc: everyone@customers.example <p>body"
    assert len(message["To"].addresses) == 1


@pytest.mark.parametrize(
    "hostile", ["=?utf-8?q?x=0D=0ABcc:_e@x.example?=", "=?utf-8?q?a=22=2C_e=40x.example?="]
)
def test_no_encoded_word_can_add_a_header_or_a_recipient(hostile: str) -> None:
    message = arrived(mail(params={"subject": hostile}, name=hostile))
    assert message["Bcc"] is None
    assert [address.addr_spec for address in message["To"].addresses] == ["lin.wei@customers.example"]
    assert "\n" not in message["Subject"]


_ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=400)


@given(subject=_ANY, name=_ANY)
def test_any_subject_and_name_arrive_as_they_were(subject: str, name: str) -> None:
    message = arrived(mail(params={"subject": subject}, name=name))
    assert str(message["Subject"]) == f"Re: [#7] {header_text(subject)}".strip()
    (address,) = message["To"].addresses
    assert address.addr_spec == "lin.wei@customers.example"
    # The parser of Python 3.11 puts a space between two encoded words of a name.
    assert "".join(address.display_name.split()) == "".join(header_text(name).split())
    assert message["Message-ID"] == f"<notification.{UUID(int=1)}@desk.example>"


@given(body=_ANY)
def test_any_body_is_built(body: str) -> None:
    both = bodies(arrived(mail(body=body)))
    assert set(both) == {"plain", "html"}
    assert "<script" not in both["html"]


def test_what_no_mail_can_hold_is_refused_for_good() -> None:
    with pytest.raises(DeliveryRefused) as refused:
        mail(email="not an address")
    assert (refused.value.code, refused.value.permanent) == ("mail_not_built", True)


def test_a_row_with_few_facts_is_still_a_mail() -> None:
    empty = dict.fromkeys(PARAMS)
    for kind in Kind:
        assert bodies(mail(kind, params=empty))["plain"]
