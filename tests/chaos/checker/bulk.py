"""Bulk actions: each ran once over the tickets that it named, and what it reports of each ticket is true."""

from collections import Counter
from typing import Final

from tests.chaos.checker.case import Case, Check
from tests.chaos.evidence import Row
from tests.chaos.journal import ACCEPTED, REFUSED

_DONE: Final = "done"
_NOT_DONE: Final = ("refused", "cancelled")


def every_bulk_ran_once(case: Case) -> Check:
    """One for each accepted request, over the tickets that were named; it has ended, and was cancelled only where
    that was asked for."""
    check = Check("every accepted bulk action ran once, to its end")
    cancelled = {request.facts["bulk"] for request in case.of("cancel", outcome=None)}
    left = set(case.bulks)
    for request in case.of("bulk", outcome=None):
        token = request.facts["token"]
        there = [bulk for bulk, row in case.bulks.items() if token in _words(row)]
        left -= set(there)
        if request.outcome == ACCEPTED:
            check.expect(there == [request.answer["id"]], f"{token}: bulk actions {there}")
        elif request.outcome == REFUSED:
            check.expect(not there, f"{token} was refused and is there")
        else:
            check.expect(len(there) <= 1, f"{token}: {len(there)} bulk actions")
        for bulk in there:
            row, items = case.bulks[bulk], case.items[bulk]
            ended = row["state"] == _DONE or (row["state"] == "cancelled" and bulk in cancelled)
            check.expect(ended and row["finished_at"] is not None, f"{token} is {row['state']}")
            taken = Counter(str(item["ticket_id"]) for item in items)
            check.expect(
                taken == Counter(request.facts["body"]["ids"]) and len(items) == row["total"],
                f"{token}: {len(items)} items of {row['total']}, not the tickets that were named",
            )
    check.findings += [f"{bulk}: a bulk action that nobody asked for" for bulk in left]
    return check


def every_item_is_as_reported(case: Case) -> Check:
    """An item that is called done was done once: one version of the ticket, one update in its history, one comment
    with the words. One that is called refused or cancelled was not done."""
    check = Check("every item of a bulk action is as reported")
    for bulk, row in case.bulks.items():
        for item in case.items[bulk]:
            name = f"item {item['position']} of {bulk} ({' '.join(_words(row))})"
            times = _times(case, row, item)
            wanted = 1 if item["state"] == _DONE else 0
            known = item["state"] == _DONE or item["state"] in _NOT_DONE
            check.expect(known, f"{name} is {item['state']}")
            check.expect(set(times.values()) == {wanted}, f"{name} is {item['state']}, and there are {times}")
            coded = (item["code"] is not None) == (item["state"] == "refused")
            check.expect(coded, f"{name} is {item['state']} for {item['code']}")
    check.notes["items"] = float(sum(len(items) for items in case.items.values()))
    return check


def _times(case: Case, row: Row, item: Row) -> dict[str, int]:
    """How often the item was done, by each witness."""
    ticket, request_id = str(item["ticket_id"]), item_id(row, item)
    process = case.processes.get(f"ticket:{ticket}")
    times = {
        "versions": len(case.seen(ticket)[request_id]),
        "updates": Counter(process.updates if process else ())[request_id],
    }
    (word,) = _words(row)
    if row["action"] == "note":
        times["comments"] = sum(comment["body"] == word for comment in case.comments[ticket])
    elif row["action"] == "tag":
        times["events"] = sum(
            event["type"] == "tagged" and word in event["data"]["added"] for event in case.events[ticket]
        )
    return times


def item_id(row: Row, item: Row) -> str:
    """What the ticket's process remembers the item by."""
    return f"{row['person_id']}:bulk:{row['id']}:{item['position']}"


def _words(row: Row) -> list[str]:
    """What it says, which no other does."""
    fields = row["fields"]
    return [str(one) for one in (fields.get("body"), fields.get("reason"), *fields.get("add", ())) if one]
