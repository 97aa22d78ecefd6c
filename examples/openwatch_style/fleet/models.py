"""What goes in and out over HTTP, and the rows it is made from."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["pass", "fail", "skipped", "error"]
ControlStatus = Literal["met", "not_met", "partial", "not_measured"]


class NewHost(BaseModel):
    """A host to be scanned. `credential` names a secret on the workers; `host_key` is the only key it may show."""

    model_config = ConfigDict(extra="forbid")

    hostname: Annotated[str, Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,252})$")]
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    username: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,63}$")]
    credential: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    sudo: bool = True
    host_key: Annotated[
        str, Field(pattern=r"^(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]{32,}={0,2}$")
    ]


class Host(NewHost):
    id: UUID


class NewScan(BaseModel):
    model_config = ConfigDict(extra="forbid")

    host_id: UUID


class Scan(BaseModel):
    """A scan on its way, or how it ended. `context` is set once it is completed."""

    id: UUID
    host_id: UUID
    status: Literal["queued", "running", "completed", "failed", "cancelled"]
    reason: str | None
    detail: str | None
    attempt: int
    worker: str | None
    done: int
    total: int | None
    requested_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    context: dict[str, Any] | None

    @property
    def active(self) -> bool:
        return self.status in ("queued", "running")


class Finding(BaseModel):
    """How one rule ended in one scan, with everything that shows it."""

    rule_id: str
    title: str
    severity: str
    category: str
    status: Status
    reason: str | None
    detail: str
    expected: str | None
    actual: str | None
    evidence: list[dict[str, Any]]
    framework_refs: dict[str, list[str]]
    variables: dict[str, str]
    checked_at: datetime | None


class Stale(BaseModel):
    """Why a posture may no longer be true."""

    reason: str
    detail: str
    since: datetime


class Posture(BaseModel):
    """What the last scan that could measure the host found; `stale` when something speaks against it since."""

    scan_id: UUID
    host_id: UUID
    observed_at: datetime
    conclusion: Literal["compliant", "findings", "incomplete"]
    passed: int
    failed: int
    skipped: int
    errors: int
    unanswered: int
    score: float | None
    stale: Stale | None = None


class Change(BaseModel):
    """A rule whose status differs between two scans; `None` where the scan did not have the rule."""

    rule_id: str
    before: Finding | None
    after: Finding | None


class Drift(BaseModel):
    before: Posture
    after: Posture
    changes: list[Change]


class Control(BaseModel):
    """A control of a framework on one host. Only `met` counts as compliant."""

    control: str
    title: str
    status: ControlStatus
    reason: str | None
    rules: dict[str, str]


class FrameworkPosture(BaseModel):
    """`met_percent` is of all controls, so that what nobody measures never counts as compliant."""

    framework: str
    title: str
    posture: Posture
    total: int
    met: int
    not_met: int
    partial: int
    not_measured: int
    met_percent: float
    measurable_percent: float
    controls: list[Control]
