"""`duradesk classifier`: what guesses category and kind of new tickets, how well, and which version does."""

import asyncio
from typing import Annotated, Any, Final

import typer

from cli.client import DeskClient, Json, Limit, Token, run
from cli.output import console, document, facts, local_time, table

_LOOK_EVERY: Final = 0.5
_COLUMNS: Final = (
    "",
    "right",
    "rules",
    "when sure",
    "how often sure",
    "calibration error",
    "changed of filled in",
)


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    group.command("show")(show)
    group.command("versions")(versions)
    group.command("guess")(guess)
    group.command("train")(train)
    group.command("rollback")(rollback)
    app.add_typer(
        group, name="classifier", help="Show, train and roll back what guesses category and kind of tickets."
    )


def show(as_json: Json = False, token: Token = None) -> None:
    """Tell which version is in use, and how well it does on tickets that it has not learned from."""

    async def work(client: DeskClient) -> Any:
        return await client.get("/classifier")

    _print(run(work, token), as_json)


def versions(
    limit: Limit = 25,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """List what was trained, the newest first."""

    async def work(client: DeskClient) -> tuple[list[Any], bool]:
        return await client.rows("/classifier/versions", limit)

    rows, has_more = run(work, token)
    if as_json:
        document({"data": rows, "meta": {"has_more": has_more}})
        return
    cells = [
        (
            row["version"],
            local_time(row["trained_at"]),
            row["tickets"],
            f"{row['right']} of {row['held_out']}",
            f"{row['compared_right']} by version {row['compared_with']}",
            "yes" if row["kept"] else "no",
        )
        for row in rows
    ]
    console().print(table(("version", "trained", "tickets", "right", "compared with", "kept"), cells))


def guess(
    subject: str,
    description: Annotated[str, typer.Argument(help="Left out, the subject is all there is.")] = "",
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Tell what would be guessed of a text, without storing anything."""

    async def work(client: DeskClient) -> Any:
        return await client.post(
            "/classifier/preview", {"subject": subject, "description": description or subject}
        )

    found = run(work, token)
    if as_json:
        document(found)
        return
    cells = [
        (field, one["value"], f"{one['confidence']:.0%}", "yes" if one["sure"] else "no")
        for field in ("category", "kind", "priority")
        if (one := found[field]) is not None
    ]
    console().print(table(("", "guess", "confidence", "sure"), cells))


def train(as_json: Json = False, token: Token = None) -> None:
    """Train a version of all labels now; it is used unless it is worse."""

    async def work(client: DeskClient) -> Any:
        before = (await client.get("/classifier"))["last_training"]
        await client.post("/classifier/train", None)
        with console(stderr=True).status("It learns; it goes on without this command, too."):
            while (view := await client.get("/classifier"))["last_training"] == before:  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_EVERY)  # the API tells by its answer only
        return view

    _print(run(work, token), as_json)


def rollback(
    version: Annotated[
        int | None, typer.Argument(help="Left out, the one in use before; 0 is the rule base.")
    ] = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Use an earlier version, until a new one is trained by hand."""

    async def work(client: DeskClient) -> Any:
        return await client.post("/classifier/rollback", {} if version is None else {"version": version})

    _print(run(work, token), as_json)


def _print(view: Any, as_json: bool) -> None:
    if as_json:
        document(view)
        return
    screen, last = console(), view["last_training"]
    rows = [
        ("version", view["version"] or "the rule base"),
        ("since", local_time(view["since"])),
        ("because", view["cause"]),
        ("trained", local_time(view["trained_at"])),
        ("tickets", view["tickets"]),
        ("threshold", view["threshold"]),
        ("last training", None if last is None else f"{last['outcome']}, {local_time(last['at'])}"),
    ]
    screen.print(facts(rows))
    if view["fields"]:
        screen.print("", table(_COLUMNS, [_cells(one, view["practice"]) for one in view["fields"]]))


def _cells(quality: Any, practice: Any) -> tuple[str, ...]:
    """A row of a field: what was measured, and how often what was filled in was changed."""
    names = ("accuracy", "rules_accuracy", "precision", "coverage", "calibration_error")
    shares = ("" if quality[name] is None else f"{quality[name]:.1%}" for name in names)
    filled = practice.get(quality["field"])
    changed = "" if filled is None else f"{filled['changed']} of {filled['taken']}"
    return (quality["field"], *shares, changed)
