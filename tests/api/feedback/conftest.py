"""A worker behind every test of feedback."""

from collections.abc import AsyncIterator

import pytest

from api.desk import Desk
from tests.api.work import working


@pytest.fixture(autouse=True)
async def worker(desk: Desk) -> AsyncIterator[None]:
    async with working(desk):
        yield
