"""`duradesk prize list|show|create|change`: what can be won, and what is left of its budget.

A prize is named by its id or its name. Money is given in the smallest unit of its currency, as the API takes it.
"""

from decimal import Decimal
from typing import Annotated, Any

import typer
from babel.numbers import get_currency_precision

from cli.client import DeskClient, Json, Limit, Token, run
from cli.given import named, present, words
from cli.output import console, document, facts, local_time, print_rows

Named = Annotated[str, typer.Argument(metavar="PRIZE", help="Id or name.")]
_COST = "Of one, in the smallest unit of the currency, such as cents."
_BUDGET = "For all of them, likewise."


def register(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True)
    group.command("list")(list_prizes)
    group.command("show")(show)
    group.command("create")(create)
    group.command("change")(change)
    app.add_typer(group, name="prize", help="Show and make prizes, and see what is left of their budgets.")


def list_prizes(
    limit: Limit = 25,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """List prizes, the newest first."""

    async def work(client: DeskClient) -> tuple[list[Any], bool]:
        return await client.rows("/prizes", limit)

    def cells(row: Any) -> tuple[Any, ...]:
        return (*(money(row[name], row["currency"]) for name in amounts), row["id"], row["name"])

    amounts = ("cost", "budget", "reserved", "spent")
    print_rows(run(work, token), (*amounts, "id", "name"), cells, as_json=as_json)


def show(prize: Named, as_json: Json = False, token: Token = None) -> None:
    """Show a prize, and what is reserved and spent of its budget."""

    async def work(client: DeskClient) -> Any:
        return await client.get(await _path(client, prize))

    _shown(run(work, token), as_json)


def create(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    description: Annotated[str, typer.Option(help="What it is; - reads it from stdin.")],
    currency: Annotated[str, typer.Option(help="Such as EUR.")],
    cost: Annotated[int, typer.Option(help=_COST)],
    budget: Annotated[int, typer.Option(help=_BUDGET)],
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Make a prize, for achievements to name in their rewards."""
    fields: dict[str, Any] = {"name": name, "description": words(description), "currency": currency}
    fields |= {"cost": cost, "budget": budget}

    async def work(client: DeskClient) -> Any:
        return await client.post("/prizes", fields)

    _shown(run(work, token), as_json)


def change(
    prize: Named,
    name: Annotated[str | None, typer.Option()] = None,
    description: Annotated[str | None, typer.Option(help="- reads it from stdin.")] = None,
    cost: Annotated[int | None, typer.Option(help=_COST)] = None,
    budget: Annotated[int | None, typer.Option(help=_BUDGET)] = None,
    as_json: Json = False,
    token: Token = None,
) -> None:
    """Change a prize. Claims that there are cost what they cost."""
    said = None if description is None else words(description)
    fields = present({"name": name, "description": said, "cost": cost, "budget": budget})

    async def work(client: DeskClient) -> Any:
        return await client.patch(await _path(client, prize), fields)

    _shown(run(work, token), as_json)


def money(amount: int, currency: str) -> str:
    """An amount of smallest units as people write it: `9.00 EUR`, `900 JPY`."""
    return f"{Decimal(amount).scaleb(-get_currency_precision(currency)):f} {currency}"


async def _path(client: DeskClient, name: str) -> str:
    return f"/prizes/{await named(client, '/prizes', name, 'prize')}"


def _shown(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        document(found)
        return
    amounts = ("cost", "budget", "reserved", "spent")
    rows = [(name, found[name]) for name in ("name", "id", "description", "version")]
    rows += [(name, money(found[name], found["currency"])) for name in amounts]
    rows += [(name.removesuffix("_at"), local_time(found[name])) for name in ("created_at", "updated_at")]
    console().print(facts(rows))
