"""Platform and capabilities. See `kensa.detect`."""

from kensa.detect import (
    CAPABILITY_PROBES,
    Capabilities,
    PlatformInfo,
    detect_capabilities,
    detect_platform,
)

__all__ = [
    "CAPABILITY_PROBES",
    "Capabilities",
    "PlatformInfo",
    "detect_capabilities",
    "detect_platform",
]
