//! An SSH connection as a [`Link`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use russh::client::Msg;
use russh::keys::{HashAlg, PublicKey};
use russh::{Channel, ChannelMsg, ChannelOpenFailure};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::channel::streams;
use super::connection::Connection;
use super::host_key::HostKeyTrust;
use super::options::ConnectOptions;
use super::target::Target;
use crate::error::{ConnectError, ConnectReason};
use crate::link::{Link, Streams, UNCHECKED};
use crate::secret::Secret;

/// How long a refused channel is tried again: a closed one keeps its place until its process ends.
const RETRY: Duration = Duration::from_millis(400);

/// How long a second connection is tried for the same.
const RETRY_SPARE: Duration = Duration::from_secs(10);

/// An SSH connection to one host. It keeps what is needed to connect again.
pub struct SshLink {
    target: Target,
    identity: PublicKey,
    trust: HostKeyTrust,
    login: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    main: Option<Arc<Connection>>,
    /// For hosts that allow few sessions on one connection.
    spare: Option<Arc<Connection>>,
}

impl SshLink {
    /// Connects and logs in.
    ///
    /// # Errors
    /// Names the host, the cause and what to do; nothing in it is secret.
    pub async fn connect(options: ConnectOptions) -> Result<Self, ConnectError> {
        let host = options.host.clone();
        let target = tokio::task::spawn_blocking(move || Target::resolve(&options)).await;
        let target = target.map_err(|e| ConnectError::new(ConnectReason::Closed, host, e.to_string()))??;
        let connection = Connection::open(&target, None).await?;
        let Some((identity, trust)) = connection.host_key().cloned() else {
            return Err(target.error(ConnectReason::Protocol, "the host showed no key"));
        };
        let login = connection.login;
        let state = Mutex::new(State { main: Some(Arc::new(connection)), spare: None });
        Ok(Self { target, identity, trust, login, state })
    }

    /// The name logged in as.
    pub fn user(&self) -> &str {
        &self.target.user
    }

    /// The port connected to.
    pub fn port(&self) -> u16 {
        self.target.port
    }

    /// The host key's fingerprint, `SHA256:…`.
    pub fn host_key(&self) -> String {
        self.identity.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Why the host key was accepted. A report shows [`HostKeyTrust::Unchecked`].
    pub fn host_key_trust(&self) -> HostKeyTrust {
        self.trust
    }

    /// How long the first login took, without reaching the host.
    pub fn login_took(&self) -> Duration {
        self.login
    }

    /// What in ssh_config was not understood and may matter.
    pub fn warnings(&self) -> &[String] {
        &self.target.warnings
    }

    /// The login password, unless it served as a key's passphrase: then it is no business of the host's.
    pub fn login_password(&self) -> Option<&Secret> {
        self.target.credentials.password.as_ref()
    }

    /// Whether the connection is up, as far as known.
    pub async fn is_connected(&self) -> bool {
        self.state.lock().await.main.as_ref().is_some_and(|main| !main.handle.is_closed())
    }

    async fn session(&self) -> Result<(Channel<Msg>, Arc<Connection>), ConnectError> {
        let Some(main) = self.state.lock().await.main.clone() else {
            return Err(self.target.error(ConnectReason::Closed, "the connection was closed; connect again"));
        };
        if let Some(channel) = self.patiently(&main, RETRY).await? {
            return Ok((channel, main));
        }
        let spare = self.spare().await?;
        match self.patiently(&spare, RETRY_SPARE).await? {
            Some(channel) => Ok((channel, spare)),
            None => {
                let message = "the host allows no further session (MaxSessions); run less at the same time";
                Err(self.target.error(ConnectReason::ShellRefused, message))
            }
        }
    }

    /// `None` when the host kept refusing.
    async fn patiently(
        &self,
        connection: &Connection,
        patience: Duration,
    ) -> Result<Option<Channel<Msg>>, ConnectError> {
        let (deadline, mut pause) = (Instant::now() + patience, Duration::from_millis(10));
        loop {
            let opening = timeout(self.target.limit, connection.handle.channel_open_session());
            match opening.await {
                Ok(Ok(channel)) => return Ok(Some(channel)),
                Ok(Err(russh::Error::ChannelOpenFailure(
                    ChannelOpenFailure::ConnectFailed | ChannelOpenFailure::ResourceShortage,
                ))) => {}
                Ok(Err(russh::Error::ChannelOpenFailure(why))) => {
                    let message = format!("the host refuses sessions: {why:?}");
                    return Err(self.target.error(ConnectReason::ShellRefused, message));
                }
                Ok(Err(error)) => return Err(self.lost(connection, &error.to_string())),
                Err(_) => return Err(self.lost(connection, "no answer to the opening of a session")),
            }
            if Instant::now() + pause > deadline {
                return Ok(None);
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    async fn spare(&self) -> Result<Arc<Connection>, ConnectError> {
        let mut state = self.state.lock().await;
        if let Some(spare) = state.spare.as_ref().filter(|spare| !spare.handle.is_closed()) {
            return Ok(Arc::clone(spare));
        }
        tracing::debug!(host = %self.target.label, "no free session; opening a second connection");
        let spare = Arc::new(Connection::open(&self.target, Some(&self.identity)).await?);
        state.spare = Some(Arc::clone(&spare));
        Ok(spare)
    }

    async fn exec(&self, command: &str, terminal: bool) -> Result<Streams, ConnectError> {
        let (mut channel, connection) = self.session().await?;
        if terminal {
            self.request_terminal(&mut channel, &connection).await?;
        }
        self.start(channel, &connection, command).await
    }

    async fn start(
        &self,
        channel: Channel<Msg>,
        connection: &Connection,
        command: &str,
    ) -> Result<Streams, ConnectError> {
        // The answer is not waited for: a refusal ends the streams.
        channel.exec(true, command).await.map_err(|error| self.lost(connection, &error.to_string()))?;
        Ok(streams(channel, Arc::clone(&connection.lifeline)))
    }

    async fn request_terminal(
        &self,
        channel: &mut Channel<Msg>,
        connection: &Connection,
    ) -> Result<(), ConnectError> {
        let asked = channel.request_pty(true, "dumb", 80, 24, 0, 0, &[]).await;
        asked.map_err(|error| self.lost(connection, &error.to_string()))?;
        let answer = async {
            loop {
                match channel.wait().await {
                    Some(ChannelMsg::Success) => return Some(true),
                    Some(ChannelMsg::Failure) => return Some(false),
                    Some(ChannelMsg::Close) | None => return None,
                    Some(_) => {}
                }
            }
        };
        match timeout(self.target.limit, answer).await {
            Ok(Some(true)) => Ok(()),
            Ok(Some(false)) => {
                let _ = channel.close().await;
                let message = "the host allows no terminal (PermitTTY)";
                Err(self.target.error(ConnectReason::ShellRefused, message))
            }
            Ok(None) => Err(self.lost(connection, "the session was closed")),
            Err(_) => {
                let _ = channel.close().await;
                Err(self.lost(connection, "no answer to the request for a terminal"))
            }
        }
    }

    fn lost(&self, connection: &Connection, what: &str) -> ConnectError {
        let farewell = connection.farewell();
        let why = match &farewell {
            Some(farewell) => farewell,
            None if connection.handle.is_closed() => "it ended without a word",
            None => what,
        };
        self.target.error(ConnectReason::Closed, format!("the connection was lost: {why}; connect again"))
    }
}

#[async_trait]
impl Link for SshLink {
    fn host(&self) -> &str {
        &self.target.label
    }

    fn remarks(&self) -> Vec<String> {
        let through = self
            .target
            .hops
            .iter()
            .filter(|hop| hop.is_unchecked())
            .map(|hop| format!("Any key of the jump host {} is accepted, as demanded.", hop.label));
        let own = (self.trust == HostKeyTrust::Unchecked).then(|| UNCHECKED.to_owned());
        own.into_iter().chain(through).collect()
    }

    async fn open(&self, command: &str) -> Result<Streams, ConnectError> {
        self.exec(command, false).await
    }

    async fn open_beside(&self, command: &str) -> Result<Option<Streams>, ConnectError> {
        let Some(main) = self.state.lock().await.main.clone() else { return Ok(None) };
        match self.patiently(&main, Duration::ZERO).await? {
            None => Ok(None),
            Some(channel) => self.start(channel, &main, command).await.map(Some),
        }
    }

    async fn open_with_terminal(&self, command: &str) -> Result<Streams, ConnectError> {
        self.exec(command, true).await
    }

    async fn reconnect(&self) -> Result<(), ConnectError> {
        let mut state = self.state.lock().await;
        for old in [state.main.take(), state.spare.take()].into_iter().flatten() {
            old.close().await;
        }
        state.main = Some(Arc::new(Connection::open(&self.target, Some(&self.identity)).await?));
        Ok(())
    }

    async fn close(&self) {
        let mut state = self.state.lock().await;
        for old in [state.main.take(), state.spare.take()].into_iter().flatten() {
            old.close().await;
        }
    }
}

impl fmt::Debug for SshLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SshLink");
        shown.field("host", &self.target.label).field("user", &self.target.user);
        shown.field("trust", &self.trust).finish_non_exhaustive()
    }
}
