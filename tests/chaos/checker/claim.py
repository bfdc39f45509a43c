"""Prizes: each act on a claim that was accepted happened once, each claim went its way and none other, and no budget
lost or gained anything by it.

The way of a claim stands here once more, by who may take which step.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Final

from tests.chaos.checker.case import Case, Check
from tests.chaos.evidence import Row
from tests.chaos.journal import ACCEPTED, REFUSED

_MOVES: Final = {
    "approve": ("asked", "approved"),
    "decline": ("asked", "declined"),
    "fulfil": ("approved", "fulfilled"),
    "fail": ("approved", "asked"),
    "confirm": ("fulfilled", "confirmed"),
    "dispute": ("fulfilled", "approved"),
}
_BY_ITSELF: Final = {
    (None, "asked"),
    ("withdrawn", "asked"),
    ("asked", "withdrawn"),
    ("approved", "withdrawn"),
}
_HELD: Final = "held"
_TELLS: Final = {
    "asked": "prize_waiting",
    "approved": "prize_moved",
    "fulfilled": "prize_moved",
    "declined": "prize_moved",
    "withdrawn": "prize_moved",
}


def every_act_moved_a_claim_once(case: Case) -> Check:
    """One step for each accepted request, from where it leads to where it leads; none for a refused one, and none that
    nobody asked for."""
    check = Check("every accepted act moved its claim once")
    steps = {str(one["note"]): (was, one) for was, one in _steps(case) if one["by"] is not None}
    notes = Counter(str(one["note"]) for _, one in _steps(case) if one["by"] is not None)
    for request in case.of("claim", outcome=None):
        token, count = request.facts["token"], notes.pop(request.facts["token"], 0)
        wanted = {ACCEPTED: (1,), REFUSED: (0,)}.get(request.outcome or "", (0, 1))
        if request.outcome == REFUSED and request.facts["twice"]:  # the other of the two may have come later
            wanted = (0, 1)
        check.expect(count in wanted, f"{token} was {request.outcome} and happened {count} times")
        if count:
            was, step = steps[token]
            there = (was, step["state"], str(step["by"]), str(step["claim_id"]))
            meant = (*_MOVES[request.facts["action"]], request.who, request.facts["claim"])
            check.expect(there == meant, f"{token}: {there}, not {meant}")
    check.findings += [f"{note}: a step that nobody asked for" for note in notes]
    return check


def claims_follow_their_awards(case: Case) -> Check:
    """Each award of a prize has one claim with all of its steps, which stands as its award wants it; and each step was
    told once to whom it concerns."""
    check = Check("every prize that was won is claimed once")
    told = Counter(
        row["event_key"] for row in case.evidence.rows["notifications"] if row["channel"] == "in_app"
    )
    claims = {str(row["id"]): row for row in case.evidence.rows["claims"]}
    steps: dict[str, list[Row]] = defaultdict(list)
    for was, one in _steps(case):
        identity = str(one["claim_id"])
        steps[identity].append(one)
        by_itself = one["by"] is None and (was, one["state"]) in _BY_ITSELF
        asked_for = one["by"] is not None and (was, one["state"]) in _MOVES.values()
        check.expect(by_itself or asked_for, f"{identity}: from {was} to {one['state']} by {one['by']}")
        if kind := _TELLS.get(one["state"]):
            key = f"claim:{identity}:{one['version']}:{kind}"
            check.expect(told[key] == 1, f"{key}: told {told[key]} times")
    for award in case.evidence.rows["awards"]:
        if award["reward"]["type"] == "prize":
            _check_claim(check, award, claims.pop(str(award["id"]), None), steps[str(award["id"])])
    check.findings += [f"{one}: a claim without an award" for one in claims]
    check.notes["claims"] = float(len(case.evidence.rows["claims"]))
    return check


def _check_claim(check: Check, award: Row, claim: Row | None, steps: list[Row]) -> None:
    identity, state = award["id"], None if claim is None else claim["state"]
    wanted = (
        state not in (None, "withdrawn") if award["state"] == _HELD else state not in ("asked", "approved")
    )
    check.expect(wanted, f"{identity}: the award is {award['state']}, the claim {state}")
    if claim is not None:
        versions = [one["version"] for one in steps]
        check.expect(versions == list(range(1, claim["version"] + 1)), f"{identity}: steps {versions}")
        check.expect(
            bool(steps) and steps[-1]["state"] == state, f"{identity}: {state}, unlike its last step"
        )


def budgets_are_kept(case: Case) -> Check:
    """What a prize says is reserved and spent is what its claims cost that are approved, and fulfilled; and it is never
    more than the budget."""
    check = Check("budgets are what the claims took of them")
    for prize in case.evidence.rows["prizes"]:
        taken = Counter[str]()
        for claim in case.evidence.rows["claims"]:
            if claim["prize_id"] == prize["id"]:
                taken[claim["state"]] += claim["cost"]
        reserved, spent = taken["approved"], taken["fulfilled"] + taken["confirmed"]
        there = (prize["reserved"], prize["spent"])
        check.expect(
            there == (reserved, spent), f"{prize['id']}: {there}, its claims say {(reserved, spent)}"
        )
        check.expect(sum(there) <= prize["budget"], f"{prize['id']}: {there} of {prize['budget']}")
    return check


def _steps(case: Case) -> Iterator[tuple[str | None, Row]]:
    """Each step of each claim in its order, with the state before it."""
    was: dict[str, str] = {}
    for row in sorted(
        case.evidence.rows["claim_steps"], key=lambda one: (str(one["claim_id"]), one["version"])
    ):
        yield was.get(str(row["claim_id"])), row
        was[str(row["claim_id"])] = row["state"]
