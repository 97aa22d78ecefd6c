//! Channels of a real connection: floods, limits, losses, rekeying.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod sshd;

use std::sync::Arc;
use std::time::{Duration, Instant};

use kensa_core::{Probe, Transport};
use kensa_ssh::link::{Exit, Link, Streams};
use kensa_ssh::openssh::OpenSsh;
use kensa_ssh::ssh::SshLink;
use kensa_ssh::{Become, ConnectReason, OpenSshOptions, Session, SessionOptions};
use sshd::{Sshd, collect, output};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r13_a_flood_nobody_reads_does_not_stop_other_channels() {
    let Some(server) = Sshd::start("") else { return };
    let link = server.connect().await;
    let mut flood = link.open("exec cat /dev/zero").await.unwrap();
    let mut errors = link.open("exec cat /dev/zero >&2").await.unwrap();
    // Both are read a little, then left alone.
    let mut some = vec![0; 1000];
    flood.stdout.read_exact(&mut some).await.unwrap();
    errors.stderr.read_exact(&mut some).await.unwrap();
    for _ in 0..20 {
        let (exit, out, _) = timeout(SOON, output(&link, "echo on")).await.expect("another channel is stuck");
        assert_eq!((exit, out.as_str()), (Exit::Status(0), "on\n"));
    }
    // The channel of the stuck reader was closed; its reader gets what lay ready, then the end.
    let mut rest = Vec::new();
    timeout(SOON, flood.stdout.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert!(rest.len() > 100_000 && rest.len() < 20_000_000, "{}", rest.len());
    assert_eq!(timeout(SOON, flood.exit).await.unwrap(), Exit::Lost);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r13_a_flood_that_is_read_arrives_whole_while_others_work() {
    let Some(server) = Sshd::start("") else { return };
    let link = server.connect().await;
    let big = link.open("head -c 50000000 /dev/zero").await.unwrap();
    let reading = tokio::spawn(async move {
        let Streams { mut stdout, exit, .. } = big;
        let copied = tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await.unwrap();
        (copied, exit.await)
    });
    for _ in 0..5 {
        assert_eq!(output(&link, "echo on").await.1, "on\n");
    }
    assert_eq!(
        timeout(Duration::from_secs(60), reading).await.unwrap().unwrap(),
        (50_000_000, Exit::Status(0))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r15_what_is_dropped_is_closed_and_its_place_is_free_again() {
    let Some(server) = Sshd::start("MaxSessions 2") else { return };
    let link = server.connect().await;
    // More than MaxSessions in a row: each place has to become free again.
    for _ in 0..6 {
        let mut streams = link.open("echo started; exec cat").await.unwrap();
        let mut started = [0; 8];
        streams.stdout.read_exact(&mut started).await.unwrap();
        drop(streams);
    }
    assert_eq!(output(&link, "echo on").await.1, "on\n");
    assert_eq!(server.log().matches("Accepted publickey").count(), 1, "one connection was enough");
}

#[tokio::test]
async fn stdin_ends_when_it_is_dropped_and_not_before() {
    let Some(server) = Sshd::start("") else { return };
    let link = server.connect().await;
    let Streams { mut stdin, mut stdout, exit, .. } = link.open("cat; echo end").await.unwrap();
    let block = vec![b'x'; 300_000];
    let writing = tokio::spawn(async move {
        for _ in 0..10 {
            stdin.write_all(&block).await.unwrap();
        }
        stdin.flush().await.unwrap();
    });
    let mut all = Vec::new();
    timeout(SOON, stdout.read_to_end(&mut all)).await.unwrap().unwrap();
    writing.await.unwrap();
    assert_eq!(all.len(), 3_000_000 + 4);
    assert!(all.ends_with(b"xend\n"));
    assert_eq!(exit.await, Exit::Status(0));
}

#[tokio::test]
async fn r08_the_status_comes_though_a_child_holds_the_streams() {
    let Some(server) = Sshd::start("") else { return };
    let link = server.connect().await;
    let Streams { exit, stdout, .. } = link.open("sleep 30 & exit 5").await.unwrap();
    assert_eq!(timeout(SOON, exit).await.unwrap(), Exit::Status(5));
    drop(stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r14_a_host_with_one_session_gets_a_second_connection() {
    let Some(server) = Sshd::start("MaxSessions 1") else { return };
    let link = server.connect().await;
    let mut long = link.open("echo started; exec cat").await.unwrap();
    let mut started = [0; 8];
    long.stdout.read_exact(&mut started).await.unwrap();
    let (exit, out, _) = timeout(SOON, output(&link, "echo beside")).await.unwrap();
    assert_eq!((exit, out.as_str()), (Exit::Status(0), "beside\n"));
    assert_eq!(server.log().matches("Accepted publickey").count(), 2);
    // And it is used again.
    assert_eq!(timeout(SOON, output(&link, "echo again")).await.unwrap().1, "again\n");
    assert_eq!(server.log().matches("Accepted publickey").count(), 2);
    long.stdin.write_all(b"still here\n").await.unwrap();
    assert_eq!(collect(long).await.1, "still here\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r15_more_sessions_than_the_host_allows_wait_for_their_turn() {
    let Some(server) = Sshd::start("MaxSessions 3") else { return };
    let link = server.connect().await;
    let all = (0..12).map(|n| {
        let link = &link;
        async move { output(link, &format!("sleep 0.3; echo {n}")).await.1 }
    });
    let outputs = timeout(Duration::from_secs(60), futures_util::future::join_all(all)).await.unwrap();
    for (n, out) in outputs.iter().enumerate() {
        assert_eq!(out.trim(), n.to_string());
    }
    assert!(server.log().matches("Accepted publickey").count() <= 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r16_a_connection_cut_in_mid_run_is_a_loss_and_can_be_replaced() {
    let Some(mut server) = Sshd::start("") else { return };
    let link = server.connect().await;
    let Streams { mut stdout, exit, .. } = link.open("echo started; sleep 60").await.unwrap();
    let mut started = [0; 8];
    stdout.read_exact(&mut started).await.unwrap();
    server.kill();
    assert_eq!(timeout(SOON, exit).await.unwrap(), Exit::Lost);
    let mut rest = Vec::new();
    timeout(SOON, stdout.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert!(rest.is_empty() && !link.is_connected().await);
    let Err(error) = link.open("true").await else { panic!("opened on a dead connection") };
    assert_eq!(error.reason, ConnectReason::Closed, "{error}");
    server.restart();
    link.reconnect().await.unwrap();
    assert_eq!(output(&link, "echo back").await.1, "back\n");
}

#[tokio::test]
async fn close_is_final_until_reconnect_and_may_be_repeated() {
    let Some(server) = Sshd::start("") else { return };
    let link = server.connect().await;
    let Streams { exit, stdin, .. } = link.open("exec cat").await.unwrap();
    link.close().await;
    link.close().await;
    assert_eq!(timeout(SOON, exit).await.unwrap(), Exit::Lost);
    drop(stdin);
    let Err(error) = link.open("true").await else { panic!("opened after close") };
    assert_eq!(error.reason, ConnectReason::Closed);
    link.reconnect().await.unwrap();
    assert_eq!(output(&link, "echo on").await.1, "on\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_link_ends_the_connection() {
    let Some(server) = Sshd::start("") else { return };
    let link = server.connect().await;
    let mut streams = link.open("echo started; trap '' HUP; sleep 60").await.unwrap();
    let mut started = [0; 8];
    streams.stdout.read_exact(&mut started).await.unwrap();
    drop(streams);
    drop(link);
    let deadline = Instant::now() + SOON;
    while !server.log().contains("Connection closed") && !server.log().contains("Disconnected") {
        assert!(Instant::now() < deadline, "{}", server.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r19_a_host_that_rekeys_while_much_flows_both_ways_loses_nothing() {
    let Some(server) = Sshd::start("RekeyLimit 1M\nLogLevel DEBUG1") else { return };
    let link = server.connect().await;
    let total = 50_000_000u64;
    // Numbers, so that anything lost, doubled or swapped shows.
    let down = link.open("i=0; exec seq 1 6250000 2>/dev/null").await.unwrap();
    let up = link.open("exec md5sum").await.unwrap();
    let reading = tokio::spawn(async move {
        let Streams { mut stdout, exit, .. } = down;
        let mut text = Vec::new();
        stdout.read_to_end(&mut text).await.unwrap();
        let mut expected = 1u64;
        for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            assert_eq!(line, expected.to_string().as_bytes());
            expected += 1;
        }
        (expected - 1, exit.await)
    });
    let Streams { mut stdin, stdout, stderr, exit } = up;
    let writing = tokio::spawn(async move {
        let block = vec![b'x'; 100_000];
        for _ in 0..total / 100_000 {
            stdin.write_all(&block).await.unwrap();
        }
    });
    let limit = Duration::from_secs(120);
    assert_eq!(timeout(limit, reading).await.unwrap().unwrap(), (6_250_000, Exit::Status(0)));
    timeout(limit, writing).await.unwrap().unwrap();
    let rest = Streams { stdin: Box::new(tokio::io::sink()), stdout, stderr, exit };
    let sum = sshd::run("sh", &["-c", &format!("head -c {total} /dev/zero | tr '\\0' x | md5sum")]);
    assert_eq!(timeout(limit, collect(rest)).await.unwrap().1, sum);
    assert!(server.log().matches("rekeying").count() > 20, "{}", server.log().matches("rekeying").count());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r19_either_side_may_rekey_in_mid_session_and_no_answer_is_lost() {
    let Some(server) = Sshd::start("RekeyLimit 1M\nLogLevel DEBUG1") else { return };
    // By the host alone, by this side alone, by both.
    let Some(patient) = Sshd::start("LogLevel DEBUG1") else { return };
    let limit = 1 << 20;
    for (server, options) in [
        (&server, server.with_key()),
        (&patient, patient.with_key().rekey_after(limit)),
        (&server, server.with_key().rekey_after(limit)),
    ] {
        let before = server.log().matches("SSH2_MSG_NEWKEYS received").count();
        let session = Session::connect(options, Become::None, SessionOptions::default()).await.unwrap();
        let probes: Vec<Probe> = (0..100)
            .map(|n| {
                Probe::command_text(format!("yes line-{n} | head -c 140000; echo {n} >&2; exit {}", n % 7))
            })
            .collect();
        let outputs = session.ask_all(&probes).await;
        for (n, probe) in probes.iter().enumerate() {
            let output =
                outputs.get(probe).unwrap().as_ref().unwrap_or_else(|fault| panic!("{n}: {fault:?}"));
            let expected = format!("line-{n}\n").repeat(20_000);
            assert!(output.stdout == expected.as_bytes()[..140_000], "{n}");
            assert_eq!((output.stderr_text(), output.exit_code), (format!("{n}\n").into(), (n % 7) as i32));
        }
        assert_eq!(session.stats().reconnects, 0);
        session.close().await;
        let rekeyed = server.log().matches("SSH2_MSG_NEWKEYS received").count() - before;
        assert!(rekeyed > 5, "only {rekeyed} exchanges of keys");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r22_a_banner_is_no_evidence() {
    let banner = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(banner.path(), "Authorised users only.\nThe second line\u{1b}[31m.\n").unwrap();
    let Some(server) = Sshd::start(&format!("Banner {}", banner.path().display())) else { return };
    let native = Session::connect(server.with_key(), Become::None, SessionOptions::default()).await.unwrap();
    let client = OpenSsh::new(OpenSshOptions {
        port: Some(server.port),
        user: Some(sshd::user()),
        identity: Some(server.path("user_key")),
        config: Some("/dev/null".into()),
        extra: vec![format!("UserKnownHostsFile={}", server.path("known_hosts").display())],
        ..OpenSshOptions::new("127.0.0.1")
    });
    let client = Session::over(Arc::new(client), Become::None, SessionOptions::default()).await.unwrap();
    for session in [native, client] {
        let output = session.run("echo out; echo err >&2", None).await.unwrap();
        assert_eq!((output.stdout, output.stderr), (b"out\n".to_vec(), b"err\n".to_vec()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r15_a_closed_channel_whose_command_goes_on_keeps_its_place_and_is_worked_round() {
    let Some(server) = Sshd::start("MaxSessions 2") else { return };
    let link = server.connect().await;
    for _ in 0..2 {
        let mut streams = link.open("trap '' HUP PIPE TERM; echo started; sleep 40; true").await.unwrap();
        let mut started = [0; 8];
        streams.stdout.read_exact(&mut started).await.unwrap();
        drop(streams);
    }
    // Both places are taken as far as the host is concerned, though nothing is open here.
    let (exit, out, _) = timeout(SOON, output(&link, "echo on")).await.unwrap();
    assert_eq!((exit, out.as_str()), (Exit::Status(0), "on\n"));
    assert_eq!(server.log().matches("Accepted publickey").count(), 2, "over another connection");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_connections_at_once() {
    let Some(server) = Sshd::start("") else { return };
    let links = futures_util::future::join_all((0..40).map(|_| server.connect())).await;
    let outputs =
        futures_util::future::join_all(links.iter().map(|link: &SshLink| output(link, "echo on"))).await;
    assert!(outputs.iter().all(|(exit, out, _)| *exit == Exit::Status(0) && out == "on\n"));
}
