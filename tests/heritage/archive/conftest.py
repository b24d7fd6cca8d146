"""A signed restoration and the dossier about it, for tests of all that the archive receives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import ImageCms

from db.chain import GENESIS, hash_of
from db.vocabulary import AgentKind, EventType, Outcome
from heritage.archive.dossier import Dossier, Judged, Method, Occurrence, Original, Signing, Work
from heritage.damage.masks import open_mask
from heritage.damage.regions import find_regions
from heritage.restore.engine import restore
from heritage.restore.provenance import read_provenance
from heritage.restore.recompose import recompose
from heritage.restore.restoration import Restoration

NOON = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
IDENTIFIER = "0f8fad5b-d9cb-469f-a165-70867728950e"
TAKEN_BACK = 2
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@dataclass(frozen=True)
class Signed:
    """A master, what was proposed, and what was signed: region 2 of 3 was taken back."""

    master: Path
    proposed: Restoration
    made: Restoration
    dossier: Dossier


@pytest.fixture(scope="session")
def signed(tmp_path_factory) -> Signed:
    """See ``Signed``; files in it must not be changed."""
    folder = tmp_path_factory.mktemp("archive")
    rng = np.random.default_rng(5)
    rows = np.arange(600)[:, None, None] + np.arange(800)[None, :, None] + np.array([0, 40, 90])
    picture = ((rows * 0.13 + 30 + rng.integers(0, 5, rows.shape)) * 257).astype(np.uint16)
    mask = np.zeros((600, 800), np.uint8)
    mask[60:120, 80:160] = 255
    mask[200:500, 400:408] = 255
    mask[440:500, 600:700] = 255
    master = folder / "mill.tif"
    tifffile.imwrite(
        master, picture, photometric="rgb", tile=(256, 256), compression="zlib", iccprofile=ICC,
        resolution=(600, 600), resolutionunit=2, description="The Mill, recto", metadata=None,
    )  # fmt: skip
    tifffile.imwrite(master.with_suffix(".mask.tif"), mask)
    proposed = restore(master, model="telea", output=folder / "out", device="cpu")
    decisions = {"approver": "Ava Approver", "statement": "evidence-based completion"}
    made = recompose(proposed.folder, master, [TAKEN_BACK], folder / "out-signed", decisions)
    return Signed(master, proposed, made, dossier_of(master, proposed, made))


@pytest.fixture
def dossier(signed) -> Dossier:
    """Of the signed restoration."""
    return signed.dossier


def dossier_of(master: Path, proposed: Restoration, made: Restoration) -> Dossier:
    """What the catalogue would tell, told by hand."""
    record = read_provenance(made.provenance)
    said = record["master"]
    with open_mask(proposed.mask) as mask:
        regions = find_regions(mask)
    return Dossier(
        name=made.folder.name,
        identifier=IDENTIFIER,
        work=Work(
            "1923.7", "The Mill", "Jan van der Meer", "c. 1650", "Museum of Tests",
            "http://rightsstatements.org/vocab/NoC-NC/1.0/",
        ),
        original=Original(
            file=master.name, place=str(master), sha256=said["sha256"], bytes=said["bytes"],
            page=0, width=800, height=600, samples=3, bits=16, dtype="uint16", colour="rgb",
            compression="deflate", icc_sha256="5" * 64, recorded_at=NOON - timedelta(days=3),
        ),
        method=Method(
            "telea", "diffusion", None, None, {"radius": 3, "seed": 7}, "cpu",
            {"heritage": "0.1.0", "python": "3.11.7", "numpy": "2.4.0"},
        ),
        operator="Olga Operator",
        started_at=NOON - timedelta(hours=2),
        finished_at=NOON - timedelta(hours=1),
        filled=record["mask"]["pixels"],
        regions=tuple(_judged(region) for region in regions),
        signing=Signing(
            "evidence-based completion", "After the copy of 1710.", "Rex Reviewer",
            NOON - timedelta(minutes=30), "Ava Approver", NOON - timedelta(minutes=20),
        ),
        events=tuple(_events(said["sha256"])),
    )  # fmt: skip


def _judged(region) -> Judged:
    kept = region.number != TAKEN_BACK
    return Judged(
        region.number, region.box, region.area, "CRACKS", 0.9, "learned", kept,
        "approved" if kept else "rejected", "Rex Reviewer", NOON - timedelta(minutes=40),
        "" if kept else "the crack is the panel's own",
    )  # fmt: skip


def _events(master: str) -> Iterator[Occurrence]:
    person, program = AgentKind.PERSON, AgentKind.SOFTWARE
    happened = [
        (EventType.INGESTION, "heritage", program, None),
        (EventType.MESSAGE_DIGEST_CALCULATION, "heritage", program, None),
        (EventType.CREATION, "heritage", program, IDENTIFIER),
        (EventType.FIXITY_CHECK, "heritage", program, None),
        (EventType.APPRAISAL, "Rex Reviewer", person, IDENTIFIER),
        (EventType.MODIFICATION, "heritage", program, IDENTIFIER),
    ]
    previous = GENESIS
    for number, (kind, agent, sort, restoration) in enumerate(happened, 1):
        row = {
            "sequence": number,
            "at": NOON - timedelta(minutes=60 - number),
            "type": kind,
            "outcome": Outcome.SUCCESS,
            "agent": agent,
            "agent_kind": sort,
            "agent_version": "0.1.0" if sort is program else None,
            "on_behalf_of": "Olga Operator" if sort is program else None,
            "master_sha256": master,
            "mask_sha256": None,
            "restoration": restoration,
            "detail": {"number": number},
            "previous_hash": previous,
        }
        previous = hash_of(row)
        words = {name: row[name].value for name in ("type", "outcome", "agent_kind")}
        uris = {"type_uri": kind.uri, "outcome_uri": Outcome.SUCCESS.uri}
        yield Occurrence(**{**row, **words, **uris, "hash": previous})
