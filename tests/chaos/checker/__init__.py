"""The independent checker: proves from the evidence that nothing that was promised was lost, doubled or early.

It shares no code with the desk and trusts none of its decisions: due times are computed anew from the policies,
states are folded from the history, and what was accepted is what the journal says. Each module holds the checks
of one subject; a new kind of process joins by a module here and a line in `CHECKS`.
"""

from collections.abc import Callable, Sequence
from typing import Final

from tests.chaos.checker import (
    accepted,
    bulk,
    claim,
    classifier,
    contest,
    feedback,
    letters,
    member,
    merge,
    mirrors,
    promises,
    survey,
)
from tests.chaos.checker.case import Case, Check
from tests.chaos.evidence import Evidence

CHECKS: Final[Sequence[Callable[[Case], Check]]] = (
    accepted.every_create_exists_once,
    accepted.every_transition_happened_once,
    accepted.transitions_happened_in_order,
    accepted.nothing_happened_unasked,
    accepted.every_answer_is_in_a_history,
    accepted.every_request_was_answered,
    merge.every_merge_happened_once,
    merge.merges_are_told_on_both_sides,
    merge.every_split_made_one_ticket,
    bulk.every_bulk_ran_once,
    bulk.every_item_is_as_reported,
    classifier.every_training_ended_once,
    classifier.what_was_guessed_is_told,
    member.every_fact_counts_once,
    member.points_are_the_sum,
    member.awards_are_given_once,
    claim.every_act_moved_a_claim_once,
    claim.claims_follow_their_awards,
    claim.budgets_are_kept,
    survey.every_resolution_is_asked_about_once,
    survey.every_campaign_asks_everybody_once,
    survey.every_reminder_comes_once,
    survey.every_answer_is_taken_once,
    feedback.every_item_exists_once,
    feedback.every_step_happened_once,
    feedback.every_vote_counts_once,
    feedback.everyone_was_told_once_a_turn,
    feedback.items_equal_their_processes,
    contest.every_entry_is_there_once,
    contest.no_entry_came_after_the_bell,
    contest.every_score_counts_once,
    contest.everyone_was_told_once_a_change,
    contest.contests_equal_their_processes,
    promises.every_step_fired_once_at_its_time,
    promises.no_step_fired_early,
    promises.lateness_is_explained,
    promises.clocks_follow_the_status,
    promises.clocks_start_with_the_ticket,
    promises.no_clock_is_stuck,
    letters.every_mail_arrived,
    letters.everyone_was_told,
    mirrors.every_fault_was_recovered_from,
    mirrors.read_model_equals_process,
    mirrors.process_equals_history,
    mirrors.every_process_is_sound,
    mirrors.edits_are_in_force,
    mirrors.nobody_waits_for_nothing,
)


def judge(evidence: Evidence) -> list[Check]:
    """All checks, in the order of the report."""
    case = Case(evidence)
    return [check(case) for check in CHECKS]
