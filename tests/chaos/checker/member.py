"""Members: each fact counted once however often it was delivered, points that are the sum of the ledger and of the
facts, and achievements that were awarded once for each occasion, told once, and over at their time.

What facts are worth stands here once more, so that it is computed by nobody who also computes it in the desk.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, timedelta
from typing import Any, Final

from tests.chaos.checker import feedback
from tests.chaos.checker.case import GRACE, SLACK, Case, Check
from tests.chaos.evidence import Row
from tests.chaos.journal import ACCEPTED, REFUSED
from tests.chaos.world import EACH_THIRD, PRIZED, SHORT_LIVED, STREAK

_WORTH: Final = {
    **{"post_created": 10, "post_liked": 5, "accepted_answer": 15},
    **{"contest_participation": 50, "feedback_shipped": 20},
}
_FREE: Final = "accepted_answer"
_CAP: Final = 200
_POINTS: Final = {EACH_THIRD: 7, STREAK: 0, SHORT_LIVED: 5, PRIZED: 0}
_OURS: Final = "contest:"
"""Facts that the desk itself brings: of those `contest` judges."""

_HELD, _EXPIRED = "held", "expired"


def every_fact_counts_once(case: Case) -> Check:
    """A fact that was accepted is there once, with one row of the ledger of its own, however often it was delivered; so
    is that of each who asked for feedback that was shipped. None is there that nobody told."""
    check = Check("every accepted fact counts once")
    rows = case.evidence.rows
    there = Counter((str(row["member_id"]), row["fact_id"]) for row in rows["member_facts"])
    booked = Counter(
        (str(row["member_id"]), row["fact_id"]) for row in rows["member_points"] if row["fact_id"] is not None
    )
    told = feedback.thanks(case)
    for fact in told:
        check.expect(there[fact] == 1, f"{fact}: thanked {there[fact]} times")
    for request in case.of("fact", outcome=None):
        facts = {(one["member"], one["fact_id"]) for one in request.facts["body"]["facts"]}
        told |= facts
        check.expect(request.outcome != REFUSED, f"{request.key}: facts were refused")
        if request.outcome == ACCEPTED:
            for fact in facts:
                check.expect(there[fact] == 1, f"{fact}: there {there[fact]} times")
    for fact in there:
        check.expect(fact in told or fact[1].startswith(_OURS), f"{fact}: nobody told of it")
        check.expect(booked[fact] == 1, f"{fact}: {booked[fact]} rows of the ledger")
    check.notes["deliveries"] = float(
        sum(len(request.facts["body"]["facts"]) for request in case.of("fact", outcome=None))
    )
    check.notes["facts"] = float(len(there))
    return check


def points_are_the_sum(case: Case) -> Check:
    """Of the ledger, of the days as the facts make them, and of every window."""
    check = Check("points are the sum of ledger and facts")
    ledger = _by_member(case, "member_points")
    scores = _by_member(case, "member_scores")
    facts = _by_member(case, "member_facts")
    for row in case.evidence.rows["contributors"]:
        member, points = str(row["person_id"]), row["points"]
        check.expect(row["wanted_since"] is None, f"{member}: facts since {row['wanted_since']} wait")
        booked = sum(one["points"] for one in ledger[member])
        check.expect(points == booked, f"{member}: {points} points, the ledger says {booked}")
        days = _days(member, facts[member])
        plain = defaultdict[date, int](int)
        for one in ledger[member]:
            if one["kind"] != "award":
                plain[one["day"]] += one["points"]
        for day in days.keys() | plain.keys():
            gives, was = days.get(day, 0), plain[day]
            check.expect(gives == was, f"{member}: {day} gives {gives}, the ledger says {was}")
        for span, total in _totals(scores[member]).items():
            check.expect(total == points, f"{member}: {points} points, its windows {span} say {total}")
    return check


def awards_are_given_once(case: Case) -> Check:
    """Each occasion that the facts make is an award, once; what it gives stands in the ledger as long as it is held;
    its holder was told once; what expires did so, and not early."""
    check = Check("every achievement was awarded once")
    awards, facts, booked = _by_member(case, "awards"), _by_member(case, "member_facts"), _booked(case)
    told = Counter(
        row["event_key"] for row in case.evidence.rows["notifications"] if row["channel"] == "in_app"
    )
    for row in case.evidence.rows["contributors"]:
        member = str(row["person_id"])
        having = Counter((one["name"], one["occurrence"]) for one in awards[member])
        check.expect(max(having.values(), default=1) == 1, f"{member}: awarded twice: {having}")
        valid = {
            (one["name"], one["occurrence"]) for one in awards[member] if one["state"] in (_HELD, _EXPIRED)
        }
        over = {(one["name"], one["occurrence"]) for one in awards[member] if one["state"] == _EXPIRED}
        wanted = set(_occasions(member, facts[member]))
        check.expect(
            wanted | over == valid, f"{member}: holds {sorted(valid)}, its facts say {sorted(wanted)}"
        )
        for one in awards[member]:
            _check_award(check, case, one, booked[str(one["id"])], told)
    check.notes["awards"] = float(len(case.evidence.rows["awards"]))
    return check


def _check_award(check: Check, case: Case, award: Row, booked: list[Row], told: Counter[str]) -> None:
    identity, state = str(award["id"]), award["state"]
    gives = sum(row["points"] for row in booked)
    wanted = _POINTS[award["name"]] if state == _HELD else 0
    check.expect(gives == wanted, f"{identity}: {state}, and the ledger gives {gives}")
    key = f"award:{identity}"
    check.expect(told[key] == 1, f"{identity}: told {told[key]} times that it is awarded")
    if award["expires_at"] is None:
        return
    late = state == _HELD and award["expires_at"] < case.taken_at - GRACE
    check.expect(not late, f"{identity}: still held, over since {award['expires_at']}")
    for row in booked:
        early = row["reason"] == _EXPIRED and row["at"] < award["expires_at"] - SLACK
        check.expect(not early, f"{identity}: over at {row['at']}, before {award['expires_at']}")
    ended = told[f"{key}:expired"]
    check.expect(ended == (state == _EXPIRED), f"{identity}: {state}, told {ended} times that it is over")


def _counted(member: str, facts: Iterable[Row]) -> Iterator[Row]:
    """The facts that count, by what they say and nothing that the desk made of them."""
    known = {row["fact_id"]: row for row in facts}
    undone = {row["reverses"] for row in known.values()}
    seen = set[tuple[Any, ...]]()
    for row in sorted(known.values(), key=lambda one: (one["at"], one["fact_id"])):
        if row["reverses"] or row["fact_id"] in undone or str(row["by"]) == member:
            continue
        key: tuple[Any, ...] = (row["fact_id"],)
        if row["action"] == "contest_participation":
            key = (row["action"], row["subject"])
        elif row["action"] == "post_liked" and row["by"]:
            key = (row["action"], row["subject"], row["by"])
        if key not in seen:
            seen.add(key)
            yield row


def _days(member: str, facts: Iterable[Row]) -> dict[date, int]:
    capped, free = defaultdict[date, int](int), defaultdict[date, int](int)
    for row in _counted(member, facts):
        kind = free if row["action"] == _FREE else capped
        kind[_day(row)] += _WORTH[row["action"]]
    return {day: min(_CAP, capped[day]) + free[day] for day in capped.keys() | free.keys()}


def _occasions(member: str, facts: Iterable[Row]) -> Iterator[tuple[str, int]]:
    counted = list(_counted(member, facts))
    actions = Counter(row["action"] for row in counted)
    for name, posts in ((EACH_THIRD, 3), (PRIZED, 4)):
        yield from ((name, number + 1) for number in range(actions["post_created"] // posts))
    if actions[_FREE] >= 2:
        yield SHORT_LIVED, 1
    days = {_day(row) for row in counted}
    if any({day, day + timedelta(days=1), day + timedelta(days=2)} <= days for day in days):
        yield STREAK, 1


def _day(row: Row) -> date:
    at: date = row["at"].astimezone(UTC).date()
    return at


def _totals(scores: Iterable[Row]) -> dict[str, int]:
    totals = Counter[str]()
    for row in scores:
        totals[row["span"]] += row["points"]
    return totals


def _booked(case: Case) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in case.evidence.rows["member_points"]:
        if row["award_id"] is not None:
            found[str(row["award_id"])].append(row)
    return found


def _by_member(case: Case, table: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in case.evidence.rows[table]:
        found[str(row["member_id"])].append(row)
    return found
