"""Feedback from a terminal: tables for people and JSON for programs."""

from tests.cli.conftest import ListeningDesk, Terminal


async def test_feedback_is_submitted_worked_on_and_told(listening: ListeningDesk, duradesk: Terminal) -> None:
    made = await duradesk(
        "feedback", "submit", "--title", "Dark mode", "--body", "-", "--kind", "suggestion", "--json",
        stdin="晚上太亮".encode(),
    )  # fmt: skip
    assert made.code == 0, made.err
    item = made.json["id"]
    assert made.json["body"] == "晚上太亮"
    triaged = await duradesk("feedback", "act", item, "triage", "--json-body", '{"importance": 5}', "--json")
    assert (triaged.json["status"], triaged.json["score"]) == ("triaged", 5)
    for more in ((), ("--withdraw",)):
        refused = await duradesk("feedback", "vote", item, *more)
        assert (refused.code, "your_own" in refused.err) == (1, True)
    await duradesk("feedback", "act", item, "decline", "--text", "Too few want it.")
    told = await duradesk("feedback", "deliveries", item)
    assert "of 0 told" in told.out  # nobody is told of their own act
    listed = await duradesk("feedback", "list", "--status", "declined")
    assert item in listed.out
    shown = await duradesk("feedback", "show", item)
    assert "Too few want it." in shown.out
    unknown = await duradesk("feedback", "act", item, "../moon")
    assert "unknown_action" in unknown.err


async def test_a_release_ships_from_a_terminal_and_the_roadmap_shows_it(
    listening: ListeningDesk, duradesk: Terminal
) -> None:
    fields = ("--title", "Dark mode 夜间模式", "--body", "It is too bright.", "--kind", "suggestion")
    item = (await duradesk("feedback", "submit", *fields, "--json")).json["id"]
    again = await duradesk("feedback", "submit", *fields)
    assert "May be the same" in again.out
    assert item in again.out
    await duradesk("feedback", "act", item, "triage")
    for one in ("need", "feasibility", "impact", "resources"):
        body = f'{{"assessment": "{one}", "verdict": "for"}}'
        await duradesk("feedback", "act", item, "assess", "--text", "Fine.", "--json-body", body)
    await duradesk("feedback", "act", item, "plan")
    planned = await duradesk("feedback", "roadmap")
    assert "planned" in planned.out
    made = await duradesk(
        "feedback", "release", "2.0", "--notes", "Night.", "--item", item, "--publish", "--json"
    )
    assert made.code == 0, made.err
    assert [one["id"] for one in made.json["items"]] == [item]
    refused = await duradesk("feedback", "release", "3.0", "--notes", "-", "--item", "moon", stdin=b"Moon.")
    assert (refused.code, "moon" in refused.err) == (1, True)
