//! A transport the host application supplies: an object that runs commands.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kensa_core::shell::command;
use kensa_core::{Answer, Fault, Output, Reason, Timestamp};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::frame::{Grammar, Mark, Parser, Section};
use crate::job::Job;
use crate::lane::Message;
use crate::options::SessionOptions;
use crate::protocol;
use crate::stats::Counters;

/// Runs commands on one host, by whatever means the host application has.
#[async_trait]
pub trait RunCommand: Send + Sync {
    /// The host's name for people.
    fn host(&self) -> &str;

    /// Runs `command` through a shell of the account commands are to run as, waits for its end at most `timeout`,
    /// and gives both streams unchanged.
    async fn run(&self, command: &str, timeout: Duration) -> Result<RanCommand, RunError>;

    /// Whether a command may be a script of up to 64 KB, so that many commands travel in one call.
    fn takes_scripts(&self) -> bool {
        false
    }

    /// Whether commands are wanted exactly as evidence shows them, without the fixed environment they otherwise
    /// get; right for recordings and tests.
    fn wants_bare_commands(&self) -> bool {
        false
    }

    /// Whether every command is to answer one question only, which takes many more calls. What was recorded this
    /// way answers every scan that asks the same questions, whatever it would have asked together.
    fn wants_single_questions(&self) -> bool {
        false
    }
}

/// What a command printed and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RanCommand {
    /// Exit status.
    pub exit_code: i32,
    /// Standard output, byte for byte.
    pub stdout: Vec<u8>,
    /// Standard error, byte for byte.
    pub stderr: Vec<u8>,
}

/// Why a supplied transport has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The connection was lost.
    #[error("{0}")]
    ConnectionLost(String),
    /// The command did not end in time.
    #[error("{0}")]
    TimedOut(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl From<RunError> for Fault {
    fn from(error: RunError) -> Self {
        let reason = match error {
            RunError::ConnectionLost(_) => Reason::ConnectionLost,
            RunError::TimedOut(_) => Reason::TimedOut,
            RunError::Other(_) => Reason::Internal,
        };
        Fault::new(reason, error.to_string())
    }
}

/// Commands, and bytes of their text, in one script.
const SCRIPT: (usize, usize) = (64, 48 * 1024);

/// The task that feeds a supplied transport.
pub(crate) struct Runner {
    runner: Arc<dyn RunCommand>,
    options: SessionOptions,
    counters: Arc<Counters>,
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("host", &self.runner.host()).finish_non_exhaustive()
    }
}

impl Runner {
    pub(crate) fn spawn(
        runner: Arc<dyn RunCommand>,
        options: SessionOptions,
        counters: Arc<Counters>,
    ) -> mpsc::UnboundedSender<Message> {
        let (outbox, inbox) = mpsc::unbounded_channel();
        tokio::spawn(Self { runner, options, counters }.work(inbox));
        outbox
    }

    async fn work(self, mut inbox: mpsc::UnboundedReceiver<Message>) {
        let mut queue: Vec<Job> = Vec::new();
        loop {
            queue.retain(|job| !job.is_cancelled());
            let message = if queue.is_empty() { inbox.recv().await } else { inbox.try_recv().ok() };
            match message {
                Some(Message::Jobs(jobs)) => queue.extend(jobs),
                Some(Message::Cancelled) => {}
                Some(Message::Close(done)) => {
                    let _ = done.send(());
                    return;
                }
                None if queue.is_empty() => return,
                None => {
                    let batch = self.batch(&mut queue);
                    if batch.len() > 1 {
                        self.script(batch).await;
                    } else {
                        for job in batch {
                            self.alone(job).await;
                        }
                    }
                }
            }
        }
    }

    /// Takes what goes into the next call off the queue.
    fn batch(&self, queue: &mut Vec<Job>) -> Vec<Job> {
        let mut size = 0;
        let scripted = self.runner.takes_scripts();
        let fits = |job: &&Job| {
            size += job.command.len() + 64;
            scripted && !job.once && size < SCRIPT.1 && !protocol::may_leave_processes(&job.command)
        };
        let count = queue.iter().take(SCRIPT.0).take_while(fits).count().max(1).min(queue.len());
        queue.drain(..count).collect()
    }

    async fn alone(&self, mut job: Job) {
        // A call nobody waits for any more is dropped, whatever that means to the transport.
        let answer = tokio::select! {
            answer = self.single(&job.command, job.timeout) => answer,
            () = job.reply.closed() => return,
        };
        job.answer(answer);
    }

    async fn single(&self, text: &str, timeout: Duration) -> Answer {
        let bare = self.runner.wants_bare_commands();
        let sent = if bare { text.to_owned() } else { protocol::standalone(text) };
        let (began, started) = (Instant::now(), Timestamp::now());
        let ran = self.call(&sent, timeout).await?;
        let cut = |bytes: Vec<u8>| Section {
            total: bytes.len() as u64,
            bytes: bytes.into_iter().take(self.options.output_cap).collect(),
        };
        let (stdout, stderr) = (cut(ran.stdout), cut(ran.stderr));
        let via = (!bare).then(|| Arc::from(sent.as_str()));
        Ok(Arc::new(output(text, via, ran.exit_code, stdout, stderr, started, began.elapsed())))
    }

    /// Sends all `jobs` in one script; what the script leaves unanswered is asked singly.
    async fn script(&self, jobs: Vec<Job>) {
        let Ok(nonce) = protocol::nonce() else {
            return jobs.into_iter().for_each(|job| {
                job.answer(Err(Fault::new(Reason::Internal, "this machine gives no random numbers")));
            });
        };
        let mut text = protocol::prelude(&nonce, false);
        for (seq, job) in jobs.iter().enumerate() {
            // A command with a NUL gets no line and so no answer; alone it is refused.
            text.push_str(&protocol::command_line(&job.command, seq as u64, false).unwrap_or_default());
        }
        let sent = command(["sh", "-c", &text]);
        let started = Timestamp::now();
        let began = Instant::now();
        let timeout = jobs.iter().map(|job| job.timeout).max().unwrap_or_default();
        // Whatever went wrong, every command is then asked singly and gets its own fault.
        let ran = self.call(&sent, timeout).await.unwrap_or_default();
        let share = began.elapsed() / u32::try_from(jobs.len()).unwrap_or(u32::MAX).max(1);
        let outputs = self.sections(&nonce, Grammar::Output, &ran.stdout);
        let errors = self.sections(&nonce, Grammar::Error, &ran.stderr);
        for (seq, job) in jobs.into_iter().enumerate() {
            let seq = seq as u64;
            let of =
                |sections: &[(u64, i32, Section)]| sections.iter().find(|(own, ..)| *own == seq).cloned();
            match (of(&outputs), of(&errors)) {
                (Some((_, status, stdout)), Some((_, _, stderr))) => {
                    let own = output(&job.command, None, status, stdout, stderr, started, share);
                    job.answer(Ok(Arc::new(own)));
                }
                _ => self.alone(job).await,
            }
        }
    }

    async fn call(&self, text: &str, timeout: Duration) -> Result<RanCommand, Fault> {
        if text.contains('\0') {
            return Err(Fault::new(
                Reason::InvalidRule,
                "the command holds a NUL byte, which no shell can be given",
            ));
        }
        self.counters.execs.add(1);
        self.counters.commands.add(1);
        self.counters.round_trips.add(1);
        self.counters.bytes_out.add(text.len() as u64);
        let ran = self.runner.run(text, timeout).await?;
        self.counters.bytes_in.add((ran.stdout.len() + ran.stderr.len()) as u64);
        Ok(ran)
    }

    fn sections(&self, nonce: &str, grammar: Grammar, bytes: &[u8]) -> Vec<(u64, i32, Section)> {
        let mut sections = Vec::new();
        Parser::new(nonce, grammar, self.options.output_cap).push(bytes, |section, mark| match mark {
            Mark::End { seq, status, .. } => sections.push((seq, status, section)),
            Mark::EndError { seq } => sections.push((seq, 0, section)),
            Mark::Hello { .. } | Mark::HelloError => {}
        });
        sections
    }
}

fn output(
    text: &str,
    via: Option<Arc<str>>,
    exit_code: i32,
    stdout: Section,
    stderr: Section,
    started: Timestamp,
    elapsed: Duration,
) -> Output {
    Output {
        command: text.to_owned(),
        via,
        exit_code,
        stdout: stdout.bytes,
        stderr: stderr.bytes,
        stdout_total: stdout.total,
        stderr_total: stderr.total,
        started,
        elapsed,
    }
}
