"""What a contest gives to those who take part and to those who win: facts for their members' processes.

Whoever enters has taken part, once in each contest; whoever withdraws their last entry, or entered what is cancelled,
has not. Each fact has an id of its own, so nothing is given or taken back twice.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from domain.member.fact import NewFact

PARTICIPATION: Final = "contest_participation"
PRIZE: Final = "contest_prize"


def taken_part(contest_id: UUID, time: int, at: datetime) -> NewFact:
    """Somebody takes part, for the first, second or a later `time`."""
    return NewFact(
        fact_id=f"contest:{contest_id}:{time}", action=PARTICIPATION, subject=f"contest:{contest_id}", at=at
    )


def left(contest_id: UUID, time: int, at: datetime) -> NewFact:
    """Takes back what `taken_part` gave."""
    given = taken_part(contest_id, time, at)
    return NewFact(
        fact_id=f"{given.fact_id}:back",
        action=PARTICIPATION,
        subject=given.subject,
        at=at,
        reverses=given.fact_id,
    )


def won(contest_id: UUID, prize_id: UUID, at: datetime) -> NewFact:
    return NewFact(fact_id=f"prize:{prize_id}", action=PRIZE, subject=f"contest:{contest_id}", at=at)
