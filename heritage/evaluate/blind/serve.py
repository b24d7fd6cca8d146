"""Opening the page on this machine, for this machine alone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from heritage.catalogue import Catalogue
from heritage.errors import HeritageError
from heritage.evaluate.blind.layout import read_evaluation
from heritage.evaluate.blind.pairs import TRUTH_SHARE
from heritage.listening import listen

HOST = "127.0.0.1"
PORT = 8042


def serve_blind(
    folder: Path,
    catalogue: Catalogue,
    voter: str = "",
    port: int = PORT,
    *,
    truth_share: float = TRUTH_SHARE,
    say: Callable[[str], None] = print,
) -> None:
    """Serve the blind comparison of an evaluation's fills until interrupted (Ctrl-C).

    Args:
        folder: The evaluation's output folder.
        catalogue: Open; every vote goes there at once.
        voter: The name that the page suggests.
        port: Where on 127.0.0.1; 0 for any that is free.
        truth_share: Part of the pairs, 0 to 1, in which one side is the truth.
        say: Receives one sentence with the page's address once it can be opened.

    Raises:
        EvaluationUnreadable: If the folder holds nothing to compare.
        PortTaken: If another program is there already.
    """
    try:
        import uvicorn

        from heritage.evaluate.blind.booth import Booth
        from heritage.evaluate.blind.page import create_page
    except ModuleNotFoundError as error:
        reason = f"the page needs {error.name}: pip install 'heritage[evaluate]'"
        raise HeritageError(reason) from None
    evaluation = read_evaluation(folder)
    page = create_page(Booth(evaluation, catalogue, voter, truth_share))
    with contextlib.closing(listen(HOST, port)) as listener:
        address = f"http://{HOST}:{listener.getsockname()[1]}/"
        say(f"Open {address} in a browser on this machine. Ctrl-C ends it; all votes are stored.")
        config = uvicorn.Config(page, log_level="warning", access_log=False, server_header=False)
        with contextlib.suppress(KeyboardInterrupt):  # the way to end it
            uvicorn.Server(config).run(sockets=[listener])
