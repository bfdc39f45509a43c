"""Surveys: every resolution is asked about once, at its time, and not at all when the ticket was taken up again before;
a campaign asks everybody once; each is reminded once, and each answer is taken once."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tests.chaos.checker.case import GRACE, SLACK, Case, Check
from tests.chaos.checker.clocks import length
from tests.chaos.checker.promises import PATIENCE, unexplained
from tests.chaos.evidence import Row
from tests.chaos.journal import ACCEPTED

_UNTIL: Final = ("reopened", "merged")


@dataclass
class Cycle:
    """A resolution that the requester is to be asked about, and when the ticket was taken up again."""

    resolved_at: datetime
    ended_at: datetime | None = None


def every_resolution_is_asked_about_once(case: Case) -> Check:
    """An invitation for each, due after the delay, and told of once; one that was withdrawn before is told of never."""
    check = Check("every resolution was asked about once")
    surveys, told = _surveys(case, "resolution"), _told(case)
    invitations = _by_ticket(case)
    check.expect(len(surveys) <= 1, f"{len(surveys)} surveys follow each resolution")
    check.expect(bool(surveys) or not invitations, f"{len(invitations)} tickets are asked about by no survey")
    if not surveys:
        return check
    delay = length(surveys[0]["contents"]["delay"])
    for ticket, row in case.tickets.items():
        cycles = list(_cycles(case.events[ticket], str(row["requester_id"])))
        found = sorted(invitations[ticket], key=lambda one: one["ask_at"])
        check.expect(
            len(found) == len(cycles), f"{ticket}: {len(cycles)} resolutions, {len(found)} invitations"
        )
        for cycle, one in zip(cycles, found, strict=False):
            _look(check, case, cycle, one, delay, told[str(one["id"])])
    return check


def _look(check: Check, case: Case, cycle: Cycle, one: Row, delay: timedelta, told: Counter[str]) -> None:
    name, due = f"{one['ticket_id']} at {one['ask_at']}", cycle.resolved_at + delay
    check.expect(abs(one["ask_at"] - due) <= SLACK, f"{name}: due at {due}")
    check.expect(
        told["ask"] == (one["asked_at"] is not None),
        f"{name}: asked at {one['asked_at']}, told {told['ask']} times",
    )
    if one["asked_at"] is None:
        withdrawn = cycle.ended_at is not None or due + GRACE > case.taken_at
        check.expect(withdrawn, f"{name}: it was due at {due} and never asked")
        return
    check.expect(one["asked_at"] >= one["ask_at"], f"{name}: asked early, at {one['asked_at']}")
    in_time = cycle.ended_at is None or _is_before(one["asked_at"], cycle.ended_at, case)
    check.expect(
        in_time, f"{name}: asked at {one['asked_at']}, after it was taken up again at {cycle.ended_at}"
    )
    open_ones = "asked" if cycle.ended_at is None else "withdrawn"
    check.expect(one["state"] in (open_ones, "answered"), f"{name}: it is {one['state']}")
    seconds = (one["asked_at"] - one["ask_at"]).total_seconds()
    check.notes["latest"] = max(check.notes.get("latest", 0.0), seconds)


def _is_before(asked_at: datetime, ended_at: datetime, case: Case) -> bool:
    """Whether nobody knew yet that the ticket was taken up again. An event has the time of its decision, and an outage
    keeps decisions from being committed."""
    if asked_at <= ended_at + SLACK:
        return True
    left = unexplained(ended_at, asked_at, case.outages)
    return left < asked_at - ended_at and left <= PATIENCE


def every_campaign_asks_everybody_once(case: Case) -> Check:
    """Each that was started invited everybody it is for, once, and told each of it once; a draft nobody."""
    check = Check("every campaign asked everybody once")
    told, started = _told(case), {request.facts["survey"] for request in case.of("campaign")}
    drawn: dict[str, Counter[str]] = defaultdict(Counter)
    for one in case.evidence.rows["invitations"]:
        drawn[str(one["survey_id"])][str(one["person_id"])] += 1
        if one["ticket_id"] is None:
            identity, asked = str(one["id"]), one["asked_at"]
            check.expect(asked is not None and asked >= one["ask_at"], f"{identity}: asked at {asked}")
            check.expect(told[identity]["ask"] == 1, f"{identity}: told {told[identity]['ask']} times")
    for row in _surveys(case, "campaign"):
        survey, people = str(row["id"]), drawn[str(row["id"])]
        is_begun = row["started_at"] is not None
        check.expect(is_begun or survey not in started, f"{survey}: it was started, and is a draft")
        wanted = Counter(row["contents"]["audience"]["people"] if is_begun else ())
        check.expect(people == wanted, f"{survey}: for {sorted(wanted)}, invited {sorted(people.elements())}")
    return check


def every_reminder_comes_once(case: Case) -> Check:
    """One for whoever was asked and has not answered, in its time."""
    check = Check("every survey was reminded of once")
    told = _told(case)
    times = {str(row["id"]): row["contents"]["remind_after"] for row in case.evidence.rows["surveys"]}
    for one in case.evidence.rows["invitations"]:
        identity, after = str(one["id"]), length(times[str(one["survey_id"])])
        if one["asked_at"] is None:
            check.expect(not told[identity]["remind"], f"{identity}: reminded, and never asked")
            continue
        due = one["asked_at"] + after
        reminded = one["reminded_at"] is not None
        check.expect(
            told[identity]["remind"] == reminded, f"{identity}: told {told[identity]['remind']} times"
        )
        if reminded:
            check.expect(
                one["reminded_at"] >= due, f"{identity}: reminded at {one['reminded_at']}, due at {due}"
            )
        else:
            early = one["state"] != "asked" or due + GRACE > case.taken_at
            check.expect(early, f"{identity}: the reminder was due at {due} and never came")
    return check


def every_answer_is_taken_once(case: Case) -> Check:
    """A row for each answer that was accepted, with a score that was sent for it; whoever is told that a link was used
    finds that it was."""
    check = Check("every answer was taken once")
    rows = case.evidence.rows["answers"]
    taken = Counter(str(row["invitation_id"]) for row in rows)
    check.expect(max(taken.values(), default=1) == 1, f"an invitation has several answers: {taken}")
    sent: dict[str, set[int]] = defaultdict(set)
    for request in case.of("rate", outcome=None):
        identity = request.facts["invitation"]
        sent[identity].add(request.facts["score"])
        used = request.outcome == ACCEPTED or request.answer.get("code") == "already_answered"
        check.expect(not used or taken[identity] == 1, f"{identity}: answered {taken[identity]} times")
    for row in rows:
        identity = str(row["invitation_id"])
        check.expect(row["score"] in sent[identity], f"{identity}: {row['score']} was never sent")
    for one in case.evidence.rows["invitations"]:
        times = taken[str(one["id"])]
        check.expect(
            times == (one["state"] == "answered"), f"{one['id']}: it is {one['state']}, {times} answers"
        )
    return check


def _cycles(events: list[Row], requester: str) -> Iterator[Cycle]:
    """In the order of the history."""
    open_one: Cycle | None = None
    for event in events:
        if event["type"] in _UNTIL and open_one is not None:
            open_one.ended_at = event["at"]
            yield open_one
            open_one = None
        elif event["type"] == "resolved" and str(event["actor_id"]) != requester:
            open_one = Cycle(event["at"])
    if open_one is not None:
        yield open_one


def _surveys(case: Case, occasion: str) -> list[Row]:
    return [row for row in case.evidence.rows["surveys"] if row["occasion"] == occasion]


def _by_ticket(case: Case) -> dict[str, list[Row]]:
    """Those that follow resolutions."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in case.evidence.rows["invitations"]:
        if row["ticket_id"] is None:
            continue
        found[str(row["ticket_id"])].append(row)
    return found


def _told(case: Case) -> dict[str, Counter[str]]:
    """How often each invitation was told of in the app: asked, and reminded."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for row in case.evidence.rows["notifications"]:
        feature, _, rest = row["event_key"].partition(":")
        if feature == "survey" and row["channel"] == "in_app":
            identity, _, step = rest.partition(":")
            found[identity][step] += 1
    return found
