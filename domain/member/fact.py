"""A fact: what somebody contributed, as it comes from outside, and as it is kept.

What a fact is worth is decided when it is received, from the rules in force then; whether it counts is decided by the
member's process (`domain/member/ledger.py`).
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.errors import Invalid
from domain.member.rules import ActionRule, Once, Rules
from domain.text import Name, Word

SKEW: Final = timedelta(minutes=5)
"""How far ahead of ours the clock of whoever reports a fact may be."""

BATCH_MAX: Final = 1000
AMOUNT_MAX: Final = 10**12
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Void(StrEnum):
    """Why a fact gives nothing: it was reversed, the member caused it, or another fact like it counts already."""

    OWN = "own"
    REVERSED = "reversed"
    REPEATED = "repeated"


class NewFact(BaseModel):
    """What came. `at` is when it happened, when it is received if left out; `by` is the person who caused it,
    `subject` the thing that it is about, `amount` what a sum adds up; `reverses` takes another fact back."""

    model_config = ConfigDict(frozen=True)

    fact_id: Name
    action: Word
    at: AwareDatetime | None = None
    amount: Annotated[int, Field(ge=0, le=AMOUNT_MAX)] | None = None
    by: UUID | None = None
    subject: Name | None = None
    reverses: Name | None = None

    @property
    def fingerprint(self) -> str:
        """Tells two bodies under one id apart."""
        said = self.model_dump(mode="json", exclude_none=True, exclude={"at"})
        if self.at is not None:
            said["at"] = self.at.astimezone(UTC).isoformat()
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A fact as the ledger sees it: `worth` are its points unless it is `void`, `once` names the facts of which one
    counts, `cap` and `rules` are those in force when it was received."""

    fact_id: str
    action: str
    at: datetime
    reverses: str | None
    worth: int
    capped: bool
    once: str | None
    cap: int | None
    rules: int
    void: Void | None

    @property
    def day(self) -> date:
        return self.at.astimezone(UTC).date()

    @property
    def order(self) -> tuple[datetime, str]:
        """By what happened, whenever it arrived: of facts of which one counts, it is the first."""
        return self.at, self.fact_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Received(Fact):
    """All that is kept of a fact."""

    member_id: UUID
    fingerprint: str
    amount: int
    by: UUID | None
    subject: str | None


def received(member_id: UUID, new: NewFact, rules: Rules, now: datetime, place: str = "") -> Received:
    """Raises Invalid for what can never count; `place` is that of the fact in a request, such as `3.`"""
    rule = rules.actions.get(new.action)
    if rule is None and new.reverses is not None:
        rule = ActionRule(points=0)  # what was given under other rules can still be taken back
    if rule is None:
        known = ", ".join(rules.actions)
        raise Invalid(
            "unknown_action", f"There are no points rules for this. Actions: {known}.", field=f"{place}action"
        )
    at = new.at or now
    if at > now + SKEW:
        raise Invalid("from_the_future", "A fact has happened; this is still to come.", field=f"{place}at")
    if at < EARLIEST:
        raise Invalid("too_long_ago", "Facts begin with 1970.", field=f"{place}at")
    if rule.once is Once.SUBJECT and new.subject is None and new.reverses is None:
        raise Invalid(
            "subject_required",
            "It counts once for each subject, so say which it is about.",
            field=f"{place}subject",
        )
    if new.reverses == new.fact_id:
        raise Invalid("reverses_itself", "A fact cannot take itself back.", field=f"{place}reverses")
    reversal = new.reverses is not None
    return Received(
        member_id=member_id,
        fact_id=new.fact_id,
        fingerprint=new.fingerprint,
        action=new.action,
        at=at,
        amount=0 if reversal else 1 if new.amount is None else new.amount,
        by=new.by,
        subject=new.subject,
        reverses=new.reverses,
        worth=0 if reversal else rule.points,
        capped=rule.capped,
        once=None if reversal else _once(rule, new),
        cap=rules.daily_cap,
        rules=rules.version,
        void=Void.OWN if new.by == member_id and not reversal else None,
    )


def granted(member_id: UUID, new: NewFact, points: int, rules: Rules, now: datetime) -> Received:
    """Points that somebody won, whatever the rules say of the action; what one day can give does not limit them."""
    rule = ActionRule(points=points, capped=False)
    return received(member_id, new, rules.model_copy(update={"actions": {new.action: rule}}), now)


def _once(rule: ActionRule, new: NewFact) -> str | None:
    """What facts of which one counts have in common; None if each counts."""
    if new.subject is None or rule.once is Once.FACT:
        return None
    if rule.once is Once.SUBJECT:
        return f"{new.action}\n{new.subject}"
    return None if new.by is None else f"{new.action}\n{new.subject}\n{new.by}"
