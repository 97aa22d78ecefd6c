//! Commands that may leave a process behind run in a shell of their own: what such a process prints later
//! cannot end up in another command's answer.

use std::sync::Arc;
use std::time::Duration;

use kensa_core::{Fault, Reason, Timestamp};
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use crate::frame::{Mark, Section};
use crate::host::Host;
use crate::job::{Cause, Job, Sent, no_shell};
use crate::link::Exit;
use crate::shell::{Event, Shell, Side};

/// How long an idle shell whose input was closed may take to end.
const FAREWELL: Duration = Duration::from_millis(500);

/// Runs `job` in a fresh shell and answers it.
pub(crate) async fn run(host: Arc<Host>, job: Job) {
    // An error means that the semaphore is closed, which it never is.
    let _place = host.alone.acquire().await;
    if job.is_cancelled() {
        return;
    }
    let mut shell = match host.open_again(None).await {
        Ok(shell) => shell,
        Err(error) => return job.answer(Err(no_shell(&error))),
    };
    let Some((seq, line)) = shell.next_line(&job.command) else {
        let message = "the command holds a NUL byte, which no shell can be given";
        return job.answer(Err(Fault::new(Reason::InvalidRule, message)));
    };
    let began = Some((Instant::now(), Timestamp::now()));
    let size = line.len();
    host.counters.commands.add(1);
    host.counters.round_trips.add(1);
    shell.send(line.into_bytes());
    let limit = job.timeout;
    let mut sent = Sent { seq, job, size, began, output: None, error: None };
    let how = tokio::select! {
        how = watch(&mut shell, &mut sent) => how,
        () = tokio::time::sleep(limit) => Outcome::Kill(Cause::Timeout),
    };
    let cancelled = sent.job.is_cancelled();
    match how {
        Outcome::Complete if !cancelled => {
            sent.complete();
            farewell(&host, shell).await;
        }
        Outcome::Complete | Outcome::Kill(_) => {
            host.counters.kills.add(1);
            if host.kill_shell(shell.pid).await.is_err() {
                warn!(host = host.link.host(), pid = shell.pid, "a command could not be stopped");
            }
            rest(&shell, &mut sent);
            sent.killed(if let Outcome::Kill(cause) = how { cause } else { Cause::Timeout });
        }
        Outcome::Ended(exit) => {
            rest(&shell, &mut sent);
            match exit {
                Exit::Status(status) => sent.shell_died(&format!("ended with status {status}")),
                Exit::Signal(signal) => sent.shell_died(&format!("was killed by SIG{signal}")),
                Exit::Lost => {
                    let message = format!("{}: the connection was lost", sent.job.title());
                    sent.job.answer(Err(Fault::new(Reason::ConnectionLost, message)));
                }
            }
        }
    }
}

enum Outcome {
    Complete,
    Kill(Cause),
    Ended(Exit),
}

async fn watch(shell: &mut Shell, sent: &mut Sent) -> Outcome {
    loop {
        let event = tokio::select! {
            event = shell.events.recv() => event,
            () = sent.job.reply.closed() => return Outcome::Kill(Cause::Timeout),
        };
        match event {
            Some(Event::Marked(section, Mark::End { seq, status, .. })) if seq == sent.seq => {
                sent.output = Some((section, status));
            }
            Some(Event::Marked(section, Mark::EndError { seq })) if seq == sent.seq => {
                sent.error = Some(section);
            }
            Some(Event::Overflow(_)) => return Outcome::Kill(Cause::Overflow),
            Some(Event::Eof) => {}
            Some(Event::Exit(exit)) => return Outcome::Ended(exit),
            Some(Event::Marked(..)) | None => return Outcome::Ended(Exit::Lost),
        }
        if sent.is_complete() {
            return Outcome::Complete;
        }
    }
}

/// Fills in what had come when the command was stopped.
fn rest(shell: &Shell, sent: &mut Sent) {
    if sent.output.is_none() {
        sent.output = Some((shell.open_section(Side::Output), 137));
    }
    if sent.error.is_none() {
        let error: Section = shell.open_section(Side::Error);
        sent.error = Some(error);
    }
}

/// Lets the shell end and looks whether somebody still holds its streams.
async fn farewell(host: &Host, mut shell: Shell) {
    shell.send(b"exit\n".to_vec());
    let mut open = 2;
    let ended = timeout(FAREWELL, async {
        while open > 0 {
            match shell.events.recv().await {
                Some(Event::Eof) => open -= 1,
                Some(_) => {}
                None => return,
            }
        }
    });
    if ended.await.is_err() {
        host.counters.left_behind.add(1);
        debug!(host = host.link.host(), pid = shell.pid, "a command left a process behind");
    }
}
