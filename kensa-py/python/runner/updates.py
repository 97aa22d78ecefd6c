"""Content updates. See `kensa.updates`."""

from kensa.updates import (
    PackageManifest,
    UpdateInfo,
    UpdateResult,
    VersionChange,
    VersionInfo,
    apply_updates,
    check_for_updates,
    rollback_updates,
    verify_package,
)

__all__ = [
    "PackageManifest",
    "UpdateInfo",
    "UpdateResult",
    "VersionChange",
    "VersionInfo",
    "apply_updates",
    "check_for_updates",
    "rollback_updates",
    "verify_package",
]
