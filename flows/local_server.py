"""A Prefect server that lives as long as one run: started by ``flows.orchestrator``, never by hand.

It is Prefect's own application, started in a quarter of the time: the tables are made directly
instead of by replaying a hundred migrations on an empty database, nothing that serves a browser or
a schedule is loaded, and the socket was opened by the parent, so that the port is known before the
server is. Its database is thrown away with it; what must last is in our catalogue.
"""

from __future__ import annotations

import gc
import os
import shutil
import socket
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sqlalchemy import Connection, MetaData


def main(listener: int, lifeline: int, home: str) -> None:
    """Serve until the parent is gone.

    Args:
        listener: Descriptor of a listening TCP socket.
        lifeline: Descriptor of a pipe whose other end only the parent holds: end of file means
            that the parent has left, in whatever way.
        home: Folder of this server, removed at the end.
    """
    threading.Thread(target=_leave_with_parent, args=(lifeline, home), daemon=True).start()
    gc.disable()  # a quarter of the time of importing what stays for good anyway
    import uvicorn

    app = _build_app()
    gc.freeze()
    gc.enable()
    config = uvicorn.Config(app, lifespan="on", log_config=None, access_log=False)
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=listener)])


def _leave_with_parent(lifeline: int, home: str) -> None:
    """Wait for the end of the parent, then go at once: nothing here is worth a farewell."""
    os.read(lifeline, 1)
    shutil.rmtree(home, ignore_errors=True)
    os._exit(0)


def _build_app() -> FastAPI:
    """Prefect's application, with tables that are there before it asks for them."""
    from prefect.server.api.server import create_app
    from prefect.server.database import provide_database_interface

    app = create_app(ephemeral=True, final=True)
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def with_tables(served: FastAPI) -> AsyncIterator[None]:
        database = provide_database_interface()
        engine = await database.engine()
        async with engine.begin() as connection:
            await connection.run_sync(_create_tables, database.Base.metadata)
        async with lifespan(served):
            yield

    app.router.lifespan_context = with_tables
    return app


def _create_tables(connection: Connection, metadata: MetaData) -> None:
    """Create all tables; Prefect declares some indices twice, which its migrations do not mind."""
    for table in metadata.tables.values():
        seen: set[object] = set()
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if index.name in seen:
                table.indexes.discard(index)
            seen.add(index.name)
    metadata.create_all(connection)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
