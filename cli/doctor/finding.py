"""A finding of the doctor, and how the figures of a desk are judged. Pure: what is asked, and whom, is said in the
modules beside this one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.notification.record import State
from domain.reconciliation import Kind
from storage.gauges import Gauges

OLDEST_POSTGRES: Final = 15
_MEGABYTE: Final = 10**6
_DISK_PROBLEM: Final = 200 * _MEGABYTE
_DISK_WARNING: Final = 2000 * _MEGABYTE
_SKEW_WARNING: Final = timedelta(seconds=2)
_SKEW_PROBLEM: Final = timedelta(seconds=30)
_LAG_PROBLEM: Final = 60
_MAIL_WARNING: Final = 3600


class Level(StrEnum):
    """`problem`: promises or data are at risk now. `warning`: they may be later."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """`words` say what is, `advice` what to do about it; it is empty where nothing is wrong."""

    check: str
    level: Level
    words: str
    advice: str = ""


def ok(check: str, words: str) -> Finding:
    return Finding(check, Level.OK, words)


def warning(check: str, words: str, advice: str) -> Finding:
    return Finding(check, Level.WARNING, words, advice)


def problem(check: str, words: str, advice: str) -> Finding:
    return Finding(check, Level.PROBLEM, words, advice)


def disk(free: int, place: str) -> Finding:
    words = f"{free // _MEGABYTE} MB are free below {place}."
    if free < _DISK_PROBLEM:
        return problem("disk", words, "Make room at once: the database stops when the disk is full.")
    if free < _DISK_WARNING:
        return warning("disk", words, "Make room.")
    return ok("disk", words)


def skew(ours: datetime, theirs: datetime, uncertainty: timedelta) -> Finding:
    """`uncertainty` is how long the answer took."""
    apart = max(abs(ours - theirs) - uncertainty, timedelta(0))
    words = f"The clocks of this machine and of the database differ by {apart.total_seconds():.1f} s."
    advice = "Set both clocks by NTP: deadlines are kept by the clock of Temporal's machine."
    if apart >= _SKEW_PROBLEM:
        return problem("clock", words, advice)
    if apart >= _SKEW_WARNING:
        return warning("clock", words, advice)
    return ok("clock", words)


def postgres(server_version: int) -> Finding:
    major = server_version // 10_000
    words = f"PostgreSQL {major}.{server_version % 10_000} answers."
    if major < OLDEST_POSTGRES:
        return problem("database", words, f"The desk needs PostgreSQL {OLDEST_POSTGRES} or later.")
    return ok("database", words)


def migrations(revision: str | None, newest: str, *, known: bool) -> Finding:
    if revision == newest:
        return ok("migrations", f"The schema is the newest, {newest}.")
    if revision is None:
        return problem("migrations", "The database has no tables of a desk.", "Run `duradesk migrate`.")
    if known:
        words = f"The schema is {revision}; this version works with {newest}."
        return problem("migrations", words, "Run `duradesk migrate`.")
    words = f"The schema {revision} was made by a newer version than this one."
    return problem("migrations", words, "Use that version, here and for every part.")


def outbox(gauges: Gauges) -> Finding:
    words = f"Waiting for the relay: {gauges.outbox}, the oldest for {gauges.outbox_age} s."
    if gauges.outbox_age >= _LAG_PROBLEM:
        advice = "Look into the log of the process worker for outbox_row_kept and relay_interrupted."
        return problem("outbox", words, advice)
    return ok("outbox", words)


def steps(gauges: Gauges) -> Finding:
    words = (
        f"Steps that are due and have not fired: {gauges.overdue}, the oldest since {gauges.overdue_age} s."
    )
    if gauges.overdue_age >= _LAG_PROBLEM:
        advice = "See below whether workers poll and processes are stuck; `duradesk escalations` lists them."
        return problem("steps", words, advice)
    return ok("steps", words)


def mails(gauges: Gauges) -> Finding:
    dead, pending = gauges.mails[State.DEAD], gauges.mails[State.PENDING]
    words = f"Mails given up: {dead}; on their way: {pending}, the oldest for {gauges.mail_age} s."
    if dead:
        return warning("mails", words, "Mend the cause, then send them again (docs/notifications.md).")
    if gauges.mail_age >= _MAIL_WARNING:
        return warning("mails", words, "They are tried for three days. See what smtp says below.")
    return ok("mails", words)


def processes(unhealed: Mapping[Kind, int], sample: int, lost: int, stuck: int, failed: int) -> list[Finding]:
    """Of `sample` tickets that should have a running process, `lost` have none; `stuck` of all cannot go on."""
    found = []
    if lost:
        words = f"Open tickets looked at: {sample}; without a process, so that nothing fires on them: {lost}."
        found.append(problem("lost", words, "Run `duradesk process rebuild`."))
    if stuck:
        words = f"Processes that cannot go on, because their workflow tasks fail: {stuck}."
        advice = "Look into the worker's log, and at TemporalReportedProblems in Temporal's UI."
        found.append(problem("stuck", words, advice))
    if failed:
        words = f"Processes of tickets that ended by a failure: {failed}."
        found.append(
            problem("failed", words, "Look at them in Temporal's UI; then `duradesk process rebuild`.")
        )
    if ahead := unhealed.get(Kind.AHEAD, 0):
        words = f"Processes that know more than the database, which was restored without them: {ahead}."
        found.append(problem("ahead", words, "docs/backup.md says what to do."))
    if behind := sum(count for kind, count in unhealed.items() if kind is not Kind.AHEAD):
        words = f"Processes that reconciliation found to differ and has not seen right since: {behind}."
        found.append(warning("reconciliation", words, "Run `duradesk process rebuild`."))
    return found or [ok("processes", f"Open tickets looked at: {sample}; each has its process.")]


def schedule(name: str, last: datetime, now: datetime, every: timedelta, *, paused: bool) -> Finding:
    """`last` is when it ran last, or was made; it may be late by half of the time between two runs."""
    if paused:
        return warning("schedules", f"{name} is paused.", "Unpause it in Temporal's UI.")
    if now - last > every * 1.5:
        words = f"{name} has not run since {last:%Y-%m-%d %H:%M} UTC."
        return problem("schedules", words, "See below whether workers poll, and whether its last run hangs.")
    return ok("schedules", f"{name} is there.")
