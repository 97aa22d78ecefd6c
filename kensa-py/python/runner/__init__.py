"""The modules of the earlier package, each standing on its counterpart in `kensa`."""

from kensa._native import ENGINE_VERSION as __version__

__all__ = ["__version__"]
