"""A place on this machine where browsers can reach us."""

from __future__ import annotations

import socket

from heritage.errors import HeritageError


class PortTaken(HeritageError):
    """Another program is where a page was to be served."""


def listen(host: str, port: int) -> socket.socket:
    """Take a port.

    Args:
        host: The address of this machine to be reached at.
        port: Its number; 0 for any that is free.

    Raises:
        PortTaken: If another program is there already, or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        place = "of this machine" if host.startswith("127.") else f"of {host}"
        reason = f"port {port} {place} cannot be used ({error}); choose another"
        raise PortTaken(reason) from None
    return listener
