"""The one policy: who may do what, read as a table.

`check` decides for list, detail, search, attachments, events, pages and live updates alike; nobody else
compares roles. Which tickets a person sees is a `Visibility`: storage turns it into SQL for lists, and
`check` applies the very same value to one ticket, so both always agree.

A record that a person may not know of is `NotFound`; one that they see but may not change is `Forbidden`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from domain.account import Principal, Role, Scope
from domain.errors import Forbidden, NotFound

EVERYONE: Final = frozenset(Role)
STAFF: Final = frozenset({Role.AGENT, Role.MANAGER, Role.ADMIN})
MANAGEMENT: Final = frozenset({Role.MANAGER, Role.ADMIN})
ADMINS: Final = frozenset({Role.ADMIN})
NOBODY: Final = frozenset[Role]()

_IMPLIED: Final[Mapping[Scope, frozenset[Scope]]] = {
    Scope.TICKETS_WRITE: frozenset({Scope.TICKETS_READ}),
    Scope.PEOPLE_WRITE: frozenset({Scope.PEOPLE_READ}),
    Scope.SETTINGS_WRITE: frozenset({Scope.SETTINGS_READ}),
    Scope.CONTESTS_WRITE: frozenset({Scope.CONTESTS_READ}),
    Scope.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the policy.

    `roles` may do it to any record of the kind (of a ticket: to any that they see); `own` only to what
    belongs to themselves. `works` narrows a ticket action to those who work on the ticket: an agent who
    merely asked for help in another team's ticket is a requester there. `scope` is what a token needs.
    """

    scope: Scope | None
    roles: frozenset[Role]
    own: frozenset[Role] = NOBODY
    works: bool = False


_READ, _WRITE = Scope.TICKETS_READ, Scope.TICKETS_WRITE

RULES: Final[Mapping[str, Rule]] = {
    # tickets
    "ticket.list": Rule(_READ, EVERYONE),
    "ticket.read": Rule(_READ, EVERYONE),
    "ticket.internal": Rule(_READ, STAFF, works=True),  # notes, internal events, their attachments
    "ticket.sla": Rule(_READ, STAFF, works=True),
    "ticket.statistics": Rule(_READ, STAFF),
    "ticket.export": Rule(_READ, STAFF),
    "report.read": Rule(_READ, MANAGEMENT),  # figures of the whole desk, whoever sees which ticket
    "ticket.create": Rule(_WRITE, EVERYONE),
    "ticket.create_for": Rule(_WRITE, STAFF),  # in the name of someone else
    "ticket.import": Rule(_WRITE, MANAGEMENT),  # with a past of its own
    "ticket.update": Rule(_WRITE, STAFF, works=True),
    "ticket.note": Rule(_WRITE, STAFF, works=True),
    "ticket.attach": Rule(_WRITE, EVERYONE),
    "ticket.act:reply": Rule(_WRITE, EVERYONE),
    "ticket.act:reopen": Rule(_WRITE, EVERYONE),
    "ticket.act:watch": Rule(_WRITE, EVERYONE),
    "ticket.act:unwatch": Rule(_WRITE, EVERYONE),
    "ticket.act:*": Rule(_WRITE, STAFF, works=True),  # every other action
    "task.list": Rule(_READ, STAFF),
    "task.read": Rule(_READ, STAFF, works=True),
    "task.write": Rule(_WRITE, STAFF, works=True),
    "tag.list": Rule(_READ, STAFF),
    # feedback
    "feedback.list": Rule(_READ, EVERYONE),
    "feedback.read": Rule(_READ, EVERYONE),
    "feedback.internal": Rule(_READ, STAFF),  # notes, assessments, followers, deliveries
    "feedback.create": Rule(_WRITE, EVERYONE),
    "feedback.create_for": Rule(_WRITE, STAFF),  # in the name of someone else
    "feedback.vote": Rule(_WRITE, EVERYONE),
    "feedback.act:confirm": Rule(_WRITE, NOBODY, own=EVERYONE),
    "feedback.act:*": Rule(_WRITE, STAFF),  # every other action
    "release.read": Rule(_READ, EVERYONE),
    "release.draft": Rule(_READ, STAFF),  # what is not published yet
    "release.write": Rule(_WRITE, MANAGEMENT),
    "bulk.start": Rule(_WRITE, STAFF),
    "bulk.read": Rule(_READ, MANAGEMENT, own=STAFF),
    "field.read": Rule(_READ, STAFF),
    "field.write": Rule(Scope.SETTINGS_WRITE, MANAGEMENT),
    "view.read": Rule(_READ, STAFF),
    "view.personal": Rule(_WRITE, STAFF),
    "view.write": Rule(Scope.SETTINGS_WRITE, MANAGEMENT),
    "macro.read": Rule(_READ, STAFF),
    "macro.personal": Rule(_WRITE, STAFF),
    "macro.write": Rule(Scope.SETTINGS_WRITE, MANAGEMENT),
    "classifier.read": Rule(Scope.SETTINGS_READ, STAFF),
    "classifier.write": Rule(Scope.SETTINGS_WRITE, MANAGEMENT),  # have it trained, choose a version
    # processes and promises
    "process.read": Rule(_READ, MANAGEMENT),
    "process.rebuild": Rule(Scope.SETTINGS_WRITE, MANAGEMENT),
    "escalation.list": Rule(_READ, MANAGEMENT),
    "policy.read": Rule(Scope.SETTINGS_READ, STAFF),
    "policy.write": Rule(Scope.SETTINGS_WRITE, MANAGEMENT),
    "calendar.read": Rule(Scope.SETTINGS_READ, STAFF),
    "calendar.preview": Rule(Scope.SETTINGS_READ, STAFF),
    "calendar.write": Rule(Scope.SETTINGS_WRITE, MANAGEMENT),
    # people
    "person.me": Rule(None, EVERYONE),
    "person.list": Rule(Scope.PEOPLE_READ, STAFF),
    "person.read": Rule(Scope.PEOPLE_READ, STAFF, own=EVERYONE),
    "person.write": Rule(Scope.PEOPLE_WRITE, ADMINS),
    "person.profile": Rule(Scope.PEOPLE_WRITE, ADMINS, own=EVERYONE),  # name, locale, time zone
    "person.absence": Rule(Scope.PEOPLE_WRITE, MANAGEMENT, own=STAFF),
    "person.password": Rule(Scope.ADMIN, ADMINS, own=EVERYONE),
    "team.read": Rule(Scope.PEOPLE_READ, STAFF),
    "team.write": Rule(Scope.PEOPLE_WRITE, ADMINS),
    "organization.read": Rule(Scope.PEOPLE_READ, STAFF),
    "organization.write": Rule(Scope.PEOPLE_WRITE, ADMINS),
    # A token with less than `admin` makes no tokens, so nobody widens what they were given.
    "token.list": Rule(Scope.ADMIN, ADMINS, own=EVERYONE),
    "token.create": Rule(Scope.ADMIN, ADMINS, own=EVERYONE),
    "token.revoke": Rule(Scope.ADMIN, ADMINS, own=EVERYONE),
    # notifications
    "notification.read": Rule(_READ, NOBODY, own=EVERYONE),
    "notification.preferences": Rule(_WRITE, NOBODY, own=EVERYONE),
    "notification.deliveries": Rule(Scope.SETTINGS_READ, MANAGEMENT),
    "notification.resend": Rule(Scope.SETTINGS_WRITE, MANAGEMENT),
    # members
    "fact.write": Rule(Scope.FACTS_WRITE, ADMINS),  # what anybody contributed, for programs that watch it
    "member.read": Rule(Scope.PEOPLE_READ, EVERYONE),
    "member.hidden": Rule(Scope.PEOPLE_READ, MANAGEMENT, own=EVERYONE),  # who chose not to be listed
    "member.points": Rule(Scope.PEOPLE_READ, MANAGEMENT, own=EVERYONE),
    "member.list": Rule(Scope.PEOPLE_WRITE, ADMINS, own=EVERYONE),  # or no longer, on leaderboards
    "achievement.read": Rule(Scope.PEOPLE_READ, EVERYONE),  # those that are active
    "achievement.drafts": Rule(Scope.SETTINGS_READ, MANAGEMENT),
    "achievement.write": Rule(Scope.SETTINGS_WRITE, ADMINS),
    "prize.read": Rule(Scope.SETTINGS_READ, MANAGEMENT),
    "prize.write": Rule(Scope.SETTINGS_WRITE, ADMINS),
    "claim.read": Rule(Scope.PEOPLE_READ, MANAGEMENT, own=EVERYONE),
    "claim.act:*": Rule(Scope.PEOPLE_WRITE, MANAGEMENT),  # on others' claims
    "claim.act:confirm": Rule(Scope.PEOPLE_WRITE, NOBODY, own=EVERYONE),
    "claim.act:dispute": Rule(Scope.PEOPLE_WRITE, NOBODY, own=EVERYONE),
    "leaderboard.read": Rule(Scope.PEOPLE_READ, EVERYONE),
    "rules.read": Rule(Scope.PEOPLE_READ, EVERYONE),
    "rules.write": Rule(Scope.SETTINGS_WRITE, ADMINS),
    # surveys; to answer one, its link is enough
    "survey.read": Rule(Scope.SETTINGS_READ, STAFF),
    "survey.write": Rule(Scope.SETTINGS_WRITE, MANAGEMENT),
    "survey.ticket": Rule(_READ, STAFF, works=True),  # what the requester of a ticket said
    "survey.results": Rule(_READ, MANAGEMENT),  # of the whole desk, and what each said
    # contests
    "contest.read": Rule(Scope.CONTESTS_READ, EVERYONE),
    "contest.draft": Rule(Scope.CONTESTS_READ, MANAGEMENT),  # drafts, and what happens behind the curtain
    "contest.write": Rule(Scope.CONTESTS_WRITE, MANAGEMENT),
    "contest.enter": Rule(Scope.CONTESTS_WRITE, EVERYONE),
    "contest.withdraw": Rule(Scope.CONTESTS_WRITE, MANAGEMENT, own=EVERYONE),
    "contest.judge": Rule(Scope.CONTESTS_WRITE, EVERYONE),  # whoever was appointed
    "contest.appeal": Rule(Scope.CONTESTS_WRITE, NOBODY, own=EVERYONE),
    # the desk itself
    "link.rotate": Rule(Scope.SETTINGS_WRITE, ADMINS),
    "codec.decode": Rule(Scope.HISTORIES_READ, ADMINS),
}


@dataclass(frozen=True, slots=True)
class TicketFacts:
    """What the policy needs to know of a ticket."""

    requester_id: UUID
    team_id: UUID | None = None
    assignee_id: UUID | None = None
    collaborator_ids: frozenset[UUID] = frozenset()

    def followed_by(self, people: Iterable[UUID]) -> "TicketFacts":
        return replace(self, collaborator_ids=frozenset(people))


@dataclass(frozen=True, slots=True)
class FeedbackFacts:
    """What the policy needs to know of a feedback item. `followed` are those who asked for it: its requester, and
    the requesters of items that were merged into it."""

    requester_id: UUID
    public: bool
    followed: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class FeedbackVisibility:
    """Which feedback a person sees: all if `everything`; else what is public and their own."""

    everything: bool
    person_id: UUID

    def covers(self, item: FeedbackFacts) -> bool:
        return self.everything or item.public or self.person_id in (item.requester_id, *item.followed)


@dataclass(frozen=True, slots=True)
class Owned:
    """A record that belongs to one person: the person itself, a token, a notification. None is a person who was
    erased."""

    person_id: UUID | None


Subject = TicketFacts | FeedbackFacts | Owned | None


@dataclass(frozen=True, slots=True)
class Visibility:
    """Which tickets a person sees: all if `everything`; else those they requested or collaborate on, and,
    if they work at the desk (`works`), those assigned to them, without a team, or of `team_ids`.
    """

    everything: bool
    person_id: UUID
    works: bool = False
    team_ids: frozenset[UUID] = frozenset()

    def covers(self, ticket: TicketFacts) -> bool:
        return (
            self.is_worked_on(ticket)
            or ticket.requester_id == self.person_id
            or self.person_id in ticket.collaborator_ids
        )

    def is_worked_on(self, ticket: TicketFacts) -> bool:
        """Whether the person meets this ticket as someone who works on it, not as someone who asks."""
        if self.everything:
            return True
        return self.works and (
            ticket.team_id is None or ticket.team_id in self.team_ids or ticket.assignee_id == self.person_id
        )


def ticket_visibility(principal: Principal) -> Visibility:
    """The tickets that `principal` may list; raises Forbidden when their token may list none at all."""
    _check_scope(principal, RULES["ticket.list"])
    return _visibility(principal)


def feedback_visibility(principal: Principal) -> FeedbackVisibility:
    """The feedback that `principal` may list; raises Forbidden when their token may list none at all."""
    _check_scope(principal, RULES["feedback.list"])
    return _feedback_visibility(principal)


def check(principal: Principal, action: str, subject: Subject = None) -> None:
    """Raise NotFound or Forbidden unless `principal` may do `action` to `subject`.

    Without a subject the question is whether they may do it at all. `action` is a key of `RULES`;
    `ticket.act:<name>` falls back to `ticket.act:*`, and those of feedback likewise.
    """
    rule = rule_of(action)
    _check_scope(principal, rule)
    if isinstance(subject, TicketFacts):
        _check_ticket(principal, rule, subject)
    elif isinstance(subject, FeedbackFacts):
        _check_feedback(principal, rule, subject)
    elif isinstance(subject, Owned):
        _check_owned(principal, action, subject)
    elif not principal.has(*rule.roles):
        raise not_allowed()


def may(principal: Principal, action: str, subject: Subject = None) -> bool:
    try:
        check(principal, action, subject)
    except (Forbidden, NotFound):
        return False
    return True


def rule_of(action: str) -> Rule:
    rule = RULES.get(action)
    feature, separator, _ = action.partition(".act:")
    if rule is None and separator:
        rule = RULES.get(f"{feature}.act:*")
    if rule is None:
        raise LookupError(f"{action} is not an action of the policy")
    return rule


def allows(scopes: frozenset[Scope] | None, needed: Scope | None) -> bool:
    """Whether a token with `scopes` is for `needed`; writing implies reading, `admin` implies all."""
    if scopes is None or needed is None:
        return True
    return needed in scopes or any(needed in _IMPLIED.get(scope, ()) for scope in scopes)


def not_found() -> NotFound:
    return NotFound("not_found", "There is no such record, or you may not see it.")


def not_allowed() -> Forbidden:
    return Forbidden("not_allowed", "Your roles do not allow this.")


def _visibility(principal: Principal) -> Visibility:
    if principal.has(*MANAGEMENT):
        return Visibility(everything=True, person_id=principal.person_id)
    if principal.has(Role.AGENT):
        return Visibility(False, principal.person_id, works=True, team_ids=principal.team_ids)
    return Visibility(False, principal.person_id)


def _check_scope(principal: Principal, rule: Rule) -> None:
    if not allows(principal.scopes, rule.scope):
        raise Forbidden("scope_missing", f"This token is not for {rule.scope}.", scope=rule.scope)


def _check_ticket(principal: Principal, rule: Rule, ticket: TicketFacts) -> None:
    visibility = _visibility(principal)
    if not visibility.covers(ticket):
        raise not_found()
    if not principal.has(*rule.roles) or (rule.works and not visibility.is_worked_on(ticket)):
        raise not_allowed()


def _feedback_visibility(principal: Principal) -> FeedbackVisibility:
    return FeedbackVisibility(principal.has(*STAFF), principal.person_id)


def _check_feedback(principal: Principal, rule: Rule, item: FeedbackFacts) -> None:
    if not _feedback_visibility(principal).covers(item):
        raise not_found()
    mine = principal.person_id in (item.requester_id, *item.followed)
    if not (principal.has(*rule.roles) or (mine and principal.has(*rule.own))):
        raise not_allowed()


def _check_owned(principal: Principal, action: str, record: Owned) -> None:
    rule = rule_of(action)
    mine = record.person_id == principal.person_id
    if principal.has(*rule.roles) or (mine and principal.has(*rule.own)):
        return
    reading = RULES.get(f"{action.partition('.')[0]}.read")
    if mine or (reading is not None and principal.has(*reading.roles)):
        raise not_allowed()
    raise not_found()
