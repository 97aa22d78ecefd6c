"""What the engine says reaches the logger `kensa`, and no secret does."""

import asyncio
import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import Host

import kensa

PASSWORD = "Scan-pw-1"


def test_events_of_the_engine_are_records_of_the_logger(host: Host, rules: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "kensa"):
        with kensa.SSHSession(host.address, user="scan", key_path=host.key) as session:
            kensa.check_rules_from_path(session, rules)
    engine = [record for record in caplog.records if record.pathname.endswith(".rs")]
    assert any("logged in by" in record.getMessage() for record in engine)
    assert all(record.name == "kensa" and record.thread == threading.get_ident() for record in engine)
    assert any(record.getMessage().startswith(host.address) for record in engine)
    assert any("key of a host never seen" in record.getMessage() and record.levelno == logging.INFO for record in engine)


def test_the_same_from_an_event_loop(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with kensa.connect(host.address, user="scan", key_path=host.key) as session:
            await session.run("true")

    with caplog.at_level(logging.DEBUG, "kensa"):
        asyncio.run(main())
    assert any("logged in by" in record.getMessage() for record in caplog.records)


def test_what_is_not_wanted_is_not_made(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    from kensa import _native

    with caplog.at_level(logging.WARNING, "kensa"):
        with kensa.SSHSession(host.address, user="scan", key_path=host.key) as session:
            session.run("true")
            assert _native.take_log() == []
    assert caplog.records == []


def test_secrets_are_in_no_record(host: Host, rules: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(1, "kensa"):
        with kensa.SSHSession(host.address, user="scanpw", password=PASSWORD, sudo=True) as session:
            assert session.run("id -u").stdout == "0"
            kensa.check_rules_from_path(session, rules)
        with pytest.raises(kensa.SSHAuthenticationError):
            kensa.SSHSession(host.address, user="scan", password="not-" + PASSWORD).connect()
    assert len(caplog.records) > 3
    for record in caplog.records:
        assert PASSWORD not in record.getMessage() + repr(vars(record))


def test_a_handler_that_uses_the_engine_meets_no_lock(host: Host) -> None:
    class Curious(logging.Handler):
        depth = 0
        seen = 0

        def emit(self, record: logging.LogRecord) -> None:
            Curious.seen += 1
            if Curious.depth == 0:
                Curious.depth = 1
                with kensa.LocalSession() as inner:
                    inner.run("true")
                Curious.depth = 0

    logger = logging.getLogger("kensa")
    handler = Curious()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with kensa.SSHSession(host.address, user="scan", key_path=host.key) as session:
            session.run("true")
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
    assert Curious.seen > 0


def test_nothing_is_printed_where_no_logging_is_set_up(rules: Path) -> None:
    (rules / "system" / "broken.yml").write_text("id: broken\ntitle: [\n")
    text = f"import kensa; kensa.load_rules({str(rules)!r}); kensa.SSHSession('127.0.0.1', port=1)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
