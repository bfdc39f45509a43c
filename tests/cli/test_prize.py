"""Prizes and their claims from a terminal."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from tests.cli.conftest import ListeningDesk, Terminal
from tests.cli.test_achievement import contributing, drafted


@pytest.fixture
async def member(listening: ListeningDesk) -> AsyncIterator[UUID]:
    async with contributing(listening) as made:
        yield made


async def test_a_prize_is_made_won_and_brought_on_its_way(
    listening: ListeningDesk, duradesk: Terminal, member: UUID
) -> None:
    costs = ("--currency", "EUR", "--cost", "900", "--budget", "800")
    prize = (
        await duradesk("prize", "create", "Mug", "--description", "-", *costs, "--json", stdin=b"A mug")
    ).json
    await drafted(duradesk, {"type": "prize", "prize": prize["id"]})
    await duradesk("achievement", "activate", "Three posts")
    await listening.wait_for("claims", 1)
    (claim,) = (await duradesk("claim", "list", "--member", str(member), "--json")).json["data"]
    dear = await duradesk("claim", "act", claim["id"], "approve")
    assert (dear.code, "budget_exceeded" in dear.err) == (1, True)
    assert "18.00 EUR" in (await duradesk("prize", "change", "Mug", "--budget", "1800")).out
    for _ in range(2):
        approved = await duradesk("claim", "act", claim["id"], "approve", "--idempotency-key", "one")
        assert approved.code == 0, approved.err
    assert "Parcel 7" in (await duradesk("claim", "act", claim["id"], "fulfil", "--note", "Parcel 7")).out
    assert "9.00 EUR" in (await duradesk("prize", "list")).out
    assert (await duradesk("prize", "show", "Mug", "--json")).json["spent"] == 900
    theirs = await duradesk("claim", "act", claim["id"], "confirm")
    assert (theirs.code, "not_allowed" in theirs.err) == (1, True)
    steps = (await duradesk("claim", "show", claim["id"], "--json")).json["steps"]
    assert [one["state"] for one in steps] == ["asked", "approved", "fulfilled"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("prize", "show", "Nonsense"), "There is no prize Nonsense."),
        (("claim", "act", "Nonsense", "approve"), "is not the id of a claim"),
    ],
)
async def test_what_is_not_there_is_told(
    listening: ListeningDesk, duradesk: Terminal, words: tuple[str, ...], said: str
) -> None:
    refused = await duradesk(*words)
    assert (refused.code, said in refused.err) == (1, True)
