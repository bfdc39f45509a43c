"""Feedback: what was said is there once, each step happened once, a vote counts once, and everybody who followed at a
turn was told of it once.
"""

from collections import Counter, defaultdict
from typing import Any, Final

from tests.chaos.checker.case import Case, Check
from tests.chaos.evidence import Row
from tests.chaos.feedback import SUBMIT, VOTE, WITHDRAW, deed
from tests.chaos.journal import ACCEPTED, REFUSED
from tests.chaos.world import CROWD

_TELLS: Final = {
    deed("triage"): "feedback_moved",
    deed("answer"): "feedback_answered",
    deed("decline"): "feedback_declined",
    deed("plan"): "feedback_planned",
    deed("start"): "feedback_started",
    deed("ship"): "feedback_shipped",
    deed("verify"): "feedback_moved",
    deed("merge"): "feedback_merged",
    deed("unmerge"): "feedback_unmerged",
}
_COUNTED: Final = "already_voted"
"""What a vote is told that was counted when its answer was lost."""


def every_item_exists_once(case: Case) -> Check:
    check = Check("every item of feedback exists once")
    there: dict[str, list[str]] = defaultdict(list)
    for row in case.evidence.rows["feedback"]:
        if row["title"] != CROWD:
            there[row["title"]].append(str(row["id"]))
    for request in case.of(SUBMIT, outcome=None):
        token = request.facts["token"]
        made = there.pop(token, [])
        if request.outcome == ACCEPTED:
            check.expect(made == [request.answer["id"]], f"{token}: items {made}")
        else:
            most = 0 if request.outcome == REFUSED else 1
            check.expect(len(made) <= most, f"{token}: {len(made)} items")
    check.findings += [f"{title}: an item that nobody made" for title in there]
    return check


def every_step_happened_once(case: Case) -> Check:
    """By the version that it made, and the words that it left."""
    check = Check("every step of feedback happened once")
    states = {str(row["feedback_id"]): row["state"] for row in case.evidence.rows["feedback_states"]}
    said = Counter((str(row["feedback_id"]), row["body"]) for row in case.evidence.rows["feedback_comments"])
    turns = {(str(row["feedback_id"]), row["version"]): row["kind"] for row in case.evidence.rows["turns"]}
    for request in case.requests.values():
        if not request.what.startswith(deed("")):
            continue
        item = request.facts["item"]
        versions = [one["version"] for one in states[item]["seen"] if one["request_id"] == request.id]
        times = [len(versions)]
        if request.facts["said"] is not None:
            times.append(said[item, request.facts["said"]])
        name = f"{request.what} of {item}"
        if request.outcome == ACCEPTED:
            check.expect(set(times) == {1}, f"{name} happened {times} times")
            kind = _TELLS.get(request.what)
            told = turns.get((item, versions[0])) if versions else None
            check.expect(kind in (None, told), f"{name} told {told}")
        else:
            most = 0 if request.outcome == REFUSED else 1
            check.expect(max(times) <= most, f"{name} happened {times} times")
    return check


def every_vote_counts_once(case: Case) -> Check:
    """Whoever was told that their vote counts follows, unless they took it back; the reach is the number of those who
    follow, and no row of a follower stands twice."""
    check = Check("every vote counts once")
    followers = _followers(case)
    gone = {(one.facts["item"], one.who) for one in case.of(WITHDRAW, outcome=None)}
    for request in case.of(VOTE, outcome=None):
        item, voter = request.facts["item"], request.who
        rows = [row for row in followers[item] if str(row["person_id"]) == voter]
        counts = request.outcome == ACCEPTED or request.answer.get("code") == _COUNTED
        check.expect(len(rows) <= 1, f"{item}: {voter} follows {len(rows)} times")
        if counts and (item, voter) not in gone:
            there = [row["until"] for row in rows] == [None]
            check.expect(there, f"{item}: the vote of {voter} is lost")
    for request in case.of(WITHDRAW):
        item, voter = request.facts["item"], request.who
        left = [row for row in followers[item] if str(row["person_id"]) == voter and row["until"] is None]
        check.expect(not left, f"{item}: {voter} took the vote back and follows")
    for row in case.evidence.rows["feedback"]:
        reach = sum(one["until"] is None for one in followers[str(row["id"])])
        check.expect(reach == row["reach"], f"{row['id']}: {reach} follow, its reach is {row['reach']}")
    return check


def everyone_was_told_once_a_turn(case: Case) -> Check:
    """Each turn was told to its end; everybody who followed then has one notification of it in the app, nobody has two,
    and nobody else has one.

    Who came to the crowd's item by a merge and left it with the taking back of one may have come again; what is known
    of them is only that they were not told twice.
    """
    check = Check("every follower was told once a turn")
    crowd = {str(row["id"]) for row in case.evidence.rows["feedback"] if row["title"] == CROWD}
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for row in case.evidence.rows["notifications"]:
        if row["channel"] == "in_app":
            told[row["event_key"]][str(row["recipient_id"])] += 1
    followers = _followers(case)
    for turn in case.evidence.rows["turns"]:
        item, version = str(turn["feedback_id"]), turn["version"]
        key = f"feedback:{item}:{version}:{turn['kind']}"
        check.expect(turn["done_at"] is not None, f"{key}: told to {turn['passed']} of {turn['total']}")
        came = [row for row in followers[item] if item in crowd and row["via"] is not None]
        uncertain = {str(row["person_id"]) for row in came}
        wanted = {str(row["person_id"]) for row in followers[item] if _heard(row, turn)} - uncertain
        twice = [person for person, times in told[key].items() if times > 1]
        check.expect(not twice, f"{key}: told twice {twice[:5]}")
        missing = wanted - told[key].keys()
        check.expect(not missing, f"{key}: {len(missing)} of {len(wanted)} were not told")
        others = told[key].keys() - wanted - uncertain
        check.expect(not others, f"{key}: told, and did not follow: {sorted(others)[:5]}")
        check.notes["most"] = max(check.notes.get("most", 0.0), float(len(told[key])))
    check.notes["turns"] = float(len(case.evidence.rows["turns"]))
    return check


def thanks(case: Case) -> set[tuple[str, str]]:
    """Who asked for what was shipped, but for who shipped it, and the fact that gives them points for it."""
    followers = _followers(case)
    return {
        (str(row["person_id"]), f"feedback:{turn['feedback_id']}:shipped")
        for turn in case.evidence.rows["turns"]
        if turn["kind"] == _TELLS[deed("ship")]
        for row in followers[str(turn["feedback_id"])]
        if row["role"] == "requester" and _heard(row, turn)
    }


def items_equal_their_processes(case: Case) -> Check:
    check = Check("feedback equals its processes")
    kept = {str(row["feedback_id"]): row for row in case.evidence.rows["feedback_states"]}
    for row in case.evidence.rows["feedback"]:
        item = str(row["id"])
        state: dict[str, Any] = kept[item]["state"] if item in kept else {}
        there = (row["version"], row["status"], row["priority"], _text(row["merged_into"]))
        said = tuple(state.get(name) for name in ("event_number", "status", "priority", "merged_into"))
        check.expect(there == said, f"{item}: {there}, its state says {said}")
        process = case.processes.get(f"feedback:{item}")
        check.expect(process is not None, f"{item} has no process")
        if process is not None and process.described is not None:
            number = process.described["event_number"]
            check.expect(number >= row["version"], f"{item}: {row['version']}, its process says {number}")
    return check


def _heard(row: Row, turn: Row) -> bool:
    """Whether a follower was there when the turn came to be, and it was for them."""
    followed = row["since"] < turn["version"] and (row["until"] is None or row["until"] >= turn["version"])
    asked = not turn["requesters_only"] or row["role"] == "requester"
    return followed and asked and row["person_id"] != turn["actor_id"]


def _followers(case: Case) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in case.evidence.rows["followers"]:
        found[str(row["feedback_id"])].append(row)
    return found


def _text(identity: object) -> str | None:
    return None if identity is None else str(identity)
