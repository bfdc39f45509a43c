"""Surveys: what is asked, of whom and when, what was answered, and how sure the figures are that follow."""
