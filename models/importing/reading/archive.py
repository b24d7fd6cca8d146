"""Zip archives as torch writes them: one folder, nothing compressed, nothing twice.

Only a few members are ever looked at, by name and in memory; nothing is unpacked, so a member
called ``../../x`` is merely ignored.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from types import TracebackType

from models.errors import WeightsRefused
from models.importing.reading import pickles
from models.importing.reading.contents import refused
from models.importing.reading.records import Malformed, Program

_DAMAGED = (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, ValueError, RuntimeError)


class Archive:
    """An open archive, checked.

    Args:
        path: The file.

    Raises:
        WeightsRefused: If it is damaged, or not as torch writes archives.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except _DAMAGED as error:
            raise self._damaged(error) from error
        try:
            self._members = self._checked()
        except WeightsRefused:
            self._zip.close()
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def size(self, name: str) -> int:
        """Bytes of a member; -1 if there is none of that name."""
        return self._members[name].file_size if name in self._members else -1

    def read(self, name: str) -> bytes:
        """The bytes of a member.

        Raises:
            WeightsRefused: If it is not there or damaged.
        """
        try:
            return self._zip.read(self._members[name])
        except KeyError as error:
            raise refused(self.path, f"its part {name} is missing; fetch it again") from error
        except _DAMAGED as error:
            raise self._damaged(error) from error

    def program(self, name: str) -> Program:
        """A member that is a pickle, read as data.

        Raises:
            WeightsRefused: If it is not there or damaged.
        """
        try:
            return pickles.read(io.BytesIO(self.read(name)))
        except Malformed as error:
            raise refused(self.path, f"{error}; fetch it again") from error

    def _damaged(self, error: Exception) -> WeightsRefused:
        return refused(self.path, f"a damaged or incomplete archive ({error}); fetch it again")

    def _checked(self) -> dict[str, zipfile.ZipInfo]:
        infos = self._zip.infolist()
        # Other readers of zip files look names up in other ways; what is checked must be what
        # they find.
        if len({info.filename.lower() for info in infos}) < len(infos) or any(
            info.filename != info.orig_filename for info in infos
        ):
            raise refused(self.path, "has parts with the same name; fetch it again")
        roots = [i.filename[:-8] for i in infos if i.filename.endswith("/data.pkl")]
        roots = [root for root in roots if root.count("/") == 1]
        if len(roots) != 1:
            raise refused(self.path, "a zip archive, but not of torch; give the weights file in it")
        members: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            name = info.filename.removeprefix(roots[0])
            if not name.startswith(("data", "constants", "byteorder")):
                continue
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                raise refused(self.path, "is compressed, as torch never does; unpack and import it")
            members[name] = info
        if sum(info.file_size for info in members.values()) > self.path.stat().st_size:
            raise refused(self.path, "claims to hold more than its own size; fetch it again")
        return members
