"""Tells whoever watches a scan that it changed: one LISTEN connection for the whole web process."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import AsyncConnection, OperationalError

log = logging.getLogger("fleet.feed")


class Feed:
    def __init__(self) -> None:
        self._watchers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    async def run(self, database: str) -> None:
        """Listens until cancelled; after a lost connection everybody looks again, as something may have been missed."""
        while True:
            try:
                async with await AsyncConnection.connect(database, autocommit=True) as connection:
                    await connection.execute("LISTEN scan_changed")
                    for scan in list(self._watchers):
                        self._wake(scan)
                    async for note in connection.notifies():
                        self._wake(note.payload)
            except OperationalError as error:
                log.warning("the database does not answer, trying again: %s", error)
                await asyncio.sleep(1)

    @contextmanager
    def watch(self, scan: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the scan changes; the watcher clears it."""
        event = asyncio.Event()
        self._watchers[scan].add(event)
        try:
            yield event
        finally:
            self._watchers[scan].discard(event)
            if not self._watchers[scan]:
                del self._watchers[scan]

    def _wake(self, scan: str) -> None:
        for event in self._watchers.get(scan, ()):
            event.set()
