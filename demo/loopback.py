"""Ports of the loopback interface."""

import socket

from include.foundation.errors import ConfigError


def demand_free(port: int) -> None:
    """Demand that nothing listens at a port.

    Raises
    ------
    ConfigError
        If another process does.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError(
                f"Port {port} is taken by another process; stop it, or choose another with PORT=… or STUDIO_PORT=…"
            ) from error


def free_port() -> int:
    """Return a port at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
