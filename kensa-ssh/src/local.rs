//! The local machine as a host: commands run as child processes.

use std::process::Stdio;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::process::{Child, Command};

use crate::error::{ConnectError, ConnectReason};
use crate::link::{Exit, Link, Streams};

/// A link to the machine this program runs on.
#[derive(Clone, Debug)]
pub struct Local {
    host: Arc<str>,
}

impl Local {
    /// The local machine under the name `host`.
    pub fn new(host: impl Into<Arc<str>>) -> Self {
        Self { host: host.into() }
    }
}

impl Default for Local {
    fn default() -> Self {
        Self::new("localhost")
    }
}

#[async_trait]
impl Link for Local {
    fn host(&self) -> &str {
        &self.host
    }

    async fn open(&self, command: &str) -> Result<Streams, ConnectError> {
        let mut child = Command::new("/bin/sh");
        // A process group of its own: a command's `kill 0` must not reach this program.
        child.arg("-c").arg(command).process_group(0);
        start(child, &self.host)
    }

    async fn open_beside(&self, command: &str) -> Result<Option<Streams>, ConnectError> {
        self.open(command).await.map(Some)
    }

    async fn open_with_terminal(&self, _: &str) -> Result<Streams, ConnectError> {
        let message = "a local session has no terminal to offer; run as root or allow sudo without one";
        Err(ConnectError::new(ConnectReason::ShellRefused, &*self.host, message))
    }

    async fn reconnect(&self) -> Result<(), ConnectError> {
        Ok(())
    }

    async fn close(&self) {}
}

/// Starts `command` with pipes on its three streams.
pub(crate) fn start(mut command: Command, host: &str) -> Result<Streams, ConnectError> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let failed = |what: String| ConnectError::new(ConnectReason::ShellRefused, host, what);
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let mut child =
        command.spawn().map_err(|error| failed(format!("{program} cannot be started: {error}")))?;
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(failed(format!("{program} was started without pipes")));
    };
    Ok(Streams {
        stdin: Box::new(stdin),
        stdout: Box::new(stdout),
        stderr: Box::new(stderr),
        exit: Box::pin(wait(child)),
    })
}

async fn wait(mut child: Child) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    match child.wait().await {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => Exit::Status(code),
            (None, Some(signal)) => Exit::Signal(signal_name(signal)),
            (None, None) => Exit::Lost,
        },
        Err(_) => Exit::Lost,
    }
}

fn signal_name(signal: i32) -> String {
    let known = [(1, "HUP"), (2, "INT"), (6, "ABRT"), (9, "KILL"), (11, "SEGV"), (13, "PIPE"), (15, "TERM")];
    let name = known.iter().find(|(number, _)| *number == signal).map(|(_, name)| (*name).to_owned());
    name.unwrap_or_else(|| signal.to_string())
}
