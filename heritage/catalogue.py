"""The catalogue as the flows see it: record what is done, ask what was done.

Every recording call may be made again, by a run that was killed and starts over: what is on record
stays, and nothing is recorded twice. This is the one door between the domain's data and the
tables in ``db``; pixels never pass it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import db
from db import ingest, runs
from heritage import __version__
from heritage.accession import (
    Finding,
    FinishedFiles,
    MasterFacts,
    RegionFacts,
    artefact_of,
    columns_of,
    hash_outputs,
    place,
    plain,
    region_row,
)
from heritage.enquiries import SOFTWARE, Enquiries
from heritage.errors import HeritageError
from heritage.geometry import Box
from heritage.settings import Settings


def open_catalogue(settings: Settings, clock: Callable[[], datetime] | None = None) -> Catalogue:
    """Open the catalogue the settings name; an empty database becomes one.

    Args:
        settings: Of which ``database_url`` and ``operator`` count.
        clock: What time it is, with time zone; by default the system's, in UTC.

    Raises:
        CatalogueRefused: If it cannot be reached or was made by a newer version.
    """
    return Catalogue(settings.database_url, settings.operator, clock)


class Catalogue(Enquiries):
    """An open catalogue that records and answers; see ``Enquiries`` for how it is opened."""

    def record_master(
        self,
        info: MasterFacts,
        sha256: str,
        *,
        accession: str | None = None,
        title: str | None = None,
        maker: str | None = None,
        date: str | None = None,
    ) -> int:
        """Record a master and the artefact it shows; return its number.

        Without an accession number the artefact is provisional and named after the file; masters
        of the same file name then belong to the same artefact until somebody describes them.

        Args:
            info: From ``heritage.tiff.inspect``.
            sha256: Of the whole file.
            accession: The artefact's accession number.
            title: Its title.
            maker: Its maker.
            date: Its date, as the museum writes it.
        """
        artefact = artefact_of(info.path, accession, title, maker, date)
        with self._writing() as session:
            facts = columns_of(info, sha256)
            return ingest.record_master(session, artefact, facts, self._origin())

    def is_unchanged(self, path: Path) -> bool:
        """Whether a file is on record and was not written since it was last hashed.

        Raises:
            OSError: If it is not there.
        """
        found = path.stat()
        modified = datetime.fromtimestamp(found.st_mtime, UTC)
        with self._reading() as session:
            return ingest.is_unchanged(session, place(path), found.st_size, modified)

    def record_arrival(self, info: MasterFacts, sha256: str) -> bool:
        """Record a master that has arrived; whether it was unknown."""
        artefact = artefact_of(info.path, None, None, None, None)
        with self._writing() as session:
            known = ingest.is_known(session, sha256)
            ingest.record_master(session, artefact, columns_of(info, sha256), self._origin())
            ingest.resolve_refusal(session, place(info.path), self._clock())
        return not known

    def record_mask(
        self,
        master: int,
        *,
        sha256: str,
        pixels: int,
        origin: str = "found",
        source: Path | str | None = None,
        source_sha256: str | None = None,
    ) -> int:
        """Record a mask of a master; return its number.

        Args:
            master: From ``record_master``.
            sha256: Of the imported mask.
            pixels: How many it marks.
            origin: ``given`` by a person, ``found`` beside the master, or ``detected``.
            source: The file a person handed in.
            source_sha256: Of that file.
        """
        facts = {
            "sha256": sha256,
            "pixels": int(pixels),
            "source_path": None if source is None else plain(source),
            "source_sha256": source_sha256,
        }
        with self._writing() as session:
            kind = db.MaskOrigin(origin)
            return ingest.record_mask(session, master, kind, facts, self._origin())

    def record_model(
        self,
        name: str,
        kind: str,
        *,
        weights_sha256: str | None = None,
        licence: str | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> int:
        """Record a model; return its number. The same name with other weights is another model."""
        facts = {
            "name": name,
            "kind": str(kind),
            "weights_sha256": weights_sha256,
            "licence": licence,
            "parameters": parameters or {},
        }
        with self._writing() as session:
            return ingest.record_model(session, facts, self._clock())

    def begin_restoration(
        self,
        master: int,
        mask: int,
        model: int,
        *,
        parameters: dict[str, Any],
        output: Path | str,
        device: str,
        again: bool = False,
    ) -> db.Run:
        """Begin a restoration, or go on with the one begun for the same request.

        Args:
            master: From ``record_master``.
            mask: From ``record_mask``.
            model: From ``record_model``.
            parameters: JSON values that decide the result.
            output: The folder that will hold the restored files.
            device: What it runs on.
            again: Restore anew although it is finished, because its files are gone.

        Returns:
            The restoration: ``finished`` if nothing is left to do, ``continued`` if begun before.
        """
        request = db.Request(master, mask, model, parameters, place(output))
        software = f"{SOFTWARE} {__version__}"
        with self._writing() as session:
            return runs.begin(session, request, software, device, self._origin(), again)

    def finish_restoration(
        self,
        restoration: int,
        result: FinishedFiles,
        regions: Iterable[RegionFacts],
        hashes: dict[str, str] | None = None,
        findings: Mapping[Box, Finding] | None = None,
        beside_protected: Collection[int] = (),
    ) -> None:
        """Record that the files are there, with all regions, at once or not at all.

        Args:
            restoration: ``Run.id``.
            result: From ``heritage.restore``.
            regions: From ``heritage.damage.find_regions``.
            hashes: SHA-256 of ``restored``, ``mask``, ``layer`` and ``provenance`` where they are
                known already; the files of those that are not are read.
            findings: What detectors said of regions, by their boxes.
            beside_protected: Numbers of regions beside protected areas.

        Raises:
            CatalogueRefused: If it is on record with other files.
        """
        facts = hash_outputs(result, hashes or {}) | {
            "seconds": float(result.seconds),
            "damaged_pixels": int(result.damaged_pixels),
            "reencoded": None if result.reencoded is None else plain(result.reencoded),
        }
        with self._writing() as session:
            said = findings or {}
            beside = frozenset(beside_protected)
            rows = (region_row(r, said.get(r.box), r.number in beside) for r in regions)
            runs.finish(session, restoration, facts, rows, self._origin())

    def fail_restoration(self, restoration: int, error: BaseException | str) -> None:
        """Record that a restoration stopped, and why; the same request continues it."""
        with self._writing() as session:
            runs.fail(session, restoration, _fault(error), _reason(error), self._origin())

    def abandon_restoration(self, restoration: int, reason: str) -> None:
        """Record that nobody will go on with a restoration; the same request begins anew."""
        with self._writing() as session:
            runs.abandon(session, restoration, plain(reason), self._origin())

    def record_refusal(
        self, path: Path | str, error: BaseException | str, sha256: str | None = None
    ) -> None:
        """Record that a file could not be restored, and why, before any restoration began.

        The same reason again only counts up; the file is off the list once a restoration of it
        begins.

        Args:
            path: The file.
            error: What stood in the way.
            sha256: Of the file, where it could be read.
        """
        facts = {
            "path": place(path),
            "sha256": sha256,
            "fault": _fault(error),
            "reason": _reason(error),
        }
        with self._writing() as session:
            ingest.record_refusal(session, facts, self._origin())

    def record_fixity(self, restoration: int, sound: bool, findings: Iterable[str] = ()) -> None:
        """Record that a restoration's files were verified, and what was found."""
        with self._writing() as session:
            said = [plain(finding) for finding in findings]
            runs.record_fixity(session, restoration, sound, said, self._origin())


def _fault(error: BaseException | str) -> str:
    return type(error).__name__ if isinstance(error, BaseException) else "HeritageError"


def _reason(error: BaseException | str) -> str:
    """The error as the sentence that goes on record; never empty."""
    said = error.reason if isinstance(error, HeritageError) else str(error)
    return " ".join(plain(said).split()) or _fault(error)
