"""Processes, what fires next, promises and tokens, as the command shows them."""

from datetime import UTC, datetime, timedelta

from tests.cli.conftest import ListeningDesk, Terminal


async def _open(duradesk: Terminal) -> str:
    done = await duradesk(
        "ticket", "create", "--subject", "Slow", "--description", "x", "--priority", "critical", "--json"
    )
    return str(done.json["number"])


async def test_a_process_tells_its_timers(listening: ListeningDesk, duradesk: Terminal) -> None:
    number = await _open(duradesk)
    view = (await duradesk("process", "show", number, "--json")).json
    assert view["state"] == "open"
    due = [datetime.fromisoformat(timer["due_at"]) for timer in view["timers"]]
    assert due
    assert min(due) > datetime.now(UTC)
    shown = await duradesk("process", "show", number)
    assert view["workflow_id"] in shown.out
    assert "+08:00" in shown.out
    assert " in 2" in shown.out  # 75 % of half an hour is in 22 minutes


async def test_what_fires_next_is_listed_up_to_a_moment(listening: ListeningDesk, duradesk: Terminal) -> None:
    number = await _open(duradesk)
    near = (await duradesk("escalations", "--due-before", "1h", "--json")).json["data"]
    assert [str(row["number"]) for row in near] == [number]
    assert (await duradesk("escalations", "--due-before", "PT1M", "--json")).json["data"] == []
    shown = await duradesk("escalations")
    assert "Slow" in shown.out
    refused = await duradesk("escalations", "--due-before", "soon")
    assert refused.code == 2
    assert "not a moment" in refused.err


async def test_promises_are_previewed(listening: ListeningDesk, duradesk: Terminal) -> None:
    start = ("--start", "2026-11-21T14:00+08:00")
    done = await duradesk("sla", "preview", "--priority", "critical", *start, "--json")
    assert done.code == 0, done.err
    clocks = done.json["clocks"]
    assert clocks["resolution"]["due_at"] == "2026-11-21T10:00:00Z"
    shown = await duradesk("sla", "preview", "--priority", "critical", *start)
    assert "2026-11-21 18:00:00+08:00" in shown.out
    refused = await duradesk("sla", "preview", "--priority", "urgent")
    assert (refused.code, len(refused.err.splitlines())) == (1, 1)


async def test_a_calendar_is_asked(listening: ListeningDesk, duradesk: Terminal) -> None:
    start = ("--start", "2026-11-20T17:00+08:00")
    file = listening.desk.settings.home / "calendar.json"
    days = ", ".join(f'"{day}": [["09:00", "18:00"]]' for day in ("mon", "tue", "wed", "thu", "fri"))
    file.write_text(f'{{"name": "Office", "time_zone": "Asia/Shanghai", "weekly": {{{days}}}}}')
    due = await duradesk("sla", "calendar", "--calendar", f"@{file}", *start, "--duration", "PT2H", "--json")
    assert due.json["due"] == "2026-11-23T02:00:00Z"
    between = ("--end", "2026-11-23T10:00+08:00")
    assert "2h" in (await duradesk("sla", "calendar", "--calendar", f"@{file}", *start, *between)).out
    assert (await duradesk("sla", "calendar", *start)).code == 2
    unknown = await duradesk("sla", "calendar", "--calendar", "none", *start, "--duration", "PT2H")
    assert (unknown.code, len(unknown.err.splitlines())) == (1, 1)


async def test_a_token_is_made_for_someone_and_works(listening: ListeningDesk, duradesk: Terminal) -> None:
    options = ("--name", "ci", "--scope", "tickets:read", "--expires", "30d")
    made = await duradesk("token", "create", *options)
    assert made.code == 0, made.err
    token = made.out.strip()
    assert token
    assert token not in made.err
    assert (await duradesk("ticket", "list", TOKEN=token)).code == 0
    refused = await duradesk("ticket", "create", "--subject", "s", "--description", "d", TOKEN=token)
    assert refused.code == 1
    issued = (await duradesk("token", "create", *options, "--json")).json
    left = datetime.fromisoformat(issued["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=29) < left <= timedelta(days=30)
    too_long = await duradesk("token", "create", "--name", "x", "--expires", "400d")
    assert "expires_at" in too_long.err
