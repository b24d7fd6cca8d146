"""Each malformed file of the team's collection: one clear line, in 10 seconds and 1 GiB."""

import time
from pathlib import Path

import cv2
import numpy as np
import pytest

import heritage
from heritage.errors import HeritageError, MasterRefused
from heritage.tiff import inspect
from heritage.tiff.guard import GUARDS

MALFORMED = Path(__file__).resolve().parents[4] / "shared" / "data" / "tiff" / "malformed"
SOUND = {
    # tests/heritage/tiff/test_compose.py says why these three can be restored.
    "TwelveMonkeys__a33.tif",
    "rio-tiler__201404_13SED190110_201404_0x1500m_CL_1_alpha.tif",
    "rio-tiler__201404_13SED190110_201404_0x1500m_CL_1_mask.tif",
}
FILES = [
    one
    for one in (sorted(MALFORMED.glob("*.[tT]*")) if MALFORMED.is_dir() else [])
    if one.name not in SOUND
]
SECONDS, MEMORY = 10.0, 1 << 30
OWN_MEMORY = 200 << 20
"""What this process may grow by, for all that the worker is there for."""


@pytest.fixture(params=FILES or [None], ids=lambda file: file.name if file else "none")
def malformed(request: pytest.FixtureRequest) -> Path:
    if request.param is None:
        pytest.skip("the shared test pictures are not here")
    file: Path = request.param
    return file


def resident(what: str, process: int | str = "self") -> int:
    """Bytes in memory now (``VmRSS``) or at most (``VmHWM``)."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        pytest.skip("no /proc here")
    line = next(one for one in status.read_text().splitlines() if one.startswith(what))
    return int(line.split()[1]) << 10


def forget_peak() -> None:
    """Let this process's peak begin anew."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pytest.skip("the peak of memory cannot be reset here")


def require_one_line(error: HeritageError, file: Path) -> None:
    assert isinstance(error, MasterRefused)
    assert "\n" not in str(error)
    assert str(error).startswith(f"{file}: ")
    assert 10 < len(error.reason) < 300


def test_it_is_refused_by_a_look_at_it(malformed: Path) -> None:
    GUARDS.close()  # what the worker needed for another file is no excuse
    forget_peak()
    before, began = resident("VmRSS"), time.monotonic()
    with pytest.raises(MasterRefused) as caught:
        inspect(malformed)
    assert time.monotonic() - began < SECONDS
    require_one_line(caught.value, malformed)
    assert resident("VmHWM") - before < OWN_MEMORY
    assert all(resident("VmHWM", one) < MEMORY for one in GUARDS.processes())


def test_it_is_refused_by_a_restoration(malformed: Path, tmp_path: Path) -> None:
    mask = tmp_path / "mask.png"
    cv2.imwrite(str(mask), np.full((8, 8), 255, np.uint8))
    forget_peak()
    before, began = resident("VmRSS"), time.monotonic()
    with pytest.raises(MasterRefused) as caught:
        heritage.restore(malformed, mask, "telea", tmp_path / "out")
    assert time.monotonic() - began < SECONDS
    require_one_line(caught.value, malformed)
    assert resident("VmHWM") - before < OWN_MEMORY
    assert all(resident("VmHWM", one) < MEMORY for one in GUARDS.processes())
    assert not list(tmp_path.glob("out/*/*.tif"))


def test_all_of_the_manifest_are_tried() -> None:
    if not MALFORMED.is_dir():
        pytest.skip("the shared test pictures are not here")
    listed = {line.split(",")[0] for line in (MALFORMED / "manifest.csv").read_text().splitlines()}
    assert listed - {"file"} == {file.name for file in FILES} | SOUND
