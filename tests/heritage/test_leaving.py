import subprocess
import sys

STUCK = """
import sys, threading
from heritage.leaving import leave_soon
threading.Thread(target=threading.Event().wait).start()  # Python waits for it when it exits
leave_soon(130, 0.2)
sys.exit(1)
"""


def test_a_thread_that_will_not_end_does_not_keep_us() -> None:
    done = subprocess.run([sys.executable, "-c", STUCK], timeout=60)
    assert done.returncode == 130


def test_who_leaves_in_time_leaves_as_ever() -> None:
    code = "import sys; from heritage.leaving import leave_soon; leave_soon(130, 60); sys.exit(7)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 7
