"""Whether a host answers, learnt without credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from . import _drive, _native

__all__ = ["Reachability", "reachable"]


@dataclass
class Reachability:
    """Whether a host answers. `latency` is the time to connect in seconds, `banner` what an SSH server said first.

    Where it does not, `reason` is a code (`refused`, `timeout`, `unreachable`, …) and `message` one sentence.

    >>> Reachability(False, reason="refused", message="web-1:22: connection refused").reached
    False
    """

    reached: bool
    latency: Optional[float] = None
    banner: Optional[str] = None
    reason: str = ""
    message: str = ""


def reachable(host: str, port: int = 22, timeout: float = 5.0) -> Reachability:
    """Asks whether a host answers at a TCP port, within `timeout` seconds. Sends nothing.

    A host that does not answer is a result and no exception.

    >>> reachable("127.0.0.1", 1).reached
    False
    """
    return Reachability(*_drive.finish(_native.start_reachable(host, port, timeout), place=(host, port)))
