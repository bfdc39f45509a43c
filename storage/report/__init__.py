"""Reports: what happened in a period, and what was open at an instant, by team, agent, day and the rest."""

from storage.report.backlog import backlog
from storage.report.breaches import Breach, breaches
from storage.report.lines import Line, Report
from storage.report.sla import sla
from storage.report.tickets import tickets

__all__ = ["Breach", "Line", "Report", "backlog", "breaches", "sla", "tickets"]
