import sys

import numpy as np
import pytest

from heritage.evaluate.costs import measured

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak")


@LINUX
def test_memory_that_is_taken_and_given_back_is_seen():
    def work():
        return float(np.ones(64 << 17).sum())  # 64 MiB for a moment

    result, seconds, memory = measured(work)
    assert result == 64 << 17
    assert 0 < seconds < 10
    assert 60 << 20 < memory < 80 << 20


@LINUX
def test_an_earlier_peak_does_not_count():
    measured(lambda: np.ones(128 << 17).sum())
    _, _, memory = measured(lambda: np.ones(16 << 17).sum())
    assert 14 << 20 < memory < 30 << 20
    assert measured(lambda: None)[2] < 4 << 20
