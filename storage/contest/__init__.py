"""Contests in the database: a commit a decision, and the reads."""
