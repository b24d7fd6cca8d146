"""The log: one line a fact, on standard error, for those who asked for it.

Nothing is written unless the settings ask (``log_format`` or ``log_level``), so that a person's
terminal shows what it always shows. What was said through ``logging.getLogger("heritage")`` comes
out the same way. structlog is imported once somebody asks, not before.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TextIO

from heritage.errors import HeritageError
from heritage.secrecy import Secrecy

if TYPE_CHECKING:
    from heritage.settings import Settings

NAME = "heritage"
FIRST = ("time", "level", "event")
"""What every line begins with."""

Facts = MutableMapping[str, Any]
Ids = Mapping[str, object]

# One dictionary for a master and all that is done to it, in whatever task or thread.
_ids: ContextVar[dict[str, object] | None] = ContextVar("heritage_ids", default=None)
_sources: list[Callable[[], Ids]] = []


class _Log:
    """What this process writes, if anything."""

    begun = False
    handler: logging.Handler | None = None
    written: Any = None


class _ToStandardError(logging.StreamHandler[TextIO]):
    """Standard error as it is when a line is written, whoever redirected it meanwhile."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def begin(settings: Settings | None = None) -> None:
    """Write the log from now on as the settings ask; without any, those of the site.

    Settings that make no sense are told by whoever needs them, not here.
    """
    from heritage.settings import load_settings

    _Log.begun = True
    try:
        settings = settings or load_settings()
    except HeritageError:
        return
    level = settings.log_level or ("info" if settings.log_format == "json" else None)
    logger = logging.getLogger(NAME)
    if _Log.handler is not None:
        logger.removeHandler(_Log.handler)
        logger.propagate, _Log.handler, _Log.written = True, None, None
    if level is not None:
        _write(logger, level, settings)


def say(event: str, level: str = "info", /, **facts: object) -> None:
    """Write one fact, if anybody asked.

    Args:
        event: Its name, short and the same for ever: ``restoration.finished``.
        level: ``debug``, ``info``, ``warning`` or ``error``.
        facts: What there is to know; numbers with their unit in the name (``seconds``).
    """
    if not _Log.begun:
        begin()
    if _Log.written is not None:
        getattr(_Log.written, level)(event, **facts)


@contextmanager
def concerning(**ids: object) -> Iterator[None]:
    """Have all lines inside the block carry these ids; those that are None are left out.

    Inside a block about the same, it is that block: what is identified there counts further out.
    """
    around, known = _ids.get(), _known(ids)
    if around is not None and known.items() <= around.items():
        yield
        return
    token = _ids.set({**(around or {}), **known})
    try:
        yield
    finally:
        _ids.reset(token)


def identified(**ids: object) -> None:
    """Have further lines of the block around carry these ids as well; without one, nothing."""
    around = _ids.get()
    if around is not None:
        around.update(_known(ids))


def also(source: Callable[[], Ids]) -> None:
    """Ask ``source`` for ids that every line is to carry."""
    if source not in _sources:
        _sources.append(source)


def _known(ids: Ids) -> dict[str, object]:
    return {name: value for name, value in ids.items() if value is not None}


def _write(logger: logging.Logger, level: str, settings: Settings) -> None:
    import structlog
    from structlog.stdlib import ProcessorFormatter

    chain: list[Any] = [
        _with_ids,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
    ]
    if settings.log_format == "json":
        renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    else:
        renderer = structlog.processors.LogfmtRenderer(bool_as_flag=False)
    secrecy = Secrecy.of(settings)
    last = [ProcessorFormatter.remove_processors_meta, _plain, secrecy.hide, _in_order, renderer]
    _Log.handler = _ToStandardError()
    _Log.handler.setFormatter(
        ProcessorFormatter(processors=last, foreign_pre_chain=[_message, *chain])
    )
    logger.addHandler(_Log.handler)
    logger.setLevel(level.upper())
    logger.propagate = False
    _Log.written = structlog.wrap_logger(
        logger,
        processors=[
            structlog.stdlib.filter_by_level,
            *chain,
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    ).bind()


def _message(_logger: object, _method: str, facts: Facts) -> Facts:
    """A sentence of ``logging`` has no name of its own."""
    facts["message"], facts["event"] = facts["event"], "message"
    return facts


def _with_ids(_logger: object, _method: str, facts: Facts) -> Facts:
    """Who said it, and about what; what the line itself says stands."""
    known: dict[str, object] = {"host": socket.gethostname(), "pid": os.getpid()}
    known |= _ids.get() or {}
    for source in _sources:
        known |= source()
    for name, value in known.items():
        facts.setdefault(name, value)
    return facts


def _plain(_logger: object, _method: str, facts: Facts) -> Facts:
    """Values as JSON knows them: words, numbers, nothing."""
    for name, value in facts.items():
        if not isinstance(value, str | int | float | bool | None):
            facts[name] = str(value)
    return facts


def _in_order(_logger: object, _method: str, facts: Facts) -> Facts:
    first = {name: facts.pop(name) for name in FIRST if name in facts}
    return {**first, **facts}
