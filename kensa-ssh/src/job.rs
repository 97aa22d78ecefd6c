//! A command on its way through a shell, and the answers it can come to.

use std::sync::Arc;
use std::time::Duration;

use kensa_core::{Answer, Fault, Output, Reason, Timestamp};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::{ConnectError, ConnectReason};
use crate::frame::Section;

/// A command somebody waits for.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) command: String,
    pub(crate) timeout: Duration,
    /// Never run it a second time, and nothing beside it: it may not be a mere read.
    pub(crate) once: bool,
    pub(crate) reply: oneshot::Sender<Answer>,
    /// How often it was started and its answer lost.
    pub(crate) lost: u8,
}

/// How often a command is started at most.
const ATTEMPTS: u8 = 3;

impl Job {
    pub(crate) fn new(command: String, timeout: Duration, once: bool) -> (Self, oneshot::Receiver<Answer>) {
        let (reply, answer) = oneshot::channel();
        (Self { command, timeout, once, reply, lost: 0 }, answer)
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.reply.is_closed()
    }

    pub(crate) fn answer(self, answer: Answer) {
        // Nobody waits any more: cancelled.
        drop(self.reply.send(answer));
    }

    /// The first line of the command, shortened, for messages.
    pub(crate) fn title(&self) -> String {
        let line = self.command.lines().next().unwrap_or_default();
        let short: String = line.chars().take(120).collect();
        if short.len() < self.command.len() { format!("{short} …") } else { short }
    }

    /// The job again, when its answer was lost and it may be started once more; otherwise it is answered.
    pub(crate) fn retry(mut self, reason: Reason, why: &str) -> Option<Self> {
        self.lost += 1;
        if !self.once && self.lost < ATTEMPTS {
            return Some(self);
        }
        let message = format!("{}: no answer after {} attempts: {why}", self.title(), self.lost);
        self.answer(Err(Fault::new(reason, message)));
        None
    }
}

/// A fault for what could not be asked because there is no shell.
pub(crate) fn no_shell(error: &ConnectError) -> Fault {
    let reason = match error.reason {
        ConnectReason::SudoDenied => Reason::PermissionDenied,
        _ => Reason::ConnectionLost,
    };
    Fault::new(reason, error.to_string())
}

/// A job whose line was sent.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) seq: u64,
    pub(crate) job: Job,
    pub(crate) size: usize,
    /// When it began, by the best knowledge: when it was sent or the one before it ended.
    pub(crate) began: Option<(Instant, Timestamp)>,
    pub(crate) output: Option<(Section, i32)>,
    pub(crate) error: Option<Section>,
}

/// What made the session kill a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Timeout,
    Overflow,
}

impl Sent {
    pub(crate) fn is_complete(&self) -> bool {
        self.output.is_some() && self.error.is_some()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.began.map(|(at, _)| at + self.job.timeout)
    }

    /// Answers a command that came to its end.
    pub(crate) fn complete(self) {
        let output = Arc::new(self.output_so_far());
        self.job.answer(Ok(output));
    }

    /// Answers a command the session had killed.
    pub(crate) fn killed(mut self, cause: Cause) {
        if let Some(error) = &mut self.error {
            strip_death_notice(error);
        }
        let output = Arc::new(self.output_so_far());
        let seconds = self.job.timeout.as_secs_f64();
        let message = format!("{} did not finish within {seconds} s", self.job.title());
        self.job.answer(match cause {
            Cause::Overflow => Ok(output),
            Cause::Timeout => Err(Fault { reason: Reason::TimedOut, message, partial: Some(output) }),
        });
    }

    /// Answers a command that took its shell with it.
    pub(crate) fn shell_died(self, how: &str) {
        let message = format!("the remote shell {how} while this ran: {}", self.job.title());
        let partial = Some(Arc::new(self.output_so_far()));
        self.job.answer(Err(Fault { reason: Reason::ShellDied, message, partial }));
    }

    fn output_so_far(&self) -> Output {
        let (began, started) = self.began.unwrap_or_else(|| (Instant::now(), Timestamp::now()));
        let (stdout, exit_code) = self.output.clone().unwrap_or((Section::default(), 137));
        let stderr = self.error.clone().unwrap_or_default();
        Output {
            command: self.job.command.clone(),
            via: None,
            exit_code,
            stdout: stdout.bytes,
            stderr: stderr.bytes,
            stdout_total: stdout.total,
            stderr_total: stderr.total,
            started,
            elapsed: began.elapsed(),
        }
    }
}

/// Removes what the shell itself wrote on standard error about the command that was killed: `Killed`, or
/// `sh: line 9: 123 Killed  ( eval … )`. It names the session's own action and a line number of the moment.
pub(crate) fn strip_death_notice(error: &mut Section) {
    let text = &error.bytes;
    let starts = memchr::memrchr_iter(b'\n', text).map(|at| at + 1).chain([0]);
    let notice = |line: &[u8]| {
        let line = String::from_utf8_lossy(line);
        let rest = match line.split_once(": line ") {
            Some((_, rest)) => rest.split_once(": ").map_or("", |(_, rest)| rest),
            None => &line,
        };
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        rest == "Killed" || rest.starts_with("Killed ")
    };
    let found = starts.into_iter().find(|start| {
        let line = text[*start..].split(|byte| *byte == b'\n').next().unwrap_or_default();
        notice(line)
    });
    if let Some(start) = found {
        let removed = text.len() - start;
        error.total = error.total.saturating_sub(removed as u64);
        error.bytes.truncate(start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r09_the_shells_own_words_about_a_kill_are_removed() {
        let cases: [(&str, &str); 4] = [
            ("Killed\n", ""),
            ("said\nsh: line 17: 1234 Killed                  ( eval 'sleep 9\nx' ) < /dev/null\n", "said\n"),
            ("bash: line 9:  77 Killed ( eval 'a' )\n", ""),
            ("nothing\n", "nothing\n"),
        ];
        for (said, kept) in cases {
            let mut section = Section { bytes: said.as_bytes().to_vec(), total: said.len() as u64 };
            strip_death_notice(&mut section);
            assert_eq!(String::from_utf8_lossy(&section.bytes), kept);
            assert_eq!(section.total, kept.len() as u64);
        }
    }
}
