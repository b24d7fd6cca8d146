"""Masters and restorations that lie in object storage or on a web server.

A source by URL is looked at by range reads, fetched into the workspace, and then restored like any
local file; a finished restoration is sent to a target by URL so that nothing half-written is ever
taken for complete. Nothing of this is imported for local paths.
"""

from heritage.remote.address import Address, is_remote, parse_address, shown

__all__ = ["Address", "is_remote", "parse_address", "shown"]
