"""What is counted: each figure with its unit, its definition, and the columns that it is made of.

The API describes its answers with these, CSV names its columns by them, and `docs/reports.md` and `docs/statistics.md`
print them. They are counted in `storage/report/` and `storage/ticket/statistics.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Unit = Literal["tickets", "promises", "share", "seconds", "tickets by value", "people", "answers", "score"]
Shape = Literal["count", "level", "counts", "share", "times", "length", "mean", "interval"]

PERCENTILES: Final = {"p50": 0.5, "p90": 0.9}
TIMES: Final = ("mean", *PERCENTILES)
"""What is told of times: their mean, and percentiles, interpolated between the two nearest."""

ENDS: Final = ("low", "high")
"""What is told of an interval."""


@dataclass(frozen=True, slots=True)
class Figure:
    """`sources` are columns. A `share` is between 0 and 1, null where nothing is there to be shared; `times`, a `mean`
    and a `length` are null where there is none, a `level` (how many there are at an instant) in the future. An
    `interval` holds a figure with 95 % confidence."""

    name: str
    shape: Shape
    definition: str
    sources: tuple[str, ...]
    unit: Unit = "tickets"

    @property
    def columns(self) -> Iterator[str]:
        """Its columns in a table."""
        if self.shape == "times":
            yield from (f"{self.name}_{part}" for part in TIMES)
        elif self.shape == "interval":
            yield from (f"{self.name}_{end}" for end in ENDS)
        else:
            yield self.name


def _times(name: str, definition: str, *sources: str) -> Figure:
    return Figure(name, "times", definition, sources, "seconds")


def _share(name: str, definition: str, *sources: str) -> Figure:
    return Figure(name, "share", definition, sources, "share")


def _interval(name: str, definition: str, *sources: str) -> Figure:
    return Figure(name, "interval", definition, sources, "share")


_AT: Final = "report_milestones.at"
_SCORE: Final = "survey_answers.score"
_WORKING: Final = (
    "in the opening hours of the calendar of the policy that was in force then, around the clock without one"
)

_PROMISES: Final = (
    Figure(
        "promises_kept",
        "count",
        "promises that were satisfied in time, in the period",
        ("report_promises.outcome", "report_promises.decided_at"),
        "promises",
    ),
    Figure(
        "promises_broken",
        "count",
        "promises that broke in the period: their due time lies in it, whatever happened since",
        ("report_promises.outcome", "report_promises.decided_at"),
        "promises",
    ),
    _share(
        "sla_met_rate",
        "`promises_kept` of those that were kept or broken; what still runs is not counted yet",
        "report_promises.outcome",
    ),
)

TICKETS: Final[Sequence[Figure]] = (
    Figure("created", "count", "tickets that were created in the period", ("tickets.created_at",)),
    Figure(
        "responded",
        "count",
        "tickets that got their first response in the period: the first public answer of the staff",
        (_AT,),
    ),
    _times(
        "first_response_time",
        "of these, from the creation to the first response, by the clock on the wall",
        "report_milestones.created_at",
        _AT,
    ),
    _times("first_response_working_time", f"the same {_WORKING}", "report_milestones.working"),
    Figure(
        "resolved",
        "count",
        "resolutions in the period; a ticket that was reopened and resolved again counts twice",
        (_AT,),
    ),
    _times(
        "resolution_time",
        "of these, from the creation to the resolution, by the clock on the wall, waiting included",
        "report_milestones.created_at",
        _AT,
    ),
    _times("resolution_working_time", f"the same {_WORKING}", "report_milestones.working"),
    Figure(
        "first_contact",
        "count",
        "resolutions in the period after which, and before which, the requester did not come back: the ticket's first, "
        "no message of the requester between the first answer and it, and not reopened since",
        ("report_milestones.first_contact", "report_milestones.reopened_at"),
    ),
    _share("first_contact_rate", "`first_contact` of `resolved`", "report_milestones.first_contact"),
    Figure(
        "reopened",
        "count",
        "resolutions in the period after which the ticket was taken up again, until now",
        ("report_milestones.reopened_at",),
    ),
    _share("reopen_rate", "`reopened` of `resolved`", "report_milestones.reopened_at"),
    *_PROMISES,
    Figure(
        "rated",
        "count",
        "answers to the survey after a resolution that were given in the period",
        ("survey_answers.answered_at",),
        "answers",
    ),
    Figure("satisfied", "count", "of these, with a score of 4 or 5", (_SCORE,), "answers"),
    _share("satisfaction_rate", "`satisfied` of `rated`", _SCORE),
    _interval("satisfaction_rate_interval", "the share that may lie behind it (Wilson)", _SCORE),
    Figure("satisfaction", "mean", "the mean of these scores, from 1 to 5", (_SCORE,), "score"),
    Figure(
        "backlog",
        "level",
        "tickets that were neither resolved nor merged when the period ended, or are not now; null in the future",
        ("report_milestones.opened_at", _AT, "tickets.status", "tickets.reopened_at"),
    ),
)
"""The report `tickets`: what happened in a period."""

SLA: Final[Sequence[Figure]] = (
    *_PROMISES,
    _times(
        "elapsed_time",
        "working time that was spent on promises of the period which have ended, pauses left out",
        "report_promises.elapsed",
    ),
    _times(
        "overrun_time",
        "of those that broke and have ended, by how much working time they were late",
        "report_promises.elapsed",
        "report_promises.target",
    ),
)
"""The report `sla`: what became of promises, each cycle of each clock."""

BACKLOG: Final[Sequence[Figure]] = (
    Figure(
        "backlog",
        "count",
        "tickets that were neither resolved nor merged at the instant",
        ("report_milestones.opened_at", _AT, "tickets.status", "tickets.reopened_at"),
    ),
    _times("backlog_age", "from the creation of each to the instant", "tickets.created_at"),
    Figure("oldest_age", "length", "the greatest of these", ("tickets.created_at",), "seconds"),
)
"""The report `backlog`: what was open at an instant."""

_OF_GROUP: Final = (
    "tickets by the present value of the field; `none` counts those without one; all values add up to "
    "`total_tickets`"
)
GROUPS: Final = ("by_status", "by_priority", "by_category", "by_channel", "by_kind", "by_waiting_reason")
"""The counts by the values of a field."""

STATISTICS: Final[Sequence[Figure]] = (
    Figure("total_tickets", "count", "tickets of the set", ("tickets.created_at",)),
    *(
        Figure(name, "counts", _OF_GROUP, (f"tickets.{name.removeprefix('by_')}",), "tickets by value")
        for name in GROUPS
    ),
    Figure("assigned_tickets", "count", "tickets that have an assignee", ("tickets.assignee_id",)),
    Figure("waiting_for_agent", "count", "tickets with a `waiting_reason`", ("tickets.waiting_reason",)),
    _times(
        "first_response_time",
        "from the creation to the first response, of tickets that have one, by the clock on the wall",
        "tickets.created_at",
        "tickets.first_responded_at",
    ),
    _times("first_response_working_time", f"the same {_WORKING}", "tickets.response_working"),
    _times(
        "resolution_time",
        "from the creation to the resolution, of tickets that have one, by the clock on the wall; a reopened ticket "
        "has none until it is resolved again",
        "tickets.created_at",
        "tickets.resolved_at",
    ),
    _times("resolution_working_time", f"the same {_WORKING}", "tickets.resolution_working"),
    Figure(
        "first_contact", "count", "tickets that are resolved, at first contact", ("tickets.first_contact",)
    ),
    _share("first_contact_rate", "`first_contact` of the tickets that are resolved", "tickets.first_contact"),
    Figure(
        "reopened_tickets", "count", "tickets that were reopened at least once", ("tickets.reopen_count",)
    ),
    _share(
        "reopen_rate",
        "`reopened_tickets` of the tickets that were ever resolved",
        "tickets.reopen_count",
        "tickets.resolved_at",
    ),
    Figure(
        "promises_kept",
        "count",
        "promises of these tickets that were kept",
        ("tickets.promises_kept",),
        "promises",
    ),
    Figure(
        "promises_broken",
        "count",
        "promises of these tickets that broke",
        ("tickets.promises_broken",),
        "promises",
    ),
    _share(
        "sla_met_rate",
        "`promises_kept` of those that were kept or broken; what still runs is not counted yet",
        "tickets.promises_kept",
        "tickets.promises_broken",
    ),
    Figure(
        "rated",
        "count",
        "tickets whose requester answered the survey after a resolution",
        ("tickets.satisfaction",),
    ),
    Figure("satisfied", "count", "of these, with a score of 4 or 5, the last one", ("tickets.satisfaction",)),
    _share("satisfaction_rate", "`satisfied` of `rated`", "tickets.satisfaction"),
    Figure(
        "satisfaction", "mean", "the mean of these scores, from 1 to 5", ("tickets.satisfaction",), "score"
    ),
    Figure("backlog", "count", "tickets that are neither resolved nor merged", ("tickets.status",)),
    _times("backlog_age", "of these, from the creation until now", "tickets.created_at"),
)
"""The figures of a set of tickets: `GET /tickets/statistics`."""

_ASKED_AT: Final = "survey_invitations.asked_at"
_STATE: Final = "survey_invitations.state"

SURVEYS: Final[Sequence[Figure]] = (
    Figure(
        "asked", "count", "people who were asked in the period, each time counted", (_ASKED_AT,), "people"
    ),
    Figure("answered", "count", "of these, those who have answered until now (n)", (_STATE,), "answers"),
    _share("response_rate", "`answered` of `asked`", _STATE),
    _interval("response_rate_interval", "the share that may lie behind it (Wilson)", _STATE),
    Figure("score", "mean", "the mean of the scores", (_SCORE,), "score"),
    Figure(
        "satisfied",
        "count",
        "answers with a good score: 4 and 5 of five, 9 and 10 of ten, 5 to 7 of seven",
        (_SCORE,),
        "answers",
    ),
    _share("satisfaction_rate", "`satisfied` of `answered`", _SCORE),
    _interval("satisfaction_rate_interval", "the share that may lie behind it (Wilson)", _SCORE),
    _share(
        "net_promoter_score",
        "of a survey of that kind: the share of 9 and 10 less the share of 0 to 6, from -1 to 1",
        _SCORE,
    ),
    _interval("net_promoter_score_interval", "the score that may lie behind it (adjusted Wald)", _SCORE),
    Figure("scores", "counts", "answers by their score", (_SCORE,), "answers"),
)
"""The results of a survey, of whoever was asked in the period."""
