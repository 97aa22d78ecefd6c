"""The queue: jobs are rows that workers take with SKIP LOCKED, so any number of machines shares a fleet.

A job holds the id of a scan and nothing else: no address, no credential, not even a credential's name.
"""

from __future__ import annotations

from uuid import UUID

from procrastinate import App, PsycopgConnector

from .models import Scan
from .storage import SCHEMA, Storage

jobs = App(connector=PsycopgConnector())
"""Uses the storage's pool: `jobs.open_async(storage.pool)`."""


async def prepare(storage: Storage) -> None:
    """Makes the tables where they are missing. Every process does so when it starts; the lock lets one be first."""
    async with storage.pool.connection() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('fleet schema'))")
        queue = await (await connection.execute("SELECT to_regclass('procrastinate_jobs')")).fetchone()
        if queue == (None,):
            await connection.execute(jobs.schema_manager.get_schema())
        await connection.execute(SCHEMA.read_bytes())


async def enqueue(storage: Storage, host: UUID) -> Scan | None:
    """Queues a scan; `None` when the host has an active one. The scan and its job appear together or not at all."""
    async with storage.pool.connection() as connection:
        scan = await storage.new_scan(connection, host)
        if scan is None:
            return None
        # A cancelled scan may still be winding down on a worker: the lock keeps the next one waiting meanwhile.
        job = jobs.configure_task("scan_host", lock=f"host {host}", connection=connection)
        job_id = await job.defer_async(scan_id=str(scan))
        await connection.execute("UPDATE scans SET job_id = %s WHERE id = %s", (job_id, scan))
    return await storage.scan(scan)


async def cancel(storage: Storage, scan: UUID) -> Scan:
    """Ends a scan, on the worker and on the host too; one that has ended stays as it is."""
    async with storage.pool.connection() as connection:
        job_id = await storage.cancel(connection, scan)
        if job_id is not None:
            await jobs.job_manager.cancel_job_by_id_async(job_id, abort=True, connection=connection)
    return await storage.scan(scan)
