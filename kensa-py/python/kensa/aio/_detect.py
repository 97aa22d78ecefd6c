"""What a host is, asked from an event loop."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Tuple

from .. import _native, detect, orchestration, reach
from .._twin import like
from ..detect import Capabilities, PlatformInfo
from ..reach import Reachability
from ._loop import Items


@like(detect.detect_capabilities)
async def detect_capabilities(
    ssh: Any, *, verbose: bool = False, overrides: Optional[Mapping[str, bool]] = None
) -> Capabilities:
    """`kensa.detect_capabilities` as a coroutine.

    >>> import asyncio, kensa
    >>> async def main():
    ...     async with kensa.local() as session:
    ...         return (await kensa.aio.detect_capabilities(session, overrides={"tmux": True}))["tmux"]
    >>> asyncio.run(main())
    True
    """
    task, supplied, place = detect.start(ssh, overrides)
    return detect.detected(await Items(task, supplied, place).last(), place, verbose)


@like(detect.detect_platform)
async def detect_platform(ssh: Any) -> Optional[PlatformInfo]:
    """`kensa.detect_platform` as a coroutine.

    >>> import asyncio, kensa
    >>> async def main():
    ...     async with kensa.local() as session:
    ...         return await kensa.aio.detect_platform(session)
    >>> isinstance(asyncio.run(main()), (kensa.PlatformInfo, type(None)))
    True
    """
    return (await detect_capabilities(ssh)).platform


@like(orchestration.quick_host_info)
async def quick_host_info(ssh: Any, *, verbose: bool = False) -> Tuple[Capabilities, Optional[PlatformInfo]]:
    """`kensa.quick_host_info` as a coroutine.

    >>> import asyncio, kensa
    >>> async def main():
    ...     async with kensa.local() as session:
    ...         return await kensa.aio.quick_host_info(session)
    >>> capabilities, platform = asyncio.run(main())
    """
    found = await detect_capabilities(ssh, verbose=verbose)
    return found, found.platform


@like(reach.reachable)
async def reachable(host: str, port: int = 22, timeout: float = 5.0) -> Reachability:
    """`kensa.reachable` as a coroutine.

    >>> import asyncio, kensa
    >>> asyncio.run(kensa.aio.reachable("127.0.0.1", 1)).reached
    False
    """
    return Reachability(*await Items(_native.start_reachable(host, port, timeout), None, (host, port)).last())
