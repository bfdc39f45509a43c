"""Who judges which entry: balanced, and the same whenever it is reckoned again from the same facts.

An entry goes to those with the least to do who may judge it. Where two have equally much, a name made of entry and
judge decides, so that the same people do not always meet. Nobody judges what they, their organization or somebody of
one of their teams has entered, nor where a conflict was declared.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5


@dataclass(frozen=True, slots=True)
class Judge:
    """`load` counts the entries that the judge has scored or is to score; `conflicts` are people they may not judge."""

    id: UUID
    organization_id: UUID | None = None
    team_ids: frozenset[UUID] = frozenset()
    conflicts: frozenset[UUID] = frozenset()
    load: int = 0


@dataclass(frozen=True, slots=True)
class Unjudged:
    """An entry that lacks `missing` judges; `taken` are those that it has, or had to give up."""

    id: UUID
    person_id: UUID
    organization_id: UUID | None = None
    team_ids: frozenset[UUID] = frozenset()
    taken: frozenset[UUID] = frozenset()
    missing: int = 1


@dataclass(frozen=True, slots=True)
class Assigned:
    entry_id: UUID
    judge_id: UUID


def may_judge(judge: Judge, entry: Unjudged) -> bool:
    if judge.id == entry.person_id or entry.person_id in judge.conflicts or judge.id in entry.taken:
        return False
    if judge.organization_id is not None and judge.organization_id == entry.organization_id:
        return False
    return judge.team_ids.isdisjoint(entry.team_ids)


def assign(judges: Iterable[Judge], entries: Sequence[Unjudged]) -> list[Assigned]:
    """As many judges as each entry lacks, or as many as there are for it."""
    known = sorted(judges, key=lambda judge: judge.id)
    loads = {judge.id: judge.load for judge in known}
    found: list[Assigned] = []
    for entry in sorted(entries, key=lambda entry: entry.id):
        able = [judge.id for judge in known if may_judge(judge, entry)]
        able.sort(key=lambda judge_id: (loads[judge_id], uuid5(entry.id, str(judge_id))))
        for judge_id in able[: entry.missing]:
            loads[judge_id] += 1
            found.append(Assigned(entry.id, judge_id))
    return found
