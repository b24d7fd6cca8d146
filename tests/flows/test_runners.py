"""Masters on Dask's workers and on those of Prefect's pool end as they do here."""

from collections import Counter

import pytest

from flows.collection import collection_flow
from flows.report import Fate
from heritage.care.custody import open_custody
from heritage.settings import load_settings

pytest.importorskip("prefect_dask")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_on_dask_the_same_bytes_and_the_same_record(
    prefect_server, make_master, tmp_path, monkeypatch
):
    monkeypatch.setenv("HERITAGE_DASK_WORKERS", "2")
    sources = [make_master(name, seed=n) for n, name in enumerate("abc")]
    bad = tmp_path / "scans" / "bad.tif"
    bad.write_bytes(b"no picture")
    settings = load_settings()
    here = collection_flow("local", settings)(sources, tmp_path / "here", model="telea")
    there = collection_flow("dask", settings)(
        [*sources, bad], tmp_path / "there", model="telea", runner="dask"
    )
    assert [outcome.source for outcome in there] == [*sources, bad]
    assert Counter(o.fate for o in there) == {Fate.RESTORED: 3, Fate.FAILED: 1}
    for one, other in zip(here, there, strict=False):
        assert one.restored.read_bytes() == other.restored.read_bytes()
    with open_custody(settings) as custody:
        assert len(custody.restorations()) == 6
        assert [line.path for line in custody.refusals()] == [str(bad)]
        assert custody.verify_chain().intact


@pytest.mark.filterwarnings("default")
def test_a_worker_with_another_catalogue_is_refused(prefect_server, tmp_path):
    from flows.runners.on_dask import require_same_catalogue
    from heritage.care.leases import working_on
    from heritage.errors import BadSetting

    with working_on("flow run x", load_settings()):
        require_same_catalogue("flow run x")
        with pytest.raises(BadSetting, match="HERITAGE_DATABASE_URL"):
            require_same_catalogue("flow run y")
