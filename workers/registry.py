"""Which queue runs which workflows and activities, and what each activity is handed. The composition root."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any, Final

from temporalio.client import Client

from activities.account import AccountActivities
from activities.achievement import AchievementActivities
from activities.bulk import BulkActivities
from activities.classifier import ClassifierActivities
from activities.contest import ContestActivities
from activities.feedback import FeedbackActivities
from activities.housekeeping import HousekeepingActivities
from activities.member import MemberActivities
from activities.notification import NotificationActivities
from activities.reconciliation import ReconciliationActivities
from activities.sla import SlaActivities
from activities.survey import SurveyActivities
from activities.ticket import TicketActivities
from adapters import classifier as trainer
from adapters.mail import MailRenderer
from adapters.objects import open_objects
from adapters.smtp import sender_for
from api.desk import Desk
from domain.queues import DELIVERY
from domain.reconciliation import Of
from domain.ticket.messages import Change, Outcome
from runtime.settings import Settings
from storage import assignment, classifier, outbox, reconciliation
from storage.achievement.backfill import Backfills
from storage.achievement.claim import Claims
from storage.bulk import Bulks
from storage.contest import reconciliation as contest_reconciliation
from storage.contest.commit import commit as commit_contest
from storage.database import Database, Writer
from storage.feedback import reconciliation as feedback_reconciliation
from storage.feedback.commit import commit as commit_feedback
from storage.feedback.reconciliation import open_items
from storage.feedback.telling import tell_page
from storage.member.commit import advance as advance_member
from storage.notification import Deliveries
from storage.survey.commit import advance as advance_survey
from storage.ticket.commit import commit
from workers.bulk import Performer
from workers.housekeeping import sweepers
from workers.metrics import CountingSender, count_commit
from workflows.account import AbsenceWorkflow
from workflows.achievement import BackfillWorkflow, ClaimWorkflow
from workflows.bulk import BulkWorkflow
from workflows.classifier import TrainingWorkflow
from workflows.contest import ContestWorkflow
from workflows.feedback import FeedbackWorkflow, TellingWorkflow
from workflows.housekeeping import HousekeepingWorkflow
from workflows.member import MemberWorkflow
from workflows.notification import NotificationWorkflow
from workflows.reconciliation import ReconciliationWorkflow
from workflows.sla import RolloutWorkflow
from workflows.survey import SurveyWorkflow
from workflows.ticket import TicketWorkflow

WORKFLOWS: Sequence[type] = (
    TicketWorkflow,
    NotificationWorkflow,
    RolloutWorkflow,
    AbsenceWorkflow,
    BulkWorkflow,
    MemberWorkflow,
    SurveyWorkflow,
    BackfillWorkflow,
    ClaimWorkflow,
    TrainingWorkflow,
    FeedbackWorkflow,
    TellingWorkflow,
    ContestWorkflow,
    HousekeepingWorkflow,
    ReconciliationWorkflow,
)
"""All run on the process queue."""

COMPARED: Final[Mapping[Of, ModuleType]] = {
    "ticket": reconciliation,
    "feedback": feedback_reconciliation,
    "contest": contest_reconciliation,
}
"""Where reconciliation finds what should have a process."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker of one queue runs."""

    workflows: Sequence[type]
    activities: Sequence[Callable[..., Any]]


def work_of(queue: str, settings: Settings, database: Database, client: Client) -> Work:
    """The workflows and activities of a queue, wired to this process's database and client."""
    mail = bool(settings.smtp_url)
    notifications = NotificationActivities(
        Deliveries(database),
        CountingSender(sender_for(settings.smtp_url)),
        MailRenderer(desk="Duradesk", sender=settings.mail_from, base_url=settings.base_url),
    )
    if queue == DELIVERY:
        return Work(workflows=(), activities=(notifications.send,))

    async def commit_change(writer: Writer, change: Change, mail: bool) -> Outcome:
        return await commit(writer, change, mail=mail)

    tickets = TicketActivities(database, commit_change, mail=mail, count=count_commit)
    members = MemberActivities(database, partial(advance_member, mail=mail))
    surveys = SurveyActivities(database, partial(advance_survey, mail=mail))
    feedback = FeedbackActivities(
        database, partial(commit_feedback, mail=mail), partial(tell_page, smtp_configured=mail)
    )
    achievements = AchievementActivities(Backfills(database).look, Claims(database, mail=mail).advance)
    contests = ContestActivities(database, partial(commit_contest, mail=mail))
    accounts = AccountActivities(database, outbox.put)
    performer = Performer(Desk(settings=settings, database=database, temporal=client))
    bulks = BulkActivities(Bulks(database), performer.perform)
    housekeeping = HousekeepingActivities(sweepers(database, open_objects(settings.attachments_url)))
    learning = ClassifierActivities(database, classifier, trainer.train, settings.classifier_threshold)
    comparing = ReconciliationActivities(database, client, COMPARED)
    promises = SlaActivities(database, client, assignment.active_tickets, open_items)
    return Work(
        workflows=WORKFLOWS,
        activities=(
            tickets.commit,
            feedback.commit,
            feedback.tell,
            contests.commit,
            accounts.announce,
            promises.tell_tickets,
            notifications.give_up,
            bulks.carry_out,
            members.advance,
            surveys.advance,
            achievements.look,
            achievements.advance,
            learning.train,
            learning.conclude,
            housekeeping.sweep,
            comparing.page,
            comparing.repeat,
        ),
    )
