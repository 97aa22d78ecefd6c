"""Inventory files. See `kensa.inventory`."""

from kensa.inventory import (
    HostInfo,
    resolve_targets,
)

__all__ = [
    "HostInfo",
    "resolve_targets",
]
