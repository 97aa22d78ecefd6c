"""Records of remediation steps. See `kensa.storage`."""

from kensa.storage import (
    RemediationStepRecord,
    list_snapshots,
    prune_snapshots,
)

__all__ = [
    "RemediationStepRecord",
    "list_snapshots",
    "prune_snapshots",
]
