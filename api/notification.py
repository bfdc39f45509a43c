"""Notifications over HTTP: one's own, the deliveries for those who watch over them, and what people choose.

Words are made when they are read, in the reader's language; the rows hold facts only.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field, StringConstraints

from adapters.mail import MailRenderer, bodies, page_of_link
from adapters.notification import words
from api.dependencies import Caller, CurrentDesk
from api.desk import Desk
from api.errors import problems
from api.forms import Form
from api.page import Page, PageQuery, page_of
from domain.account import Principal, Ref
from domain.authorization import Owned, check, may, not_found
from domain.errors import Invalid
from domain.notification.kind import Channel, Kind
from domain.notification.preferences import Preferences, QuietHours
from domain.notification.record import Notification, State
from runtime.i18n import translator
from storage import link as links
from storage.account import people
from storage.database import Reader
from storage.notification import delivery, preference, read

router = APIRouter(prefix="/notifications", tags=["notifications"])

_ORDER: Final = "-created_at"
_OF_MAILS: Final = frozenset({State.PENDING, State.SENT, State.DEAD, State.KEPT})

WallTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class NotificationQuery(PageQuery):
    """Without `channel`, `state` and `recipient`: one's own in the app. Managers see the mails of everybody when
    they ask for a state of mails, and everything of one person when they name one."""

    unread: bool | None = None
    kind: Kind | None = None
    channel: Channel | None = None
    state: State | None = None
    recipient: UUID | None = None


class TicketRef(BaseModel):
    id: UUID
    number: int | None
    subject: str | None


class NotificationView(BaseModel):
    """`last_error` is what the mail server said last; only those who watch over deliveries see it."""

    id: UUID
    kind: Kind
    channel: Channel
    state: State
    title: str
    text: str
    ticket: TicketRef | None
    recipient: Ref
    attempts: int
    last_error: str | None
    created_at: datetime
    send_after: datetime | None
    sent_at: datetime | None
    read_at: datetime | None


class MailView(BaseModel):
    """The mail as it goes out, or went out, or would go out."""

    message_id: str
    subject: str
    text: str
    html: str


class NotificationDetail(NotificationView):
    """`link` is where its recipient answers, without signing in, what it asks; nobody else sees it."""

    mail: MailView | None
    link: str | None


class Unread(BaseModel):
    unread: int


class QuietHoursForm(Form):
    """Local times of the person; they may pass midnight. Urgent mails come all the same."""

    start: WallTime = Field(alias="from")
    end: WallTime = Field(alias="until")


class PreferencesForm(Form):
    """Replaces everything that was chosen before; what is not named is as it is for everybody."""

    channels: dict[Kind, dict[Channel, bool]] = Field({})
    quiet_hours: QuietHoursForm | None = None


class PreferencesView(BaseModel):
    channels: Mapping[Kind, Mapping[Channel, bool]]
    quiet_hours: QuietHoursForm | None
    time_zone: str


@router.get("")
async def list_notifications(
    query: Annotated[NotificationQuery, Query()], caller: Caller, desk: CurrentDesk, request: Request
) -> Page[NotificationView]:
    wanted = _wanted(query, caller)
    after = query.start(_ORDER, datetime, UUID)
    async with desk.database.reading() as reader:
        found = await read.notifications(reader, wanted, after=after, size=query.size)
        time_zone = await _time_zone(reader, caller)
    views = [_view(row, caller, time_zone) for row in found]
    return page_of(request, query, views, _ORDER, lambda view: (view.created_at, view.id))


@router.get("/unread")
async def count_unread(caller: Caller, desk: CurrentDesk) -> Unread:
    check(caller, "notification.read", Owned(caller.person_id))
    async with desk.database.reading() as reader:
        return Unread(unread=await read.unread_count(reader, caller.person_id))


@router.post("/read")
async def mark_all_read(caller: Caller, desk: CurrentDesk) -> Unread:
    """Marks everything of one's own as read."""
    check(caller, "notification.read", Owned(caller.person_id))
    async with desk.database.writing() as writer:
        await read.mark_all_read(writer, caller.person_id, datetime.now(UTC))
    return Unread(unread=0)


@router.get("/preferences")
async def read_preferences(caller: Caller, desk: CurrentDesk) -> PreferencesView:
    check(caller, "notification.read", Owned(caller.person_id))
    async with desk.database.reading() as reader:
        chosen = await preference.preferences_of(reader, caller.person_id)
        return _chosen(chosen, await _time_zone(reader, caller))


@router.put("/preferences")
async def set_preferences(body: PreferencesForm, caller: Caller, desk: CurrentDesk) -> PreferencesView:
    check(caller, "notification.preferences", Owned(caller.person_id))
    chosen = Preferences(channels=body.channels, quiet_hours=_quiet_hours(body.quiet_hours))
    async with desk.database.writing() as writer:
        await preference.set_preferences(writer, caller.person_id, chosen)
    async with desk.database.reading() as reader:
        return _chosen(chosen, await _time_zone(reader, caller))


@router.get("/{notification_id}", responses=problems(404))
async def read_notification(notification_id: UUID, caller: Caller, desk: CurrentDesk) -> NotificationDetail:
    """A mail comes with its subject and both bodies, in the language of its recipient."""
    base_url = desk.settings.base_url
    async with desk.database.reading() as reader:
        row = await _visible(reader, notification_id, caller)
        mail = None
        if row.channel is Channel.EMAIL:  # what a link can do is for its recipient alone
            mail = await delivery.mail_of(reader, row.id, linked=row.recipient.id == caller.person_id)
        link = await _link(reader, row, base_url) if row.recipient.id == caller.person_id else None
        time_zone = await _time_zone(reader, caller)
    view = _view(row, caller, time_zone)
    if mail is None:
        return NotificationDetail(**dict(view), mail=None, link=link)
    message = await asyncio.to_thread(_renderer(desk).render, mail, row.sent_at or row.created_at)
    texts = bodies(message)
    rendered = MailView(
        message_id=message["Message-ID"],
        subject=message["Subject"],
        text=texts["plain"],
        html=texts["html"],
    )
    return NotificationDetail(**dict(view), mail=rendered, link=link)


@router.post("/{notification_id}/read", responses=problems(404, 409))
async def mark_read(notification_id: UUID, caller: Caller, desk: CurrentDesk) -> NotificationView:
    async with desk.database.writing() as writer:
        row = await read.notification(writer, notification_id)
        check(caller, "notification.read", Owned(row.recipient.id))
        await read.mark_read(writer, notification_id, datetime.now(UTC))
    return await _shown(notification_id, caller, desk)


@router.post("/{notification_id}/resend", responses=problems(404, 409))
async def resend(notification_id: UUID, caller: Caller, desk: CurrentDesk) -> NotificationView:
    """Puts a dead or kept mail on its way again."""
    check(caller, "notification.resend")
    async with desk.database.writing() as writer:
        await delivery.resend(writer, notification_id, smtp_configured=bool(desk.settings.smtp_url))
    return await _shown(notification_id, caller, desk)


def _wanted(query: NotificationQuery, caller: Principal) -> read.NotificationFilter:
    """The filter that the caller may use. Raises Forbidden, NotFound or Invalid."""
    state = query.state
    if query.unread is not None:
        if state is not None:
            raise Invalid("ambiguous", "Send either unread or state.", field="unread")
        state = State.UNREAD if query.unread else State.READ
    recipient, channel = query.recipient, query.channel
    if recipient is None and not (state in _OF_MAILS and may(caller, "notification.deliveries")):
        recipient = caller.person_id
    if recipient == caller.person_id:
        check(caller, "notification.read", Owned(recipient))
    else:
        check(caller, "notification.deliveries")
    if channel is None and state is None and query.recipient is None:
        channel = Channel.IN_APP
    return read.NotificationFilter(recipient=recipient, channel=channel, state=state, kind=query.kind)


async def _visible(reader: Reader, notification_id: UUID, caller: Principal) -> Notification:
    row = await read.notification(reader, notification_id)
    if row.recipient.id == caller.person_id:
        check(caller, "notification.read", Owned(row.recipient.id))
    elif not may(caller, "notification.deliveries"):
        raise not_found()
    return row


async def _shown(notification_id: UUID, caller: Principal, desk: Desk) -> NotificationView:
    async with desk.database.reading() as reader:
        row = await read.notification(reader, notification_id)
        return _view(row, caller, await _time_zone(reader, caller))


def _view(row: Notification, caller: Principal, time_zone: str) -> NotificationView:
    worded = words(row.kind, row.params, translator(caller.locale), time_zone)
    watching = may(caller, "notification.deliveries")
    return NotificationView(
        id=row.id,
        kind=row.kind,
        channel=row.channel,
        state=row.state,
        title=worded.title,
        text=worded.text,
        ticket=_ticket(row.params),
        recipient=row.recipient,
        attempts=row.attempts,
        last_error=row.last_error if watching else None,
        created_at=row.created_at,
        send_after=row.send_after,
        sent_at=row.sent_at,
        read_at=row.read_at,
    )


async def _link(reader: Reader, row: Notification, base_url: str) -> str | None:
    wanted = row.params.get("link")
    if wanted is None:
        return None
    token = await links.token_of(reader, wanted, row.id)
    return None if token is None else page_of_link(base_url, wanted["purpose"], token)


def _ticket(params: Mapping[str, Any]) -> TicketRef | None:
    if not params.get("ticket_id"):
        return None
    return TicketRef(id=params["ticket_id"], number=params.get("number"), subject=params.get("subject"))


async def _time_zone(reader: Reader, caller: Principal) -> str:
    return (await people.person(reader, caller.person_id)).time_zone


def _quiet_hours(form: QuietHoursForm | None) -> QuietHours | None:
    if form is None:
        return None
    if form.start == form.end:
        raise Invalid("empty_quiet_hours", "Quiet hours must have a length.", field="quiet_hours.until")
    return QuietHours(start=time.fromisoformat(form.start), end=time.fromisoformat(form.end))


def _chosen(preferences: Preferences, time_zone: str) -> PreferencesView:
    quiet = preferences.quiet_hours
    shown = {"from": f"{quiet.start:%H:%M}", "until": f"{quiet.end:%H:%M}"} if quiet else None
    return PreferencesView(
        channels={kind: {channel: preferences.want(kind, channel) for channel in Channel} for kind in Kind},
        quiet_hours=QuietHoursForm.model_validate(shown) if shown else None,
        time_zone=time_zone,
    )


def _renderer(desk: Desk) -> MailRenderer:
    settings = desk.settings
    return MailRenderer(desk="Duradesk", sender=settings.mail_from, base_url=settings.base_url)
