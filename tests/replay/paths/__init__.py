"""The stories that are recorded, by name: together they pass every place where workflow code gives a command.

A story has the name of its workflow type first. `test_mutants.py` finds the places that no story passes.
"""

from typing import Final

from tests.replay.paths import (
    account,
    bulk,
    classifier,
    feedback,
    housekeeping,
    member,
    notification,
    reconciliation,
    sla,
    survey,
    ticket,
)
from tests.replay.stage import Path

PATHS: Final[dict[str, Path]] = {
    "ticket-life": ticket.life,
    "ticket-classified": ticket.classified,
    "ticket-early": ticket.early,
    "ticket-refusals": ticket.refusals,
    "ticket-reconsiders": ticket.reconsiders,
    "ticket-ladder": ticket.ladder,
    "ticket-ladder-runs": ticket.ladder_runs,
    "ticket-late": ticket.late,
    "ticket-taken-over": ticket.taken_over,
    "ticket-closes": ticket.closes,
    "ticket-ends": ticket.ends,
    "ticket-outage": ticket.outage,
    "ticket-behind": ticket.behind,
    "ticket-runs": ticket.runs,
    "notification-sent": notification.sent,
    "notification-quiet-hours": notification.quiet_hours,
    "notification-dead": notification.dead,
    "notification-cancelled": notification.cancelled,
    "rollout-pages": sla.pages,
    "rollout-runs": sla.runs,
    "bulk-pages": bulk.pages,
    "bulk-runs": bulk.runs,
    "member-life": member.life,
    "member-deadlines": member.deadlines,
    "member-runs": member.runs,
    "survey-life": survey.life,
    "survey-deadlines": survey.deadlines,
    "survey-runs": survey.runs,
    "feedback-life": feedback.life,
    "feedback-early": feedback.early,
    "feedback-considers": feedback.considers,
    "feedback-ladder": feedback.ladder,
    "feedback-ends": feedback.ends,
    "feedback-behind": feedback.behind,
    "feedback-runs": feedback.runs,
    "telling-pages": feedback.pages,
    "telling-runs": feedback.page_runs,
    "absence-passes": account.passes,
    "absence-open-end": account.open_end,
    "housekeeping-sweeps": housekeeping.sweeps,
    "training-taken": classifier.taken,
    "training-nothing-new": classifier.nothing_new,
    "training-failed": classifier.failed,
    "reconciliation-ordinary": reconciliation.ordinary,
    "reconciliation-full": reconciliation.full,
}
