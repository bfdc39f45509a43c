"""Merging, taking out again and splitting: each happened once, and both tickets tell the same of it."""

from collections import Counter
from typing import Final

from tests.chaos.checker.case import GRACE, Case, Check, Request
from tests.chaos.evidence import Row
from tests.chaos.journal import ACCEPTED, REFUSED

_THERE: Final = {"merged": "merged_from", "unmerged": "unmerged_from"}
"""What the other ticket's history says of each event."""


def merges_are_told_on_both_sides(case: Case) -> Check:
    """What a ticket's history says of merges is what the other's says, in the same order and once each; links,
    followers and `merged_into` are those of the last of them."""
    check = Check("each merge stands on both sides, once")
    links = Counter(_link(row) for row in case.evidence.rows["links"])
    came_with = {str(row["via"]) for row in case.evidence.rows["collaborators"] if row["via"] is not None}
    for ticket, row in case.tickets.items():
        moves = [event for event in case.events[ticket] if event["type"] in _THERE]
        for other in sorted({_other(event) for event in moves}):
            mine = [_THERE[event["type"]] for event in moves if _other(event) == other]
            theirs = [
                event["type"]
                for event in case.events[other]
                if event["type"] in _THERE.values() and event["data"]["ticket_id"] == ticket
            ]
            recent = moves[-1]["at"] > case.taken_at - GRACE
            check.expect(
                mine == theirs or (recent and mine[: len(theirs)] == theirs),
                f"{ticket}: {mine} by its own history, {theirs} by that of {other}",
            )
            is_merged = mine[-1] == "merged_from"
            into = str(row["merged_into"]) if is_merged else None
            check.expect(into == (other if is_merged else None), f"{ticket} is merged into {into}")
            there = (links[ticket, other, "merged_into"], links[other, ticket, "merged_from"])
            check.expect(there == ((1, 1) if is_merged else (0, 0)), f"{ticket}: links to {other} {there}")
        still = row["merged_into"] is not None
        check.expect(still == (row["status"] == "merged"), f"{ticket} is {row['status']}")
        check.expect(still or ticket not in came_with, f"{ticket} is out, and who came with it stayed")
    return check


def _other(event: Row) -> str:
    return str(event["data"]["into" if event["type"] == "merged" else "ticket_id"])


def _link(row: Row) -> tuple[str, str, str]:
    return (str(row["ticket_id"]), str(row["linked_id"]), row["relation"])


def every_merge_happened_once(case: Case) -> Check:
    """By the history of the ticket: one event an accepted request, none of a refused one."""
    check = Check("every accepted merge and unmerge happened once")
    for request in case.of("merge", "unmerge", outcome=None):
        ticket, wanted = str(request.ticket), f"{request.what}d"
        versions = case.seen(ticket)[request.id]
        there = [
            event
            for event in case.events[ticket]
            if event["version"] in versions
            and event["type"] == wanted
            and _other(event) == request.facts["into"]
        ]
        least, most = _times(request)
        check.expect(
            least <= len(there) <= most, f"{request.what} of {request.facts['token']}: {len(there)} times"
        )
    return check


def every_split_made_one_ticket(case: Case) -> Check:
    """With the comment that it was made of, linked both ways, and told in the history of the old one; a refused
    one made none."""
    check = Check("every accepted split made one ticket")
    links = Counter(_link(row) for row in case.evidence.rows["links"])
    for request in case.of("split", outcome=None):
        old, token = str(request.ticket), request.facts["token"]
        made = [ticket for ticket, row in case.tickets.items() if row["subject"] == token]
        told = [
            event["data"]["ticket_id"]
            for event in case.events[old]
            if event["type"] == "split" and event["version"] in case.seen(old)[request.id]
        ]
        least, most = _times(request)
        check.expect(least <= len(made) <= most, f"{token}: tickets {made}")
        check.expect(told == made, f"{token}: tickets {made}, its history says {told}")
        for new in made:
            right = request.outcome != ACCEPTED or request.answer["id"] == new
            check.expect(right, f"{token}: answered {request.answer.get('id')}, made {new}")
            words = case.tickets[new]["description"]
            check.expect(words == request.facts["comment"], f"{token}: the new ticket says {words!r}")
            there = (links[new, old, "split_from"], links[old, new, "split_into"])
            check.expect(there == (1, 1), f"{token}: links {there}")
    return check


def _times(request: Request) -> tuple[int, int]:
    """How often it may have happened."""
    if request.outcome == ACCEPTED:
        return 1, 1
    return (0, 0) if request.outcome == REFUSED else (0, 1)
