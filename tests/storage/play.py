"""A small desk whose tickets live at random: every action, any order, hours or weeks between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from hypothesis import strategies as st

from domain.account import Role
from domain.calendar import Calendar
from domain.errors import DeskError
from domain.sla.policy import Policy
from domain.ticket.fields import Channel, Kind, Priority, Status
from domain.ticket.messages import Merge, Step
from domain.ticket.moves import MOVES, Action
from domain.ticket.process import is_finished
from storage import sla
from storage.account import organizations, people, teams
from storage.calendar import Origin, create_calendar
from storage.database import Database
from tests.storage.hand import Hand

T0: Final = datetime(2026, 10, 20, 8, 0, tzinfo=UTC)
TICKETS: Final = 4
CATEGORIES: Final = ("disk", "net", None)
_WEEKDAYS: Final = {day: [["09:00", "17:30"]] for day in ("mon", "tue", "wed", "thu", "fri")}
_TARGETS: Final = {
    priority: {"first_response": "PT2H", "next_response": "PT3H", "resolution": "PT9H", "assignment": "PT1H"}
    for priority in ("critical", "high", "normal")
}
_LADDER: Final = [
    {"clock": "*", "at": "100%", "do": ["tier:2"]},
    {"clock": "resolution", "at": "150%", "do": ["priority:high"], "repeat": "400%"},
]
_ACTIONS: Final = (
    Action.REPLY,
    Action.COMMENT,
    Action.RESOLVE,
    Action.REOPEN,
    Action.WAIT,
    Action.RESUME,
    Action.ACCEPT,
    Action.HOLD,
    Action.CLOSE,
    Action.SET_PRIORITY,
    Action.SET_CATEGORY,
    Action.EDIT,
    Action.NOTE,
    Action.MERGE,
    Action.UNMERGE,
    Action.APPLY,
    Action.ASSIGN,
)

Turn = tuple[int, int, int, int]
"""Which ticket, which of the actions that it allows, minutes since the turn before, and a choice of that action."""

turns: Final = st.lists(
    st.tuples(
        st.integers(0, TICKETS - 1),
        st.integers(0, len(_ACTIONS) - 1),
        st.sampled_from((0, 1, 25, 90, 200, 700, 2_000, 9_000)),
        st.integers(0, 5),
    ),
    min_size=4,
    max_size=30,
)


@dataclass
class Play:
    hand: Hand
    askers: Sequence[UUID]
    agents: Sequence[UUID]
    now: datetime = T0

    @property
    def tickets(self) -> list[UUID]:
        return list(self.hand.lives)

    async def turn(self, turn: Turn) -> None:
        """The ticket is opened with its first turn. What it does not allow at that moment does not happen."""
        number, action, minutes, choice = turn
        self.now += timedelta(minutes=minutes)
        if number >= len(self.tickets):
            await self._open(choice)
            return
        ticket_id = self.tickets[number]
        await self.hand.pass_time([ticket_id], self.now)
        state = self.hand.state(ticket_id)
        allowed = [one for one in _ACTIONS if one in MOVES[state.status]]
        if is_finished(state, self.now) or not allowed:
            return
        chosen = allowed[action % len(allowed)]
        fields = await self._fields(chosen, choice, ticket_id)
        actor = self.askers[0] if chosen is Action.COMMENT else self.agents[choice % len(self.agents)]
        try:
            await self.hand.act(ticket_id, chosen, actor, self.now, **fields)
        except DeskError:
            if chosen is not Action.MERGE:  # into one that cannot take it
                raise

    async def end(self) -> None:
        await self.hand.pass_time(self.tickets, self.now)

    async def _open(self, choice: int) -> None:
        old = {"created_at": self.now - timedelta(days=40), "channel": Channel.IMPORT} if choice == 5 else {}
        await self.hand.open(
            self.askers[choice % 2],
            self.now,
            category=CATEGORIES[choice % 3],
            priority=list(Priority)[choice % 4],
            **old,
        )

    async def _fields(self, action: Action, choice: int, ticket_id: UUID) -> dict[str, Any]:
        agent = self.agents[choice % len(self.agents)]
        match action:
            case Action.ASSIGN | Action.ACCEPT:
                return {"assignee_id": agent, "assignee_tier": 1}
            case Action.SET_PRIORITY:
                return {"priority": list(Priority)[choice % 4]}
            case Action.SET_CATEGORY:
                return {"category": CATEGORIES[choice % 3]}
            case Action.EDIT:
                return {"kind": list(Kind)[choice]}
            case Action.MERGE:
                return {"merge": Merge(into=self.tickets[choice % len(self.tickets)])}
            case Action.APPLY:
                return {"steps": self._macro(ticket_id)}
            case _:
                return {"body": "Some words."}

    def _macro(self, ticket_id: UUID) -> list[Step]:
        """Resolved, taken up again and resolved, in one commit, where the state allows it."""
        resolve = Step(action=Action.RESOLVE, body="Done.", body_id=uuid4(), kind=Kind.FAULT)
        reopen = Step(action=Action.REOPEN, body="Not yet.", body_id=uuid4())
        status = self.hand.state(ticket_id).status
        if status in (Status.RESOLVED, Status.CLOSED):
            return [reopen, resolve]
        return [resolve, reopen, resolve.model_copy(update={"body_id": uuid4()})]


async def play(database: Database) -> Play:
    """Two teams of two, one for disks with office hours and promises that go on when a ticket is reopened, one
    for the network around the clock; nothing is promised for the rest, nor for low priorities."""
    async with database.writing() as writer:
        acme = await organizations.create_organization(writer, {"name": "Acme"})
        askers = []
        for number, organization_id in enumerate((acme.id, None)):
            asker = {
                "email": f"asker{number}@mail.example",
                "name": f"Asker {number}",
                "roles": [Role.REQUESTER],
            }
            askers.append(await people.create_person(writer, {**asker, "organization_id": organization_id}))
        agents = []
        for name in ("disk", "net"):
            await teams.create_team(writer, {"name": name, "categories": [name]}, [])
            for number in range(2):
                person = {
                    "email": f"{name}{number}@desk.example",
                    "name": f"{name.title()} {number}",
                    "roles": [Role.AGENT],
                    "capacity": 2,
                    "tier": number + 1,
                }
                agents.append(await people.create_person(writer, person, teams=[name]))
        office = Calendar.model_validate(
            {"name": "Office", "time_zone": "Europe/Berlin", "weekly": _WEEKDAYS}
        )
        calendar = await create_calendar(writer, office, Origin())
        for position, (category, more) in enumerate(
            {
                "disk": {"calendar": str(calendar.id), "on_reopen": "resume"},
                "net": {"on_priority_change": "restart", "pause_on": ["waiting", "on_hold"]},
            }.items()
        ):
            spec = {
                "name": category,
                "position": position,
                "match": {"category": [category]},
                "targets": _TARGETS,
            }
            await sla.create_policy(writer, Policy.model_validate({**spec, "ladder": _LADDER, **more}))
    return Play(Hand(database), [one.id for one in askers], [one.id for one in agents])
