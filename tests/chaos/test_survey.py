"""The checker of surveys can fail: each kind of loss, planted in sound evidence, is found."""

from datetime import datetime
from typing import Any

import pytest

from tests.chaos.checker import survey
from tests.chaos.checker.case import Case, Check
from tests.chaos.evidence import Evidence, Row
from tests.chaos.planting import Plant, change, double, lose
from tests.chaos.sound import ADMIN, BOSS, REQUESTER, TICKET, asked, at, event, sound

CHECKS = (
    survey.every_resolution_is_asked_about_once,
    survey.every_campaign_asks_everybody_once,
    survey.every_reminder_comes_once,
    survey.every_answer_is_taken_once,
)
ASKED, REMINDED = "every resolution was asked about once", "every survey was reminded of once"
TAKEN, CAMPAIGN = "every answer was taken once", "every campaign asked everybody once"
FIRST, SECOND, THIRD = "11111111-0000", "22222222-0000", "33333333-0000"


def heard() -> Evidence:
    """A ticket that is resolved, asked about and reminded of; taken up again, resolved again, and asked about again. A
    campaign asks its requester, too, and another one is a draft."""
    evidence = sound()
    rows = evidence.rows
    rows["events"] += [
        event(6, "reopened", 40, REQUESTER),
        event(7, "resolved", 50, ADMIN),
    ]
    audience = {"people": [REQUESTER]}
    rows["surveys"] = [
        a_survey("after", "resolution", None, delay="PT2S"),
        a_survey("started", "campaign", at(80), audience=audience),
        a_survey("draft", "campaign", None, audience=audience),
    ]
    rows["invitations"] = [
        invitation(FIRST, 14, "withdrawn", 22),
        invitation(SECOND, 52, "answered", 60),
        {**invitation(THIRD, 80, "asked", 88), "survey_id": "started", "ticket_id": None},
    ]
    rows["answers"] = [{"invitation_id": SECOND, "score": 4, "answered_at": at(70)}]
    evidence.journal += asked("rate", "rate", REQUESTER, 70, 1, invitation=SECOND, score=4)
    evidence.journal += asked("started", "campaign", BOSS, 79, 1, survey="started")
    for identity in (FIRST, SECOND, THIRD):
        rows["notifications"] += [told(identity, "ask"), told(identity, "remind")]
    return evidence


def invitation(identity: str, seconds: float, state: str, reminded: float) -> Row:
    times = {"ask_at": at(seconds), "asked_at": at(seconds + 0.1), "reminded_at": at(reminded + 0.2)}
    of = {"survey_id": "after", "person_id": REQUESTER, "ticket_id": TICKET}
    return {"id": identity, "state": state, **of, **times}


def a_survey(identity: str, occasion: str, started_at: datetime | None, **contents: Any) -> Row:
    contents["remind_after"] = "PT8S"
    return {"id": identity, "occasion": occasion, "started_at": started_at, "contents": contents}


def told(identity: str, step: str) -> Row:
    return {"event_key": f"survey:{identity}:{step}", "recipient_id": REQUESTER, "channel": "in_app"}


def forget(step: str) -> Plant:
    def plant(evidence: Evidence) -> None:
        key = f"survey:{SECOND}:{step}"
        rows = evidence.rows
        rows["notifications"] = [row for row in rows["notifications"] if row["event_key"] != key]

    return plant


PLANTS: dict[str, tuple[str, Plant]] = {
    "a resolution that nobody was asked about": (ASKED, lose("invitations", 1)),
    "an invitation too many": (
        ASKED,
        lambda evidence: evidence.rows["invitations"].append(invitation("3", 53, "asked", 61)),
    ),
    "one that was due at another time": (ASKED, change("invitations", 1, ask_at=at(55))),
    "one that was asked early": (ASKED, change("invitations", 1, asked_at=at(51))),
    "one that was never asked": (ASKED, change("invitations", 1, asked_at=None)),
    "one that was asked after the ticket was taken up again": (
        ASKED,
        change("invitations", 0, asked_at=at(45)),
    ),
    "one that was not withdrawn": (ASKED, change("invitations", 0, state="asked")),
    "somebody whom a campaign left out": (CAMPAIGN, lose("invitations", 2)),
    "somebody whom a campaign invited twice": (CAMPAIGN, double("invitations", 2)),
    "somebody whom a campaign never asked": (CAMPAIGN, change("invitations", 2, asked_at=None)),
    "somebody whom a campaign asked early": (CAMPAIGN, change("invitations", 2, asked_at=at(79))),
    "a campaign that was not started": (CAMPAIGN, change("surveys", 1, started_at=None)),
    "a draft that asked somebody": (CAMPAIGN, change("invitations", 2, survey_id="draft")),
    "an answer that was lost": (TAKEN, lose("answers", 0)),
    "an answer that was taken twice": (TAKEN, double("answers", 0)),
    "an answer that nobody gave": (TAKEN, change("answers", 0, score=1)),
    "an answer that the invitation does not know": (TAKEN, change("invitations", 1, state="asked")),
    "one that was withdrawn for nothing": (ASKED, change("invitations", 1, state="withdrawn")),
    "a question that was never told": (ASKED, forget("ask")),
    "a question that was told twice": (
        ASKED,
        lambda evidence: evidence.rows["notifications"].append(told(SECOND, "ask")),
    ),
    "a reminder that never came": (REMINDED, change("invitations", 1, reminded_at=None, state="asked")),
    "a reminder that came early": (REMINDED, change("invitations", 1, reminded_at=at(53))),
    "a reminder that was never told": (REMINDED, forget("remind")),
    "a reminder that was told twice": (
        REMINDED,
        lambda evidence: evidence.rows["notifications"].append(told(SECOND, "remind")),
    ),
}


def judged(evidence: Evidence) -> list[Check]:
    case = Case(evidence)
    return [check(case) for check in CHECKS]


def test_sound_evidence_is_judged_sound() -> None:
    checks = judged(heard())
    assert not [check.findings for check in checks if not check.passed]
    assert all(check.examined for check in checks)


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_loss_is_found_by_the_check_for_it(name: str) -> None:
    wanted, plant = PLANTS[name]
    evidence = heard()
    plant(evidence)
    assert wanted in {check.name for check in judged(evidence) if not check.passed}
