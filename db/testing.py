"""Real databases for tests, here and in packages that build on the catalogue.

A PostgreSQL server is started from the programs that Debian and others install, in a temporary
folder, reachable through a socket in it alone, and thrown away afterwards. PostgreSQL refuses to
run as root, so as root it runs as somebody without rights.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

INSTALLED = Path("/usr/lib/postgresql")
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=50")
START_LIMIT = 60


def postgresql_programs() -> Path | None:
    """The folder with ``initdb`` and ``postgres``, of the newest version; ``None`` without one."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    found = sorted(INSTALLED.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def throwaway_postgresql(programs: Path) -> Iterator[str]:
    """Run a server and yield the address of its maintenance database.

    Args:
        programs: From ``postgresql_programs``.
    """
    folder = Path(tempfile.mkdtemp(prefix="heritage-pg-"))
    user = _unprivileged()
    try:
        if user is not None:
            shutil.chown(folder, user)
        data = folder / "data"
        setup: list[str | Path] = [programs / "initdb", "-D", data, "-U", "postgres", "--no-sync"]
        subprocess.run(  # noqa: S603
            [*setup, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"],
            check=True,
            user=user,
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        with _running(programs, folder, user):
            yield f"postgresql://postgres@/postgres?host={folder}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(programs: Path, folder: Path, user: str | None) -> Iterator[None]:
    options = [word for option in QUICK for word in ("-c", option)]
    address: list[str | Path] = ["-c", "listen_addresses=", "-k", folder]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(  # noqa: S603
            [programs / "postgres", "-D", folder / "data", *address, *options],
            user=user,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        _wait_until_ready(programs, folder, server)
        yield
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: there is nothing to keep
        server.wait()


def _wait_until_ready(programs: Path, folder: Path, server: subprocess.Popen[bytes]) -> None:
    ask: list[str | Path] = [programs / "pg_isready", "-q", "-h", folder]
    deadline = time.monotonic() + START_LIMIT
    while subprocess.run(ask, check=False).returncode != 0:  # noqa: S603
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError((folder / "log").read_text(errors="replace"))
        time.sleep(0.05)


def _unprivileged() -> str | None:
    """Somebody to run as instead of root; ``None`` if we are not root."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def new_database(maintenance: str, like: str | None = None) -> str:
    """Make a database on a throw-away server and return its address.

    Args:
        maintenance: The server's maintenance database.
        like: Address of a database to copy, which nobody must be using; otherwise empty.
    """
    import psycopg

    name = f"catalogue_{uuid.uuid4().hex}"
    template = "template1" if like is None else urlsplit(like).path[1:]
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return maintenance.replace("/postgres?", f"/{name}?")
