"""One restoration at a time on a device: slots that Prefect's server keeps, freed by silence.

Limits on tags would do, but their slots have no end: a worker that is killed keeps its slot until
somebody looks. These are renewed while the work lasts and end a minute after the last word.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache

from flows.orchestrator import is_lasting
from heritage.restore.devices import devices_of

LEASE_SECONDS = 60.0


@contextmanager
def device_slot(device: str, names: tuple[str, ...] | None = None) -> Iterator[None]:
    """Have a device to oneself inside the block, among all runs that report to this server.

    Processors are no such device: they share themselves.

    Args:
        device: As the setting names it.
        names: Of the slots; by default those of the accelerators that it means.
    """
    wanted = slots_of(device) if names is None else names
    if not wanted or not is_lasting():
        yield
        return
    from prefect.concurrency.sync import concurrency

    server = os.environ.get("PREFECT_API_URL", "")
    for name in wanted:
        _make_known(name, server)
    # Sorted, so that two that want the same pair never wait for each other.
    with concurrency(
        sorted(wanted), lease_duration=LEASE_SECONDS, raise_on_lease_renewal_failure=False
    ):
        yield


@lru_cache(maxsize=16)
def slots_of(device: str) -> tuple[str, ...]:
    """Names of the slots of the accelerators that a setting means, the same in every process.

    A GPU is known by its number of manufacture, because ``cuda:0`` is another one for each worker
    that sees but one of them.
    """
    import torch

    from models.device import resolve

    found = [resolve(one) for one in devices_of(device)]
    names = []
    for one in found:
        if one.type == "cuda":
            names.append(f"device-{torch.cuda.get_device_properties(one).uuid}")
        elif one.type != "cpu":
            names.append(f"device-{socket.gethostname()}-{one}")
    return tuple(names)


@lru_cache(maxsize=64)
def _make_known(name: str, server: str) -> None:
    """Give a device one slot on a server, unless somebody has given it some."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
    from prefect.exceptions import ObjectAlreadyExists

    with get_client(sync_client=True) as client, suppress(ObjectAlreadyExists):
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=1))
