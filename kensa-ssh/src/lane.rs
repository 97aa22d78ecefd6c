//! The task that keeps a shell busy: sends commands ahead, pairs their answers, watches the time, and replaces the
//! shell when it is lost. Where many commands wait and the caller allows it, further shells take from the same queue.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kensa_core::{Fault, Reason, Timestamp};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;
use tracing::{debug, warn};

use crate::alone;
use crate::host::Host;
use crate::job::{Cause, Job, Sent, no_shell};
use crate::link::Exit;
use crate::protocol;
use crate::running::{End, Running};
use crate::shell::{Shell, Side};

pub(crate) enum Message {
    Jobs(Vec<Job>),
    /// Some jobs' callers went away.
    Cancelled,
    Close(oneshot::Sender<()>),
}

/// Commands that wait for a shell: whichever is free first takes them.
#[derive(Default)]
struct Queue {
    jobs: Mutex<VecDeque<Job>>,
    /// A shell beside the main one ended; it may have put commands back.
    ended: Notify,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Job>> {
        // Consistent between statements, so a poisoned lock is as good as another.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For each shell beside the main one, how many commands wait.
const MANY: usize = 64;

pub(crate) struct Lane {
    host: Arc<Host>,
    inbox: mpsc::UnboundedReceiver<Message>,
    queue: Arc<Queue>,
    running: Option<Running>,
    /// The connection known to be lost.
    lost: Option<u64>,
    part: Part,
}

enum Part {
    /// Lasts as long as the session.
    Main {
        /// The shells beside this one.
        others: Vec<mpsc::UnboundedSender<Message>>,
        /// Whether the host refused one.
        refused: Arc<AtomicBool>,
    },
    /// Lasts as long as its shell and the commands that wait.
    Beside,
}

impl Lane {
    /// Starts the task. `shell` is already open.
    pub(crate) fn spawn(host: Arc<Host>, shell: Shell) -> mpsc::UnboundedSender<Message> {
        let (outbox, inbox) = mpsc::unbounded_channel();
        let part = Part::Main { others: Vec::new(), refused: Arc::default() };
        tokio::spawn(Self::new(host, inbox, Arc::default(), shell, part).run());
        outbox
    }

    fn new(
        host: Arc<Host>,
        inbox: mpsc::UnboundedReceiver<Message>,
        queue: Arc<Queue>,
        shell: Shell,
        part: Part,
    ) -> Self {
        let running = Some(Running::new(shell, &host));
        Self { host, inbox, queue, running, lost: None, part }
    }

    async fn run(mut self) {
        loop {
            self.queue.lock().retain(|job| !job.is_cancelled());
            if self.running.is_none() {
                if matches!(self.part, Part::Beside) {
                    return;
                }
                let is_wanted = !self.queue.lock().is_empty();
                if is_wanted && !self.reopen().await {
                    continue;
                }
            }
            self.send_on();
            match &self.part {
                Part::Main { .. } => self.call_others(),
                Part::Beside if self.running.as_ref().is_none_or(|running| running.sent.is_empty()) => return,
                Part::Beside => {}
            }
            let end = tokio::select! {
                message = self.inbox.recv() => match message {
                    Some(Message::Jobs(jobs)) => {
                        self.queue.lock().extend(jobs);
                        None
                    }
                    Some(Message::Cancelled) => {
                        self.cancel();
                        None
                    }
                    Some(Message::Close(done)) => {
                        self.stop().await;
                        let _ = done.send(());
                        return;
                    }
                    None => {
                        self.cancel();
                        return;
                    }
                },
                end = Running::next(&mut self.running, &self.host) => end,
                () = self.queue.ended.notified(), if matches!(self.part, Part::Main { .. }) => None,
            };
            if let Some(end) = end {
                self.put_away(end).await;
            }
            if let Some(running) = &mut self.running {
                running.settle(&mut self.queue.lock());
            }
        }
    }

    /// Opens shells beside this one where many commands wait.
    fn call_others(&mut self) {
        let Part::Main { others, refused } = &mut self.part else { return };
        others.retain(|other| !other.is_closed());
        let wanted = (self.queue.lock().len() / MANY).min(self.host.shells() - 1);
        while others.len() < wanted && !refused.load(Ordering::Relaxed) {
            let (outbox, inbox) = mpsc::unbounded_channel();
            others.push(outbox);
            let (host, queue, refused) =
                (Arc::clone(&self.host), Arc::clone(&self.queue), Arc::clone(refused));
            tokio::spawn(async move {
                let mut inbox = inbox;
                let opened = tokio::select! {
                    opened = host.open_beside() => opened,
                    () = dismissed(&mut inbox) => return,
                };
                match opened {
                    Ok(shell) => Self::new(host, inbox, Arc::clone(&queue), shell, Part::Beside).run().await,
                    Err(error) => {
                        debug!(host = host.link.host(), %error, "no shell beside the main one");
                        refused.store(true, Ordering::Relaxed);
                    }
                }
                queue.ended.notify_one();
            });
        }
    }

    /// Ends the shell, and first what still runs in it.
    async fn stop(&mut self) {
        if let Part::Main { others, .. } = &mut self.part {
            self.queue.lock().clear();
            for other in others.drain(..) {
                let (done, closed) = oneshot::channel();
                if other.send(Message::Close(done)).is_ok() {
                    // An error means that it has ended already.
                    drop(closed.await);
                }
            }
        }
        let Some(running) = self.running.take() else { return };
        if !running.sent.is_empty() && self.host.kill_shell(running.shell.pid).await.is_err() {
            warn!(host = self.host.link.host(), "a command could not be stopped");
        }
    }

    /// Opens the shell anew; `false` when that failed and the queue was answered with the reason.
    async fn reopen(&mut self) -> bool {
        match self.host.open_again(self.lost).await {
            Ok(shell) => {
                self.running = Some(Running::new(shell, &self.host));
                self.lost = None;
                true
            }
            Err(error) => {
                debug!(host = self.host.link.host(), reason = error.reason.code(), "no shell");
                let fault = no_shell(&error);
                self.queue.lock().drain(..).for_each(|job| job.answer(Err(fault.clone())));
                false
            }
        }
    }

    /// Sends as much of the queue as the window allows.
    fn send_on(&mut self) {
        let Some(running) = &mut self.running else { return };
        if !running.wants_more() {
            return;
        }
        let was_idle = running.sent.is_empty();
        let mut batch = Vec::new();
        let mut queue = self.queue.lock();
        while let Some(job) = queue.front() {
            let alone = protocol::may_leave_processes(&job.command);
            if !alone && !running.has_room(job) {
                break;
            }
            let Some(job) = queue.pop_front() else { break };
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
        drop(queue);
        if !batch.is_empty() {
            if was_idle {
                self.host.counters.round_trips.add(1);
            }
            running.shell.send(batch);
        }
    }

    /// Stops what nobody waits for any more.
    fn cancel(&mut self) {
        if let Part::Main { others, .. } = &self.part {
            // Whoever has ended has nothing to cancel.
            others.iter().for_each(|other| drop(other.send(Message::Cancelled)));
        }
        self.queue.lock().retain(|job| !job.is_cancelled());
        let concerned = |running: &Running| running.sent.iter().any(|sent| sent.job.is_cancelled());
        let Some(running) = self.running.take_if(|running| concerned(running)) else { return };
        let Running { shell, sent, .. } = running;
        let kept = sent.into_iter().map(|sent| sent.job).filter(|job| !job.is_cancelled());
        let (once, again): (Vec<Job>, Vec<Job>) = kept.partition(|job| job.once);
        for job in once {
            let message = "the command ran beside a cancelled one and was stopped with it";
            job.answer(Err(Fault::new(Reason::Cancelled, message)));
        }
        requeue(&mut self.queue.lock(), again);
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
        running.settle(&mut self.queue.lock());
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
                requeue(&mut self.queue.lock(), again.collect());
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
                requeue(&mut self.queue.lock(), sent.into_iter().map(|sent| sent.job).collect());
            }
            End::Stuck => {
                let (pid, generation) = (shell.pid, shell.generation);
                let cause = killing.map_or(Cause::Timeout, |killing| killing.cause);
                let at = sent.iter().position(is_target).unwrap_or(0);
                sent.remove(at).into_iter().for_each(|target| target.killed(cause));
                requeue(&mut self.queue.lock(), sent.into_iter().map(|sent| sent.job).collect());
                drop(shell);
                if self.host.kill_shell_anyhow(pid, generation).await.is_err() {
                    warn!(host = self.host.link.host(), pid, "a hung command could not be stopped");
                }
            }
        }
    }
}

/// Waits until nobody wants the shell any more.
async fn dismissed(inbox: &mut mpsc::UnboundedReceiver<Message>) {
    loop {
        match inbox.recv().await {
            Some(Message::Close(done)) => {
                let _ = done.send(());
                return;
            }
            Some(_) => {}
            None => return,
        }
    }
}

/// Puts jobs back where they were: before all that was not sent yet.
fn requeue(queue: &mut VecDeque<Job>, jobs: Vec<Job>) {
    jobs.into_iter().rev().for_each(|job| queue.push_front(job));
}
