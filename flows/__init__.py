"""Prefect flows over ``heritage``, and the command line that runs them."""

from flows.runs import run_of
from heritage.logs import also

also(run_of)
