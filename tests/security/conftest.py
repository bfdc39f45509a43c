"""The API of `tests/api`, met by everybody."""

from tests.api.conftest import admin, app, client, desk, make_person

__all__ = ["admin", "app", "client", "desk", "make_person"]
