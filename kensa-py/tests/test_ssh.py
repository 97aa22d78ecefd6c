"""Sessions over real SSH."""

import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Host, write_rule

import kensa


def session(host: Host, user: str = "scan", **given: Any) -> kensa.SSHSession:
    given.setdefault("key_path", host.key)
    return kensa.SSHSession(host.address, user=user, **given)


def test_runs_commands_and_keeps_both_streams_apart(ssh: kensa.SSHSession) -> None:
    result = ssh.run("printf 'a\\n\\n'; printf 'ü$x\"\\n' >&2; exit 7")
    assert (result.exit_code, result.stdout, result.stderr, result.ok) == (7, "a", "ü$x\"", False)
    assert ssh.run("id -u").stdout == "0" and ssh.run("cat").stdout == ""
    assert len(ssh.run("seq 1 500000").stdout) > 3_000_000
    assert "\ufffd" in ssh.run("printf '\\377'").stdout


def test_a_command_that_takes_too_long(ssh: kensa.SSHSession) -> None:
    started = time.monotonic()
    with pytest.raises(kensa.CommandTimeout) as caught:
        ssh.run("sleep 30", timeout=1)
    assert isinstance(caught.value, TimeoutError) and time.monotonic() - started < 5
    assert ssh.run("echo alive").stdout == "alive"


def test_scans_as_root_and_leaves_nothing(ssh: kensa.SSHSession, host: Host, tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    write_rule(folder, "shadow", "{method: file_permission, path: /etc/shadow, mode: '0640'}")
    write_rule(folder, "root", '{method: command, run: "id -u", expected_stdout: "0"}')
    results = {one.rule_id: one for one in kensa.check_rules_from_path(ssh, folder)}
    assert results["root"].status == "pass" and results["shadow"].status in ("pass", "fail")
    assert results["root"].host == host.address and "sudo" not in results["root"].evidence_list[0].command
    assert kensa.detect_platform(ssh).family == "debian"  # type: ignore[union-attr]


def test_a_scan_gives_way_and_takes_several_shells_where_asked(host: Host, tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    for number in range(300):
        write_rule(folder, f"r-{number}", f'{{method: command, run: "sleep 0.01; nice; : {number}", expected_stdout: "7"}}')
    for shells, sudos in ((3, (2, 3)), (1, (1,))):
        host.control("mark")
        with session(host, sudo=True, nice=7, shells=shells) as ssh:
            results = kensa.check_rules_from_path(ssh, folder)
        assert {one.status for one in results} == {"pass"}
        counts = dict(pair.split("=") for pair in host.control("count").split())
        assert counts["logins"] == "1" and int(counts["sudos"]) in sudos, counts
    wrong: "dict[str, Any]"
    for wrong in ({"nice": 20}, {"nice": -1}, {"shells": 0}, {"shells": 4}, {"shells": True}, {"nice": "7"}):
        with pytest.raises(ValueError, match="is a whole number from"):
            session(host, **wrong)


def test_password_login_and_sudo_with_the_same_password(host: Host) -> None:
    with session(host, "scanpw", key_path=None, password="Scan-pw-1", sudo=True) as ssh:
        assert ssh.run("id -u").stdout == "0"
        secrets = "\n".join([repr(ssh), str(vars(ssh)), ssh.run("ps ax -o args").stdout])
        assert "Scan-pw-1" not in secrets


@pytest.mark.parametrize(
    ("given", "kind", "reason"),
    [
        ({"user": "scan", "key_path": None, "password": "wrong"}, kensa.SSHAuthenticationError, "auth_failed"),
        ({"user": "nosudo", "sudo": True}, kensa.PrivilegeError, "sudo_denied"),
        ({"user": "scan", "port": 4}, kensa.SSHConnectionError, "refused"),
        ({"user": "scan", "host_key_policy": "strict"}, kensa.HostKeyError, "host_key_unknown"),
        ({"user": "scan", "key_path": "/no/such/key"}, kensa.SSHAuthenticationError, "key_invalid"),
    ],
)
def test_every_refusal_has_its_class_and_names_the_host(host: Host, given: Any, kind: type, reason: str) -> None:
    refused = session(host, **given)
    with pytest.raises(kind) as caught:
        refused.connect()
    error = caught.value
    assert isinstance(error, kensa.SSHConnectionError) and not isinstance(error, TimeoutError)
    assert error.reason == reason and host.address in str(error) and str(refused.port) in str(error)
    refused.close()
    with pytest.raises(kensa.NotConnectedError):
        refused.run("true")


def test_a_connect_timeout_is_no_timeout_error(host: Host) -> None:
    host.control("drop")
    try:
        with pytest.raises(kensa.SSHConnectionError) as caught:
            session(host, timeout=1).connect()
        assert caught.value.reason == "timeout" and not isinstance(caught.value, TimeoutError)
    finally:
        host.control("heal")


def test_host_keys_are_remembered_and_a_change_is_refused(host: Host, state: Path) -> None:
    with session(host) as ssh:
        ssh.run("true")
    remembered = state / "known_hosts"
    text = remembered.read_text()
    assert "ssh-ed25519" in text
    with session(host, host_key_policy="strict"):
        pass
    key = "AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ"
    remembered.write_text("".join(f"{line.split()[0]} ssh-ed25519 {key}\n" for line in text.splitlines()))
    with pytest.raises(kensa.HostKeyError) as caught:
        session(host).connect()
    assert caught.value.reason == "host_key_changed"


def test_works_without_a_writable_state_directory(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KENSA_STATE_DIR", "/proc/nowhere")
    with session(host) as ssh:
        assert ssh.run("echo x").stdout == "x"


def test_the_key_may_be_text_and_the_file_may_go(host: Host, tmp_path: Path) -> None:
    text = Path(host.key).read_text()
    with session(host, key_path=None, key_data=text) as ssh:
        assert ssh.run("echo x").stdout == "x"
    copy = tmp_path / "key"
    copy.write_text(text)
    copy.chmod(0o600)
    with session(host, key_path=None, key_filename=str(copy)) as ssh:
        copy.unlink()
        assert ssh.run("echo x").stdout == "x"


def test_arguments_that_contradict_each_other() -> None:
    with pytest.raises(ValueError):
        kensa.SSHSession("h", key_path="/a", key_filename="/b")
    for port in ("x", 0, 70000):
        with pytest.raises(ValueError):
            kensa.SSHSession("h", port=port)
    assert kensa.SSHSession("h", port="2222").port == 2222
    with pytest.raises(ValueError):
        kensa.SSHSession("h", host_key_policy="trusting")
    with pytest.raises(TypeError):
        pickle.dumps(kensa.SSHSession("h"))


def test_close_any_number_of_times_and_connect_again(host: Host) -> None:
    ssh = session(host)
    ssh.close()
    ssh.connect()
    ssh.connect()
    ssh.close()
    ssh.close()
    with pytest.raises(kensa.NotConnectedError):
        kensa.check_rules_from_path(ssh, kensa.get_rules_path())
    ssh.connect()
    assert ssh.run("echo again").stdout == "again"
    ssh.close()


def test_one_session_serves_several_threads_and_hosts_take_two_sessions(host: Host, ssh: kensa.SSHSession) -> None:
    answers = {}

    def work(number: int) -> None:
        answers[number] = ssh.run(f"echo {number}").stdout

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    with session(host, sudo=False) as second:
        assert second.run("id -un").stdout == "scan"
    for thread in threads:
        thread.join(20)
    assert answers == {number: str(number) for number in range(20)}


def test_other_threads_run_while_a_command_does(ssh: kensa.SSHSession) -> None:
    ticks = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(0.01):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    ssh.run("sleep 2")
    stop.set()
    thread.join()
    # Two hundred on an idle machine, none if the call held the interpreter.
    assert len(ticks) > 10


def nothing_runs(ssh: kensa.SSHSession, command: str) -> bool:
    """Whether `command` is gone from the host within three seconds."""
    left = ""
    for _ in range(15):
        left = ssh.run(f"pgrep -afx {command!r}").stdout
        if not left:
            return True
        time.sleep(0.2)
    print("left on the host:", left, ssh.run("ps axf").stdout)
    return False


def test_an_alarm_of_the_program_gets_through_unchanged(ssh: kensa.SSHSession, tmp_path: Path) -> None:
    class OutOfTime(TimeoutError):
        pass

    def ring(number: int, frame: object) -> None:
        raise OutOfTime("the job's own limit")

    folder = tmp_path / "rules"
    write_rule(folder, "slow", '{method: command, run: "sleep 41; echo x", expected_stdout: x}')
    before = signal.signal(signal.SIGALRM, ring)
    try:
        for call in (lambda: kensa.check_rules_from_path(ssh, folder), lambda: ssh.run("sleep 41")):
            signal.alarm(1)
            started = time.monotonic()
            with pytest.raises(OutOfTime):
                call()
            assert time.monotonic() - started < 2.5
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert nothing_runs(ssh, "sleep 41")


def test_a_lost_connection_is_no_verdict(host: Host, tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    for name in ("a", "b"):
        write_rule(folder, name, f'{{method: command, run: "sleep 5; echo {name}", expected_stdout: {name}}}')
    with session(host, timeout=2) as ssh:
        cut = threading.Timer(1.0, lambda: (host.control("kill-sshd", "listener"), host.control("kill-sshd", "sessions")))
        cut.start()
        try:
            with pytest.raises(ConnectionError) as caught:
                kensa.check_rules_from_path(ssh, folder)
        finally:
            cut.join()
            host.control("start-sshd")
    assert isinstance(caught.value, kensa.SSHConnectionError) and host.address in str(caught.value)


PROGRAM = """
import sys, kensa
session = kensa.SSHSession({address!r}, user="scan", key_path={key!r})
session.connect()
print(session.run("echo open").stdout, flush=True)
{rest}
"""


def program(host: Host, rest: str, timeout: float = 20) -> "subprocess.CompletedProcess[str]":
    text = PROGRAM.format(address=host.address, key=host.key, rest=rest)
    # CPython 3.12 and newer warn of every fork of a program that has threads.
    quiet = ["-W", "ignore::DeprecationWarning"]
    return subprocess.run([sys.executable, *quiet, "-c", text], capture_output=True, text=True, timeout=timeout)


def test_the_interpreter_ends_with_an_open_session(host: Host) -> None:
    done = program(host, "sys.exit(5)")
    assert (done.returncode, done.stdout, done.stderr) == (5, "open\n", "")


def test_the_interpreter_ends_while_threads_wait(host: Host) -> None:
    done = program(
        host,
        "import threading\n"
        "threading.Thread(target=lambda: session.run('sleep 60'), daemon=True).start()\n"
        "import time; time.sleep(0.5)",
    )
    assert (done.returncode, done.stderr) == (0, "")


FORK = """
import os
pid = os.fork()
if pid == 0:
    try:
        session.run("true")
        os._exit(1)
    except kensa.NotConnectedError as error:
        assert "process" in str(error), error
    session.close()
    with kensa.SSHSession(session.hostname, user="scan", key_path=session.key_path) as fresh:
        assert fresh.run("echo child").stdout == "child"
    with kensa.LocalSession() as own:
        assert len(kensa.check_rules_from_path(own, kensa.get_rules_path(), severity="critical")) > 0
    session.connect()
    assert session.run("echo mine").stdout == "mine"
    os._exit(0)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
assert status == 0, status
print(session.run("echo parent").stdout)
"""


def test_a_forked_child_builds_its_own_and_the_parent_goes_on(host: Host) -> None:
    done = program(host, FORK, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "open\nparent\n", "")


def test_sessions_that_are_dropped_free_their_sockets(host: Host) -> None:
    def sockets() -> int:
        links = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")]
        return sum(link.startswith("socket:") for link in links)

    with session(host) as warm:
        warm.run("true")
    time.sleep(0.3)
    before = sockets()
    for _ in range(5):
        ssh = session(host)
        ssh.connect()
        ssh.run("true")
        del ssh
    gc.collect()
    for _ in range(50):
        if sockets() <= before:
            break
        time.sleep(0.1)
    assert sockets() <= before
