"""What an event of a ticket's history says to people."""

from typing import Any

import pytest

from cli.history import known_names, name_of, told

ADA = {"id": "a1", "name": "Ada"}
NAMES = known_names(
    {"requester": ADA, "assignee": None, "team": {"id": "t1", "name": "Storage"}, "organization": None}
    | {"collaborators": [{"id": "c1", "name": "Hao"}]},
    [
        {
            "id": "m1",
            "author": {"id": "b1", "name": "Mei"},
            "body": "Have a look at /var,\nit is full since Monday.",
        }
    ],
    [{"actor": {"id": "d1", "name": "Lin"}}, {"actor": None}],
)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, ""),
        ({"status": ["open", "assigned"]}, "status: open → assigned"),
        ({"assignee_id": [None, "b1"]}, "assignee: Mei"),
        (
            {"assignee_id": ["b1", None], "assignee_tier": [1, None]},
            "assignee: Mei → –; tier of the assignee: 1 → –",
        ),
        ({"comment_id": "m1"}, "message: Have a look at /var, it is full since Mo…"),
        ({"added": ["disk", "node"], "removed": []}, "added: disk, node; removed: –"),
        ({"fields": ["custom_fields", "subject"]}, "fields: custom fields, subject"),
        ({"team_id": ["t1", "unknown"]}, "team: Storage → unknown"),
        (
            {"person_id": "d1", "moon_phase": ["new", {"full": True}]},
            "person: Lin; moon phase: new → full: yes",
        ),
    ],
)
def test_an_event_is_told_with_names(data: dict[str, Any], words: str) -> None:
    assert told(data, NAMES) == words


def test_an_instant_is_told_by_the_clock_of_this_machine() -> None:
    assert told({"clock": "resolution", "due_at": "2026-11-21T06:00:00Z"}, {}).startswith(
        "clock: resolution; due: 2026"
    )


def test_fields_that_nobody_named_are_readable() -> None:
    assert name_of("waiting_reason_id") == "waiting reason"
