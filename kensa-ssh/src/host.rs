//! What all shells of one session share: the link, how to become root, the control shell that kills.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::error::{ConnectError, ConnectReason};
use crate::link::{Exit, Link, Streams};
use crate::options::{MAX_SHELLS, SessionOptions};
use crate::privilege::{self, Become, Opening};
use crate::protocol;
use crate::shell::{Limits, Refused, Shell};
use crate::stats::Counters;

/// How long the control shell may take for one kill, its start included, while a command's caller waits.
const KILL_PATIENCE: Duration = Duration::from_secs(3);
/// The same when nobody waits, or nothing else can be done.
const LAST_PATIENCE: Duration = Duration::from_secs(10);
/// Waits before each further attempt to open a shell or to connect again.
const BACKOFF: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1500)];

pub(crate) struct Host {
    pub(crate) link: Arc<dyn Link>,
    pub(crate) options: SessionOptions,
    pub(crate) counters: Arc<Counters>,
    become_: Become,
    /// sudo insisted on a terminal before.
    terminal: AtomicBool,
    generation: AtomicU64,
    reconnecting: Mutex<()>,
    control: Mutex<Option<Shell>>,
    /// Hosts allow ten sessions on a connection by default, and give a closed one back late.
    pub(crate) alone: Semaphore,
}

/// Shells for single commands at the same time.
const ALONE: usize = 3;

impl Host {
    pub(crate) fn new(link: Arc<dyn Link>, become_: Become, options: SessionOptions) -> Self {
        Self {
            link,
            options,
            counters: Arc::default(),
            become_,
            terminal: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            reconnecting: Mutex::new(()),
            control: Mutex::new(None),
            alone: Semaphore::new(ALONE),
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        let hard = self.options.hard_limit.max(self.options.output_cap as u64);
        Limits { cap: self.options.output_cap, hard }
    }

    /// Opens a shell with the rights asked for, on the connection as it is.
    pub(crate) async fn open(&self) -> Result<Shell, ConnectError> {
        let result = match self.open_in(self.terminal.load(Ordering::Relaxed), false).await {
            Err(Denied::WantsTerminal(_)) => {
                debug!(host = self.link.host(), "sudo wants a terminal");
                self.terminal.store(true, Ordering::Relaxed);
                self.open_in(true, false).await
            }
            result => result,
        };
        result.map_err(Denied::error)
    }

    /// Opens a shell beside those there are, if the connection has room for it.
    pub(crate) async fn open_beside(&self) -> Result<Shell, ConnectError> {
        self.open_in(false, true).await.map_err(Denied::error)
    }

    /// How many shells may run commands at the same time. Commands on a terminal could take each other's input.
    pub(crate) fn shells(&self) -> usize {
        if self.terminal.load(Ordering::Relaxed) { 1 } else { self.options.shells.clamp(1, MAX_SHELLS) }
    }

    /// Opens a shell, connecting again when the link is gone, where the caller allows that. `lost` is the
    /// generation known to be lost.
    pub(crate) async fn open_again(&self, lost: Option<u64>) -> Result<Shell, ConnectError> {
        let mut lost = lost;
        let mut waits = BACKOFF.into_iter();
        loop {
            let generation = self.generation.load(Ordering::Acquire);
            let attempt = match lost {
                Some(gone) => match self.reconnect(gone).await {
                    Ok(()) => self.open().await,
                    Err(error) => Err(error),
                },
                None => self.open().await,
            };
            let error = match attempt {
                Ok(shell) => return Ok(shell),
                Err(error) => error,
            };
            // After a timeout enough time was spent already.
            let hopeless = matches!(
                error.reason,
                ConnectReason::Timeout
                    | ConnectReason::AuthFailed
                    | ConnectReason::HostKeyUnknown
                    | ConnectReason::HostKeyChanged
                    | ConnectReason::KeyInvalid
                    | ConnectReason::PassphraseRequired
                    | ConnectReason::SudoDenied
                    | ConnectReason::ShellRefused
            );
            let again = self.options.reconnect && !hopeless;
            let Some(wait) = waits.next().filter(|_| again) else { return Err(error) };
            debug!(host = self.link.host(), reason = error.reason.code(), "no shell; trying again");
            lost = Some(generation);
            sleep(wait).await;
        }
    }

    /// Replaces the connection unless somebody did so since `lost`.
    async fn reconnect(&self, lost: u64) -> Result<(), ConnectError> {
        let _alone = self.reconnecting.lock().await;
        if self.generation.load(Ordering::Acquire) != lost {
            return Ok(());
        }
        if !self.options.reconnect {
            let message = "the connection was lost, and no new one is allowed";
            return Err(ConnectError::new(ConnectReason::Closed, self.link.host(), message));
        }
        let limit = self.options.start_timeout;
        timeout(limit, self.link.reconnect()).await.unwrap_or_else(|_| Err(self.slow("a new connection")))?;
        self.generation.fetch_add(1, Ordering::AcqRel);
        self.counters.reconnects.add(1);
        debug!(host = self.link.host(), "connected again");
        Ok(())
    }

    /// Kills what the shell `pid` runs now; the shell itself goes on. `Err` when no control shell could do it.
    pub(crate) async fn kill_children(&self, pid: u32) -> Result<(), ()> {
        self.control(&protocol::kill_children(pid), KILL_PATIENCE).await
    }

    /// Kills the shell `pid` and all it runs.
    pub(crate) async fn kill_shell(&self, pid: u32) -> Result<(), ()> {
        self.control(&protocol::kill_shell(pid), LAST_PATIENCE).await
    }

    /// The same where the connection gives no further shell: over a new one, which replaces it.
    pub(crate) async fn kill_shell_anyhow(&self, pid: u32, generation: u64) -> Result<(), ()> {
        if self.control(&protocol::kill_shell(pid), KILL_PATIENCE).await.is_ok() {
            return Ok(());
        }
        self.reconnect(generation).await.map_err(drop)?;
        self.kill_shell(pid).await
    }

    /// Closes the control shell and the link.
    pub(crate) async fn close(&self) {
        *self.control.lock().await = None;
        self.link.close().await;
    }

    async fn control(&self, command: &str, patience: Duration) -> Result<(), ()> {
        let work = async {
            let mut control = self.control.lock().await;
            let now = self.generation.load(Ordering::Acquire);
            // A control shell of an earlier connection is gone, and one in use when cancelled is out of step.
            let kept = control.take().filter(|shell| shell.generation == now);
            let mut shell = match kept {
                Some(shell) => shell,
                None => {
                    let shell = self.open().await.map_err(drop)?;
                    shell.send(protocol::KILL_ROUTINE.as_bytes().to_vec());
                    shell
                }
            };
            let answer = shell.call(command).await;
            let (status, killed) = answer.ok_or(())?;
            let killed = String::from_utf8_lossy(&killed.bytes).trim().to_owned();
            debug!(host = self.link.host(), status, killed, "control shell");
            *control = Some(shell);
            Ok(())
        };
        timeout(patience, work).await.unwrap_or(Err(()))
    }

    async fn open_in(&self, terminal: bool, beside: bool) -> Result<Shell, Denied> {
        let failed = |error: getrandom::Error| {
            let message = format!("this machine gives no random numbers: {error}");
            Denied::Error(ConnectError::new(ConnectReason::Protocol, self.link.host(), message))
        };
        let (mark, nonce) = (protocol::nonce().map_err(failed)?, protocol::nonce().map_err(failed)?);
        let opening = Opening::new(&self.become_, self.options.nice, terminal, &mark);
        let patience = self.options.start_timeout;
        let generation = self.generation.load(Ordering::Acquire);
        self.counters.execs.add(1);
        let started = async {
            if beside {
                let opened = self.link.open_beside(&opening.command).await?;
                opened.ok_or_else(|| {
                    let message = "the connection has no room for a further shell";
                    ConnectError::new(ConnectReason::ShellRefused, self.link.host(), message)
                })
            } else if opening.terminal {
                self.link.open_with_terminal(&opening.command).await
            } else {
                self.link.open(&opening.command).await
            }
        };
        let mut streams = timeout(patience, started).await.unwrap_or_else(|_| Err(self.slow("the shell")))?;
        let mut asked = 0;
        let greeted = async {
            let seen = match &opening.ready {
                Some(ready) => self.password(&opening, ready, &mut streams, &mut asked).await?,
                None => Default::default(),
            };
            let (limits, counters) = (self.limits(), &self.counters);
            Shell::greet(streams, seen, nonce, opening.terminal, limits, counters, patience).await
        };
        let mut shell = match greeted.await {
            Ok(shell) => shell,
            Err(seen) => {
                let error = opening.explain(&self.become_, self.link.host(), &seen, asked);
                let again = !opening.terminal
                    && matches!(self.become_, Become::Sudo { .. })
                    && privilege::wants_terminal(&seen);
                return Err(if again { Denied::WantsTerminal(error) } else { Denied::Error(error) });
            }
        };
        shell.generation = generation;
        if self.become_.wanted() && shell.uid != 0 {
            return Err(Denied::Error(privilege::not_root(&self.become_, self.link.host(), shell.uid)));
        }
        debug!(host = self.link.host(), pid = shell.pid, uid = shell.uid, terminal = shell.terminal, "shell");
        Ok(shell)
    }

    /// Waits until nothing asks for a password any more. Sends it once, after the question was seen and never
    /// before: sent blindly, a shell would execute it. Returns what was read.
    async fn password(
        &self,
        opening: &Opening,
        ready: &str,
        streams: &mut Streams,
        asked: &mut u8,
    ) -> Result<[Vec<u8>; 2], Refused> {
        let ready = format!("\n{ready}\n");
        let mut seen: [Vec<u8>; 2] = Default::default();
        let mut answered = [0, 0];
        let mut open = [true, true];
        let patience = sleep(self.options.start_timeout);
        tokio::pin!(patience);
        let mut buffers = [[0; 1024]; 2];
        let [out_buffer, err_buffer] = &mut buffers;
        loop {
            let (side, read) = tokio::select! {
                read = streams.stdout.read(out_buffer), if open[0] => (0, read.map(|n| &out_buffer[..n])),
                read = streams.stderr.read(err_buffer), if open[1] => (1, read.map(|n| &err_buffer[..n])),
                () = &mut patience => return Err(refused(seen, None)),
            };
            match read {
                Ok(bytes) if !bytes.is_empty() && seen[side].len() < 64 * 1024 => {
                    self.counters.bytes_in.add(bytes.len() as u64);
                    seen[side].extend_from_slice(bytes);
                }
                _ => open[side] = false,
            }
            if memchr::memmem::find(&seen[0], ready.as_bytes()).is_some() {
                return Ok(seen);
            }
            if open == [false, false] {
                let exit = timeout(Duration::from_secs(2), &mut streams.exit).await;
                return Err(refused(seen, Some(exit.unwrap_or(Exit::Lost))));
            }
            // On a terminal the question is on the only stream there is.
            let asking = usize::from(!opening.terminal);
            if opening.prompt.asked(&seen[asking][answered[asking]..]) {
                answered[asking] = seen[asking].len();
                *asked += 1;
                let Some(password) = self.become_.password().filter(|_| *asked == 1) else {
                    return Err(refused(seen, Some(Exit::Status(1))));
                };
                self.counters.round_trips.add(1);
                let sent = async {
                    streams.stdin.write_all(password.reveal().as_bytes()).await?;
                    streams.stdin.write_all(b"\n").await?;
                    streams.stdin.flush().await
                };
                if sent.await.is_err() {
                    return Err(refused(seen, Some(Exit::Lost)));
                }
            }
        }
    }

    fn slow(&self, what: &str) -> ConnectError {
        let message = format!("{what} did not come up within {} s", self.options.start_timeout.as_secs());
        ConnectError::new(ConnectReason::Timeout, self.link.host(), message)
    }
}

enum Denied {
    WantsTerminal(ConnectError),
    Error(ConnectError),
}

impl Denied {
    fn error(self) -> ConnectError {
        match self {
            Denied::WantsTerminal(error) | Denied::Error(error) => error,
        }
    }
}

impl From<ConnectError> for Denied {
    fn from(error: ConnectError) -> Self {
        Denied::Error(error)
    }
}

fn refused(seen: [Vec<u8>; 2], exit: Option<Exit>) -> Refused {
    let [stdout, stderr] = seen.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Refused { stdout, stderr, exit }
}
