//! The task that keeps one shell busy: sends commands ahead, pairs their answers, watches the time, and
//! replaces the shell when it is lost.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use kensa_core::{Fault, Reason, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, warn};

use crate::alone;
use crate::frame::{Mark, Section};
use crate::host::Host;
use crate::job::{Cause, Job, Sent, no_shell};
use crate::link::Exit;
use crate::protocol;
use crate::shell::{Event, Shell, Side};

/// Commands, and bytes of command text, that may wait for their answers.
const WINDOW: (usize, usize) = (64, 32 * 1024);
/// How long a killed command may take to end before its shell is given up.
const GIVE_UP: Duration = Duration::from_millis(3500);
/// How long text may take to arrive after the shell's end was reported.
const DRAIN: Duration = Duration::from_millis(300);

pub(crate) enum Message {
    Jobs(Vec<Job>),
    /// Some jobs' callers went away.
    Cancelled,
    Close(oneshot::Sender<()>),
}

pub(crate) struct Lane {
    host: Arc<Host>,
    inbox: mpsc::UnboundedReceiver<Message>,
    queue: VecDeque<Job>,
    running: Option<Running>,
    /// The connection known to be lost.
    lost: Option<u64>,
}

/// A shell and what it was given.
struct Running {
    shell: Shell,
    sent: VecDeque<Sent>,
    size: usize,
    killing: Option<Killing>,
    /// Commands below this number may have been hit by a kill meant for another one.
    suspect: u64,
    open_streams: u8,
    ending: Option<(Exit, Instant)>,
    /// Which marker comes next on each stream.
    expected: [u64; 2],
}

struct Killing {
    target: u64,
    cause: Cause,
    give_up: Instant,
    done: Option<oneshot::Receiver<Result<(), ()>>>,
}

/// Why the shell is put away.
enum End {
    /// It ended.
    Exit(Exit),
    /// It broke the protocol: a marker out of order.
    Broken,
    /// The kill did not help.
    Stuck,
}

impl Lane {
    /// Starts the task. `shell` is already open.
    pub(crate) fn spawn(host: Arc<Host>, shell: Shell) -> mpsc::UnboundedSender<Message> {
        let (outbox, inbox) = mpsc::unbounded_channel();
        let running = Some(Running::new(shell));
        let lane = Self { host, inbox, queue: VecDeque::new(), running, lost: None };
        tokio::spawn(lane.run());
        outbox
    }

    async fn run(mut self) {
        loop {
            self.queue.retain(|job| !job.is_cancelled());
            if self.running.is_none() && !self.queue.is_empty() && !self.reopen().await {
                continue;
            }
            self.send_on();
            let end = tokio::select! {
                message = self.inbox.recv() => match message {
                    Some(Message::Jobs(jobs)) => {
                        self.queue.extend(jobs);
                        None
                    }
                    Some(Message::Cancelled) => {
                        self.cancel();
                        None
                    }
                    Some(Message::Close(done)) => {
                        drop(self.running.take());
                        let _ = done.send(());
                        return;
                    }
                    None => {
                        self.cancel();
                        return;
                    }
                },
                end = Running::next(&mut self.running, &self.host) => end,
            };
            if let Some(end) = end {
                self.put_away(end).await;
            }
            if let Some(running) = &mut self.running {
                running.settle(&mut self.queue);
            }
        }
    }

    /// Opens the shell anew; `false` when that failed and the queue was answered with the reason.
    async fn reopen(&mut self) -> bool {
        match self.host.open_again(self.lost).await {
            Ok(shell) => {
                self.running = Some(Running::new(shell));
                self.lost = None;
                true
            }
            Err(error) => {
                debug!(host = self.host.link.host(), reason = error.reason.code(), "no shell");
                let fault = no_shell(&error);
                self.queue.drain(..).for_each(|job| job.answer(Err(fault.clone())));
                false
            }
        }
    }

    /// Sends as much of the queue as the window allows.
    fn send_on(&mut self) {
        let Some(running) = &mut self.running else { return };
        if running.ending.is_some() {
            return;
        }
        let was_idle = running.sent.is_empty();
        let mut batch = Vec::new();
        while let Some(job) = self.queue.front() {
            let alone = protocol::may_leave_processes(&job.command);
            if !alone && !running.has_room(job) {
                break;
            }
            let Some(job) = self.queue.pop_front() else { break };
            if alone {
                tokio::spawn(alone::run(Arc::clone(&self.host), job));
                continue;
            }
            let Some((seq, line)) = running.shell.next_line(&job.command) else {
                let message = "the command holds a NUL byte, which no shell can be given";
                job.answer(Err(Fault::new(Reason::InvalidRule, message)));
                continue;
            };
            let began = running.sent.is_empty().then(|| (Instant::now(), Timestamp::now()));
            running.size += line.len();
            batch.extend_from_slice(line.as_bytes());
            running.sent.push_back(Sent { seq, job, size: line.len(), began, output: None, error: None });
            self.host.counters.commands.add(1);
        }
        if !batch.is_empty() {
            if was_idle {
                self.host.counters.round_trips.add(1);
            }
            running.shell.send(batch);
        }
    }

    /// Stops what nobody waits for any more.
    fn cancel(&mut self) {
        self.queue.retain(|job| !job.is_cancelled());
        let concerned = |running: &Running| running.sent.iter().any(|sent| sent.job.is_cancelled());
        let Some(running) = self.running.take_if(|running| concerned(running)) else { return };
        let Running { shell, sent, .. } = running;
        let kept = sent.into_iter().map(|sent| sent.job).filter(|job| !job.is_cancelled());
        let (once, again): (Vec<Job>, Vec<Job>) = kept.partition(|job| job.once);
        for job in once {
            let message = "the command ran beside a cancelled one and was stopped with it";
            job.answer(Err(Fault::new(Reason::Cancelled, message)));
        }
        requeue(&mut self.queue, again);
        let host = Arc::clone(&self.host);
        host.counters.kills.add(1);
        tokio::spawn(async move {
            debug!(host = host.link.host(), pid = shell.pid, "cancelled: killing the shell");
            if host.kill_shell(shell.pid).await.is_err() {
                warn!(host = host.link.host(), "a cancelled command could not be stopped");
            }
            drop(shell);
        });
    }

    /// Takes leave of the shell: answers what ended with it, keeps the rest for the next one.
    async fn put_away(&mut self, end: End) {
        let Some(mut running) = self.running.take() else { return };
        running.settle(&mut self.queue);
        let Running { shell, mut sent, killing, .. } = running;
        if let Some(front) = sent.front_mut() {
            if front.output.is_none() {
                front.output = Some((shell.open_section(Side::Output), 137));
            }
            if front.error.is_none() {
                front.error = Some(shell.open_section(Side::Error));
            }
        }
        let target = killing.as_ref().map(|killing| killing.target);
        let is_target = |sent: &Sent| Some(sent.seq) == target;
        match end {
            End::Exit(Exit::Lost) | End::Broken => {
                let broken = matches!(end, End::Broken);
                debug!(host = self.host.link.host(), unanswered = sent.len(), broken, "the shell is lost");
                if !broken {
                    self.lost = Some(shell.generation);
                }
                if let (Some(killing), true) = (&killing, sent.front().is_some_and(is_target)) {
                    sent.pop_front().into_iter().for_each(|sent| sent.killed(killing.cause));
                }
                let why =
                    if broken { "the shell's answers were out of order" } else { "the connection was lost" };
                let again = sent.into_iter().filter_map(|sent| sent.job.retry(Reason::ConnectionLost, why));
                requeue(&mut self.queue, again.collect());
            }
            End::Exit(exit) => {
                let how = match &exit {
                    Exit::Status(status) => format!("ended with status {status}"),
                    Exit::Signal(signal) => format!("was killed by SIG{signal}"),
                    Exit::Lost => "was lost".to_owned(),
                };
                debug!(host = self.host.link.host(), pid = shell.pid, how, "the shell died");
                match (sent.pop_front(), &killing) {
                    (Some(front), Some(killing)) if is_target(&front) => front.killed(killing.cause),
                    (Some(front), _) => front.shell_died(&how),
                    (None, _) => {}
                }
                requeue(&mut self.queue, sent.into_iter().map(|sent| sent.job).collect());
            }
            End::Stuck => {
                let (pid, generation) = (shell.pid, shell.generation);
                let cause = killing.map_or(Cause::Timeout, |killing| killing.cause);
                let at = sent.iter().position(is_target).unwrap_or(0);
                sent.remove(at).into_iter().for_each(|target| target.killed(cause));
                requeue(&mut self.queue, sent.into_iter().map(|sent| sent.job).collect());
                drop(shell);
                if self.host.kill_shell_anyhow(pid, generation).await.is_err() {
                    warn!(host = self.host.link.host(), pid, "a hung command could not be stopped");
                }
            }
        }
    }
}

/// Puts jobs back where they were: before all that was not sent yet.
fn requeue(queue: &mut VecDeque<Job>, jobs: Vec<Job>) {
    jobs.into_iter().rev().for_each(|job| queue.push_front(job));
}

impl Running {
    fn new(shell: Shell) -> Self {
        let expected = [shell.next_seq; 2];
        Self {
            shell,
            sent: VecDeque::new(),
            size: 0,
            killing: None,
            suspect: 0,
            open_streams: 2,
            ending: None,
            expected,
        }
    }

    fn has_room(&self, job: &Job) -> bool {
        if self.sent.is_empty() {
            return true;
        }
        let exclusive = job.once || self.sent.iter().any(|sent| sent.job.once);
        !exclusive && self.sent.len() < WINDOW.0 && self.size + job.command.len() < WINDOW.1
    }

    /// Waits for the next thing to happen and takes note of it; `Some` when the shell is to be put away.
    async fn next(running: &mut Option<Running>, host: &Arc<Host>) -> Option<End> {
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
            event = shell.events.recv() => this.note(event, host),
            result = killed => this.note_kill(result),
            () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => this.note_time(host),
        }
    }

    /// When to look at the clock next.
    fn wake(&self) -> Option<Instant> {
        let limit = match &self.killing {
            Some(killing) => Some(killing.give_up),
            None => self.sent.front().and_then(Sent::deadline),
        };
        let end = self.ending.as_ref().map(|(_, at)| *at);
        [limit, end].into_iter().flatten().min()
    }

    fn note(&mut self, event: Option<Event>, host: &Arc<Host>) -> Option<End> {
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
                let target = if self.shell.terminal { self.expected[1] } else { by_side };
                if self.killing.is_none() && self.sent.iter().any(|sent| sent.seq == target) {
                    self.kill(target, Cause::Overflow, host);
                }
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
    fn settle(&mut self, queue: &mut VecDeque<Job>) {
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
