"""Sessions with hosts. See `kensa.ssh`."""

from kensa.ssh import (
    Result,
    SSHSession,
)

__all__ = [
    "Result",
    "SSHSession",
]
