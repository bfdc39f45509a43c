"""The checker of merges, splits and bulk actions can fail: each kind of loss, planted in sound evidence, is found."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.checker import bulk, merge
from tests.chaos.checker.case import Case, Check
from tests.chaos.evidence import Evidence, Process, Row
from tests.chaos.sound import ADMIN, BOSS, REQUESTER, TICKET, asked, at, event, sound

OTHER, NEW, BULK = (f"{number:08d}-0000" for number in range(7, 10))
CHECKS = (
    merge.every_merge_happened_once,
    merge.merges_are_told_on_both_sides,
    merge.every_split_made_one_ticket,
    bulk.every_bulk_ran_once,
    bulk.every_item_is_as_reported,
)
Plant = Callable[[Evidence], object]


def together() -> Evidence:
    """One ticket is merged into another, taken out and merged again; the other is split and takes part in a bulk
    action, which the merged one refuses."""
    evidence = sound()
    rows = evidence.rows
    rows["tickets"][0].update(status="merged", merged_into=OTHER)
    rows["tickets"] += [
        {"id": OTHER, "subject": "two", "status": "open", "merged_into": None},
        {
            "id": NEW,
            "subject": "two-0",
            "status": "open",
            "merged_into": None,
            "description": "one more thing",
        },
    ]
    rows["events"] += [
        event(6, "merged", 13, ADMIN, into=OTHER),
        event(7, "unmerged", 14, ADMIN, ticket_id=OTHER),
        event(8, "merged", 15, ADMIN, into=OTHER),
        *(of_other(version, type_, ticket_id=TICKET) for version, type_ in TOLD),
        of_other(5, "split", ADMIN, ticket_id=NEW),
        of_other(6, "noted", BOSS),
    ]
    rows["links"] = [
        link(TICKET, OTHER, "merged_into"),
        link(OTHER, TICKET, "merged_from"),
        link(NEW, OTHER, "split_from"),
        link(OTHER, NEW, "split_into"),
    ]
    rows["collaborators"] = [{"ticket_id": OTHER, "person_id": REQUESTER, "via": TICKET}]
    rows["comments"].append({"id": "note", "ticket_id": OTHER, "author_id": BOSS, "body": "bulk-0"})
    rows["processes"][0]["state"]["seen"] += [seen(f"{ADMIN}:{key}", number) for key, number in MOVES.items()]
    by_other = [seen(f"{ADMIN}:split", 5), seen(ITEM, 6)]
    rows["processes"].append({"ticket_id": OTHER, "version": 6, "policy": None, "state": {"seen": by_other}})
    rows["bulks"] = [
        {
            **{"id": BULK, "person_id": BOSS, "action": "note", "fields": {"body": "bulk-0"}},
            **{"state": "done", "total": 2, "finished_at": at(20)},
        }
    ]
    rows["bulk_items"] = [item(1, TICKET, "refused", "illegal_move"), item(2, OTHER, "done", None)]
    evidence.processes.append(Process(f"ticket:{OTHER}", "Ticket", "RUNNING", at(0), updates=[ITEM]))
    evidence.journal += journal()
    return evidence


TOLD = ((2, "merged_from"), (3, "unmerged_from"), (4, "merged_from"))
MOVES = {"merge": 6, "unmerge": 7, "again": 8}
ITEM = f"{BOSS}:bulk:{BULK}:2"


def journal() -> list[dict[str, Any]]:
    split = asked("split", "split", ADMIN, 17, 1, ticket=OTHER, token="two-0", comment="one more thing")
    split[1]["id"] = NEW
    many = asked("many", "bulk", BOSS, 18, 1, token="bulk-0", body={"ids": [OTHER, TICKET]})
    many[1]["id"] = BULK
    return [
        *asked("merge", "merge", ADMIN, 13, 6, ticket=TICKET, token="one-2", into=OTHER),
        *asked("unmerge", "unmerge", ADMIN, 14, 7, ticket=TICKET, token="one-3", into=OTHER),
        *asked("again", "merge", ADMIN, 15, 8, ticket=TICKET, token="one-4", into=OTHER),
        *split,
        *many,
    ]


def of_other(version: int, type_: str, actor: str | None = None, **data: Any) -> Row:
    return {**event(version, type_, 12.5 + version, actor, **data), "ticket_id": OTHER}


def link(ticket: str, linked: str, relation: str) -> Row:
    return {"ticket_id": ticket, "linked_id": linked, "relation": relation}


def seen(request_id: str, version: int) -> Row:
    return {"request_id": request_id, "version": version}


def item(position: int, ticket: str, state: str, code: str | None) -> Row:
    return {"bulk_id": BULK, "position": position, "ticket_id": ticket, "state": state, "code": code}


def judged(evidence: Evidence) -> list[Check]:
    case = Case(evidence)
    return [check(case) for check in CHECKS]


def row(evidence: Evidence, table: str, **fields: Any) -> Row:
    return next(one for one in evidence.rows[table] if fields.items() <= one.items())


def lose(table: str, **fields: Any) -> Plant:
    return lambda evidence: evidence.rows[table].remove(row(evidence, table, **fields))


def double(table: str, **fields: Any) -> Plant:
    return lambda evidence: evidence.rows[table].append(row(evidence, table, **fields).copy())


def change(table: str, known: dict[str, Any], **fields: Any) -> Plant:
    return lambda evidence: row(evidence, table, **known).update(fields)


def refuse(key: str) -> Plant:
    def plant(evidence: Evidence) -> None:
        answer = next(one for one in evidence.journal if one["kind"] == "accepted" and one["key"] == key)
        answer["kind"] = "refused"

    return plant


PLANTS: dict[str, tuple[str, Plant]] = {
    "a merge that is missing": ("every accepted merge and unmerge happened once", lose("events", version=8)),
    "a merge that was doubled": (
        "every accepted merge and unmerge happened once",
        double("events", version=8),
    ),
    "a merge that was refused and happened": (
        "every accepted merge and unmerge happened once",
        refuse("merge"),
    ),
    "a merge that the other never heard of": (
        "each merge stands on both sides, once",
        lose("events", ticket_id=OTHER, version=4),
    ),
    "a merge that the other heard of twice": (
        "each merge stands on both sides, once",
        double("events", ticket_id=OTHER, version=4),
    ),
    "a lost link of a merge": (
        "each merge stands on both sides, once",
        lose("links", relation="merged_from"),
    ),
    "a merged ticket that its list shows as open": (
        "each merge stands on both sides, once",
        change("tickets", {"id": TICKET}, status="open"),
    ),
    "a merged ticket that leads nowhere": (
        "each merge stands on both sides, once",
        change("tickets", {"id": TICKET}, merged_into=None, status="open"),
    ),
    "somebody who came with a ticket that left": (
        "each merge stands on both sides, once",
        change("collaborators", {"via": TICKET}, via=OTHER),
    ),
    "a split that made nothing": ("every accepted split made one ticket", lose("tickets", id=NEW)),
    "a split that made two": (
        "every accepted split made one ticket",
        lambda evidence: evidence.rows["tickets"].append({**row(evidence, "tickets", id=NEW), "id": "more"}),
    ),
    "a split that was refused and made a ticket": ("every accepted split made one ticket", refuse("split")),
    "a split that the ticket does not tell": (
        "every accepted split made one ticket",
        lose("events", ticket_id=OTHER, type="split"),
    ),
    "a split of other words": (
        "every accepted split made one ticket",
        change("tickets", {"id": NEW}, description="something else"),
    ),
    "a split without its link": (
        "every accepted split made one ticket",
        lose("links", relation="split_into"),
    ),
    "a lost bulk action": ("every accepted bulk action ran once, to its end", lose("bulks", id=BULK)),
    "a doubled bulk action": (
        "every accepted bulk action ran once, to its end",
        lambda evidence: evidence.rows["bulks"].append({**row(evidence, "bulks", id=BULK), "id": "more"}),
    ),
    "a bulk action of nobody": (
        "every accepted bulk action ran once, to its end",
        lambda evidence: evidence.rows["bulks"].append(
            {**row(evidence, "bulks", id=BULK), "id": "more", "fields": {"body": "other"}}
        ),
    ),
    "a bulk action that never ended": (
        "every accepted bulk action ran once, to its end",
        change("bulks", {"id": BULK}, finished_at=None),
    ),
    "a bulk action that nobody cancelled": (
        "every accepted bulk action ran once, to its end",
        change("bulks", {"id": BULK}, state="cancelled"),
    ),
    "a ticket that a bulk action forgot": (
        "every accepted bulk action ran once, to its end",
        lose("bulk_items", position=1),
    ),
    "an item that is still to be done": (
        "every item of a bulk action is as reported",
        change("bulk_items", {"position": 2}, state="pending"),
    ),
    "an item that is called done and was not": (
        "every item of a bulk action is as reported",
        change("bulk_items", {"position": 1}, state="done", code=None),
    ),
    "an item that was done and is called cancelled": (
        "every item of a bulk action is as reported",
        change("bulk_items", {"position": 2}, state="cancelled"),
    ),
    "an item that was done twice": (
        "every item of a bulk action is as reported",
        double("comments", id="note"),
    ),
    "an item that stands in no history": (
        "every item of a bulk action is as reported",
        lambda evidence: evidence.processes[-1].updates.clear(),
    ),
    "an item that is refused for nothing": (
        "every item of a bulk action is as reported",
        change("bulk_items", {"position": 1}, code=None),
    ),
}


def test_sound_evidence_passes() -> None:
    checks = judged(together())
    assert not [line for check in checks for line in check.findings]
    assert all(check.examined for check in checks)


@pytest.mark.parametrize("planted", PLANTS)
def test_the_checker_finds(planted: str) -> None:
    name, plant = PLANTS[planted]
    evidence = together()
    plant(evidence)
    assert name in {check.name for check in judged(evidence) if not check.passed}
