"""The policy: lists and details agree, tokens only narrow, and who may do what."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.account import Principal, Role, Scope
from domain.authorization import (
    RULES,
    Owned,
    TicketFacts,
    check,
    may,
    rule_of,
    ticket_visibility,
)
from domain.errors import Forbidden, NotFound

ME, OTHER, TEAM, ELSEWHERE = (UUID(int=number) for number in range(1, 5))
TICKET_ACTIONS = sorted(name for name in RULES if name.startswith("ticket."))

people_ids = st.sampled_from([ME, OTHER])
team_ids = st.sampled_from([TEAM, ELSEWHERE])
principals = st.builds(
    Principal,
    person_id=st.just(ME),
    roles=st.frozensets(st.sampled_from(Role), min_size=1),
    team_ids=st.frozensets(team_ids),
    scopes=st.none() | st.frozensets(st.sampled_from(Scope)),
)
tickets = st.builds(
    TicketFacts,
    requester_id=people_ids,
    team_id=st.none() | team_ids,
    assignee_id=st.none() | people_ids,
    collaborator_ids=st.frozensets(people_ids),
)


def _who(*roles: Role, **more: Any) -> Principal:
    return Principal(person_id=ME, roles=frozenset(roles), **more)


def _listed(principal: Principal, ticket: TicketFacts) -> bool:
    try:
        return ticket_visibility(principal).covers(ticket)
    except Forbidden:
        return False


@given(principals, tickets)
def test_a_ticket_is_in_the_list_if_and_only_if_it_may_be_read(who: Principal, ticket: TicketFacts) -> None:
    assert _listed(who, ticket) == may(who, "ticket.read", ticket)


@given(principals, tickets, st.sampled_from(TICKET_ACTIONS))
def test_nothing_is_done_to_an_unseen_ticket(who: Principal, ticket: TicketFacts, action: str) -> None:
    if may(who, action, ticket):
        assert ticket_visibility(Principal(who.person_id, who.roles, who.team_ids)).covers(ticket)


@given(principals, tickets, st.sampled_from(TICKET_ACTIONS))
def test_an_unseen_ticket_is_not_found_and_a_seen_one_forbidden(
    who: Principal, ticket: TicketFacts, action: str
) -> None:
    session = Principal(who.person_id, who.roles, who.team_ids)
    refusal = None
    try:
        check(who, action, ticket)
    except (NotFound, Forbidden) as error:
        refusal = error
    if isinstance(refusal, NotFound):
        assert not _listed(session, ticket)
    elif refusal is not None:
        assert refusal.code == "scope_missing" or _listed(session, ticket)


@given(principals, st.none() | tickets | st.builds(Owned, people_ids), st.sampled_from(sorted(RULES)))
def test_a_token_never_allows_more_than_a_session(
    who: Principal, subject: TicketFacts | Owned | None, action: str
) -> None:
    session = Principal(who.person_id, who.roles, who.team_ids)
    everything = Principal(who.person_id, who.roles, who.team_ids, scopes=frozenset({Scope.ADMIN}))
    if may(who, action, subject):
        assert may(session, action, subject)
    assert may(session, action, subject) == may(everything, action, subject)


@pytest.mark.parametrize("role", [Role.REQUESTER, Role.EDITOR, Role.MODERATOR])
def test_requesters_act_on_their_own_tickets_in_few_ways(role: Role) -> None:
    who, mine = _who(role), TicketFacts(ME, TEAM)
    allowed = {name for name in TICKET_ACTIONS if may(who, name, mine)}
    assert allowed == {
        "ticket.list", "ticket.read", "ticket.create", "ticket.attach", "ticket.act:reply",
        "ticket.act:reopen", "ticket.act:watch", "ticket.act:unwatch",
    }  # fmt: skip
    assert not may(who, "ticket.act:resolve", mine)
    with pytest.raises(NotFound):
        check(who, "ticket.act:reply", TicketFacts(OTHER))


def test_agents_work_on_their_teams_tickets_on_those_without_a_team_and_on_their_own() -> None:
    agent = _who(Role.AGENT, team_ids=frozenset({TEAM}))
    for ticket in (TicketFacts(OTHER, TEAM), TicketFacts(OTHER), TicketFacts(OTHER, ELSEWHERE, ME)):
        assert may(agent, "ticket.act:resolve", ticket)
        assert may(agent, "ticket.internal", ticket)
    assert not may(agent, "ticket.read", TicketFacts(OTHER, ELSEWHERE, OTHER))


def test_an_agent_who_asked_another_team_is_a_requester_there() -> None:
    agent, ticket = _who(Role.AGENT, team_ids=frozenset({TEAM})), TicketFacts(ME, ELSEWHERE)
    assert may(agent, "ticket.act:reply", ticket)
    assert not may(agent, "ticket.internal", ticket)
    with pytest.raises(Forbidden):
        check(agent, "ticket.act:resolve", ticket)


def test_someone_who_is_no_agent_any_more_does_not_see_what_was_assigned_to_them() -> None:
    assert not may(
        _who(Role.REQUESTER, team_ids=frozenset({TEAM})), "ticket.read", TicketFacts(OTHER, TEAM, ME)
    )


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        ("policy.write", {Role.MANAGER, Role.ADMIN}),
        ("calendar.write", {Role.MANAGER, Role.ADMIN}),
        ("process.read", {Role.MANAGER, Role.ADMIN}),
        ("escalation.list", {Role.MANAGER, Role.ADMIN}),
        ("notification.resend", {Role.MANAGER, Role.ADMIN}),
        ("person.list", {Role.AGENT, Role.MANAGER, Role.ADMIN}),
        ("person.write", {Role.ADMIN}),
        ("team.write", {Role.ADMIN}),
        ("ticket.create", set(Role)),
    ],
)
def test_roles_of_an_action(action: str, allowed: set[Role]) -> None:
    assert {role for role in Role if may(_who(role), action)} == allowed


def test_what_belongs_to_someone_else_is_not_found_unless_it_may_be_read() -> None:
    with pytest.raises(NotFound):
        check(_who(Role.REQUESTER), "person.profile", Owned(OTHER))
    with pytest.raises(Forbidden):
        check(_who(Role.AGENT), "person.profile", Owned(OTHER))
    with pytest.raises(NotFound):
        check(_who(Role.ADMIN), "notification.read", Owned(OTHER))
    check(_who(Role.REQUESTER), "person.profile", Owned(ME))


@pytest.mark.parametrize(
    ("scope", "action", "enough"),
    [
        (Scope.TICKETS_READ, "ticket.read", True),
        (Scope.TICKETS_READ, "ticket.create", False),
        (Scope.TICKETS_WRITE, "ticket.read", True),
        (Scope.TICKETS_WRITE, "person.list", False),
        (Scope.PEOPLE_WRITE, "token.create", False),
        (Scope.SETTINGS_WRITE, "policy.read", True),
    ],
)
def test_scopes_narrow_what_the_roles_allow(scope: Scope, action: str, *, enough: bool) -> None:
    assert may(_who(Role.ADMIN, scopes=frozenset({scope})), action) == enough


def test_an_action_that_the_policy_does_not_know_is_a_mistake_of_ours() -> None:
    with pytest.raises(LookupError):
        rule_of("ticket.destroy")
    assert rule_of("ticket.act:resolve") is RULES["ticket.act:*"]
