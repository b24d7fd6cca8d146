"""Small masters, a workspace for every test, and one Prefect server for all of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from flows.orchestrator import Orchestrator, orchestration

MakeMaster = Callable[..., Path]


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[Orchestrator]:
    with orchestration() as server, server.ready():
        yield server


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "workspace"
    monkeypatch.setenv("HERITAGE_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    return home


@pytest.fixture
def make_master(tmp_path: Path) -> MakeMaster:
    """Writes a master with smooth and grainy parts, and beside it, unless told not to, a mask."""

    def make(
        name: str = "mill", side: int = 160, mask: bool = True, seed: int = 1, cracks: int = 0
    ) -> Path:
        path = tmp_path / "scans" / f"{name}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        slope = np.linspace(8_000, 50_000, side)
        picture = slope[:, None, None] + rng.normal(0, 600, (side, side, 3))
        tifffile.imwrite(
            path,
            picture.astype(np.uint16),
            photometric="rgb",
            compression="adobe_deflate",
            tile=(64, 64),
        )
        if mask:
            holes = np.zeros((side, side), np.uint8)
            holes[20:30, 20:120] = 255
            holes[side - 40 : side - 20, 60:80] = 255
            for row in np.linspace(100, side - 100, cracks).astype(int):
                holes[row : row + 8, 20:-20] = 255
            tifffile.imwrite(path.with_name(f"{name}.mask.tif"), holes)
        return path

    return make
