"""Who gets a ticket."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from domain.assignment import Candidate, WaitingReason, Wanted, choose

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def agent(
    tier: int = 1,
    skills: tuple[str, ...] = (),
    capacity: int = 10,
    tickets: int = 0,
    load: int = 0,
    idle: timedelta | None = None,
    *,
    absent: bool = False,
) -> Candidate:
    since = None if idle is None else NOW - idle
    return Candidate(uuid4(), tier, frozenset(skills), capacity, tickets, load, since, absent)


def test_nobody_at_all_is_named_as_the_reason() -> None:
    assert choose([], Wanted(1, None)).reason is WaitingReason.NO_AGENT


def test_a_lower_tier_is_nobody() -> None:
    assert choose([agent(tier=1)], Wanted(2, None)).reason is WaitingReason.NO_AGENT


def test_absent_agents_are_not_asked() -> None:
    assert choose([agent(absent=True)], Wanted(1, None)).reason is WaitingReason.ALL_ABSENT


def test_full_agents_are_not_asked() -> None:
    assert choose([agent(capacity=3, tickets=3)], Wanted(1, None)).reason is WaitingReason.ALL_FULL


def test_a_skilled_agent_is_preferred_even_when_busier() -> None:
    skilled = agent(skills=("storage",), load=20)
    assert choose([agent(), skilled], Wanted(1, "storage")).agent == skilled


def test_without_any_skilled_agent_the_others_help() -> None:
    other = agent(skills=("network",))
    assert choose([other], Wanted(1, "storage")).agent == other


def test_the_first_tier_comes_first_and_the_second_helps_out() -> None:
    first, second = agent(tier=1, load=50, tickets=9), agent(tier=2)
    assert choose([second, first], Wanted(1, None)).agent == first
    assert choose([second, replace(first, tickets=10)], Wanted(1, None)).agent == second


def test_the_least_load_wins_then_the_longest_idle() -> None:
    busy, fresh, idle = (
        agent(load=8),
        agent(load=2, idle=timedelta(hours=1)),
        agent(load=2, idle=timedelta(hours=5)),
    )
    assert choose([busy, fresh, idle], Wanted(1, None)).agent == idle


def test_someone_who_never_had_a_ticket_is_the_longest_idle() -> None:
    fresh, never = agent(idle=timedelta(days=900)), agent()
    assert choose([fresh, never], Wanted(1, None)).agent == never


agents = st.builds(
    Candidate,
    id=st.uuids(),
    tier=st.integers(1, 3),
    skills=st.frozensets(st.sampled_from(["storage", "network"])),
    capacity=st.integers(0, 5),
    tickets=st.integers(0, 6),
    load=st.integers(0, 40),
    idle_since=st.none() | st.datetimes(timezones=st.just(UTC)),
    absent=st.booleans(),
)


@given(st.lists(agents, max_size=8), st.integers(1, 3), st.sampled_from([None, "storage"]))
def test_the_chosen_one_can_take_it_and_the_order_of_asking_does_not_matter(
    people: list[Candidate], tier: int, category: str | None
) -> None:
    choice = choose(people, Wanted(tier, category))
    assert (choice.agent is None) != (choice.reason is None)
    if choice.agent is not None:
        chosen = choice.agent
        assert chosen.tier >= tier
        assert not chosen.absent
        assert chosen.tickets < chosen.capacity
    assert choose(people[::-1], Wanted(tier, category)) == choice


@given(st.lists(agents, max_size=8), st.integers(1, 3))
def test_giving_out_tickets_one_by_one_never_overfills_anyone(people: list[Candidate], tier: int) -> None:
    carried: dict[UUID, Candidate] = {one.id: one for one in people}
    for _ in range(40):
        agent = choose(list(carried.values()), Wanted(tier, None)).agent
        if agent is None:
            return
        carried[agent.id] = replace(agent, tickets=agent.tickets + 1, load=agent.load + 2)
        assert carried[agent.id].tickets <= agent.capacity
    raise AssertionError("places never ran out")
