"""Takes scans from the queue and runs them. Start as many as wanted, on as many machines: `python -m fleet.worker`."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import kensa
from kensa import aio
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.exceptions import ConnectorException, JobAborted
from procrastinate.job_context import AbortReason
from procrastinate.jobs import DeleteJobCondition, Job

from .credentials import CredentialError, resolve
from .jobs import jobs, prepare
from .models import Host
from .settings import Settings
from .storage import Claim, Storage, Superseded, opened

log = logging.getLogger("fleet.worker")
NAME = f"{socket.gethostname()}:{os.getpid()}"
PROGRESS_EVERY = 0.5  # seconds between two writes of progress


class Unreachable(Exception):
    """No credential was refused: the host did not answer, or fell silent in mid-scan. Trying again is harmless."""


class TryAgain(Exception):
    """Tells the queue to run the job again after some seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:.0f} s")
        self.seconds = seconds


class WhenAsked(BaseRetryStrategy):
    """Only what asks for it is tried again. A refused password never does: repeating it locks accounts."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, TryAgain):
            return RetryDecision(retry_in={"seconds": round(exception.seconds)})
        return None


@jobs.task(name="scan_host", pass_context=True, retry=WhenAsked())
async def scan_host(context: JobContext, scan_id: str) -> None:
    storage: Storage = context.additional_context["storage"]
    settings: Settings = context.additional_context["settings"]
    claim = await storage.claim(UUID(scan_id), NAME, settings.attempts)
    try:
        if claim is not None:
            await attempt(claim, context, storage, settings)
    except Superseded:
        log.info("scan %s was cancelled, or another worker has it", scan_id)


async def attempt(claim: Claim, context: JobContext, storage: Storage, settings: Settings) -> None:
    """Scans the host and stores how that ended. Raises `TryAgain` where another attempt may do better."""
    try:
        report = await measure(claim, storage, settings, context.additional_context["rules"])
        await storage.complete(claim, report)
    except asyncio.CancelledError:
        if context.abort_reason() is not AbortReason.SHUTDOWN:
            raise JobAborted from None  # whoever cancelled the scan has written so
        await storage.release(claim, "worker_stopped", f"{NAME} was stopped")
        raise TryAgain(0) from None
    except Unreachable as error:
        if claim.attempt >= settings.attempts:
            await storage.fail(claim, "unreachable", str(error))
        else:
            await storage.release(claim, "unreachable", str(error))
            raise TryAgain(settings.retry_wait * 2 ** (claim.attempt - 1)) from None
    except kensa.SSHConnectionError as error:
        await storage.fail(claim, error.reason, str(error))
    except CredentialError as error:
        await storage.fail(claim, "credential", str(error))
    except Superseded:
        raise
    except Exception as error:
        await storage.fail(claim, "internal", f"{type(error).__name__}: {error}")
        raise


async def measure(claim: Claim, storage: Storage, settings: Settings, rules: int) -> kensa.ScanReport:
    """Scans the host. Raises `Unreachable`, or what ended the scan for good."""
    host = claim.host
    # The probe carries no credential, so what it says is safe to act on by trying again.
    probe = await aio.reachable(host.hostname, host.port, timeout=settings.connect_timeout)
    if not probe.reached:
        raise Unreachable(probe.message)
    credential = resolve(settings.credentials, host.credential)
    with pinned(host) as known_hosts:
        async with aio.connect(
            host.hostname,
            user=host.username,
            port=host.port,
            key_data=credential.key,
            password=credential.password,
            sudo=host.sudo,
            timeout=settings.connect_timeout,
            host_key_policy="strict",
            known_hosts=known_hosts,
            read_only=True,
        ) as session:
            scan = session.scan(scan_timeout=settings.scan_timeout)
            clock = asyncio.get_running_loop().time
            done, due = 0, clock()
            try:
                async for _ in scan:
                    done += 1
                    if clock() >= due:
                        await storage.progress(claim, done, rules)
                        due = clock() + PROGRESS_EVERY
            except kensa.SSHConnectionError as error:
                if error.reason != "closed":
                    raise
                raise Unreachable(str(error)) from None  # the login had been accepted
            finally:
                await scan.aclose()
    assert scan.report is not None
    return scan.report


@contextmanager
def pinned(host: Host) -> Iterator[Path]:
    """A known_hosts file with the one key this host may show."""
    name = host.hostname if host.port == 22 else f"[{host.hostname}]:{host.port}"
    with tempfile.NamedTemporaryFile("w", prefix="known_hosts.") as file:
        file.write(f"{name} {host.host_key}\n")
        file.flush()
        yield Path(file.name)


@jobs.periodic(cron="* * * * * */10")  # every ten seconds, by one worker
@jobs.task(name="requeue_lost", queueing_lock="requeue_lost", priority=10, pass_context=True)
async def requeue_lost(context: JobContext, timestamp: int) -> None:
    """Queues the scans of workers that died. Should such a worker live after all, it cannot store anything any more."""
    settings: Settings = context.additional_context["settings"]
    for job in await jobs.job_manager.get_stalled_jobs(
        task_name="scan_host", seconds_since_heartbeat=settings.lost_after
    ):
        log.warning("job %s: its worker is lost, it is queued again", job.id)
        try:
            await jobs.job_manager.retry_job(job)
        except ConnectorException as error:
            log.info("job %s has moved on: %s", job.id, error)
    await context.additional_context["storage"].close_orphans()


async def main() -> None:
    settings = Settings.from_environment()
    rules = len(await asyncio.to_thread(kensa.load_rules))  # for the progress bar; and without rules there is no start
    if rules == 0:
        raise SystemExit(f"no rules at {kensa.get_rules_path()}")
    async with opened(settings.database) as storage, jobs.open_async(storage.pool):
        await prepare(storage)
        await jobs.run_worker_async(
            name=NAME,
            concurrency=settings.concurrency,
            additional_context={"storage": storage, "settings": settings, "rules": rules},
            update_heartbeat_interval=settings.heartbeat,
            stalled_worker_timeout=settings.lost_after,
            shutdown_graceful_timeout=settings.stop_timeout,
            delete_jobs=DeleteJobCondition.SUCCESSFUL,
        )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(main())
