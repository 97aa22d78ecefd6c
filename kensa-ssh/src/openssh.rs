//! The system's own `ssh` client as a link: for what only it can do (Kerberos, smart cards, FIDO keys, validated
//! cryptography, proxies of every kind). Every shell is a connection of its own.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::process::Command;
use tokio::time::{Duration, timeout};

use crate::error::{ConnectError, ConnectReason};
use crate::link::{Exit, Link, Streams, UNCHECKED};
use crate::local;
use crate::privilege::shorten;
use crate::protocol;

/// Where and how the system's `ssh` connects. What is not set is left to the client's own configuration.
#[derive(Clone, Debug)]
pub struct OpenSshOptions {
    /// Host name, address or an alias of the client's configuration.
    pub destination: String,
    /// Port.
    pub port: Option<u16>,
    /// Account.
    pub user: Option<String>,
    /// Private key; only this one is offered.
    pub identity: Option<PathBuf>,
    /// Configuration file instead of the user's own.
    pub config: Option<PathBuf>,
    /// What to do about host keys.
    pub host_keys: HostKeys,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// Further `-o` options, as `Key=value`.
    pub extra: Vec<String>,
    /// The client's program.
    pub program: PathBuf,
}

/// What the client does about a host's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostKeys {
    /// Only known keys.
    #[default]
    Strict,
    /// An unknown host's key is accepted and kept; a changed one is refused.
    AcceptNew,
    /// Any key. The connection may be to anybody.
    Insecure,
}

impl OpenSshOptions {
    /// The defaults for `destination`.
    pub fn new(destination: impl Into<String>) -> Self {
        Self {
            destination: destination.into(),
            port: None,
            user: None,
            identity: None,
            config: None,
            host_keys: HostKeys::default(),
            connect_timeout: Duration::from_secs(15),
            extra: Vec::new(),
            program: "ssh".into(),
        }
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        let mut option = |text: String| arguments.extend(["-o".to_owned(), text]);
        // Never a question on the user's terminal, and no connection shared with anything else.
        for fixed in [
            "BatchMode=yes",
            "ControlPath=none",
            "ControlMaster=no",
            "ClearAllForwardings=yes",
            "LogLevel=INFO",
        ] {
            option(fixed.to_owned());
        }
        for fixed in ["EscapeChar=none", "ForwardAgent=no", "ForwardX11=no", "RemoteCommand=none"] {
            option(fixed.to_owned());
        }
        option(format!("ConnectTimeout={}", self.connect_timeout.as_secs().max(1)));
        option("ServerAliveInterval=5".to_owned());
        option("ServerAliveCountMax=3".to_owned());
        match self.host_keys {
            HostKeys::Strict => option("StrictHostKeyChecking=yes".to_owned()),
            HostKeys::AcceptNew => option("StrictHostKeyChecking=accept-new".to_owned()),
            HostKeys::Insecure => {
                option("StrictHostKeyChecking=no".to_owned());
                option("UserKnownHostsFile=/dev/null".to_owned());
            }
        }
        if self.identity.is_some() {
            option("IdentitiesOnly=yes".to_owned());
        }
        self.extra.iter().cloned().for_each(option);
        let mut flag = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                arguments.extend([name.to_owned(), value]);
            }
        };
        flag("-F", self.config.as_ref().map(|path| path.display().to_string()));
        flag("-i", self.identity.as_ref().map(|path| path.display().to_string()));
        flag("-p", self.port.map(|port| port.to_string()));
        flag("-l", self.user.clone());
        arguments
    }
}

/// A host reached through the system's `ssh`.
#[derive(Clone, Debug)]
pub struct OpenSsh {
    options: OpenSshOptions,
}

impl OpenSsh {
    /// A link to the host in `options`. Nothing is connected yet.
    pub fn new(options: OpenSshOptions) -> Self {
        Self { options }
    }

    async fn start(&self, command: &str, terminal: bool) -> Result<Streams, ConnectError> {
        let host = self.host();
        if self.options.destination.starts_with('-') || self.options.destination.is_empty() {
            let message = format!("{:?} is not a host name", self.options.destination);
            return Err(ConnectError::new(ConnectReason::Unreachable, host, message));
        }
        let nonce = protocol::nonce().map_err(|error| {
            let message = format!("this machine gives no random numbers: {error}");
            ConnectError::new(ConnectReason::Protocol, host, message)
        })?;
        let mut child = Command::new(&self.options.program);
        child.arg(if terminal { "-tt" } else { "-T" }).args(self.options.arguments());
        child.arg("--").arg(&self.options.destination);
        // The client does not say when it is connected; the login shell does.
        child.arg(format!("echo {nonce}; {command}")).process_group(0);
        let streams = local::start(child, host)?;
        let limit = self.options.connect_timeout + Duration::from_secs(15);
        match timeout(limit, self.connected(streams, &nonce)).await {
            Ok(result) => result,
            Err(_) => {
                let message = format!("no login within {} s", limit.as_secs());
                Err(ConnectError::new(ConnectReason::Timeout, host, message))
            }
        }
    }

    /// Reads until the login shell has said `nonce`. A client that ended before was refused, or the shell was.
    async fn connected(&self, streams: Streams, nonce: &str) -> Result<Streams, ConnectError> {
        let Streams { stdin, mut stdout, mut stderr, mut exit } = streams;
        let (mut seen, mut said) = (Vec::new(), Vec::new());
        let mut open = [true, true];
        let (mut out_buffer, mut err_buffer) = ([0; 4096], [0; 4096]);
        let mut ended = None;
        while (open[0] || open[1]) && ended.is_none() {
            tokio::select! {
                read = stdout.read(&mut out_buffer), if open[0] => match read {
                    Ok(count @ 1..) => seen.extend_from_slice(&out_buffer[..count]),
                    _ => open[0] = false,
                },
                read = stderr.read(&mut err_buffer), if open[1] => match read {
                    Ok(count @ 1..) => said.extend_from_slice(&err_buffer[..count]),
                    _ => open[1] = false,
                },
            }
            if let Some(at) = memchr::memmem::find(&seen, nonce.as_bytes()) {
                seen.drain(at..at + nonce.len());
                break;
            }
            if !open[0] && !open[1] {
                ended = Some((&mut exit).await);
            }
        }
        let tail = Arc::new(Mutex::new(said.clone()));
        if let Some(Exit::Status(255) | Exit::Lost) = ended {
            return Err(classify(self.host(), &String::from_utf8_lossy(&said)));
        }
        let watched = Tail { inner: stderr, kept: Arc::clone(&tail) };
        let exit = async move {
            let status = match ended {
                Some(status) => status,
                None => exit.await,
            };
            // The client says 255 both for a lost connection and for a remote command killed by a signal.
            match status {
                Exit::Status(255)
                    if connection_lost(&tail.lock().unwrap_or_else(PoisonError::into_inner)) =>
                {
                    Exit::Lost
                }
                Exit::Status(255) => Exit::Signal("(unknown)".to_owned()),
                other => other,
            }
        };
        Ok(Streams {
            stdin,
            stdout: Box::new(std::io::Cursor::new(seen).chain(stdout)),
            stderr: Box::new(std::io::Cursor::new(said).chain(watched)),
            exit: Box::pin(exit),
        })
    }
}

#[async_trait]
impl Link for OpenSsh {
    fn host(&self) -> &str {
        &self.options.destination
    }

    fn remarks(&self) -> Vec<String> {
        if self.options.host_keys == HostKeys::Insecure { vec![UNCHECKED.to_owned()] } else { Vec::new() }
    }

    async fn open(&self, command: &str) -> Result<Streams, ConnectError> {
        self.start(command, false).await
    }

    async fn open_with_terminal(&self, command: &str) -> Result<Streams, ConnectError> {
        self.start(command, true).await
    }

    /// Every shell is a connection of its own, so there is nothing to replace.
    async fn reconnect(&self) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn close(&self) {}
}

/// A stream whose last bytes are kept for whoever asks how the client ended.
struct Tail {
    inner: Box<dyn AsyncRead + Send + Unpin>,
    kept: Arc<Mutex<Vec<u8>>>,
}

const TAIL_KEPT: usize = 2048;

impl AsyncRead for Tail {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let poll = Pin::new(&mut self.inner).poll_read(cx, buffer);
        let fresh = &buffer.filled()[before..];
        if !fresh.is_empty() {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(&fresh[fresh.len().saturating_sub(TAIL_KEPT)..]);
            let surplus = kept.len().saturating_sub(TAIL_KEPT);
            kept.drain(..surplus);
        }
        poll
    }
}

pub(crate) fn connection_lost(said: &[u8]) -> bool {
    let text = String::from_utf8_lossy(said);
    let signs = [
        "client_loop:",
        "Connection to ",
        "Connection closed by",
        "Connection reset",
        "Broken pipe",
        "not responding",
        "Read from remote host",
        "packet_write_wait",
        "Connection timed out",
        "Disconnected from",
    ];
    signs.iter().any(|sign| text.contains(sign))
}

/// What the client's words before a login mean.
pub(crate) fn classify(host: &str, said: &str) -> ConnectError {
    use ConnectReason as R;
    const SIGNS: &[(&str, ConnectReason)] = &[
        ("REMOTE HOST IDENTIFICATION HAS CHANGED", R::HostKeyChanged),
        ("REVOKED HOST KEY", R::HostKeyChanged),
        ("is marked as revoked", R::HostKeyChanged),
        ("host key is known for", R::HostKeyUnknown),
        ("Host key verification failed", R::HostKeyUnknown),
        ("Could not resolve hostname", R::Unreachable),
        ("No route to host", R::Unreachable),
        ("Network is unreachable", R::Unreachable),
        ("Connection refused", R::Refused),
        ("timed out", R::Timeout),
        ("Unable to negotiate", R::Protocol),
        ("no matching ", R::Protocol),
        ("banner exchange", R::Protocol),
        ("invalid format", R::KeyInvalid),
        ("error in libcrypto", R::KeyInvalid),
        ("UNPROTECTED PRIVATE KEY FILE", R::KeyInvalid),
        ("incorrect passphrase", R::PassphraseRequired),
        ("Permission denied (", R::AuthFailed),
        ("Too many authentication failures", R::AuthFailed),
        ("Bad configuration option", R::Protocol),
        ("Connection closed", R::Closed),
        ("Connection reset", R::Closed),
    ];
    let reason = SIGNS.iter().find(|(sign, _)| said.contains(sign)).map_or(R::Closed, |(_, reason)| *reason);
    let lines: Vec<&str> =
        said.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('@')).collect();
    let text = shorten(&lines[lines.len().saturating_sub(3)..].join("\n"));
    let text = if text.is_empty() { "ssh ended without a word".to_owned() } else { text };
    ConnectError::new(reason, host, format!("ssh could not log in: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_words_become_reasons() {
        let cases = [
            ("scan@h: Permission denied (publickey).\r\n", ConnectReason::AuthFailed),
            ("ssh: connect to host h port 22: Connection refused\r\n", ConnectReason::Refused),
            ("ssh: connect to host h port 22: Connection timed out\r\n", ConnectReason::Timeout),
            ("ssh: Could not resolve hostname h: Name or service not known\r\n", ConnectReason::Unreachable),
            (
                "No ED25519 host key is known for h and you have requested strict checking.\r\nHost key verification failed.\r\n",
                ConnectReason::HostKeyUnknown,
            ),
            (
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\nHost key verification failed.\r\n",
                ConnectReason::HostKeyChanged,
            ),
            (
                "Unable to negotiate with h port 22: no matching host key type found.\r\n",
                ConnectReason::Protocol,
            ),
            (
                "Load key \"/k\": error in libcrypto\r\nscan@h: Permission denied (publickey).\r\n",
                ConnectReason::KeyInvalid,
            ),
            ("kex_exchange_identification: read: Connection reset by peer\r\n", ConnectReason::Closed),
        ];
        for (said, reason) in cases {
            assert_eq!(classify("h", said).reason, reason, "{said}");
        }
    }

    #[test]
    fn a_host_name_that_is_an_option_never_reaches_the_client() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let link = OpenSsh::new(OpenSshOptions::new("-oProxyCommand=touch /tmp/x"));
        let error = runtime.block_on(link.open("true")).err().unwrap();
        assert_eq!(error.reason, ConnectReason::Unreachable);
    }
}
