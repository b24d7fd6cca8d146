"""Opening the review room to browsers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from heritage.errors import BadSetting
from heritage.listening import listen
from heritage.review.orders import Orders
from heritage.settings import Settings

if TYPE_CHECKING:
    from heritage.review.desk import Desk

HOST = "127.0.0.1"
PORT = 8040


def serve_review(
    settings: Settings,
    host: str = HOST,
    port: int = PORT,
    say: Callable[[str], None] = print,
    orders: Orders | None = None,
    ask_to_publish: Callable[[], None] | None = None,
) -> None:
    """Serve the review room until interrupted (Ctrl-C).

    Args:
        settings: The site's.
        host: The address of this machine to be reached at; others than 127.0.0.1 belong behind a
            proxy that speaks https.
        port: Its number; 0 for any that is free.
        say: Receives one sentence with the address once it can be opened.
        orders: Where restorations can be asked for; None: they cannot.
        ask_to_publish: Has a worker compose what was signed; None: it is done here.

    Raises:
        BadSetting: If nobody could log in yet.
        PortTaken: If another program is there already.
        CatalogueRefused: If the catalogue cannot be opened.
    """
    import uvicorn

    from heritage.review.desk import open_desk
    from heritage.review.web.app import create_app

    with open_desk(settings) as desk:
        require_somebody(desk, settings)
        with contextlib.closing(listen(host, port)) as listener:
            shown = "localhost" if host == HOST else host
            say(f"Open http://{shown}:{listener.getsockname()[1]}/ in a browser. Ctrl-C ends it.")
            config = uvicorn.Config(
                create_app(settings, desk, orders, ask_to_publish),
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_keep_alive=75,  # people look for a while before they move on
                proxy_headers=False,  # the room itself knows which proxies it trusts
            )
            with contextlib.suppress(KeyboardInterrupt):  # the way to end it
                uvicorn.Server(config).run(sockets=[listener])


def require_somebody(desk: Desk, settings: Settings) -> None:
    """See that there is somebody who can log in.

    Raises:
        BadSetting: If there is nobody yet.
    """
    if not desk.accounts() and not settings.review_proxies:
        raise BadSetting(
            "nobody can log in yet; make the first account: "
            "heritage review account NAME --role administrator"
        )
