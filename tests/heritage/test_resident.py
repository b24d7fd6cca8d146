import mmap
import subprocess
import sys

import numpy as np
import pytest

from heritage.resident import resident

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="as Linux tells it")

CHILD = "from heritage.resident import resident; print(resident('peak'))"


def test_what_is_held_counts() -> None:
    with mmap.mmap(-1, 32 << 20) as fresh:  # an array may lie where another one lay
        before = resident()
        np.frombuffer(fresh, np.uint8)[:] = 1
        assert resident() - before > 30 << 20
        assert resident("peak") >= resident()


def test_a_peak_is_the_programs_own_and_not_its_parents() -> None:
    held = np.ones(200 << 20, np.uint8)
    said = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, check=True)
    assert 1 << 20 < int(said.stdout) < 200 << 20
    del held


def test_a_process_that_is_not_there_holds_nothing() -> None:
    assert resident(pid=2**22 + 1) == 0
