"""Who judges what: balanced, the same each time, and never what one has to do with."""

from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.contest.judging import Judge, Unjudged, assign, may_judge

ids = st.integers(1, 10**9).map(lambda number: UUID(int=number))
groups = st.integers(1, 3).map(lambda number: UUID(int=number + 10**10))
teams = st.frozensets(groups, max_size=2)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Judge], list[Unjudged]]:
    people = draw(st.lists(ids, min_size=2, max_size=12, unique=True))
    organizations = st.none() | groups
    judges = [
        Judge(
            person, draw(organizations), draw(teams), draw(st.frozensets(st.sampled_from(people), max_size=2))
        )
        for person in people[:6]
    ]
    entries = [
        Unjudged(
            UUID(int=number + 1), draw(st.sampled_from(people)), draw(organizations), draw(teams), missing=2
        )
        for number in range(draw(st.integers(0, 12)))
    ]
    return judges, entries


@given(worlds())
def test_nobody_judges_what_they_have_to_do_with_whatever_the_order(
    world: tuple[list[Judge], list[Unjudged]],
) -> None:
    judges, entries = world
    found = assign(judges, entries)
    assert found == assign(judges[::-1], entries[::-1])
    known = {judge.id: judge for judge in judges}
    for entry in entries:
        given_to = [one.judge_id for one in found if one.entry_id == entry.id]
        able = [judge for judge in judges if may_judge(judge, entry)]
        assert len(given_to) == len(set(given_to)) == min(entry.missing, len(able))
        for judge_id in given_to:
            judge = known[judge_id]
            assert judge_id != entry.person_id
            assert judge.organization_id is None or judge.organization_id != entry.organization_id
            assert not judge.team_ids & entry.team_ids
            assert entry.person_id not in judge.conflicts


@given(st.integers(2, 9), st.integers(0, 60), st.data())
def test_without_conflicts_nobody_has_two_more_than_anybody_else(
    count: int, entries: int, data: st.DataObject
) -> None:
    needed = data.draw(st.integers(1, count))
    judges = [Judge(UUID(int=number + 1)) for number in range(count)]
    wanted = [Unjudged(UUID(int=1000 + n), UUID(int=5000 + n), missing=needed) for n in range(entries)]
    loads = dict.fromkeys((judge.id for judge in judges), 0)
    for one in assign(judges, wanted):
        loads[one.judge_id] += 1
    assert max(loads.values()) - min(loads.values()) <= 1


@given(st.integers(0, 40), st.integers(0, 40))
def test_page_by_page_is_as_balanced_as_at_once(first: int, second: int) -> None:
    judges = [Judge(UUID(int=number + 1)) for number in range(5)]
    wanted = [Unjudged(UUID(int=1000 + n), UUID(int=5000 + n), missing=2) for n in range(first + second)]
    loads = {judge.id: 0 for judge in judges}
    for page in (wanted[:first], wanted[first:]):
        for one in assign([replace(judge, load=loads[judge.id]) for judge in judges], page):
            loads[one.judge_id] += 1
    assert max(loads.values()) - min(loads.values()) <= 1


def test_who_had_it_does_not_get_it_again() -> None:
    judge, other = Judge(UUID(int=1)), Judge(UUID(int=2), load=9)
    entry = Unjudged(UUID(int=7), UUID(int=8), taken=frozenset({judge.id}))
    assert [one.judge_id for one in assign([judge, other], [entry])] == [other.id]
