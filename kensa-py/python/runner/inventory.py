"""Inventory files. See `kensa.inventory`."""

from kensa.hosts import HostScan, check_hosts
from kensa.inventory import (
    HostInfo,
    resolve_targets,
)

__all__ = [
    "HostInfo",
    "HostScan",
    "check_hosts",
    "resolve_targets",
]
