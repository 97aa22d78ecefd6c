"""Every statement the service sends to PostgreSQL. Values are bound, never written into a statement."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString, TypeVar
from uuid import UUID

from kensa import RuleResult, ScanReport
from kensa.paths import get_content_version
from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row, scalar_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from .models import Change, Finding, Host, NewHost, Posture, Scan, Stale

T = TypeVar("T")
SCHEMA = Path(__file__).with_name("schema.sql")
MINE = "WHERE id = %(scan)s AND attempt = %(attempt)s AND status = 'running'"


class NotFound(LookupError):
    """What was asked for is not stored; the text says what that is."""


class Superseded(Exception):
    """The attempt no longer owns its scan: it was cancelled, or given to another worker."""


@dataclass(frozen=True)
class Claim:
    """One attempt at one scan. Every write of the attempt is refused once a later one has begun."""

    scan: UUID
    attempt: int
    host: Host


class Storage:
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self.pool = pool

    # Hosts

    async def add_host(self, host: NewHost) -> Host | None:
        """The stored host; `None` when this name and port is known already."""
        added = await self._rows(
            Host,
            """INSERT INTO hosts (hostname, port, username, credential, sudo, host_key)
               VALUES (%(hostname)s, %(port)s, %(username)s, %(credential)s, %(sudo)s, %(host_key)s)
               ON CONFLICT (hostname, port) DO NOTHING RETURNING *""",
            host.model_dump(),
        )
        return added[0] if added else None

    async def host(self, host: UUID) -> Host:
        for found in await self._rows(Host, "SELECT * FROM hosts WHERE id = %s", (host,)):
            return found
        raise NotFound(f"no host has the id {host}")

    # A scan's life

    async def new_scan(self, connection: AsyncConnection[Any], host: UUID) -> UUID | None:
        """The id of a queued scan, in the caller's transaction; `None` when the host has an active one."""
        cursor = connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            """INSERT INTO scans (host_id) VALUES (%s)
               ON CONFLICT (host_id) WHERE status IN ('queued', 'running') DO NOTHING RETURNING id""",
            (host,),
        )
        return await cursor.fetchone()

    async def scan(self, scan: UUID) -> Scan:
        for found in await self._rows(Scan, "SELECT * FROM scans WHERE id = %s", (scan,)):
            return found
        raise NotFound(f"no scan has the id {scan}")

    async def cancel(self, connection: AsyncConnection[Any], scan: UUID) -> int | None:
        """Ends an active scan, in the caller's transaction, and gives its job; `None` when it had ended."""
        cursor = connection.cursor(row_factory=scalar_row)
        await cursor.execute(
            """UPDATE scans SET status = 'cancelled', ended_at = now()
               WHERE id = %s AND status IN ('queued', 'running') RETURNING job_id""",
            (scan,),
        )
        return await cursor.fetchone()

    async def claim(self, scan: UUID, worker: str, attempts: int) -> Claim | None:
        """Begins the next attempt; `None` when the scan has ended or this would be one too many."""
        async with self.pool.connection() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            await cursor.execute(
                """UPDATE scans SET status = 'failed', reason = 'too_many_attempts', ended_at = now(),
                          detail = format('given up after %%s attempts', attempt)
                   WHERE id = %(scan)s AND status IN ('queued', 'running') AND attempt >= %(attempts)s""",
                {"scan": scan, "attempts": attempts},
            )
            await cursor.execute(
                """UPDATE scans SET status = 'running', reason = NULL, detail = NULL, attempt = attempt + 1,
                          worker = %(worker)s, done = 0, started_at = now()
                   WHERE id = %(scan)s AND status IN ('queued', 'running') RETURNING attempt, host_id""",
                {"scan": scan, "worker": worker},
            )
            row = await cursor.fetchone()
        return Claim(scan, row["attempt"], await self.host(row["host_id"])) if row else None

    async def progress(self, claim: Claim, done: int, total: int) -> None:
        """Raises `Superseded`, as every write of an attempt does."""
        await self._write(claim, "SET done = %(done)s, total = %(total)s", done=done, total=total)

    async def release(self, claim: Claim, reason: str, detail: str) -> None:
        """Back to the queue, for another attempt."""
        change: LiteralString = "SET status = 'queued', reason = %(reason)s, detail = %(detail)s"
        await self._write(claim, change, reason=reason, detail=detail)

    async def fail(self, claim: Claim, reason: str, detail: str) -> None:
        """Ends the scan without results. The host's posture stays what it was, and is stale from now on."""
        change: LiteralString = "SET status = 'failed', reason = %(reason)s, detail = %(detail)s, ended_at = now()"
        await self._write(claim, change, reason=reason, detail=detail)

    async def complete(self, claim: Claim, report: ScanReport) -> None:
        """Findings, snapshot and the scan's end, in one transaction: all of it once, or nothing."""
        counts = report.summary
        async with self.pool.connection() as connection:
            cursor = await connection.execute(
                f"""UPDATE scans SET status = 'completed', ended_at = now(), done = %(done)s, context = %(context)s
                    {MINE} RETURNING id, host_id, started_at""",
                {
                    "scan": claim.scan,
                    "attempt": claim.attempt,
                    "done": counts.total,
                    "context": Jsonb(_context(report)),
                },
            )
            row = await cursor.fetchone()
            if row is None:
                raise Superseded
            await connection.cursor().executemany(
                """INSERT INTO scan_findings (scan_id, rule_id, title, severity, category, status, reason, detail,
                                              expected, actual, evidence, framework_refs, variables, checked_at)
                   VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
                [(claim.scan, *_finding(result)) for result in report.results],
            )
            await connection.execute(
                """INSERT INTO posture_snapshots (scan_id, host_id, observed_at, conclusion,
                                                  passed, failed, skipped, errors, unanswered)
                   VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
                (
                    *row,
                    report.conclusion,
                    *(counts.passed, counts.failed, counts.skipped, counts.errors),
                    report.completeness.unanswered,
                ),
            )

    async def close_orphans(self) -> None:
        """Ends scans that no job works on any more, so that their hosts can be scanned again."""
        async with self.pool.connection() as connection:
            await connection.execute(
                """UPDATE scans SET status = 'failed', reason = 'internal', ended_at = now(),
                          detail = 'its job ended without a result; see the log of the worker'
                   WHERE status IN ('queued', 'running') AND NOT EXISTS (
                       SELECT FROM procrastinate_jobs AS job
                       WHERE job.id = job_id AND job.status IN ('todo', 'doing'))"""
            )

    # Results

    async def findings(
        self, scan: UUID, status: str | None = None, framework: str | None = None, control: str | None = None
    ) -> list[Finding]:
        refs = Jsonb({framework: [control] if control else []}) if framework else None
        return await self._rows(
            Finding,
            """SELECT * FROM scan_findings
               WHERE scan_id = %(scan)s AND (%(status)s::text IS NULL OR status = %(status)s)
                 AND (%(refs)s::jsonb IS NULL OR framework_refs @> %(refs)s) ORDER BY rule_id""",
            {"scan": scan, "status": status, "refs": refs},
        )

    async def posture(self, host: UUID, at: datetime, stale_after: timedelta) -> Posture:
        """The host's posture as it was known at a time."""
        await self.host(host)
        postures = await self._rows(
            Posture,
            """SELECT * FROM posture_snapshots WHERE host_id = %s AND observed_at <= %s
               ORDER BY observed_at DESC LIMIT 1""",
            (host, at),
        )
        failures = await self._rows(
            Stale,
            """SELECT reason, detail, ended_at AS since FROM scans
               WHERE host_id = %s AND status = 'failed' AND ended_at <= %s
                 AND ended_at > coalesce(%s::timestamptz, '-infinity') ORDER BY ended_at DESC LIMIT 1""",
            (host, at, postures[0].observed_at if postures else None),
        )
        failure = failures[0] if failures else None
        if not postures:
            why = f"; the last attempt failed: {failure.detail}" if failure else ""
            raise NotFound(f"host {host} was not measured by {at:%Y-%m-%d %H:%M} UTC{why}")
        too_old = postures[0].observed_at + stale_after
        if failure is None and too_old < at:
            failure = Stale(reason="too_old", detail=f"not measured for {stale_after}", since=too_old)
        return postures[0].model_copy(update={"stale": failure})

    async def changes(self, before: UUID, after: UUID) -> list[Change]:
        """The rules whose status differs between two scans, each with both findings."""
        return await self._rows(
            Change,
            """SELECT rule_id, to_jsonb(a) AS before, to_jsonb(b) AS after
               FROM (SELECT * FROM scan_findings WHERE scan_id = %s) AS a
               FULL JOIN (SELECT * FROM scan_findings WHERE scan_id = %s) AS b USING (rule_id)
               WHERE a.status IS DISTINCT FROM b.status ORDER BY rule_id""",
            (before, after),
        )

    async def _rows(
        self, kind: type[T], statement: LiteralString, values: Sequence[Any] | Mapping[str, Any]
    ) -> list[T]:
        async with self.pool.connection() as connection:
            cursor = connection.cursor(row_factory=class_row(kind))
            await cursor.execute(statement, values)
            return await cursor.fetchall()

    async def _write(self, claim: Claim, change: LiteralString, **values: object) -> None:
        async with self.pool.connection() as connection:
            values.update(scan=claim.scan, attempt=claim.attempt)
            cursor = await connection.execute(f"UPDATE scans {change} {MINE}", values)
        if cursor.rowcount == 0:
            raise Superseded


@asynccontextmanager
async def opened(database: str) -> AsyncIterator[Storage]:
    """The storage over a pool of connections of its own."""
    pool: AsyncConnectionPool = AsyncConnectionPool(database, open=False, check=AsyncConnectionPool.check_connection)
    async with pool:
        yield Storage(pool)


def _finding(result: RuleResult) -> tuple[object, ...]:
    return (
        *(result.rule_id, result.title, result.severity, result.category, result.status, result.reason),
        result.detail if result.error is None else result.error,
        *(result.expected_value, result.actual_value),
        Jsonb([one.to_dict() for one in result.evidence_list]),
        Jsonb(result.framework_controls),
        Jsonb(result.variables),
        result.started_at,
    )


def _context(report: ScanReport) -> dict[str, object]:
    """Under which circumstances the results were obtained."""
    found = report.platform
    return {
        "engine_version": report.engine_version,
        "content_version": get_content_version(),
        "platform": {"family": found.family, "major": found.major, "version": found.version_id} if found else None,
        "capabilities": report.capabilities,
        "completeness": vars(report.completeness),
    }
