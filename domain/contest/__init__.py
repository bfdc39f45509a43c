"""Contests: entries within a window, judges with deadlines, standings, appeals, prizes."""
