"""Which masters are meant by a URL: one file, or all below a folder in storage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from heritage.remote.address import Address, is_remote, parse_address
from heritage.remote.store import patiently


def masters_at(
    place: Path | str, is_master: Callable[[str], bool], leave_out: Iterable[Path] = ()
) -> list[Path]:
    """The masters at a URL, as they travel.

    A web server names no files: its address is one file, taken at its word. A folder in storage is
    searched at any depth; what is hidden is left out.

    Args:
        place: A URL.
        is_master: Whether a file of this name counts.
        leave_out: Folders that are not entered, such as the output's; local ones are none of these.

    Raises:
        BadSetting: If it is no address that is taken.
        RemoteFailed: If it is not there or cannot be listed.
    """
    address = parse_address(place)
    if address.is_web:
        return [address.travelling]
    from heritage.remote.bucket import BucketStore

    store = BucketStore(address)
    if not patiently(lambda: store.is_folder(address)):
        return [address.travelling]
    closed = [parse_address(folder) for folder in leave_out if is_remote(folder)]
    return [
        file.travelling
        for file in patiently(lambda: store.files_below(address))
        if _counts(file, address, closed) and is_master(file.name)
    ]


def _counts(file: Address, root: Address, closed: list[Address]) -> bool:
    inside = file.path.removeprefix(root.path).strip("/").split("/")
    hidden = any(part.startswith(".") for part in inside)
    return not hidden and not any(folder.holds(file) for folder in closed)
