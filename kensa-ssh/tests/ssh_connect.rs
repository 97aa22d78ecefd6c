//! Connecting to a real sshd: what works, and what every failure is called.

mod sshd;

use std::time::{Duration, Instant};

use kensa_ssh::ConnectReason;
use kensa_ssh::link::{Exit, Link};
use kensa_ssh::ssh::{ConnectOptions, HostKeyTrust, SshConfigUse, SshLink, reachable};
use sshd::{Sshd, collect, output, refused};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

#[tokio::test]
async fn a_command_runs_with_three_streams_and_its_status() {
    let Some(server) = Sshd::start("") else { return };
    let link = server.connect().await;
    assert_eq!(link.host(), format!("127.0.0.1:{}", server.port));
    assert_eq!(link.host_key_trust(), HostKeyTrust::New);
    assert!(link.host_key().starts_with("SHA256:"));

    let (exit, out, err) = output(&link, "printf out; printf err >&2; exit 7").await;
    assert_eq!((exit, out.as_str(), err.as_str()), (Exit::Status(7), "out", "err"));

    let mut streams = link.open("cat").await.unwrap();
    streams.stdin.write_all(b"hello\0\xff").await.unwrap();
    let (exit, out, _) = collect(streams).await;
    assert_eq!((exit, out.as_bytes()), (Exit::Status(0), "hello\0\u{fffd}".as_bytes()));

    let (exit, _, _) = output(&link, "kill -9 $$").await;
    assert_eq!(exit, Exit::Signal("KILL".to_owned()));
}

#[tokio::test]
async fn a_terminal_joins_the_streams() {
    let Some(server) = Sshd::start("") else { return };
    let link = server.connect().await;
    let streams = link.open_with_terminal("tty >/dev/null && echo yes; echo err >&2").await.unwrap();
    let (exit, out, err) = collect(streams).await;
    assert_eq!((exit, out.as_str(), err.as_str()), (Exit::Status(0), "yes\r\nerr\r\n", ""));
}

#[tokio::test]
async fn a_host_without_terminals_says_so() {
    let Some(server) = Sshd::start("PermitTTY no") else { return };
    let link = server.connect().await;
    let Err(error) = link.open_with_terminal("true").await else { panic!("a terminal was given") };
    assert_eq!(error.reason, ConnectReason::ShellRefused);
    assert_eq!(output(&link, "echo on").await.1, "on\n");
}

#[tokio::test]
async fn a_closed_port_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = refused(ConnectOptions::new("127.0.0.1").port(port).ssh_config(SshConfigUse::None)).await;
    assert_eq!(error.reason, ConnectReason::Refused);
    assert_eq!(error.host, format!("127.0.0.1:{port}"));
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
    let found = reachable("127.0.0.1", port, Duration::from_secs(2)).await;
    assert!(!found.reached && found.error.unwrap().reason == ConnectReason::Refused);
}

#[tokio::test]
async fn a_name_nobody_knows_is_unreachable() {
    let error = refused(ConnectOptions::new("no-such-host.invalid").ssh_config(SshConfigUse::None)).await;
    assert_eq!(error.reason, ConnectReason::Unreachable);
    assert!(error.message.contains("no-such-host.invalid"), "{error}");
    for odd in ["", "two words", "a\nb"] {
        let error = refused(ConnectOptions::new(odd).ssh_config(SshConfigUse::None)).await;
        assert_eq!(error.reason, ConnectReason::Unreachable, "{odd:?}");
    }
}

#[tokio::test]
async fn r17_an_address_that_swallows_packets_times_out_in_time() {
    // With its queue full, Linux drops what else wants to connect, as a firewall would.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    let wait = Duration::from_millis(200);
    while let Ok(stream) = tokio::time::timeout(wait, tokio::net::TcpStream::connect(address)).await {
        queue.push(stream.unwrap());
    }
    let options = ConnectOptions::new("127.0.0.1").port(address.port()).ssh_config(SshConfigUse::None);
    let started = Instant::now();
    let error = refused(options.connect_timeout(Duration::from_millis(500))).await;
    assert_eq!(error.reason, ConnectReason::Timeout, "{error}");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn r17_a_server_that_never_speaks_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    let options = ConnectOptions::new("127.0.0.1").port(port).ssh_config(SshConfigUse::None);
    let error = refused(options.connect_timeout(Duration::from_millis(300))).await;
    assert_eq!(error.reason, ConnectReason::Timeout);
    assert!(error.message.contains("SSH server"), "{error}");
    let found = reachable("127.0.0.1", port, Duration::from_millis(300)).await;
    assert!(found.reached && found.banner.is_none() && found.latency.is_some());
    silent.abort();
}

#[tokio::test]
async fn r17_a_server_that_is_stuck_in_the_handshake_times_out_and_is_let_go() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let stuck = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"SSH-2.0-stuck\r\n").await.unwrap();
        // Ends when the client lets go.
        let mut sink = tokio::io::sink();
        tokio::io::copy(&mut stream, &mut sink).await
    });
    let options = ConnectOptions::new("127.0.0.1").port(port).ssh_config(SshConfigUse::None);
    let error = refused(options.connect_timeout(Duration::from_millis(300))).await;
    assert_eq!(error.reason, ConnectReason::Timeout);
    let ended = tokio::time::timeout(Duration::from_secs(5), stuck).await;
    assert!(ended.is_ok(), "the connection was left open");
}

#[tokio::test]
async fn what_is_no_ssh_server_is_a_protocol_error_or_a_closed_connection() {
    for (greeting, expected) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], ConnectReason::Closed),
        (&[b'x'; 4096][..], ConnectReason::Protocol),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            // A connection that ends before the login is tried again.
            while let Ok((mut stream, _)) = listener.accept().await {
                stream.write_all(greeting).await.unwrap();
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        let error = refused(ConnectOptions::new("127.0.0.1").port(port).ssh_config(SshConfigUse::None)).await;
        assert_eq!(error.reason, expected, "{error}");
    }
}

#[tokio::test]
async fn no_common_algorithm_is_a_protocol_error_that_lists_the_hosts() {
    let Some(server) = Sshd::start("Ciphers aes256-cbc") else { return };
    let error = refused(server.with_key()).await;
    assert_eq!(error.reason, ConnectReason::Protocol);
    assert!(error.message.contains("aes256-cbc"), "{error}");
    SshLink::connect(server.with_key().legacy_algorithms(true)).await.unwrap();
}

#[tokio::test]
async fn fips_and_strict_exchange_connect_to_a_modern_server() {
    let Some(server) = Sshd::start_with_host_key("LogLevel DEBUG1", "ecdsa") else { return };
    let options = server.with_key().fips_algorithms(true).strict_kex_required(true);
    let link = SshLink::connect(options).await.unwrap_or_else(|error| panic!("{error}\n{}", server.log()));
    assert_eq!(output(&link, "echo on").await.1, "on\n");
    assert!(server.log().contains("kex: algorithm: ecdh-sha2-nistp256"), "{}", server.log());
}

#[tokio::test]
async fn a_server_with_classic_key_exchange_only_works() {
    let Some(server) = Sshd::start("KexAlgorithms diffie-hellman-group14-sha256") else { return };
    let (one, two, three) = tokio::join!(server.connect(), server.connect(), server.connect());
    for link in [one, two, three] {
        assert_eq!(output(&link, "echo on").await.1, "on\n");
    }
}

#[tokio::test]
async fn the_banner_is_read_without_credentials() {
    let Some(server) = Sshd::start("") else { return };
    let found = reachable("localhost", server.port, Duration::from_secs(5)).await;
    assert!(found.reached && found.error.is_none());
    assert!(found.banner.unwrap().starts_with("SSH-2.0-OpenSSH"));
}
