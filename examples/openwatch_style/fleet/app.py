"""The HTTP side: `uvicorn fleet.app:app`. It queues and reads; only workers reach hosts.

Who may call it is the business of what stands in front: there is no login here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, cast
from uuid import UUID

import kensa
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from . import jobs
from .controls import framework_posture, frameworks
from .feed import Feed
from .models import Drift, Finding, FrameworkPosture, Host, NewHost, NewScan, Posture, Scan, Status
from .settings import Settings
from .storage import NotFound, Storage, opened


@dataclass(frozen=True)
class Service:
    settings: Settings
    storage: Storage
    feed: Feed


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Service]]:
    settings, feed = Settings.from_environment(), Feed()
    async with opened(settings.database) as storage, jobs.jobs.open_async(storage.pool):
        await jobs.prepare(storage)
        await asyncio.to_thread(frameworks)
        listening = asyncio.create_task(feed.run(settings.database))
        try:
            yield {"service": Service(settings, storage, feed)}
        finally:
            listening.cancel()


app = FastAPI(title="Fleet compliance", version=kensa.get_version(), lifespan=lifespan)


@app.exception_handler(NotFound)
async def not_found(_: Request, error: NotFound) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_code=404)


def service(request: Request) -> Service:
    return cast(Service, request.state.service)


Of = Annotated[Service, Depends(service)]
Day = Annotated[
    date | None, Query(alias="date", description="as it was known at the end of this day (UTC); default: now")
]


@app.post("/hosts", status_code=201)
async def add_host(host: NewHost, of: Of) -> Host:
    """Makes a host known. Its credential is named here and looked up by the workers."""
    added = await of.storage.add_host(host)
    if added is None:
        raise HTTPException(409, f"{host.hostname}:{host.port} is known already")
    return added


@app.get("/hosts/{host_id}")
async def get_host(host_id: UUID, of: Of) -> Host:
    return await of.storage.host(host_id)


@app.post("/scans", status_code=202)
async def add_scan(scan: NewScan, of: Of) -> Scan:
    """Queues a scan with all rules; frameworks are views on its results."""
    host = await of.storage.host(scan.host_id)
    queued = await jobs.enqueue(of.storage, host.id)
    if queued is None:
        raise HTTPException(409, f"{host.hostname} is being scanned, or waits for a scan, already")
    return queued


async def scan_of(scan_id: UUID, of: Of) -> Scan:
    return await of.storage.scan(scan_id)


@app.get("/scans/{scan_id}")
async def get_scan(scan: Annotated[Scan, Depends(scan_of)]) -> Scan:
    return scan


@app.delete("/scans/{scan_id}")
async def cancel_scan(scan_id: UUID, of: Of) -> Scan:
    """Cancels the scan, on the host as well. One that has ended stays as it is."""
    return await jobs.cancel(of.storage, scan_id)


@app.get("/scans/{scan_id}/events", response_class=EventSourceResponse)
async def scan_events(scan: Annotated[Scan, Depends(scan_of)], of: Of) -> AsyncIterator[ServerSentEvent]:
    """The scan whenever it changed: events `progress`, then one `end`. Who comes late or again misses nothing."""
    with of.feed.watch(str(scan.id)) as changed:
        while True:
            changed.clear()
            scan = await of.storage.scan(scan.id)
            yield ServerSentEvent(data=scan, event="progress" if scan.active else "end")
            if not scan.active:
                return
            await changed.wait()


@app.get("/scans/{scan_id}/findings")
async def get_findings(
    scan: Annotated[Scan, Depends(scan_of)],
    of: Of,
    status: Status | None = None,
    framework: Annotated[str | None, Query(description="such as nist_800_53")] = None,
    control: Annotated[str | None, Query(description="a control of that framework")] = None,
) -> list[Finding]:
    if control and not framework:
        raise HTTPException(422, "control needs framework")
    return await of.storage.findings(scan.id, status, framework, control)


@app.get("/hosts/{host_id}/posture")
async def get_posture(host_id: UUID, of: Of, day: Day = None) -> Posture:
    return await of.storage.posture(host_id, end_of(day), timedelta(hours=of.settings.stale_after_hours))


@app.get("/hosts/{host_id}/drift")
async def get_drift(
    host_id: UUID,
    of: Of,
    first: Annotated[date, Query(alias="from")],
    last: Annotated[date | None, Query(alias="to")] = None,
) -> Drift:
    """The rules whose status changed between the ends of two days, each with both findings and their evidence."""
    if last and last < first:
        raise HTTPException(422, "`to` is before `from`")
    before, after = await get_posture(host_id, of, first), await get_posture(host_id, of, last)
    return Drift(before=before, after=after, changes=await of.storage.changes(before.scan_id, after.scan_id))


@app.get("/frameworks")
async def get_frameworks() -> dict[str, str]:
    return {mapping.id: mapping.title for mapping in frameworks().values()}


@app.get("/frameworks/{framework}/hosts/{host_id}")
async def get_framework(framework: str, host_id: UUID, of: Of, day: Day = None) -> FrameworkPosture:
    """Every control of the framework on this host; one that nothing measures is not met."""
    mapping = frameworks().get(framework)
    if mapping is None:
        raise NotFound(f"no framework has the id {framework!r}; there are: {', '.join(sorted(frameworks()))}")
    posture = await get_posture(host_id, of, day)
    scan = await of.storage.scan(posture.scan_id)
    platform = (scan.context or {}).get("platform") or {}
    family, major = platform.get("family", ""), platform.get("major", 0)
    if not kensa.get_applicable_mappings([mapping], family, major):
        raise HTTPException(422, f"{framework} is not for {family or 'an unknown system'} {major or ''}".rstrip())
    return framework_posture(mapping, posture, await of.storage.findings(scan.id))


def end_of(day: date | None) -> datetime:
    now = datetime.now(UTC)
    return now if day is None else min(now, datetime.combine(day, time.max, UTC))
