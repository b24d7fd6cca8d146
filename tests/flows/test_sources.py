import os
import subprocess
import sys
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


def test_urls_mean_files_and_folders_in_storage_too(archive: Path) -> None:
    import fsspec

    files = fsspec.filesystem("memory")
    files.put(f"{archive}/", "/sources", recursive=True)
    try:
        found = find_masters(
            [Path("memory://sources"), Path("memory://sources/notes.txt"), Path("https://h/x.tif")],
            leave_out=[Path("memory://sources/restored")],
        )
    finally:
        files.rm("/sources", recursive=True)
    names = ["a.TIFF", "b.tif", "box 1/c.tif", "notes.txt"]
    expected = [Path(f"memory://sources/{name}") for name in names]
    assert found.masters == (*expected, Path("https://h/x.tif"))
    assert not found.refused


def test_a_file_url_means_what_it_names_here(archive: Path) -> None:
    found = find_masters([Path(f"file://{archive}")], leave_out=[archive / "restored"])
    assert len(found.masters) == 3
    assert found.masters[0] == archive / "a.TIFF"


def test_an_address_that_is_not_taken_is_refused_and_stops_nothing(archive: Path) -> None:
    found = find_masters([Path("ftp://host/x.tif"), Path("memory://gone"), archive / "b.tif"])
    assert found.masters == (archive / "b.tif",)
    assert [fault.source.name for fault in found.refused] == ["x.tif", "gone"]
    assert "not taken" in found.refused[0].reason
    assert "not there" in found.refused[1].reason


def test_local_paths_do_without_what_reads_urls() -> None:
    code = (
        "import sys; from pathlib import Path; from flows.sources import find_masters;"
        "find_masters([Path('.')]);"
        "print(*sorted({'fsspec', 'httpx', 'aiohttp', 's3fs'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
