//! Reaching a TCP port.

use std::io;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::error::{ConnectError, ConnectReason};

/// Whether a host answers, learnt without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reachability {
    /// Whether the TCP port took the connection.
    pub reached: bool,
    /// How long the TCP connect took.
    pub latency: Option<Duration>,
    /// The first line an SSH server sends, e.g. `SSH-2.0-OpenSSH_9.2`; `None` where none came in time.
    pub banner: Option<String>,
    /// Why it was not reached.
    pub error: Option<ConnectError>,
}

/// Asks whether `host` answers at `port`, within `limit`. Sends nothing.
pub async fn reachable(host: &str, port: u16, limit: Duration) -> Reachability {
    let started = Instant::now();
    let mut stream = match dial(&label(host, port), host, port, limit).await {
        Ok(stream) => stream,
        Err(error) => {
            return Reachability { reached: false, latency: None, banner: None, error: Some(error) };
        }
    };
    let latency = started.elapsed();
    let rest = limit.saturating_sub(latency);
    let banner = timeout(rest, read_banner(&mut stream)).await.ok().flatten();
    Reachability { reached: true, latency: Some(latency), banner, error: None }
}

/// `host:port`, an IPv6 address in brackets.
pub(super) fn label(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Opens a TCP connection; `label` names the host in errors. All addresses of the name are tried in turn
/// and share the limit.
pub(super) async fn dial(
    label: &str,
    host: &str,
    port: u16,
    limit: Duration,
) -> Result<TcpStream, ConnectError> {
    let late = || {
        let message = format!("no answer within {} s; check address, port and firewall", limit.as_secs_f32());
        ConnectError::new(ConnectReason::Timeout, label, message)
    };
    let looked_up = timeout(limit, lookup_host((host, port))).await.map_err(|_| late())?;
    let addresses: Vec<_> = looked_up
        .map_err(|error| {
            let message = format!("the name {host} cannot be resolved: {error}");
            ConnectError::new(ConnectReason::Unreachable, label, message)
        })?
        .collect();
    let deadline = Instant::now() + limit;
    let mut last = None;
    for (index, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - index).unwrap_or(1);
        let share = deadline.saturating_duration_since(Instant::now()) / left;
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Nagle's algorithm costs 40 ms for every question and answer.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = Some(classify(label, &error)),
            Err(_) => last = Some(late()),
        }
    }
    Err(last.unwrap_or_else(|| {
        ConnectError::new(ConnectReason::Unreachable, label, format!("the name {host} has no address"))
    }))
}

fn classify(label: &str, error: &io::Error) -> ConnectError {
    let (reason, advice) = match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            (ConnectReason::Refused, "no SSH server listens there; check the port")
        }
        io::ErrorKind::TimedOut => (ConnectReason::Timeout, "check address, port and firewall"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
            (ConnectReason::Closed, "the host dropped the connection; try again later")
        }
        _ => (ConnectReason::Unreachable, "check address and network"),
    };
    ConnectError::new(reason, label, format!("the connection failed: {error}; {advice}"))
}

/// The identification line, other lines before it skipped.
async fn read_banner(stream: &mut TcpStream) -> Option<String> {
    let (mut line, mut total) = (Vec::new(), 0);
    while total < 8192 {
        total += 1;
        match stream.read_u8().await.ok()? {
            b'\n' if line.starts_with(b"SSH-") => {
                return Some(String::from_utf8_lossy(&line).replace(char::is_control, ""));
            }
            b'\n' => line.clear(),
            byte => line.push(byte),
        }
    }
    None
}
