"""The checker of prizes can fail: each kind of loss, planted in sound evidence, is found."""

from typing import Any

import pytest

from tests.chaos.checker import claim
from tests.chaos.checker.case import Case, Check
from tests.chaos.evidence import Evidence, Row
from tests.chaos.planting import Plant, change, double, lose
from tests.chaos.sound import BOSS, REQUESTER, asked, sound

CHECKS = (claim.every_act_moved_a_claim_once, claim.claims_follow_their_awards, claim.budgets_are_kept)
MOVED, CLAIMED, BUDGET = (
    "every accepted act moved its claim once",
    "every prize that was won is claimed once",
    "budgets are what the claims took of them",
)
COST = 7


def won() -> Evidence:
    """A prize that has arrived, one that is approved, and one whose award was lost."""
    evidence = sound()
    rows = evidence.rows
    rows["prizes"] = [{"id": "mug", "budget": 2 * COST, "reserved": COST, "spent": COST}]
    lives = {
        "first": [("asked", None), ("approved", BOSS), ("fulfilled", BOSS), ("confirmed", REQUESTER)],
        "second": [("asked", None), ("approved", BOSS)],
        "third": [("asked", None), ("withdrawn", None)],
    }
    rows["awards"] = [
        {"id": one, "state": "held" if one != "third" else "revoked", "reward": {"type": "prize"}}
        for one in lives
    ]
    for one, life in lives.items():
        about = {"prize_id": "mug", "cost": COST, "version": len(life)}
        rows["claims"].append({"id": one, "state": life[-1][0], **about})
        for number, (state, by) in enumerate(life, start=1):
            rows["claim_steps"].append(step(one, number, state, by))
            kind = "prize_waiting" if state == "asked" else "prize_moved"
            rows["notifications"].append({"event_key": f"claim:{one}:{number}:{kind}", "channel": "in_app"})
    for number, action in enumerate(("approve", "fulfil", "confirm"), start=2):
        evidence.journal += told("first", number, action, REQUESTER if action == "confirm" else BOSS)
    evidence.journal += told("second", 2, "approve", BOSS)
    return evidence


def step(identity: str, version: int, state: str, by: str | None) -> Row:
    note = None if by is None else f"{identity}-{version}"
    return {"claim_id": identity, "version": version, "state": state, "by": by, "note": note}


def told(identity: str, version: int, action: str, who: str) -> list[Row]:
    token = f"{identity}-{version}"
    facts: dict[str, Any] = {"claim": identity, "action": action, "token": token, "twice": False}
    return asked(token, "claim", who, version, version, **facts)


PLANTS: dict[str, tuple[str, Plant]] = {
    "an act that is lost": (MOVED, lose("claim_steps", 5)),
    "an act that happened twice": (MOVED, double("claim_steps", 5)),
    "an act that did something else": (MOVED, change("claim_steps", 5, state="declined")),
    "an act of somebody else": (MOVED, change("claim_steps", 5, by=REQUESTER)),
    "an act that nobody asked for": (MOVED, lambda evidence: [evidence.journal.pop() for _ in range(2)]),
    "a refused act that happened": (MOVED, lambda evidence: evidence.journal[-1].update(kind="refused")),
    "a prize that nobody claimed": (CLAIMED, lose("claims", 1)),
    "a claim without an award": (CLAIMED, lose("awards", 1)),
    "a claim that outlives its award": (CLAIMED, change("claims", 2, state="asked")),
    "a claim that is withdrawn for nothing": (CLAIMED, change("awards", 2, state="held")),
    "a step that is lost": (CLAIMED, lose("claim_steps", 0)),
    "a step of the way that is no step": (CLAIMED, change("claim_steps", 3, by=None)),
    "a claim unlike its steps": (CLAIMED, change("claims", 0, state="fulfilled")),
    "a step that nobody was told of": (CLAIMED, lose("notifications", -1)),
    "a step that was told twice": (CLAIMED, double("notifications", -1)),
    "money that was never given back": (BUDGET, change("prizes", 0, reserved=2 * COST)),
    "money that was spent twice": (BUDGET, change("prizes", 0, spent=2 * COST)),
    "a budget that is overdrawn": (BUDGET, change("prizes", 0, budget=COST)),
}


def judged(evidence: Evidence) -> list[Check]:
    case = Case(evidence)
    return [check(case) for check in CHECKS]


def test_sound_evidence_is_judged_sound() -> None:
    checks = judged(won())
    assert not [check.findings for check in checks if not check.passed]
    assert all(check.examined for check in checks)


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_loss_is_found_by_the_check_for_it(name: str) -> None:
    wanted, plant = PLANTS[name]
    evidence = won()
    plant(evidence)
    assert wanted in {check.name for check in judged(evidence) if not check.passed}
