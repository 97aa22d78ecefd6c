//! What a host answered.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::probe::Probe;
use crate::reason::Reason;
use crate::time::Timestamp;

/// What one probe's command printed and how it ended.
///
/// Shown with `{:?}` it gives sizes, not contents: what a host prints may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Output {
    /// The command for this probe alone; it prints exactly `stdout` when run by hand.
    pub command: String,
    /// The command that really ran, where that was another one (many probes folded into one).
    pub via: Option<Arc<str>>,
    /// Exit status; 128 + n for a command killed by signal n.
    pub exit_code: i32,
    /// Standard output, byte for byte, up to the transport's cap.
    pub stdout: Vec<u8>,
    /// Standard error, byte for byte, up to the transport's cap.
    pub stderr: Vec<u8>,
    /// How many bytes of standard output there were.
    pub stdout_total: u64,
    /// How many bytes of standard error there were.
    pub stderr_total: u64,
    /// When the command started, by the client's clock.
    pub started: Timestamp,
    /// How long it took, including its share of a folded command.
    pub elapsed: Duration,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("command", &self.command)
            .field("exit_code", &self.exit_code)
            .field("stdout_bytes", &self.stdout_total)
            .field("stderr_bytes", &self.stderr_total)
            .finish_non_exhaustive()
    }
}

impl Output {
    /// An output as the command `command` would give it; for recorded hosts and tests.
    pub fn new(command: impl Into<String>, exit_code: i32, stdout: &[u8], stderr: &[u8]) -> Self {
        Self {
            command: command.into(),
            via: None,
            exit_code,
            stdout: stdout.to_vec(),
            stderr: stderr.to_vec(),
            stdout_total: stdout.len() as u64,
            stderr_total: stderr.len() as u64,
            started: Timestamp::from_millis(0),
            elapsed: Duration::ZERO,
        }
    }

    /// Whether standard output was cut at the cap.
    pub fn is_truncated(&self) -> bool {
        self.stdout_total > self.stdout.len() as u64
    }

    /// Whether standard error was cut at the cap.
    pub fn stderr_is_truncated(&self) -> bool {
        self.stderr_total > self.stderr.len() as u64
    }

    /// Standard output as text, invalid bytes replaced.
    pub fn stdout_text(&self) -> std::borrow::Cow<'_, str> {
        text(&self.stdout)
    }

    /// Standard error as text, invalid bytes replaced.
    pub fn stderr_text(&self) -> std::borrow::Cow<'_, str> {
        text(&self.stderr)
    }
}

/// `bytes` as text, invalid ones replaced. Nearly all is valid, and to see that is far faster than to look for what
/// is not.
pub fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// Why a probe has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kind, for programs.
    pub reason: Reason,
    /// One sentence, for people.
    pub message: String,
    /// What had arrived until then.
    pub partial: Option<Arc<Output>>,
}

impl Fault {
    /// A fault without partial output.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), partial: None }
    }
}

/// An answer to one probe.
pub type Answer = Result<Arc<Output>, Fault>;

/// A question that could not be answered. It can become an `error` result and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct CouldNotTell {
    /// The kind, for programs.
    pub reason: Reason,
    /// One sentence, for people.
    pub message: String,
}

impl CouldNotTell {
    /// From a reason and a sentence.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

impl From<&Fault> for CouldNotTell {
    fn from(fault: &Fault) -> Self {
        Self::new(fault.reason, fault.message.clone())
    }
}

/// Everything that was answered so far. [`reading`](crate::reading) says what the answers mean.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    answers: HashMap<Probe, Answer>,
}

impl Outputs {
    /// No answers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records an answer; the first one for a probe is kept.
    pub fn insert(&mut self, probe: Probe, answer: Answer) {
        self.answers.entry(probe).or_insert(answer);
    }

    /// The answer to `probe`, if it was asked.
    pub fn get(&self, probe: &Probe) -> Option<&Answer> {
        self.answers.get(probe)
    }

    /// Whether `probe` was answered, well or badly.
    pub fn contains(&self, probe: &Probe) -> bool {
        self.answers.contains_key(probe)
    }

    /// How many probes were answered, well or badly.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether nothing was answered.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// All answers, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&Probe, &Answer)> {
        self.answers.iter()
    }

    /// The complete output of `probe`; a fault, a truncated or a missing answer could not tell.
    pub fn output(&self, probe: &Probe) -> Result<&Output, CouldNotTell> {
        match self.answers.get(probe) {
            Some(Ok(output)) if output.is_truncated() => Err(CouldNotTell::new(
                Reason::Truncated,
                format!(
                    "{} printed {} bytes; only {} were kept",
                    output.command,
                    output.stdout_total,
                    output.stdout.len()
                ),
            )),
            Some(Ok(output)) => Ok(output),
            Some(Err(fault)) => Err(fault.into()),
            None => Err(CouldNotTell::new(Reason::Internal, format!("{probe} was never asked"))),
        }
    }
}

impl FromIterator<(Probe, Answer)> for Outputs {
    fn from_iter<I: IntoIterator<Item = (Probe, Answer)>>(answers: I) -> Self {
        let mut outputs = Self::new();
        answers.into_iter().for_each(|(probe, answer)| outputs.insert(probe, answer));
        outputs
    }
}
