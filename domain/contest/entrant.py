"""Whether a person may enter a contest: who they are, and how often they did."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.account import Role
from domain.contest.fields import ContestRules
from domain.errors import Conflict, Forbidden


@dataclass(frozen=True, slots=True)
class Entrant:
    """`standing` counts the person's entries that stand, `today` all that arrived on the same day."""

    roles: frozenset[Role]
    organization_id: UUID | None
    registered_at: datetime
    active: bool = True
    standing: int = 0
    today: int = 0


def check_entrant(rules: ContestRules, person: Entrant) -> None:
    """Raises Forbidden for who is not eligible, Conflict for who has entered often enough."""
    who = rules.eligibility
    if not person.active:
        raise _not_eligible("You are no longer active.")
    if who.roles and person.roles.isdisjoint(who.roles):
        raise _not_eligible(f"Only for: {', '.join(who.roles)}.")
    if who.organizations and person.organization_id not in who.organizations:
        raise _not_eligible("Only for people of certain organizations.")
    if who.registered_before is not None and person.registered_at >= who.registered_before:
        raise _not_eligible(f"Only for who was registered before {who.registered_before.isoformat()}.")
    if person.standing >= rules.per_person:
        raise Conflict(
            "too_many_entries", f"A person has at most {rules.per_person} entries in this contest."
        )
    if rules.per_day is not None and person.today >= rules.per_day:
        raise Conflict("too_many_entries_today", f"A person enters at most {rules.per_day} times a day here.")


def _not_eligible(why: str) -> Forbidden:
    return Forbidden("not_eligible", f"You may not enter this contest. {why}")
