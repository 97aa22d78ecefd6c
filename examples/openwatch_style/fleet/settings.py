"""What the environment says, read once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Each field is the variable `FLEET_` and its name in capitals; durations are in seconds."""

    database: str = field(default="postgresql:///fleet", repr=False)
    """libpq's connection string or URL; it may hold a password, so it is in no log."""
    credentials: Path = Path("/etc/fleet/credentials")
    """Where a worker finds the secrets that hosts name. The web process never reads it."""
    concurrency: int = 4
    """Hosts that one worker scans at a time."""
    attempts: int = 4
    """How often a scan is started before it counts as failed: unreachable host, lost or stopped worker."""
    retry_wait: float = 30.0
    """Wait before an unreachable host is tried again; doubled each time."""
    connect_timeout: float = 15.0
    scan_timeout: float = 900.0
    """A scan that takes longer ends incomplete, and says so."""
    heartbeat: float = 10.0
    lost_after: float = 30.0
    """A worker without a heartbeat for so long is lost; its scans are queued again."""
    stop_timeout: float = 5.0
    """What a stopping worker gives its scans to finish before it hands them back."""
    stale_after_hours: float = 26.0
    """A posture older than this is marked stale, even when nothing failed since."""

    @classmethod
    def from_environment(cls) -> Settings:
        """Raises `ValueError` naming the variable that cannot be read."""
        values: dict[str, object] = {}
        for one in fields(cls):
            name = f"FLEET_{one.name.upper()}"
            text = os.environ.get(name)
            if text is not None:
                try:
                    values[one.name] = {"int": int, "float": float, "Path": Path}.get(str(one.type), str)(text)
                except ValueError:
                    raise ValueError(f"{name} is not a number: {text!r}") from None
        return cls(**values)  # type: ignore[arg-type]
