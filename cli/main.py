"""The command `duradesk`. It knows which module has which command and imports only the one that is called.

A command module has `register(app)`, which adds its commands. Work is done in the modules; here is what all
commands share: help, version, one clear line for an error that we expect, and how the process ends.
"""

import importlib
import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from domain.errors import DeskError
from runtime.version import desk_version

# name -> (module that registers it, first line of its help)
COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("cli.up", "Start the whole desk in the foreground; Ctrl-C stops it."),
    "api": ("cli.api", "Serve the API."),
    "worker": ("cli.worker", "Run the durable processes and deliveries."),
    "migrate": ("cli.migrate", "Prepare the database, the Temporal namespace and the first administrator."),
    "promote": ("cli.promote", "Make this version of the workers the current one of its deployment."),
    "import": ("cli.imports", "Import people or tickets from JSON lines; safe to repeat."),
    "export": ("cli.export", "Export tickets as JSON lines or CSV."),
    "ticket": ("cli.ticket", "Create, list, show and work on tickets."),
    "member": ("cli.member", "Show points and leaderboards, bring facts."),
    "achievement": ("cli.achievement", "Draft, preview and activate achievements, see who holds what."),
    "prize": ("cli.prize", "Show and make prizes, and see what is left of their budgets."),
    "claim": ("cli.claim", "Approve, fulfil and confirm prizes that were won."),
    "survey": ("cli.survey", "Show surveys, their results, and the tasks of low scores."),
    "classifier": ("cli.classifier", "Show, train and roll back what guesses category and kind of tickets."),
    "feedback": ("cli.feedback", "Submit feedback, vote for it, work on it, see who was told."),
    "contest": ("cli.contest", "Make contests, enter, judge, and read standings."),
    "process": ("cli.process", "Show the durable process behind a ticket."),
    "escalations": ("cli.process", "List what fires next by itself, the earliest first."),
    "sla": ("cli.sla", "Preview promises, without storing anything."),
    "report": ("cli.report", "Show reports of tickets, promises and what is open."),
    "token": ("cli.token", "Make API tokens."),
    "doctor": ("cli.doctor", "Tell what is wrong with the desk, and what to do about it."),
    "backup": ("cli.backup", "Back up the desk, while it runs."),
    "restore": ("cli.backup", "Put a backup back into an empty data directory."),
    "link": ("cli.link", "Manage the keys of signed links."),
    "key": ("cli.key", "Make, rotate and list the keys of encrypted histories."),
}


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"duradesk {desk_version()}")
        raise typer.Exit


def _desk(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Duradesk: a durable support desk. Settings come from the environment, DURADESK_ and the name."""


def build(called: str | None) -> typer.Typer:
    """The application with the command `called` in full and the others by name and first line of help."""
    app = typer.Typer(
        name="duradesk", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
    )
    app.callback()(_desk)
    wanted = COMMANDS[called][0] if called in COMMANDS else None
    registered = set()
    for name, (module, summary) in COMMANDS.items():
        if module != wanted:
            app.command(name, help=summary)(_placeholder(name))
        elif module not in registered:
            registered.add(module)
            importlib.import_module(module).register(app)
    return app


def _placeholder(name: str) -> Callable[[], None]:
    def not_called() -> None:
        raise AssertionError(f"{name} is listed, not called")

    return not_called


def run() -> None:
    """The entry point. It leaves by os._exit: the interpreter's own end may abort in Temporal's threads."""
    called = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), None)
    code = 1
    try:
        build(called)()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        code = 130
    except Exception as error:  # the last place that can tell it
        if _expected(error):
            sys.stderr.write(f"duradesk: {error}\n" if str(error) else "")
        else:
            sys.stderr.write(f"Traceback of an error that nobody expected:\n{_told(error)}\n")
    finally:
        _leave(code)


def _expected(error: Exception) -> bool:
    """Whether the message alone says what is wrong and what to do."""
    return isinstance(error, DeskError) or type(error).__name__ in {"SettingError", "StartError"}


def _told(error: Exception) -> str:
    from runtime.redaction import told_in_full  # noqa: PLC0415  only who fails pays for it

    return told_in_full(error)


def _leave(code: int) -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # the reader of a pipe is gone
            code = code or 1
    os._exit(code)


if __name__ == "__main__":
    run()
