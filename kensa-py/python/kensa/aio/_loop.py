"""The engine's operations on an event loop: a descriptor tells the loop when there is something to read."""

from __future__ import annotations

import asyncio
import inspect
import time
import weakref
from collections import deque
from typing import Any, Callable, Deque, Dict, Optional, Tuple

from .. import _drive, _log, _native

BATCH = 8
"""Results of one scan that are converted between two turns of the event loop."""

SLICE = 0.005
"""Seconds of one turn of the event loop that all scans together may take; it keeps 200 scans from delaying a timer."""


class Watch:
    """What one event loop waits for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._hub = _native.Hub()
        self._waiting: "Dict[int, asyncio.Future[None]]" = {}
        self._tasks = 0
        self._began: Optional[float] = None

    def has_time(self) -> bool:
        """Whether scans may take more of this turn of the loop."""
        now = time.perf_counter()
        if self._began is None:
            self._began = now
            asyncio.get_running_loop().call_soon(self._turn)
        return now - self._began < SLICE

    def _turn(self) -> None:
        self._began = None

    def enter(self, task: _native.Task) -> None:
        loop = self._loop()
        if self._tasks == 0 and loop is not None:
            loop.add_reader(self._hub.fileno(), self._wake)
        self._tasks += 1
        task.attach(self._hub)

    def leave(self) -> None:
        self._tasks -= 1
        loop = self._loop()
        if self._tasks == 0 and loop is not None and not loop.is_closed():
            loop.remove_reader(self._hub.fileno())

    def news(self, number: int) -> "asyncio.Future[None]":
        future: "asyncio.Future[None]" = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        return future

    def _wake(self) -> None:
        _log.pass_on()
        for number in self._hub.take():
            future = self._waiting.pop(number, None)
            if future is not None and not future.done():
                future.set_result(None)


_watches: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Watch]" = weakref.WeakKeyDictionary()


def watch() -> Watch:
    loop = asyncio.get_running_loop()
    found = _watches.get(loop)
    if found is None:
        found = _watches[loop] = Watch(loop)
    return found


class Items:
    """The items of one running operation, on the event loop."""

    def __init__(
        self,
        task: _native.Task,
        supplied: Optional[_drive.Supplied],
        place: Tuple[str, Optional[int]],
        batch: int = BATCH,
    ) -> None:
        _log.follow()
        self._task = task
        self._batch = batch
        self._supplied = supplied
        self._place = place
        self._ready: Deque[Tuple[Any, ...]] = deque()
        self._calls: "Dict[int, asyncio.Task[None]]" = {}
        self._broken: Optional[BaseException] = None
        self._future: "Optional[asyncio.Future[None]]" = None
        self._open = True
        _drive.running.add(task)
        self._watch = watch()
        self._watch.enter(task)

    async def next(self) -> Tuple[Any, ...]:
        """The next item that is not a command to run; raises what made the operation fail."""
        try:
            while True:
                if self._broken is not None:
                    raise self._broken
                while self._ready:
                    item = self._ready.popleft()
                    if not self._handle(item):
                        continue
                    if item[0] in ("done", "failed"):
                        self.close()
                    if item[0] == "failed":
                        raise _drive.failure(item, self._place)
                    return item
                while not self._watch.has_time():
                    await asyncio.sleep(0)
                self._ready.extend(self._task.poll(self._batch))
                if self._ready:
                    continue
                self._future = self._watch.news(self._task.id)
                await self._future
        except BaseException:
            self.close()
            raise

    async def last(self, on_item: Optional[Callable[[Tuple[Any, ...]], Any]] = None) -> Any:
        """What the operation gives in the end."""
        while True:
            item = await self.next()
            if item[0] == "done":
                return item[1]
            if on_item is not None:
                on_item(item)

    def close(self) -> None:
        """Ends the operation, if it runs, and every command of it that a supplied transport runs."""
        if not self._open:
            return
        self._open = False
        _drive.running.discard(self._task)
        self._task.cancel()
        _log.pass_on()
        for call in self._calls.values():
            call.cancel()
        self._watch.leave()

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:  # the interpreter or the loop may be half gone
            pass

    def _handle(self, item: Tuple[Any, ...]) -> bool:
        """Deals with what concerns a supplied transport; whether the item is for the caller."""
        kind = item[0]
        if kind == "request" and self._supplied is not None:
            number = item[1]
            call = asyncio.get_running_loop().create_task(self._run(self._supplied, item))
            self._calls[number] = call
            call.add_done_callback(lambda _: self._calls.pop(number, None))
            return False
        if kind == "withdrawn":
            withdrawn = self._calls.get(item[1])
            if withdrawn is not None:
                withdrawn.cancel()
            return False
        return True

    async def _run(self, supplied: _drive.Supplied, item: Tuple[Any, ...]) -> None:
        _, number, command, timeout = item
        try:
            if inspect.iscoroutinefunction(supplied.transport.run):
                result = await supplied.call(command, timeout)
            else:
                loop = asyncio.get_running_loop()
                result = await loop.run_in_executor(None, supplied.call, command, timeout)
                if inspect.isawaitable(result):
                    result = await result
        except ConnectionError as error:
            self._broken = error
            if self._future is not None and not self._future.done():
                self._future.set_result(None)
        except Exception as error:
            supplied.refuse(self._task, number, error)
        else:
            supplied.answer(self._task, number, result)
