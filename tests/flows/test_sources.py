import os
from pathlib import Path

import pytest

from flows.sources import find_masters


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    for name in (
        "b.tif",
        "a.TIFF",
        "a.mask.tif",
        "a.layer.tif",
        "a.restored.TIF",
        "notes.txt",
        ".hidden.tif",
        ".b.work/patch.tif",
        "box 1/c.tif",
        "restored/b/b.restored.tif",
        "restored/d.tif",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_a_folder_means_its_masters_in_order_and_nothing_we_wrote(archive: Path) -> None:
    found = find_masters([archive], leave_out=[archive / "restored"])
    names = [str(path.relative_to(archive)) for path in found.masters]
    assert names == ["a.TIFF", "b.tif", "box 1/c.tif"]
    assert not found.refused


def test_a_file_that_is_named_is_taken_at_its_word(archive: Path) -> None:
    sources = [archive / "a.mask.tif", archive / "notes.txt"]
    assert find_masters(sources).masters == tuple(sources)


def test_what_does_not_exist_is_refused_and_stops_nothing(archive: Path) -> None:
    found = find_masters([archive / "gone.tif", archive / "b.tif"])
    assert found.masters == (archive / "b.tif",)
    assert [(fault.source, "exist" in fault.reason) for fault in found.refused] == [
        (archive / "gone.tif", True)
    ]


def test_a_folder_that_may_not_be_read_is_refused_with_the_reason(archive: Path) -> None:
    closed = archive / "box 1"
    closed.chmod(0)
    archive.parent.chmod(0o755)
    for parent in archive.parents:
        if not os.access(parent, os.X_OK):
            pytest.skip("the folder above cannot be entered by others")
    as_root = os.geteuid() == 0
    if as_root:  # whom nothing is closed to
        for folder in archive.parents[:4]:
            if folder.stat().st_mode & 0o005 != 0o005 and folder != Path("/"):
                folder.chmod(0o755)
        os.seteuid(65534)
    try:
        found = find_masters([archive])
    finally:
        if as_root:
            os.seteuid(0)
        closed.chmod(0o755)
    assert [fault.source for fault in found.refused] == [closed]
    assert "cannot be read" in found.refused[0].reason
    assert archive / "b.tif" in found.masters


def test_a_circle_of_links_ends(archive: Path) -> None:
    (archive / "box 1" / "back").symlink_to(archive)
    assert len(find_masters([archive], leave_out=[archive / "restored"]).masters) == 3
