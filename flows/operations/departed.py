"""``python -m flows.operations.departed [WORKER]``: tell Prefect of runs that nobody carries on.

To be called before the worker of that name is started on this machine.
"""

from __future__ import annotations

import sys

from flows.operations.alive import report_departed
from flows.operations.told import tell

if __name__ == "__main__":
    sys.exit(tell(lambda: report_departed(*sys.argv[1:2])))
