"""The catalogue: tables, sessions, the chain of events, queries, migrations.

Imports nothing of ours, knows neither pixels nor Prefect. ``Database`` opens it, ``migrate`` brings
it up to date, ``db.ingest`` and ``db.runs`` write, ``db.queries`` answers, ``db.chain`` proves
that the record was not altered.
"""

from db.chain import GENESIS, Agent, ChainReport, Happening, append, verify_chain
from db.engine import Database
from db.errors import CatalogueError, CatalogueTooNew, CatalogueUnreachable, Contradiction
from db.ingest import ArtefactFacts, Origin
from db.runs import Request, Run
from db.upgrade import migrate
from db.vocabulary import AgentKind, Decision, EventType, MaskOrigin, MaskStatus, Outcome, Status

__all__ = [
    "GENESIS",
    "Agent",
    "AgentKind",
    "ArtefactFacts",
    "CatalogueError",
    "CatalogueTooNew",
    "CatalogueUnreachable",
    "ChainReport",
    "Contradiction",
    "Database",
    "Decision",
    "EventType",
    "Happening",
    "MaskOrigin",
    "MaskStatus",
    "Origin",
    "Outcome",
    "Request",
    "Run",
    "Status",
    "append",
    "migrate",
    "verify_chain",
]
