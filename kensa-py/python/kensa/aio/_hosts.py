"""Many hosts from an event loop."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Iterable, List, Optional, Union

from .. import hosts
from .._request import Request
from .._twin import like
from ..hosts import Crew, HostScan
from ..inventory import HostInfo
from ..loading import PathLike
from ..ssh import SSHSession
from ..types import RuleResult
from ._loop import Items


@like(hosts.check_hosts)
async def check_hosts(
    targets: Iterable[Union[HostInfo, SSHSession, str]],
    rules_path: Optional[PathLike] = None,
    *,
    workers: int = 10,
    on_result: Optional[Callable[[HostInfo, RuleResult], Any]] = None,
    on_host: Optional[Callable[[HostScan], Any]] = None,
    sudo: bool = False,
    **asked: Any,
) -> List[HostScan]:
    """`kensa.check_hosts` as a coroutine; cancelling it ends what runs on every host.

    >>> import asyncio, kensa
    >>> asyncio.run(kensa.aio.check_hosts([]))
    []
    """
    crew = Crew(targets, workers, sudo, on_result, on_host)
    request = Request(rules_path, **asked)
    await asyncio.get_running_loop().run_in_executor(None, request.load)
    task = crew.start(request)
    if task is not None:
        # A whole host is converted at a time, so one is enough between two turns of the loop.
        await Items(task, None, ("hosts", None), batch=1).last(crew.settle)
    return crew.scans
