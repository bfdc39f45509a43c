"""Contests: an entry that was accepted is there once, none is there that came after the bell, every score counts once,
whoever takes part is told once of each change, and is given the points for it once.
"""

from collections import Counter, defaultdict
from typing import Any, Final

from tests.chaos.checker.case import SLACK, Case, Check
from tests.chaos.contests import CREATE, ENTER, SCORE
from tests.chaos.evidence import Row
from tests.chaos.journal import ACCEPTED, REFUSED

_TELLS: Final = {
    "extended": "contest_extended",
    "provisional": "contest_provisional",
    "cancelled": "contest_cancelled",
}
_JUDGES_TOO: Final = ("contest_extended", "contest_cancelled")
_PUBLISHED: Final = "provisional"


def every_entry_is_there_once(case: Case) -> Check:
    check = Check("every accepted entry is there once")
    there: dict[str, list[str]] = defaultdict(list)
    for row in case.evidence.rows["entries"]:
        there[row["text"]].append(str(row["id"]))
    for request in case.of(ENTER, outcome=None):
        token = request.facts["token"]
        made = there.pop(token, [])
        if request.outcome == ACCEPTED:
            check.expect(made == [request.answer["id"]], f"{token}: entries {made}")
        else:
            check.expect(len(made) <= 1, f"{token}: {len(made)} entries")
    check.findings += [f"{text}: an entry that nobody made" for text in there]
    for row in case.evidence.rows["contests"]:
        entered = sum(one["contest_id"] == row["id"] for one in case.evidence.rows["entries"])
        check.expect(row["entries"] == entered, f"{row['id']}: {entered} entries, it says {row['entries']}")
    return check


def no_entry_came_after_the_bell(case: Case) -> Check:
    """By the time that the desk noted, and by the clock of whoever asked. Of two tries of one request, one before and
    one after the bell, either may be answered."""
    check = Check("no entry came after the bell")
    bells = {str(row["id"]): row["closes_at"] for row in case.evidence.rows["contests"]}
    there = {row["text"] for row in case.evidence.rows["entries"]}
    for row in case.evidence.rows["entries"]:
        bell = bells[str(row["contest_id"])]
        check.expect(row["arrived_at"] <= bell, f"{row['text']}: {row['arrived_at']}, the bell was at {bell}")
    for request in case.of(ENTER, outcome=None):
        token, bell = request.facts["token"], bells[request.facts["contest"]]
        late = request.asked_at > bell + SLACK
        check.expect(not (late and token in there), f"{token}: asked at {request.asked_at}, after {bell}")
        refused_late = request.answer.get("code") == "contest_closed"
        early = refused_late and (request.answered_at or bell) < bell - SLACK
        check.expect(not early, f"{token}: refused at {request.answered_at}, before {bell}")
    return check


def every_score_counts_once(case: Case) -> Check:
    """A judge has one part of an entry, an accepted score stands in it; what is published was scored by all judges, and
    every entry of it has a place of its own."""
    check = Check("every score counts once")
    parts = dict[tuple[str, str], Row]()
    for row in case.evidence.rows["assignments"]:
        place = (str(row["entry_id"]), str(row["judge_id"]))
        check.expect(place not in parts, f"{place[0]}: {place[1]} has it twice")
        parts[place] = row
    for request in case.of(SCORE):
        entry, scores = request.facts["entry"], request.facts["body"]["scores"]
        part = parts.get((entry, request.who), {})
        kept = (part.get("state"), part.get("scores"))
        check.expect(kept == ("scored", scores), f"{entry}: {request.who} gave {scores}, there is {kept}")
    scored = Counter(entry for (entry, _), row in parts.items() if row["state"] == "scored")
    entries = _by_contest(case, "entries")
    for row in case.evidence.rows["contests"]:
        if row["status"] == _PUBLISHED:
            mine = entries[str(row["id"])]
            places = sorted(one["place"] or 0 for one in mine)
            check.expect(places == list(range(1, len(mine) + 1)), f"{row['id']}: places {places}")
            wanted = row["rules"]["judges_per_entry"]
            bare = [str(one["id"]) for one in mine if scored[str(one["id"])] != wanted]
            check.expect(not bare, f"{row['id']}: published without scores of {bare}")
    return check


def everyone_was_told_once_a_change(case: Case) -> Check:
    """Whoever took part when a contest was extended, judged or cancelled has one notification of it in the app; judges,
    too, where it is their business; and nobody else has one."""
    check = Check("every participant was told once a change")
    told: dict[str, Counter[str]] = defaultdict(Counter)
    for row in case.evidence.rows["notifications"]:
        if row["channel"] == "in_app":
            told[row["event_key"]][str(row["recipient_id"])] += 1
    participants, judges = _by_contest(case, "participants"), _by_contest(case, "judges")
    for event in case.evidence.rows["contest_events"]:
        kind = _TELLS.get(_turn(event))
        if kind is None:
            continue
        contest, version = str(event["contest_id"]), event["version"]
        key = f"contest:{contest}:{version}:{kind}"
        wanted = {str(one["person_id"]) for one in participants[contest] if one["version"] < version}
        if kind in _JUDGES_TOO:
            wanted |= {str(one["person_id"]) for one in judges[contest]}
        check.expect(told[key] == Counter(wanted), f"{key}: meant {len(wanted)}, told {dict(told[key])}")
    check.notes["changes told"] = float(check.examined)
    return check


def contests_equal_their_processes(case: Case) -> Check:
    """The row and the state say the same, no version of the history is missing, each accepted action was one event, and
    who takes part was given the points for it once, and gave them back if it was cancelled."""
    check = Check("contests equal their processes")
    kept = {str(row["contest_id"]): row["state"] for row in case.evidence.rows["contest_states"]}
    events, participants = _by_contest(case, "contest_events"), _by_contest(case, "participants")
    facts = Counter((str(row["member_id"]), row["fact_id"]) for row in case.evidence.rows["member_facts"])
    for row in case.evidence.rows["contests"]:
        contest, state = str(row["id"]), kept[str(row["id"])]
        there, said = (row["version"], row["status"]), (state["event_number"], state["status"])
        check.expect(there == said, f"{contest}: {there}, its state says {said}")
        process = case.processes.get(f"contest:{contest}")
        described = None if process is None else process.described
        number = described["event_number"] if described else said[0]
        check.expect(process is not None and number >= row["version"], f"{contest}: its process is behind")
        times = Counter(_turn(one) for one in events[contest])
        check.expect(times["cancelled"] <= 1, f"{contest} was cancelled {times['cancelled']} times")
        for one in participants[contest]:
            fact = f"contest:{contest}:1"
            wanted = (1, int(row["status"] == "cancelled"))
            found = tuple(facts[str(one["person_id"]), name] for name in (fact, f"{fact}:back"))
            check.expect(found == wanted, f"{fact}: {one['person_id']} has {found}, not {wanted}")
    _check_actions(check, case, kept)
    return check


def _check_actions(check: Check, case: Case, kept: dict[str, Any]) -> None:
    for request in case.requests.values():
        contest = request.facts.get("contest")
        if contest is None or request.what == CREATE or contest not in kept:
            continue
        seen = [one["version"] for one in kept[contest]["seen"] if one["request_id"] == request.id]
        wanted = {ACCEPTED: (1,), REFUSED: (0, 1) if request.what == ENTER else (0,)}
        times = wanted.get(request.outcome or "", (0, 1))
        check.expect(len(seen) in times, f"{request.what} {request.key}: happened {len(seen)} times")


def _turn(event: Row) -> str:
    """What an event says that people hear of: that it was extended, or the state that it came to."""
    if event["type"] == "status_changed":
        return str(event["data"]["status"][1])
    return str(event["type"])


def _by_contest(case: Case, table: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in case.evidence.rows[table]:
        found[str(row["contest_id"])].append(row)
    return found
