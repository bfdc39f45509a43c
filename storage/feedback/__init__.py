"""Rows of feedback, a module a use case. Who may do what is decided before, in `domain/authorization.py`."""
