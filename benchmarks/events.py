"""What a ticket's life costs Temporal: state transitions, which are what a cluster is sized by, and what it leaves
in the history: events and bytes.
"""

from collections import Counter
from contextlib import AsyncExitStack
from typing import Any, Final

from temporalio.api.enums.v1 import EventType

from benchmarks.desk import new_ticket, running_desk
from benchmarks.figures import Goal, Section, Table
from runtime.settings import Settings
from runtime.temporal import connect

_BODY: Final = "Please switch the printer off, wait for ten seconds, and switch it on again."
LIFE: Final[tuple[tuple[str, dict[str, Any] | None], ...]] = (
    ("reply", {"body": _BODY}),
    ("wait", None),
    ("resume", None),
    ("resolve", {"resolution": _BODY}),
    ("close", None),
)


async def measure(_size: str) -> Section:
    rows: list[tuple[str, int, int, int]] = []
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(running_desk())
        client = await connect(Settings(temporal_address=desk.temporal_address))
        asking = await stack.enter_async_context(desk.connection(desk.requester_token))
        agent = await stack.enter_async_context(desk.connection(desk.agent_token))
        ticket = (await asking.post("/api/v1/tickets", new_ticket())).expect(201)
        handle = client.get_workflow_handle(f"ticket:{ticket['id']}")
        rows.append(("create", *await _size_of(handle)))
        other = desk.agents[0] if ticket["assignee"]["id"] != desk.agents[0] else desk.agents[3]
        for action, body in (("assign", {"assignee": other}), *LIFE):
            answer = await agent.post(f"/api/v1/tickets/{ticket['id']}/actions/{action}", body)
            answer.expect(200)
            rows.append((action, *await _size_of(handle)))
        history = await handle.fetch_history()
    kinds = Counter(_name(event.event_type) for event in history.events)
    last = rows[-1]
    added = [
        (step, moves - before[1], events - before[2], size - before[3], moves, events, size)
        for before, (step, moves, events, size) in zip([("", 0, 0, 0), *rows], rows, strict=False)
    ]
    return Section(
        "Temporal history of a ticket's life",
        "One ticket from creation to its closing; the state transitions, events and bytes that each step adds.",
        [
            Table(
                (
                    "step",
                    "transitions",
                    "events",
                    "bytes",
                    "transitions in all",
                    "events in all",
                    "bytes in all",
                ),
                added,
            ),
            Table(("kind of event", "count"), kinds.most_common()),
        ],
        [
            Goal("events of a life", last[2], at_most=90),
            Goal("state transitions of a life", last[1], at_most=30),
        ],
        [f"{last[3]} bytes of history in all."],
    )


async def _size_of(handle: Any) -> tuple[int, int, int]:
    described = await handle.describe()
    moves = described.raw_description.workflow_execution_info.state_transition_count
    history = await handle.fetch_history()
    return moves, len(history.events), sum(event.ByteSize() for event in history.events)


def _name(kind: int) -> str:
    words = EventType.Name(kind).removeprefix("EVENT_TYPE_")  # type: ignore[arg-type]  # an int of the wire
    return "".join(word.capitalize() for word in words.split("_"))
