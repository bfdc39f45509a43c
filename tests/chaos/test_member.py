"""The checker of members can fail: each kind of loss, planted in sound evidence, is found."""

from datetime import timedelta

import pytest

from tests.chaos.checker import member
from tests.chaos.checker.case import Case, Check
from tests.chaos.evidence import Evidence, Row
from tests.chaos.planting import Plant, change, double, lose
from tests.chaos.sound import ADMIN, REQUESTER, asked, at, sound
from tests.chaos.world import EACH_THIRD, SHORT_LIVED, STREAK

CHECKS = (member.every_fact_counts_once, member.points_are_the_sum, member.awards_are_given_once)
COUNTED, SUM, AWARDED = (
    "every accepted fact counts once",
    "points are the sum of ledger and facts",
    "every achievement was awarded once",
)
DAY = timedelta(days=1)


def contributed() -> Evidence:
    """Three posts on three days, a fourth that was taken back, two answers, and feedback that was shipped."""
    evidence = sound()
    posts = [fact(f"post-{number}", "post_created", number) for number in range(3)]
    facts = [*posts, fact("gone", "post_created"), fact("undo", "post_created", reverses="gone")]
    facts += [fact(f"answer-{number}", "accepted_answer") for number in range(2)]
    rows = evidence.rows
    rows["member_facts"] = [*facts, fact("feedback:item:shipped", "feedback_shipped")]
    shipped = {"version": 3, "kind": "feedback_shipped", "requesters_only": False, "actor_id": ADMIN}
    rows["turns"] = [{"feedback_id": "item", **shipped}]
    asking = {"person_id": REQUESTER, "role": "requester", "since": 0, "until": None}
    rows["followers"] = [{"feedback_id": "item", **asking}]
    rows["member_points"] = [
        *(booked(10, one["fact_id"], day=number) for number, one in enumerate(posts)),
        *(booked(10, "gone"), booked(-10, "undo"), booked(15, "answer-0"), booked(15, "answer-1")),
        *(booked(7, award="third"), booked(5, award="short"), booked(-5, award="short", reason="expired")),
    ]
    rows["member_points"][-1]["at"] = at(30)
    rows["member_points"].append(booked(20, "feedback:item:shipped"))
    rows["contributors"] = [{"person_id": REQUESTER, "points": 87, "wanted_since": None}]
    rows["member_scores"] = [score("all", 87), score("day", 67), score("day", 10), score("day", 10)]
    rows["awards"] = [award("third", EACH_THIRD), award("streak", STREAK), award("short", SHORT_LIVED)]
    rows["awards"][-1].update(state="expired", expires_at=at(30))
    keys = ("award:third", "award:streak", "award:short", "award:short:expired")
    rows["notifications"] += [{"event_key": key, "channel": "in_app"} for key in keys]
    told = [{"member": REQUESTER, "fact_id": one["fact_id"]} for one in facts]
    for key in ("facts", "again"):
        evidence.journal += asked(key, "fact", ADMIN, 1, 1, body={"facts": told})
    return evidence


def fact(fact_id: str, action: str, day: int = 0, reverses: str | None = None) -> Row:
    said = {"by": None, "subject": None, "reverses": reverses}
    return {"member_id": REQUESTER, "fact_id": fact_id, "action": action, "at": at(1) + day * DAY, **said}


def booked(
    points: int,
    fact_id: str | None = None,
    day: int = 0,
    award: str | None = None,
    reason: str | None = None,
) -> Row:
    about = {"fact_id": fact_id, "award_id": award, "reason": reason, "kind": "award" if award else "fact"}
    day_of = (at(1) + day * DAY).date()
    return {"member_id": REQUESTER, "at": at(2), "points": points, "day": day_of, **about}


def score(span: str, points: int) -> Row:
    return {"member_id": REQUESTER, "span": span, "points": points}


def award(identity: str, name: str) -> Row:
    row = {"id": identity, "member_id": REQUESTER, "name": name, "occurrence": 1}
    return {**row, "state": "held", "expires_at": None}


PLANTS: dict[str, tuple[str, Plant]] = {
    "a lost fact": (COUNTED, lose("member_facts", 0)),
    "a fact of nobody": (COUNTED, change("member_facts", 0, fact_id="other")),
    "somebody who was not thanked": (COUNTED, lose("member_facts", -1)),
    "somebody who was thanked for nothing": (COUNTED, lose("followers", 0)),
    "a fact that is not booked": (COUNTED, lose("member_points", 0)),
    "a fact that is booked twice": (COUNTED, double("member_points", 0)),
    "a balance of its own": (SUM, change("contributors", 0, points=68)),
    "a window of its own": (SUM, change("member_scores", 0, points=68)),
    "facts that wait": (SUM, change("contributors", 0, wanted_since=at(50))),
    "points on another day": (SUM, change("member_points", 0, day=(at(1) + DAY).date())),
    "a reversal that took nothing": (SUM, change("member_points", 4, points=0)),
    "a lost award": (AWARDED, lose("awards", 1)),
    "an award twice": (AWARDED, double("awards", 0)),
    "an award for nothing": (AWARDED, change("awards", 0, occurrence=2)),
    "an award whose points are lost": (AWARDED, lose("member_points", 7)),
    "an award that nobody was told of": (AWARDED, lose("notifications", -4)),
    "an award that was told twice": (AWARDED, double("notifications", -4)),
    "an award that does not end": (AWARDED, change("awards", 2, state="held")),
    "an award that ended early": (AWARDED, change("member_points", 9, at=at(29))),
    "an end that nobody was told of": (AWARDED, lose("notifications", -1)),
}


def judged(evidence: Evidence) -> list[Check]:
    case = Case(evidence)
    return [check(case) for check in CHECKS]


def test_sound_evidence_is_judged_sound() -> None:
    checks = judged(contributed())
    assert not [check.findings for check in checks if not check.passed]
    assert all(check.examined for check in checks)


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_loss_is_found_by_the_check_for_it(name: str) -> None:
    wanted, plant = PLANTS[name]
    evidence = contributed()
    plant(evidence)
    assert wanted in {check.name for check in judged(evidence) if not check.passed}
