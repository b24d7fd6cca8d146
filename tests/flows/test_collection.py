from collections.abc import Callable
from pathlib import Path

import pytest

from flows.report import Fate
from heritage.catalogue import open_catalogue
from heritage.restore.verify import verify
from heritage.settings import load_settings

pytestmark = pytest.mark.usefixtures("prefect_server")


def test_one_bad_master_stops_none_of_the_others(
    make_master: Callable[..., Path], tmp_path: Path
) -> None:
    from flows.collection import restore_collection

    good = [make_master("a", seed=1), make_master("b", seed=2)]
    broken = make_master("broken")
    broken.write_bytes(broken.read_bytes()[:3000])
    bare = make_master("bare", mask=False)
    twin = tmp_path / "other" / "a.tif"
    twin.parent.mkdir()
    twin.write_bytes(good[0].read_bytes())
    lone = make_master("lone", seed=3)
    outcomes = restore_collection(
        [good[1], broken, bare, twin, good[0], lone], Path("out"), model="telea"
    )
    fates = [outcome.fate for outcome in outcomes]
    done, failed = Fate.RESTORED, Fate.FAILED
    assert fates == [done, failed, Fate.LEFT_ALONE, failed, failed, done]
    assert "broken" in str(outcomes[1].source)
    assert "would be restored into" in outcomes[3].reason
    for outcome in outcomes:
        if outcome.fate is done:
            assert verify(outcome.folder, outcome.source).ok
    with open_catalogue(load_settings()) as catalogue:
        refused = {Path(line.path).name for line in catalogue.refusals()}
        assert len(catalogue.restorations()) == 2
    assert refused == {"broken.tif", "a.tif"}


def test_prefect_shows_what_was_done(make_master: Callable[..., Path]) -> None:
    from prefect.client.orchestration import get_client

    from flows.collection import restore_collection

    sources = [make_master("a"), make_master("bare", mask=False)]
    restore_collection(sources, Path("out"), model="telea")
    with get_client(sync_client=True) as client:
        artifacts = client.read_artifacts()
        names = [run.name for run in client.read_flow_runs()]
    assert any("bare.tif" in str(artifact.data) for artifact in artifacts)
    assert "restore 2 masters of scans" in names
