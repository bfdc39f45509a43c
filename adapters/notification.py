"""The words of a notification in the reader's language: its title, its text, and the subject of its mail.

What is told and to whom is decided in `domain/notification`; the mail around the words is built in
`adapters/mail`. Every message here is marked for the catalogues of `runtime/i18n`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from domain.notification.delivery import subject_tag
from domain.notification.kind import Kind
from runtime.i18n import Translator
from runtime.i18n import mark as _

_TITLES: Final[Mapping[Kind, str]] = {
    Kind.TICKET_CREATED: _("We have received your request #{number}: {subject}"),
    Kind.TICKET_ASSIGNED: _("Ticket #{number} is assigned to you: {subject}"),
    Kind.TICKET_REPLIED: _("{actor} answered on ticket #{number}: {subject}"),
    Kind.TICKET_NOTED: _("{actor} wrote a note on ticket #{number}: {subject}"),
    Kind.TICKET_WAITING: _("We need your answer on ticket #{number}: {subject}"),
    Kind.TICKET_RESOLVED: _("Ticket #{number} is resolved: {subject}"),
    Kind.TICKET_CLOSED: _("Ticket #{number} is closed: {subject}"),
    Kind.TICKET_REOPENED: _("Ticket #{number} is open again: {subject}"),
    Kind.TICKET_ESCALATED: _("Ticket #{number} is escalated: {subject}"),
    Kind.TICKET_MENTIONED: _("{actor} mentioned you on ticket #{number}: {subject}"),
    Kind.TICKET_SHARED: _("You follow ticket #{number} now: {subject}"),
    Kind.TICKET_MERGED: _("Ticket #{number} was merged with another: {subject}"),
    Kind.SLA_WARNING: _("Ticket #{number} is close to its due time: {subject}"),
    Kind.SLA_BREACHED: _("Ticket #{number} is overdue: {subject}"),
    Kind.LEVEL_REACHED: _("You have reached the level {level}"),
    Kind.SURVEY_ASKED: _("How did we do on #{number}: {subject}?"),
    Kind.SURVEY_REMINDED: _("A reminder: how did we do on #{number}: {subject}?"),
    Kind.SURVEY_TASK: _("{actor} gave a low score, {score}, on ticket #{number}: {subject}"),
    Kind.SURVEY_TASK_OVERDUE: _("Nobody has called back yet on ticket #{number}: {subject}"),
    Kind.FEEDBACK_RECEIVED: _("Thank you for your feedback #{number}: {subject}"),
    Kind.FEEDBACK_MOVED: _("Feedback #{number} is now {status}: {subject}"),
    Kind.FEEDBACK_PLANNED: _("Feedback #{number} is planned: {subject}"),
    Kind.FEEDBACK_STARTED: _("Work on feedback #{number} has begun: {subject}"),
    Kind.FEEDBACK_SHIPPED: _("Feedback #{number} is shipped: {subject}"),
    Kind.FEEDBACK_CHECK: _("Does it help? Feedback #{number}: {subject}"),
    Kind.FEEDBACK_REOPENED: _("Feedback #{number} is taken up again: {subject}"),
    Kind.FEEDBACK_DECLINED: _("Feedback #{number} is declined: {subject}"),
    Kind.FEEDBACK_MERGED: _("Feedback #{number} was merged with another: {subject}"),
    Kind.FEEDBACK_UNMERGED: _("Feedback #{number} goes on by itself again: {subject}"),
    Kind.FEEDBACK_ANSWERED: _("{actor} answered on feedback #{number}: {subject}"),
    Kind.FEEDBACK_ARRIVED: _("New feedback #{number}: {subject}"),
    Kind.FEEDBACK_ASSIGNED: _("Feedback #{number} waits for you: {subject}"),
    Kind.FEEDBACK_ASSESSMENT: _("You are asked to assess feedback #{number}: {subject}"),
    Kind.FEEDBACK_NOTED: _("{actor} wrote a note on feedback #{number}: {subject}"),
    Kind.FEEDBACK_DUE: _("Feedback #{number} is close to its due time: {subject}"),
    Kind.FEEDBACK_OVERDUE: _("Feedback #{number} is overdue: {subject}"),
    Kind.FEEDBACK_SILENT: _("Nobody was told anything of feedback #{number} for long: {subject}"),
    Kind.ACHIEVEMENT_AWARDED: _("You have earned an achievement: {achievement}"),
    Kind.ACHIEVEMENT_REVOKED: _("An achievement was taken back: {achievement}"),
    Kind.ACHIEVEMENT_EXPIRES: _("An achievement expires soon: {achievement}"),
    Kind.ACHIEVEMENT_EXPIRED: _("An achievement has expired: {achievement}"),
    Kind.PRIZE_WAITING: _("A prize waits for you: {prize}"),
    Kind.PRIZE_MOVED: _("Your prize is {state}: {prize}"),
    Kind.CONTEST_EXTENDED: _("The contest is extended: {contest}"),
    Kind.CONTEST_CANCELLED: _("The contest is cancelled: {contest}"),
    Kind.CONTEST_JUDGING: _("There are entries for you to judge: {contest}"),
    Kind.CONTEST_JUDGING_DUE: _("Entries still wait for your scores: {contest}"),
    Kind.CONTEST_JUDGE_REPLACED: _("Others judge your entries now: {contest}"),
    Kind.CONTEST_SHORT: _("Judges are missing: {contest}"),
    Kind.CONTEST_PROVISIONAL: _("The provisional standing is out: {contest}"),
    Kind.CONTEST_APPEALED: _("There is an appeal: {contest}"),
    Kind.CONTEST_APPEALS_WAIT: _("Appeals wait for a decision: {contest}"),
    Kind.CONTEST_APPEAL_DECIDED: _("Your appeal is decided: {contest}"),
    Kind.CONTEST_FINAL: _("The standing is final: {contest}"),
    Kind.CONTEST_WON: _("You have won a prize: {contest}"),
}

_TEXTS: Final[Mapping[Kind, str]] = {
    Kind.TICKET_CREATED: _("Your request has reached us. We will tell you as soon as there is an answer."),
    Kind.TICKET_ASSIGNED: _("Its priority is {priority}."),
    Kind.TICKET_REPLIED: _("There is a new answer."),
    Kind.TICKET_NOTED: _("There is a new internal note."),
    Kind.TICKET_WAITING: _("Please answer, so that we can go on."),
    Kind.TICKET_RESOLVED: _("If your problem is not solved, answer and the ticket is opened again."),
    Kind.TICKET_CLOSED: _("The ticket needs nothing more from you."),
    Kind.TICKET_REOPENED: _("Work on the ticket goes on."),
    Kind.TICKET_ESCALATED: _("Someone asked for more help. Its priority is {priority}."),
    Kind.TICKET_MENTIONED: _("You are asked to have a look."),
    Kind.TICKET_SHARED: _("You are told of every answer and can answer yourself."),
    Kind.TICKET_MERGED: _("Work on both goes on in one place."),
    Kind.SLA_WARNING: _("{clock} is due at {due_at}."),
    Kind.SLA_BREACHED: _("{clock} was due at {due_at}."),
    Kind.LEVEL_REACHED: _("You have {points} points. Thank you for what you contribute."),
    Kind.SURVEY_ASKED: _("It takes a minute. You can answer once, until {due_at}, without signing in."),
    Kind.SURVEY_REMINDED: _("You can still answer, until {due_at}, without signing in."),
    Kind.SURVEY_TASK: _("Please call back by {due_at}, and say what came of it."),
    Kind.SURVEY_TASK_OVERDUE: _("After the score {score} somebody should have called back by {due_at}."),
    Kind.FEEDBACK_RECEIVED: _("We read it and tell you what becomes of it, at every step."),
    Kind.FEEDBACK_MOVED: _("We will tell you of the next step."),
    Kind.FEEDBACK_PLANNED: _("It will be done. We tell you when work on it begins."),
    Kind.FEEDBACK_STARTED: _("We tell you as soon as it is there."),
    Kind.FEEDBACK_SHIPPED: _(
        "It is there. Thank you: without you it would not be. Does it solve what you meant?"
    ),
    Kind.FEEDBACK_CHECK: _("It has been there for a while. Does it solve what you meant?"),
    Kind.FEEDBACK_REOPENED: _("It is not solved yet, so work on it goes on."),
    Kind.FEEDBACK_DECLINED: _("We will not do it, and want you to know why."),
    Kind.FEEDBACK_MERGED: _("Another wish says the same. You are told what becomes of it."),
    Kind.FEEDBACK_UNMERGED: _("The other wish is another matter. You are told what becomes of this one."),
    Kind.FEEDBACK_ANSWERED: _("There is an answer."),
    Kind.FEEDBACK_ARRIVED: _("It waits for its triage. Its priority is {priority}."),
    Kind.FEEDBACK_ASSIGNED: _("You decide how it goes on. Its priority is {priority}."),
    Kind.FEEDBACK_ASSESSMENT: _("{assessment} is to be judged by {due_at}."),
    Kind.FEEDBACK_NOTED: _("There is a new internal note."),
    Kind.FEEDBACK_DUE: _("{clock} is due at {due_at}."),
    Kind.FEEDBACK_OVERDUE: _("{clock} was due at {due_at}."),
    Kind.FEEDBACK_SILENT: _("Those who wait for it have heard nothing. Tell them how it stands."),
    Kind.ACHIEVEMENT_AWARDED: _("Thank you for what you contribute."),
    Kind.ACHIEVEMENT_REVOKED: _("Something that it was awarded for was taken back."),
    Kind.ACHIEVEMENT_EXPIRES: _("You hold it until {due_at}."),
    Kind.ACHIEVEMENT_EXPIRED: _("Its time is over."),
    Kind.PRIZE_WAITING: _("A member has won it. The claim is {state}."),
    Kind.PRIZE_MOVED: _("When it has arrived, please confirm it."),
    Kind.CONTEST_EXTENDED: _("The next deadline is {due_at} now."),
    Kind.CONTEST_CANCELLED: _("It ends without prizes. Points for taking part are taken back."),
    Kind.CONTEST_JUDGING: _("Please score them until {due_at}."),
    Kind.CONTEST_JUDGING_DUE: _("Please score them until {due_at}. After that they go to other judges."),
    Kind.CONTEST_JUDGE_REPLACED: _("Your scores did not come in time."),
    Kind.CONTEST_SHORT: _(
        "For {count} entries nobody is left who may judge them. Appoint more judges, or publish."
    ),
    Kind.CONTEST_PROVISIONAL: _("You can appeal until {due_at}."),
    Kind.CONTEST_APPEALED: _("The standing becomes final when it is decided."),
    Kind.CONTEST_APPEALS_WAIT: _("The time for appeals is over, and {count} are open."),
    Kind.CONTEST_APPEAL_DECIDED: _("The answer is with your appeal."),
    Kind.CONTEST_FINAL: _("Thank you for taking part."),
    Kind.CONTEST_WON: _("Congratulations! The standing says which."),
}

_WITHOUT_TICKET: Final[Mapping[Kind, str]] = {
    Kind.SURVEY_ASKED: _("We would like your opinion: {survey}"),
    Kind.SURVEY_REMINDED: _("A reminder: we would like your opinion: {survey}"),
}
"""Titles of what may be about a ticket, when it is about none."""

_ESCALATED_BY_CLOCK: Final = _("{clock} was due at {due_at} and is still open.")

_PRIZE_MOVED: Final = _("You find it among your claims.")

_SUBJECTS: Final[Mapping[Kind, str]] = {
    Kind.TICKET_ASSIGNED: _("{tag} Assigned to you: {subject}"),
    Kind.TICKET_NOTED: _("{tag} Note: {subject}"),
    Kind.TICKET_ESCALATED: _("{tag} Escalated: {subject}"),
    Kind.TICKET_MENTIONED: _("{tag} You were mentioned: {subject}"),
    Kind.SLA_WARNING: _("{tag} Due soon: {subject}"),
    Kind.SURVEY_ASKED: _("{tag} How did we do? {subject}"),
    Kind.SURVEY_REMINDED: _("{tag} A reminder: how did we do? {subject}"),
    Kind.SURVEY_TASK: _("{tag} Low score: {subject}"),
    Kind.SURVEY_TASK_OVERDUE: _("{tag} Overdue call: {subject}"),
    Kind.SLA_BREACHED: _("{tag} Overdue: {subject}"),
}
"""Mails to those who work. The conversation with the requester keeps one subject and so one thread."""

_CLOCKS: Final[Mapping[str, str]] = {
    "assignment": _("The assignment"),
    "first_response": _("The first response"),
    "next_response": _("The next response"),
    "periodic_update": _("The periodic update"),
    "resolution": _("The resolution"),
    "triage": _("The triage"),
    "assessment": _("The assessment"),
    "decision": _("The decision"),
    "beginning": _("The beginning of the work"),
    "delivery": _("The delivery"),
    "verification": _("The verification"),
    "need": _("The need"),
    "feasibility": _("The feasibility"),
    "impact": _("The impact"),
    "resources": _("The effort"),
}

_STATUSES: Final[Mapping[str, str]] = {
    "triaged": _("read and sorted"),
    "assessed": _("assessed"),
    "verified": _("verified"),
    "closed": _("closed"),
}

_PRIORITIES: Final[Mapping[str, str]] = {
    "critical": _("critical"),
    "high": _("high"),
    "normal": _("normal"),
    "low": _("low"),
}

_LEVELS: Final[Mapping[str, str]] = {
    "beginner": _("beginner"),
    "intermediate": _("intermediate"),
    "advanced": _("advanced"),
    "expert": _("expert"),
}
"""A desk may have levels of its own, which are called as they are."""

_CLAIMS: Final[Mapping[str, str]] = {
    "asked": _("not decided yet"),
    "approved": _("approved"),
    "fulfilled": _("on its way"),
    "declined": _("declined"),
    "withdrawn": _("withdrawn"),
}

_ABOUT_NO_TICKET: Final = frozenset(
    {
        *(kind for kind in Kind if kind.startswith("contest_")),
        Kind.LEVEL_REACHED,
        Kind.ACHIEVEMENT_AWARDED,
        Kind.ACHIEVEMENT_REVOKED,
        Kind.ACHIEVEMENT_EXPIRES,
        Kind.ACHIEVEMENT_EXPIRED,
        Kind.PRIZE_WAITING,
        Kind.PRIZE_MOVED,
    }
)

_NOBODY: Final = _("The desk")
_UNKNOWN: Final = _("unknown")


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    text: str


def words(kind: Kind, params: Mapping[str, Any], say: Translator, time_zone: str) -> Words:
    """The words for a reader in `time_zone`. Facts that a row does not hold are filled with general words."""
    places = _places(params, say, time_zone)
    text = _TEXTS[kind]
    if kind is Kind.PRIZE_MOVED and params.get("state") != "fulfilled":
        text = _PRIZE_MOVED
    if kind is Kind.TICKET_ESCALATED and params.get("clock"):
        text = _ESCALATED_BY_CLOCK
    return Words(title=say(_title(kind, params), **places), text=say(text, **places))


def subject(kind: Kind, params: Mapping[str, Any], say: Translator) -> str:
    """The subject of the mail. Its tag leads an answer back to the ticket; feedback is not answered by mail."""
    without_ticket = kind in _WITHOUT_TICKET and not params.get("ticket_id")
    if kind in _ABOUT_NO_TICKET or without_ticket or params.get("feedback_id"):
        return say(_title(kind, params), **_places(params, say, "UTC"))
    tag, topic = subject_tag(params.get("number", 0)), str(params.get("subject") or "")
    if kind in _SUBJECTS:
        return say(_SUBJECTS[kind], tag=tag, subject=topic)
    return f"{tag} {topic}" if kind is Kind.TICKET_CREATED else f"Re: {tag} {topic}"


def _title(kind: Kind, params: Mapping[str, Any]) -> str:
    return _TITLES[kind] if params.get("ticket_id") else _WITHOUT_TICKET.get(kind, _TITLES[kind])


def _places(params: Mapping[str, Any], say: Translator, time_zone: str) -> dict[str, str]:
    due_at, unknown = params.get("due_at"), say(_UNKNOWN)
    return {
        "number": str(params.get("number") or "?"),
        "subject": str(params.get("subject") or ""),
        "actor": str(params.get("actor") or say(_NOBODY)),
        "priority": say(_PRIORITIES.get(params.get("priority") or "", _UNKNOWN)),
        "clock": say(_CLOCKS.get(params.get("clock") or "", _UNKNOWN)),
        "level": say(_LEVELS.get(str(params.get("level")), "{level}"), level=params.get("level") or unknown),
        "achievement": str(params.get("achievement") or unknown),
        "prize": str(params.get("prize") or unknown),
        "state": say(_CLAIMS.get(str(params.get("state")), _UNKNOWN)),
        "contest": str(params.get("contest") or unknown),
        "count": say.number(params.get("count") or 0),
        "points": say.number(params.get("points") or 0),
        "score": str(params.get("score", unknown)),
        "assessment": say(_CLOCKS.get(params.get("assessment") or "", _UNKNOWN)),
        "status": say(_STATUSES.get(params.get("status") or "", _UNKNOWN)),
        "survey": str(params.get("survey") or ""),
        "due_at": say.instant(datetime.fromisoformat(due_at), time_zone) if due_at else unknown,
    }
