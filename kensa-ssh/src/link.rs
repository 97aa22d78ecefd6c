//! What every way to a host has in common: it can open a shell.

use std::fmt;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::error::ConnectError;

/// The remark of a link that does not know whose host it is.
pub(crate) const UNCHECKED: &str =
    "The host's key was not checked, as demanded: the answers may come from another host.";

/// An open connection to one host over which commands can be started.
///
/// Implemented by the russh connection, by a local child process and by the system's `ssh`.
#[async_trait]
pub trait Link: Send + Sync + fmt::Debug {
    /// The host's name for people.
    fn host(&self) -> &str;

    /// What a reader of the results has to know about how the host was reached.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// Starts `command` through the account's login shell, without a terminal.
    async fn open(&self, command: &str) -> Result<Streams, ConnectError>;

    /// Starts `command` beside others where that takes no second connection and no second login; else `None`.
    async fn open_beside(&self, command: &str) -> Result<Option<Streams>, ConnectError> {
        let _ = command;
        Ok(None)
    }

    /// [`Link::open`] with a terminal (`requiretty`, `su`); stdout and stderr are then one stream.
    async fn open_with_terminal(&self, command: &str) -> Result<Streams, ConnectError>;

    /// Replaces a lost connection by a new one to the same host, with the same host key and credentials.
    async fn reconnect(&self) -> Result<(), ConnectError>;

    /// Ends the connection. Idempotent.
    async fn close(&self);
}

/// The streams of one started command.
pub struct Streams {
    /// Its standard input; dropping it is end of file.
    pub stdin: Box<dyn AsyncWrite + Send + Unpin>,
    /// Its standard output.
    pub stdout: Box<dyn AsyncRead + Send + Unpin>,
    /// Its standard error.
    pub stderr: Box<dyn AsyncRead + Send + Unpin>,
    /// How it ended; `Lost` when the connection went first.
    pub exit: BoxFuture<'static, Exit>,
}

/// How a started command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With a status.
    Status(i32),
    /// By a signal, named without `SIG`.
    Signal(String),
    /// Unknown: the connection was lost.
    Lost,
}
