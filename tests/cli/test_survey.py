"""Surveys from a terminal."""

from uuid import UUID

from tests.cli.conftest import ListeningDesk, Terminal
from tests.rows import insert_answer, insert_invitation, insert_task, insert_ticket


async def test_results_answers_and_tasks_are_shown_and_done(
    listening: ListeningDesk, duradesk: Terminal
) -> None:
    me = UUID((await duradesk("member", "show", "admin@desk.localhost", "--json")).json["id"])
    database = listening.desk.database
    for score in (5, 4, 1):
        asked = await insert_invitation(database, me)
        await insert_answer(database, asked, score, comment="It took long.")
    await insert_task(database, me, await insert_ticket(database, me))
    shown = await duradesk("survey", "results")
    assert "50.0 %" in shown.out
    assert "It took long." in (await duradesk("survey", "answers")).out
    (one,) = (await duradesk("survey", "tasks", "--json")).json["data"]
    done = await duradesk("survey", "done", one["id"], "--note", "Called.")
    assert f"ticket #{one['number']}" in done.out
    assert (await duradesk("survey", "tasks", "--json")).json["data"] == []
    assert (await duradesk("survey", "results", "--by", "week", "--json")).json["total"]["answered"] == 4


async def test_a_survey_is_shown_changed_and_paused(listening: ListeningDesk, duradesk: Terminal) -> None:
    assert "After a resolution" in (await duradesk("survey", "list")).out
    changed = await duradesk(
        "survey", "change", "--delay", "PT2H", "--remind-after", "none", "--low-score", "1"
    )
    assert "2h" in changed.out
    found = (await duradesk("survey", "show", "After a resolution", "--json")).json
    assert (found["delay"], found["remind_after"], found["low_score"]) == ("PT2H", None, 1)
    assert (await duradesk("survey", "change", "--state", "paused", "--json")).json["state"] == "paused"
    missing = await duradesk("survey", "show", "Nonsense")
    assert (missing.code, "There is no survey Nonsense" in missing.err) == (1, True)


async def test_a_campaign_is_made_looked_at_and_started(listening: ListeningDesk, duradesk: Terminal) -> None:
    wanted = b'{"name": "How is it?", "kind": "nps", "audience": {"roles": ["admin"]}, "sample": 0.5}'
    made = (await duradesk("survey", "create", "-", "--json", stdin=wanted)).json
    assert (made["state"], made["occasion"], made["sample"]) == ("draft", "campaign", 0.5)
    assert "audience" in (await duradesk("survey", "preview", made["id"])).out
    assert (await duradesk("survey", "preview", "How is it?", "--json")).json["audience"] == 1
    assert (await duradesk("survey", "change", made["id"], "--state", "active", "--json")).json[
        "state"
    ] == "active"
    for stdin, words in ((b"{", "is not JSON"), (b"\xff", "is not JSON"), (b"{}", "name")):
        refused = await duradesk("survey", "create", "-", stdin=stdin)
        assert (refused.code, words in refused.err) == (1, True), refused.err
    missing = await duradesk("survey", "create", "nothing.json")
    assert (missing.code, "nothing.json" in missing.err) == (2, True)


async def test_a_new_key_signs_links(listening: ListeningDesk, duradesk: Terminal) -> None:
    first = (await duradesk("link", "rotate", "--json")).json["key"]
    assert f"Key {first + 1} signs" in (await duradesk("link", "rotate", "--revoke")).out
