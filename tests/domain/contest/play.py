"""A contest without a database: its state, moved by the decisions, with the facts that a test says."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from domain.contest import process
from domain.contest.fields import ContestRules, Status
from domain.contest.messages import Act, Change, CreateContest, Facts, Filled
from domain.contest.moves import Action
from domain.contest.state import ContestState

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
OPENS = NOW + timedelta(hours=1)
CLOSES = NOW + timedelta(days=2)
JUDGED = NOW + timedelta(days=9)
MANAGER, JUDGES = uuid4(), tuple(uuid4() for _ in range(4))


def rules(**fields: Any) -> ContestRules:
    values = {
        "opens_at": OPENS,
        "closes_at": CLOSES,
        "judging_until": JUDGED,
        "criteria": [{"key": "idea", "name": "Idea", "weight": 2}, {"key": "form", "name": "Form"}],
        "judges_per_entry": 2,
        "prizes": [{"rank": 1, "name": "First", "points": 500}],
        **fields,
    }
    return ContestRules.model_validate(values)


def act(action: Action, **fields: Any) -> Act:
    values = {"action": action, "actor_id": MANAGER, "request_id": uuid4().hex, **fields}
    return Act.model_validate(values)


class Play:
    """`changes` are all that were made, the last one last."""

    def __init__(self, **fields: Any) -> None:
        command = CreateContest(
            contest_id=uuid4(),
            fingerprint="one",
            name="Winter",
            description="Pictures",
            rules=rules(**fields),
            judges=list(JUDGES),
            created_by=MANAGER,
        )
        self.changes: list[Change] = []
        self.take(process.created(command, NOW))

    @property
    def state(self) -> ContestState:
        return self.changes[-1].state

    def take(self, change: Change, facts: Facts | None = None) -> Change:
        done = process.with_facts(change, facts or Facts()) if change.wants else change
        if not done.empty:
            self.changes.append(done)
        return done

    def act(self, action: Action, now: datetime = NOW, facts: Facts | None = None, **fields: Any) -> Change:
        """As the process does it: first what is due."""
        self.settle(now)
        wanted = act(action, **fields)
        assert process.check(self.state, wanted, now) is None
        return self.take(process.acted(self.state, wanted, now), facts)

    def settle(self, now: datetime, facts: Facts | None = None) -> None:
        while process.is_due(self.state, now):
            self.take(process.settled(self.state, now), facts)

    def work(self, now: datetime, *facts: Facts) -> None:
        """One page for each of the facts."""
        for one in facts:
            assert process.has_work(self.state)
            self.take(process.settled(self.state, now), one)

    def enter(self, arrived_at: datetime, now: datetime | None = None, person: UUID | None = None) -> Change:
        return self.act(
            Action.ENTER,
            now or arrived_at,
            Facts(first=True),
            actor_id=person or uuid4(),
            record_id=uuid4(),
            arrived_at=arrived_at,
            text="A picture",
        )

    def to_judging(self, entries: int = 1) -> "Play":
        """All entries have their judges."""
        self.act(Action.SCHEDULE)
        for _ in range(entries):
            self.enter(OPENS)
        self.settle(CLOSES + timedelta(seconds=5))
        pending = entries * self.state.rules.judges_per_entry
        filled = Filled(after=None, judges=list(JUDGES), pending=pending)
        self.work(CLOSES + timedelta(seconds=5), Facts(filled=filled))
        assert self.state.status is Status.JUDGING
        return self

    def to_provisional(self) -> "Play":
        self.to_judging()
        self.take(
            process.acted(
                self.state,
                act(Action.SCORE, actor_id=JUDGES[0], entry_id=uuid4(), scores={"idea": 5, "form": 5}),
                CLOSES + timedelta(days=1),
            ),
            Facts(pending=0),
        )
        self.work(CLOSES + timedelta(days=1), Facts())
        assert self.state.status is Status.PROVISIONAL
        return self


def kinds(change: Change) -> list[str]:
    return [str(notice.kind) for notice in change.notices]
