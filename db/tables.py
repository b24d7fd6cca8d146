"""All tables, for whoever needs the whole of the metadata (migrations, tests)."""

from __future__ import annotations

from db.columns import Base
from db.events import Event
from db.objects import Artefact, Mask, Master, Model, Refusal
from db.restorations import Region, Restoration
from db.votes import Vote

metadata = Base.metadata

__all__ = [
    "Artefact",
    "Event",
    "Mask",
    "Master",
    "Model",
    "Refusal",
    "Region",
    "Restoration",
    "Vote",
    "metadata",
]
