"""A port for the throw-away server, picked before it is started."""

from __future__ import annotations

import socket

# Other databases' ports above 32768, where the kernel picks from: MySQL X, DB2.
_WELL_KNOWN = frozenset({33060, 50000, 60000})


def pick() -> int:
    """Return a free TCP port of the ephemeral range that belongs to no well-known database.

    Another process may take it before the server does; then `Cluster.ready` raises `PortTaken`.
    """
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in _WELL_KNOWN:
            return port
