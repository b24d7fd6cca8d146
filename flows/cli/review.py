"""``heritage review``: the room where staff look, decide and sign off."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from flows.cli.answers import AsJson, say_json, say_table

app = typer.Typer(
    help="Open the review room, where staff look at restorations in a browser, decide region by "
    "region, and sign off. `account` makes or changes who may come in.",
    epilog="Example: heritage review --port 8040",
    invoke_without_command=True,
)


@app.callback()
def review(
    context: typer.Context,
    host: Annotated[
        str, typer.Option(help="The address of this machine to be reached at.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8040,
) -> None:
    """Open the review room until interrupted."""
    if context.invoked_subcommand is not None:
        return
    from functools import partial

    from flows.operations.names import PUBLISH
    from flows.operations.server import ask_for, server_of
    from flows.orders import run_order
    from heritage.review.orders import Orders
    from heritage.review.serve import serve_review
    from heritage.settings import load_settings

    settings = load_settings()
    orders = Orders(partial(run_order, settings=settings))
    publish = partial(ask_for, PUBLISH, settings) if server_of(settings) else None
    serve_review(settings, host, port, lambda words: print(words, flush=True), orders, publish)


@app.command(epilog="Example: heritage review account ann --full-name 'Ann Lee' --role reviewer")
def account(
    name: Annotated[str, typer.Argument(help="The name to log in with.")],
    full_name: Annotated[
        str | None, typer.Option(help="As decisions and reports give it; needed for a new one.")
    ] = None,
    role: Annotated[
        str | None, typer.Option(help="viewer, reviewer, approver or administrator.")
    ] = None,
    closed: Annotated[
        bool | None, typer.Option("--close/--open", help="Whether the person may come in.")
    ] = None,
    password: Annotated[bool, typer.Option("--password", help="Ask for a new password.")] = False,
) -> None:
    """Make an account, or change one. The password is asked for, or read from standard input."""
    from db.vocabulary import Role
    from heritage.errors import BadSetting
    from heritage.review.desk import open_desk
    from heritage.settings import load_settings

    if role is not None and role not in list(Role):
        raise BadSetting(f"there is no role {role!r}; there are {', '.join(Role)}")
    wanted = None if role is None else Role(role)
    with open_desk(load_settings()) as desk:
        known = {row.name for row in desk.accounts()}
        if name.strip().lower() in known:
            new = _password() if password else None
            active = None if closed is None else not closed
            desk.change_account(None, name, role=wanted, active=active, password=new)
            print(f"Changed {name}; who was logged in as {name} is logged out.")
            return
        row = desk.add_account(None, name, full_name or name, wanted or Role.VIEWER, _password())
        print(f"{row.full_name} may come in as {row.name}, {row.role}.")


@app.command(epilog="Example: heritage review accounts --json")
def accounts(as_json: AsJson = False) -> None:
    """List who may come in."""
    from heritage.review.desk import open_desk
    from heritage.settings import load_settings

    with open_desk(load_settings()) as desk:
        rows = desk.accounts()
    if as_json:
        keys = ("name", "full_name", "role", "active")
        say_json({"accounts": [{key: getattr(row, key) for key in keys} for row in rows]})
        return
    say_table(
        ("name", "full name", "role", "access"),
        ((row.name, row.full_name, row.role, "open" if row.active else "closed") for row in rows),
    )


def _password() -> str:
    """Asked for twice at a terminal, read as one line otherwise; never an argument."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
