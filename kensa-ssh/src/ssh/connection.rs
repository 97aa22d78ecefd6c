//! One SSH connection: stream, handshake, host key, login.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use russh::client::{self, DisconnectReason, Handle, Session};
use russh::keys::{PublicKey, PublicKeyOrCertificate};
use russh::{Disconnect, Limits, Names, SshId};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};

use super::dial::dial;
use super::doors::Door;
use super::gate::{Gated, Lifeline};
use super::host_key::{HostKeyRules, HostKeyTrust};
use super::jump::{Nested, through};
use super::target::Target;
use super::{algorithms, auth, bastion};
use crate::error::{ConnectError, ConnectReason};

/// An open, authenticated connection.
pub(super) struct Connection {
    pub(super) handle: Handle<Client>,
    pub(super) lifeline: Arc<Lifeline>,
    /// How long the login took.
    pub(super) login: Duration,
    shared: Arc<Shared>,
}

/// What the connection's own task tells.
#[derive(Debug, Default)]
pub(super) struct Shared {
    accepted: OnceLock<(PublicKey, HostKeyTrust)>,
    /// What the host showed, to be judged again.
    shown: OnceLock<Arc<PublicKeyOrCertificate>>,
    /// Why the host ended the connection, in its own words.
    farewell: Mutex<Option<String>>,
    /// Whether the stream failed rather than ended.
    broken: AtomicBool,
}

impl Connection {
    /// Connects to `target`, through the hosts on its way, and logs in. `same_as` is the key the host has to
    /// show.
    pub(super) async fn open(target: &Target, same_as: Option<&PublicKey>) -> Result<Self, ConnectError> {
        let via = bastion::last_of(&target.hops).await.map_err(|error| through(&target.label, &error))?;
        open_one(target, via, same_as).await
    }

    /// The host's key and why it was accepted.
    pub(super) fn host_key(&self) -> Option<&(PublicKey, HostKeyTrust)> {
        self.shared.accepted.get()
    }

    /// Judges the key the host showed again, by the rules for `target`, which is the same host for somebody else.
    pub(super) async fn accepted_for(&self, target: &Target) -> Result<(), ConnectError> {
        let (target, shown) = (target.clone(), self.shared.shown.get().cloned());
        let label = target.label.clone();
        let judged = tokio::task::spawn_blocking(move || {
            let rules = target.host_key_rules()?;
            shown.map_or(Ok(()), |shown| rules.judge(&shown).map(drop))
        });
        judged.await.map_err(|error| ConnectError::new(ConnectReason::Closed, label, error.to_string()))?
    }

    /// Why the host ended the connection, if it said so.
    pub(super) fn farewell(&self) -> Option<String> {
        self.shared.farewell.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says goodbye, and ends the connection whether or not that gets through.
    pub(super) async fn close(&self) {
        let goodbye = async {
            let _ = self.handle.disconnect(Disconnect::ByApplication, "", "").await;
            while !self.handle.is_closed() {
                sleep(Duration::from_millis(2)).await;
            }
        };
        let _ = timeout(Duration::from_millis(300), goodbye).await;
        self.lifeline.cut();
    }

    /// Whether the network, not the host, ended the connection.
    pub(super) fn is_broken(&self) -> bool {
        self.shared.broken.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("closed", &self.handle.is_closed()).finish_non_exhaustive()
    }
}

/// Connects to `target` alone, over `via` where it lies behind another host, and logs in, taking turns with other
/// logins at the same server.
pub(super) async fn open_one(
    target: &Target,
    via: Option<Arc<Connection>>,
    same_as: Option<&PublicKey>,
) -> Result<Connection, ConnectError> {
    let way = via.as_ref().map_or("", |_| target.way.as_str());
    let door = Door::of(&format!("{way}{}:{}", target.address, target.port));
    let (mut connection, _turn) = door.through(|| reach(target, via.clone(), same_as)).await?;
    let began = Instant::now();
    auth::log_in(&mut connection, target).await?;
    connection.login = began.elapsed();
    Ok(connection)
}

/// Connects up to the login.
async fn reach(
    target: &Target,
    via: Option<Arc<Connection>>,
    same_as: Option<&PublicKey>,
) -> Result<Connection, ConnectError> {
    let Some(via) = via else {
        let stream = dial(&target.label, &target.address, target.port, target.limit).await;
        return handshake(target, stream.map_err(|error| with_warnings(target, error))?, same_as).await;
    };
    let port = u32::from(target.port);
    let opening = via.handle.channel_open_direct_tcpip(target.address.clone(), port, "127.0.0.1", 0);
    let channel = match timeout(target.limit, opening).await {
        Ok(Ok(channel)) => channel,
        Ok(Err(error)) => {
            let message = format!(
                "the jump host did not open a way to {}: {error}; is forwarding allowed there, and the \
                 host reachable from it?",
                target.address
            );
            return Err(target.error(ConnectReason::Unreachable, message));
        }
        Err(_) => {
            let message = format!("the jump host got no answer from {} in time", target.address);
            return Err(target.error(ConnectReason::Timeout, message));
        }
    };
    handshake(target, Nested { inner: channel.into_stream(), _via: via }, same_as).await
}

async fn handshake<S>(
    target: &Target,
    stream: S,
    same_as: Option<&PublicKey>,
) -> Result<Connection, ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (reading, label) = (target.clone(), target.label.clone());
    let rules = tokio::task::spawn_blocking(move || reading.host_key_rules()).await;
    let mut rules =
        rules.map_err(|error| ConnectError::new(ConnectReason::Closed, label, error.to_string()))??;
    rules.same_as = same_as.cloned();
    let config = Arc::new(config(target, &rules));
    let silence = u32::try_from(target.options.keepalive_max).unwrap_or(u32::MAX).saturating_add(1);
    let patience = target.options.keepalive_interval.saturating_mul(silence);
    let (stream, lifeline, turn) = Gated::new(stream, config.preferred.kex.to_vec(), patience);
    let shared = Arc::new(Shared::default());
    let client = Client {
        rules: Arc::new(rules),
        shared: Arc::clone(&shared),
        strict_kex_required: target.options.strict_kex_required,
    };
    let shaken = timeout(target.limit, client::connect_stream(config, stream, client)).await;
    turn.over();
    let handle = match shaken {
        Ok(Ok(handle)) => handle,
        Ok(Err(error)) => return Err(explain(target, error)),
        Err(_) => {
            let message = format!(
                "the port answers, but no SSH handshake came about within {} s; is it an SSH server?",
                target.limit.as_secs_f32()
            );
            return Err(target.error(ConnectReason::Timeout, message));
        }
    };
    Ok(Connection { handle, lifeline: Arc::new(lifeline), login: Duration::ZERO, shared })
}

fn config(target: &Target, rules: &HostKeyRules) -> client::Config {
    let options = &target.options;
    let known = match &rules.same_as {
        // The same key has to be shown again, so the same type has to be negotiated.
        Some(key) => vec![match key.algorithm() {
            russh::keys::Algorithm::Rsa { .. } => "ssh-rsa".to_owned(),
            other => other.as_str().to_owned(),
        }],
        None => rules.known.kinds(&rules.host, rules.port),
    };
    let certificates = !rules.authorities.is_empty();
    let mut limits = Limits::default();
    if let Some(bytes) = options.rekey_after {
        (limits.rekey_read_limit, limits.rekey_write_limit) = (bytes, bytes);
    }
    client::Config {
        client_id: SshId::Standard(concat!("SSH-2.0-Kensa_", env!("CARGO_PKG_VERSION")).into()),
        preferred: algorithms::preferred(options, &known, certificates),
        gex: client::GexParams::new(2048, 3072, 8192).unwrap_or_default(),
        keepalive_interval: Some(options.keepalive_interval).filter(|interval| !interval.is_zero()),
        keepalive_max: options.keepalive_max,
        inactivity_timeout: None,
        nodelay: true,
        limits,
        ..client::Config::default()
    }
}

/// The connection's side of the conversation.
pub(super) struct Client {
    rules: Arc<HostKeyRules>,
    shared: Arc<Shared>,
    strict_kex_required: bool,
}

/// What ends a handshake.
#[derive(Debug)]
pub(super) enum Ending {
    Ssh(russh::Error),
    /// This side would not go on.
    Refused(ConnectError),
}

impl From<russh::Error> for Ending {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl client::Handler for Client {
    type Error = Ending;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Ending> {
        let shown = match shown.certificate() {
            Some(certificate) => PublicKeyOrCertificate::Certificate(certificate.clone()),
            None => shown.public_key().into(),
        };
        let (rules, shown) = (Arc::clone(&self.rules), Arc::new(shown));
        let _ = self.shared.shown.set(Arc::clone(&shown));
        let judged = tokio::task::spawn_blocking(move || {
            let trust = rules.judge(&shown)?;
            Ok((shown.public_key(), trust))
        });
        match judged.await {
            Ok(Ok(accepted)) => {
                let _ = self.shared.accepted.set(accepted);
                Ok(true)
            }
            Ok(Err(error)) => Err(Ending::Refused(error)),
            Err(_) => Ok(false),
        }
    }

    async fn kex_done(&mut self, _: Option<&[u8]>, names: &Names, _: &mut Session) -> Result<(), Ending> {
        if self.strict_kex_required && !names.strict_kex() {
            let message = "the host does not know the strict key exchange, which is required here; update its \
                           SSH server";
            return Err(Ending::Refused(ConnectError::new(
                ConnectReason::Protocol,
                &self.rules.label,
                message,
            )));
        }
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Ending>) -> Result<(), Ending> {
        let farewell = match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                Some(format!("{:?} ({})", info.message.trim(), info.reason_code as u32))
            }
            DisconnectReason::Error(Ending::Ssh(russh::Error::KeepaliveTimeout)) => {
                self.shared.broken.store(true, Ordering::Relaxed);
                Some("no sign of life".to_owned())
            }
            // The end of the stream and a reset are the host's doing; what else can go wrong is the network's.
            DisconnectReason::Error(Ending::Ssh(russh::Error::IO(error))) if !is_ending(error.kind()) => {
                self.shared.broken.store(true, Ordering::Relaxed);
                Some(match error.kind() {
                    io::ErrorKind::TimedOut => "no sign of life".to_owned(),
                    _ => error.to_string(),
                })
            }
            DisconnectReason::Error(_) => None,
        };
        tracing::debug!(host = %self.rules.label, "connection ended: {}", farewell.as_deref().unwrap_or("closed"));
        *self.shared.farewell.lock().unwrap_or_else(PoisonError::into_inner) = farewell;
        Ok(())
    }
}

fn is_ending(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

fn explain(target: &Target, ending: Ending) -> ConnectError {
    let error = match ending {
        Ending::Refused(error) => return error,
        Ending::Ssh(error) => error,
    };
    let (reason, message) = match &error {
        russh::Error::NoCommonAlgo { kind, theirs, .. } => (
            ConnectReason::Protocol,
            format!(
                "no common algorithm ({kind:?}); the host offers {}; update its SSH server, or allow legacy \
                 algorithms",
                theirs.join(", ")
            ),
        ),
        russh::Error::Version => {
            (ConnectReason::Protocol, "what answers is not an SSH 2 server; check the port".to_owned())
        }
        russh::Error::Disconnect | russh::Error::HUP | russh::Error::IO(_) => (
            ConnectReason::Closed,
            format!(
                "the host closed the connection during the handshake ({error}); it may refuse this address or be \
                 overloaded (MaxStartups, PerSourcePenalties): try again later"
            ),
        ),
        _ => (ConnectReason::Protocol, format!("the SSH handshake failed: {error}")),
    };
    target.error(reason, message)
}

/// A host that cannot be reached may need what was ignored in ssh_config.
fn with_warnings(target: &Target, mut error: ConnectError) -> ConnectError {
    if !target.warnings.is_empty() {
        error.message = format!("{} (ssh_config: {})", error.message, target.warnings.join("; "));
    }
    error
}
