import pytest

from flows.cli.demo import find_examples
from flows.sources import find_masters
from heritage.damage.masks import find_mask
from heritage.tiff import open_master


def test_the_sample_is_a_large_master_with_a_mask_of_its_size() -> None:
    found = find_masters([find_examples()])
    assert found.masters
    for path in found.masters:
        mask = find_mask(path)
        assert mask is not None
        with open_master(path) as master:
            assert master.info.width * master.info.height >= 8_000_000
            assert master.info.icc is not None
        size = path.stat().st_size + mask.stat().st_size
        assert size < 15_000_000


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_the_sample_is_restored(run, workspace) -> None:
    result = run("demo", "--model", "telea")
    assert result.exit_code == 0
    assert list(workspace.glob("demo/*/*.restored.tif"))
    assert "heritage catalogue" in result.stdout
