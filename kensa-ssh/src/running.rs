//! A shell at work: which commands it was given, what came back, and what has to be killed.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use kensa_core::{Reason, Timestamp};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};
use tracing::debug;

use crate::frame::{Mark, Section};
use crate::host::Host;
use crate::job::{Cause, Job, Sent};
use crate::link::Exit;
use crate::shell::{Event, Shell};

/// Commands, and bytes of command text, that may wait for their answers.
const WINDOW: (usize, usize) = (64, 32 * 1024);
/// The same where several shells share the commands: what one was given, no other can take.
const SHARED_WINDOW: usize = WINDOW.0 / 2;
/// How long a killed command may take to end before its shell is given up.
const GIVE_UP: Duration = Duration::from_millis(3500);
/// How long text may take to arrive after the shell's end was reported.
const DRAIN: Duration = Duration::from_millis(300);

/// A shell and what it was given.
pub(crate) struct Running {
    pub(crate) shell: Shell,
    /// How many commands may wait for their answers.
    window: usize,
    pub(crate) sent: VecDeque<Sent>,
    pub(crate) size: usize,
    pub(crate) killing: Option<Killing>,
    /// A command that printed too much and is to be killed as soon as no other kill is under way.
    flooding: Option<u64>,
    /// Commands below this number may have been hit by a kill meant for another one.
    suspect: u64,
    open_streams: u8,
    pub(crate) ending: Option<(Exit, Instant)>,
    /// Which marker comes next on each stream.
    expected: [u64; 2],
}

pub(crate) struct Killing {
    pub(crate) target: u64,
    pub(crate) cause: Cause,
    give_up: Instant,
    done: Option<oneshot::Receiver<Result<(), ()>>>,
}

/// Why the shell is put away.
pub(crate) enum End {
    /// It ended.
    Exit(Exit),
    /// It broke the protocol: a marker out of order.
    Broken,
    /// The kill did not help.
    Stuck,
}

impl Running {
    pub(crate) fn new(shell: Shell, host: &Host) -> Self {
        let expected = [shell.next_seq; 2];
        Self {
            shell,
            window: if host.shells() > 1 { SHARED_WINDOW } else { WINDOW.0 },
            sent: VecDeque::new(),
            size: 0,
            killing: None,
            flooding: None,
            suspect: 0,
            open_streams: 2,
            ending: None,
            expected,
        }
    }

    /// Whether `job` may be sent before what was sent is answered. On a terminal nothing is sent ahead: a command
    /// could read it from there.
    pub(crate) fn has_room(&self, job: &Job) -> bool {
        if self.sent.is_empty() {
            return true;
        }
        let exclusive = job.once || self.shell.terminal || self.sent.iter().any(|sent| sent.job.once);
        !exclusive && self.sent.len() < self.window && self.size + job.command.len() < WINDOW.1
    }

    /// Whether it is time to send more. Each text sent wakes the host's sshd, and half a window is enough to keep the
    /// shell busy for a round trip.
    pub(crate) fn wants_more(&self) -> bool {
        self.ending.is_none() && self.sent.len() <= self.window / 2
    }

    /// Waits for the next thing to happen and takes note of it; `Some` when the shell is to be put away.
    pub(crate) async fn next(running: &mut Option<Running>, host: &Arc<Host>) -> Option<End> {
        let Some(this) = running else { return pending().await };
        let wake = this.wake();
        let Running { shell, killing, .. } = this;
        let killed = async {
            match killing.as_mut().and_then(|killing| killing.done.as_mut()) {
                Some(done) => done.await.unwrap_or(Err(())),
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            event = shell.events.recv() => this.note(event),
            result = killed => this.note_kill(result),
            () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => this.note_time(host),
        }
    }

    /// When to look at the clock next.
    fn wake(&self) -> Option<Instant> {
        let limit = match &self.killing {
            Some(killing) => Some(killing.give_up),
            None if self.flooding.is_some() => Some(Instant::now()),
            None => self.sent.front().and_then(Sent::deadline),
        };
        let end = self.ending.as_ref().map(|(_, at)| *at);
        [limit, end].into_iter().flatten().min()
    }

    fn note(&mut self, event: Option<Event>) -> Option<End> {
        match event {
            Some(Event::Marked(section, Mark::End { seq, status, .. })) => {
                self.marked(0, seq, |sent| sent.output = Some((section, status)))
            }
            Some(Event::Marked(section, Mark::EndError { seq })) => {
                self.marked(1, seq, |sent| sent.error = Some(section))
            }
            Some(Event::Marked(_, Mark::Hello { .. } | Mark::HelloError)) => Some(End::Broken),
            Some(Event::Overflow(side)) => {
                // On a terminal one stream carries both.
                let by_side = self.expected[side as usize];
                self.flooding = Some(if self.shell.terminal { self.expected[1] } else { by_side });
                None
            }
            Some(Event::Eof) => {
                self.open_streams = self.open_streams.saturating_sub(1);
                match (&self.ending, self.open_streams) {
                    (Some((exit, _)), 0) => Some(End::Exit(exit.clone())),
                    (None, 0) => {
                        self.ending = Some((Exit::Lost, Instant::now() + 4 * DRAIN));
                        None
                    }
                    _ => None,
                }
            }
            // A background process may hold the streams open: the status alone says that the shell is gone.
            Some(Event::Exit(exit)) if self.open_streams > 0 => {
                self.ending = Some((exit, Instant::now() + DRAIN));
                None
            }
            Some(Event::Exit(exit)) => Some(End::Exit(exit)),
            None => Some(End::Exit(Exit::Lost)),
        }
    }

    fn marked(&mut self, side: usize, seq: u64, set: impl FnOnce(&mut Sent)) -> Option<End> {
        let entry = self.sent.iter_mut().find(|sent| sent.seq == seq);
        match entry {
            Some(entry) if self.expected[side] == seq => {
                set(entry);
                self.expected[side] += 1;
                None
            }
            // A marker out of order: the streams cannot be trusted any more.
            _ => Some(End::Broken),
        }
    }

    fn note_kill(&mut self, result: Result<(), ()>) -> Option<End> {
        self.suspect = self.shell.next_seq;
        if let Some(killing) = &mut self.killing {
            killing.done = None;
            // The target may have ended by itself meanwhile.
            if !self.sent.iter().any(|sent| sent.seq == killing.target) {
                self.killing = None;
                return None;
            }
        }
        if result.is_err() { Some(End::Stuck) } else { None }
    }

    fn note_time(&mut self, host: &Arc<Host>) -> Option<End> {
        let now = Instant::now();
        if let Some((exit, _)) = self.ending.as_ref().filter(|(_, at)| *at <= now) {
            return Some(End::Exit(exit.clone()));
        }
        if let Some(killing) = &self.killing {
            let gone = !self.sent.iter().any(|sent| sent.seq == killing.target);
            if !gone {
                return (killing.give_up <= now).then_some(End::Stuck);
            }
            self.killing = None;
        }
        if let Some(target) = self.flooding.take() {
            if self.sent.iter().any(|sent| sent.seq == target) {
                self.kill(target, Cause::Overflow, host);
            }
            return None;
        }
        let front = self.sent.front().filter(|sent| sent.deadline().is_some_and(|at| at <= now));
        if let Some(seq) = front.map(|sent| sent.seq) {
            self.kill(seq, Cause::Timeout, host);
        }
        None
    }

    fn kill(&mut self, target: u64, cause: Cause, host: &Arc<Host>) {
        let (report, done) = oneshot::channel();
        let (host, pid) = (Arc::clone(host), self.shell.pid);
        debug!(host = host.link.host(), pid, target, ?cause, "killing a command");
        host.counters.kills.add(1);
        tokio::spawn(async move {
            let _ = report.send(host.kill_children(pid).await);
        });
        self.suspect = u64::MAX;
        self.killing = Some(Killing { target, cause, give_up: Instant::now() + GIVE_UP, done: Some(done) });
    }

    /// Answers what is complete.
    pub(crate) fn settle(&mut self, queue: &mut VecDeque<Job>) {
        while self.sent.front().is_some_and(Sent::is_complete) {
            let Some(front) = self.sent.pop_front() else { return };
            self.size -= front.size;
            if let Some(next) = self.sent.front_mut() {
                next.began = Some((Instant::now(), Timestamp::now()));
            }
            let killing = self.killing.as_ref().filter(|killing| killing.target == front.seq);
            if let Some(cause) = killing.map(|killing| killing.cause) {
                front.killed(cause);
                // While the control shell still works, no other kill may start.
                self.killing.take_if(|killing| killing.done.is_none());
                continue;
            }
            let status = front.output.as_ref().map_or(0, |(_, status): &(Section, i32)| *status);
            if status > 128 && front.seq < self.suspect && !front.job.once {
                let why = "it was killed each time together with another command";
                if let Some(job) = front.job.retry(Reason::Killed, why) {
                    queue.push_front(job);
                }
            } else {
                front.complete();
            }
        }
    }
}
