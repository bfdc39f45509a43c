"""Rows of people, teams, organizations and credentials, a module a use case.

Who may call what is decided in `domain/authorization.py`, before anything here is reached.
"""

from storage.account.people import ensure_admin, ensure_person
from storage.account.tokens import authenticate_token

__all__ = ["authenticate_token", "ensure_admin", "ensure_person"]
