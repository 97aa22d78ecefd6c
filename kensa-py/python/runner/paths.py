"""Where things are. See `kensa.paths`."""

from kensa.paths import (
    get_content_version,
    get_engine_version,
    get_mappings_path,
    get_rules_path,
    get_state_dir,
    get_version,
)

__all__ = [
    "get_content_version",
    "get_engine_version",
    "get_mappings_path",
    "get_rules_path",
    "get_state_dir",
    "get_version",
]
