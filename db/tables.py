"""All tables, for whoever needs the whole of the metadata (migrations, tests)."""

from __future__ import annotations

from db.accounts import Account, Visit
from db.columns import Base
from db.events import Event
from db.holdings import Holding
from db.leases import Lease
from db.objects import Artefact, Mask, Master, Model, Refusal
from db.packages import Package
from db.restorations import Region, Restoration
from db.reviews import SignOff, Step
from db.votes import Vote

metadata = Base.metadata

__all__ = [
    "Account",
    "Artefact",
    "Event",
    "Holding",
    "Lease",
    "Mask",
    "Master",
    "Model",
    "Package",
    "Refusal",
    "Region",
    "Restoration",
    "SignOff",
    "Step",
    "Visit",
    "Vote",
    "metadata",
]
