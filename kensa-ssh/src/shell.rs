//! One framed shell: its streams, always drained, and the markers that come out of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::frame::{Grammar, Mark, Parser, Section};
use crate::link::{Exit, Streams};
use crate::protocol;
use crate::stats::Counters;

/// How much is kept of one stream of a command, and when the command is stopped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes kept per stream.
    pub(crate) cap: usize,
    /// Bytes after which the command is killed.
    pub(crate) hard: u64,
}

/// One of the two streams; of a terminal there is only [`Side::Output`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Output,
    Error,
}

/// What a shell's streams bring.
#[derive(Debug)]
pub(crate) enum Event {
    Marked(Section, Mark),
    /// The open section of this stream passed the hard limit; said once per section.
    Overflow(Side),
    Eof,
    Exit(Exit),
}

/// A running shell. Dropping it closes its streams; a shell that is idle then ends.
pub(crate) struct Shell {
    pub(crate) events: mpsc::UnboundedReceiver<Event>,
    pub(crate) terminal: bool,
    /// Set by the hello.
    pub(crate) pid: u32,
    pub(crate) uid: u32,
    pub(crate) next_seq: u64,
    /// Which connection it runs on.
    pub(crate) generation: u64,
    nonce: String,
    lines: mpsc::UnboundedSender<Vec<u8>>,
    parsers: [Arc<Mutex<Parser>>; 2],
    tasks: Vec<AbortHandle>,
}

impl Shell {
    /// Takes over the streams of a command that is (or is about to become) a POSIX shell, sends the prelude and waits
    /// for the hello. `seen` is what was read from standard output and standard error already.
    pub(crate) async fn greet(
        streams: Streams,
        seen: [Vec<u8>; 2],
        nonce: String,
        terminal: bool,
        limits: Limits,
        counters: &Arc<Counters>,
        patience: Duration,
    ) -> Result<Self, Refused> {
        let (grammar, side_grammar) =
            if terminal { (Grammar::Merged, Grammar::Merged) } else { (Grammar::Output, Grammar::Error) };
        let parsers = [
            Arc::new(Mutex::new(Parser::new(&nonce, grammar, limits.cap))),
            Arc::new(Mutex::new(Parser::new(&nonce, side_grammar, limits.cap))),
        ];
        let (report, events) = mpsc::unbounded_channel();
        let (lines, outgoing) = mpsc::unbounded_channel();
        let Streams { stdin, stdout, stderr, exit } = streams;
        let mut tasks = vec![tokio::spawn(write(stdin, outgoing, Arc::clone(counters))).abort_handle()];
        let readers = [(Side::Output, stdout), (Side::Error, stderr)];
        for ((side, stream), (parser, seen)) in readers.into_iter().zip(parsers.iter().zip(seen)) {
            let drain = Drain {
                side,
                parser: Arc::clone(parser),
                hard: limits.hard,
                report: report.clone(),
                counters: Arc::clone(counters),
            };
            tasks.push(tokio::spawn(drain.run(stream, seen)).abort_handle());
        }
        tasks.push(tokio::spawn(async move { drop(report.send(Event::Exit(exit.await))) }).abort_handle());
        let mut shell = Self {
            events,
            terminal,
            pid: 0,
            uid: 0,
            next_seq: 0,
            generation: 0,
            nonce,
            lines,
            parsers,
            tasks,
        };
        shell.send(protocol::prelude(&shell.nonce, terminal).into_bytes());
        counters.round_trips.add(1);
        match timeout(patience, shell.hello()).await {
            Ok(Ok(())) => {
                counters.shells.add(1);
                Ok(shell)
            }
            Ok(Err(exit)) => Err(shell.refused(exit)),
            Err(_) => Err(shell.refused(None)),
        }
    }

    /// Sends text to the shell without waiting.
    pub(crate) fn send(&self, text: Vec<u8>) {
        // A closed writer shows as the end of the streams.
        drop(self.lines.send(text));
    }

    /// The line for the next command, and its number.
    pub(crate) fn next_line(&mut self, command: &str) -> Option<(u64, String)> {
        let line = protocol::command_line(command, self.next_seq, self.terminal)?;
        self.next_seq += 1;
        Some((self.next_seq - 1, line))
    }

    /// Runs one command and waits for both markers; `None` when the shell ended or broke the protocol first.
    pub(crate) async fn call(&mut self, command: &str) -> Option<(i32, Section)> {
        let (wanted, line) = self.next_line(command)?;
        self.send(line.into_bytes());
        let (mut ended, mut error_ended) = (None, false);
        loop {
            match self.events.recv().await? {
                Event::Marked(section, Mark::End { seq, status, .. }) if seq == wanted => {
                    ended = Some((status, section));
                }
                Event::Marked(_, Mark::EndError { seq }) if seq == wanted => error_ended = true,
                Event::Overflow(_) => {}
                _ => return None,
            }
            if error_ended && ended.is_some() {
                return ended;
            }
        }
    }

    /// What has come of the unfinished section of a stream.
    pub(crate) fn open_section(&self, side: Side) -> Section {
        lock(&self.parsers[side as usize]).finish()
    }

    async fn hello(&mut self) -> Result<(), Option<Exit>> {
        let (mut output, mut error) = (false, false);
        let (mut exit, mut open) = (None, 2);
        while !(output && error) {
            match self.events.recv().await {
                Some(Event::Marked(_, Mark::Hello { pid, uid, .. })) => {
                    (self.pid, self.uid, output) = (pid, uid, true);
                }
                Some(Event::Marked(_, Mark::HelloError)) => error = true,
                // Text before the end of the streams may still be on its way when the status is known.
                Some(Event::Exit(status)) => exit = Some(status),
                Some(Event::Eof) => open -= 1,
                Some(Event::Overflow(_)) => {}
                Some(Event::Marked(..)) | None => return Err(exit),
            }
            if open == 0 && exit.is_some() {
                return Err(exit);
            }
        }
        Ok(())
    }

    fn refused(self, exit: Option<Exit>) -> Refused {
        let text = |side| String::from_utf8_lossy(&self.open_section(side).bytes).into_owned();
        Refused { stdout: text(Side::Output), stderr: text(Side::Error), exit }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// A started command that did not become a shell: what was seen instead.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// How it ended; `None` when it did not end and said no hello.
    pub(crate) exit: Option<Exit>,
}

fn lock(parser: &Mutex<Parser>) -> MutexGuard<'_, Parser> {
    parser.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn write(
    mut stdin: Box<dyn AsyncWrite + Send + Unpin>,
    mut outgoing: mpsc::UnboundedReceiver<Vec<u8>>,
    counters: Arc<Counters>,
) {
    while let Some(text) = outgoing.recv().await {
        counters.bytes_out.add(text.len() as u64);
        if stdin.write_all(&text).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

/// Reads one stream to its end and never waits for whoever uses the events: an unread channel would stall the
/// whole connection. What is queued is bounded by the cap per section.
struct Drain {
    side: Side,
    parser: Arc<Mutex<Parser>>,
    hard: u64,
    report: mpsc::UnboundedSender<Event>,
    counters: Arc<Counters>,
}

impl Drain {
    async fn run(self, mut stream: Box<dyn AsyncRead + Send + Unpin>, seen: Vec<u8>) {
        let mut overflowed = self.take(&seen, false);
        let mut buffer = vec![0; 32 * 1024];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            self.counters.bytes_in.add(read as u64);
            overflowed = self.take(&buffer[..read], overflowed);
        }
        drop(self.report.send(Event::Eof));
    }

    /// Returns whether the section now open has overflowed.
    fn take(&self, bytes: &[u8], mut overflowed: bool) -> bool {
        let mut parser = lock(&self.parser);
        parser.push(bytes, |section, mark| {
            overflowed = false;
            drop(self.report.send(Event::Marked(section, mark)));
        });
        if !overflowed && parser.open_total() > self.hard {
            overflowed = true;
            drop(self.report.send(Event::Overflow(self.side)));
        }
        overflowed
    }
}
