//! A transport written in JavaScript.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use kensa::{RanCommand, RunCommand, RunError};
use napi::Status;
use napi::bindgen_prelude::{FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use tokio::sync::oneshot;

use crate::options::NativeHabits;

/// Starts a command: its number, its text, its limit in milliseconds. Weak: an idle session does not keep Node alive.
type Start =
    ThreadsafeFunction<FnArgs<(u32, String, f64)>, (), FnArgs<(u32, String, f64)>, Status, false, true>;
/// Says that nobody waits for a command any more.
type Stop = ThreadsafeFunction<u32, (), u32, Status, false, true>;
type Answer = Result<RanCommand, RunError>;

/// Calls into JavaScript and waits there for nothing: the answer comes back through [`NativeAnswers`].
pub(crate) struct Runner {
    host: String,
    habits: NativeHabits,
    start: Start,
    stop: Stop,
    next: AtomicU32,
    running: Mutex<HashMap<u32, oneshot::Sender<Answer>>>,
}

impl Runner {
    /// Must be called on Node's thread.
    pub(crate) fn new(
        host: String,
        habits: NativeHabits,
        start: Function<'_, FnArgs<(u32, String, f64)>, ()>,
        stop: Function<'_, u32, ()>,
    ) -> napi::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            host,
            habits,
            start: start.build_threadsafe_function().weak::<true>().build()?,
            stop: stop.build_threadsafe_function().weak::<true>().build()?,
            next: AtomicU32::new(0),
            running: Mutex::default(),
        }))
    }

    /// The answer to a command; one that came too late is dropped.
    pub(crate) fn answer(&self, number: u32, answer: Answer) {
        if let Some(waiting) = self.running().remove(&number) {
            // An error means that nobody waits any more.
            drop(waiting.send(answer));
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<u32, oneshot::Sender<Answer>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RunCommand for Runner {
    fn host(&self) -> &str {
        &self.host
    }

    fn takes_scripts(&self) -> bool {
        self.habits.takes_scripts
    }

    fn wants_bare_commands(&self) -> bool {
        self.habits.bare_commands
    }

    fn wants_single_questions(&self) -> bool {
        self.habits.single_questions
    }

    async fn run(&self, command: &str, timeout: Duration) -> Answer {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        self.running().insert(number, answer);
        // Tells JavaScript when the answer is no longer wanted: out of time, or cancelled.
        let _abandon = Abandon { runner: self, number };
        let limit = timeout.as_secs_f64() * 1000.0;
        let call = FnArgs::from((number, command.to_owned(), limit));
        if self.start.call(call, ThreadsafeFunctionCallMode::NonBlocking) != Status::Ok {
            return Err(RunError::ConnectionLost(format!("{}: the transport's thread has ended", self.host)));
        }
        match tokio::time::timeout(timeout, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(RunError::ConnectionLost(format!("{}: the transport was closed", self.host))),
            Err(_) => {
                let message = format!("{}: no answer within {} s", self.host, timeout.as_secs_f64());
                Err(RunError::TimedOut(message))
            }
        }
    }
}

/// Where the answers of a transport written in JavaScript go. It does not keep the session: the transport's functions
/// hold it, and the session holds them.
#[napi]
#[derive(Debug)]
pub struct NativeAnswers(Weak<Runner>);

#[napi]
impl NativeAnswers {
    /// The answer to a command.
    #[napi]
    pub fn answer(&self, number: u32, exit_code: i32, stdout: &[u8], stderr: &[u8]) {
        if let Some(runner) = self.0.upgrade() {
            let (stdout, stderr) = (stdout.to_vec(), stderr.to_vec());
            runner.answer(number, Ok(RanCommand { exit_code, stdout, stderr }));
        }
    }

    /// Why a command has no answer. `kind` is `lost`, `timeout` or anything else.
    #[napi]
    pub fn fail(&self, number: u32, kind: String, message: String) {
        if let Some(runner) = self.0.upgrade() {
            let error = match kind.as_str() {
                "lost" => RunError::ConnectionLost(message),
                "timeout" => RunError::TimedOut(message),
                _ => RunError::Other(message),
            };
            runner.answer(number, Err(error));
        }
    }
}

impl NativeAnswers {
    pub(crate) fn new(runner: Weak<Runner>) -> Self {
        Self(runner)
    }
}

struct Abandon<'a> {
    runner: &'a Runner,
    number: u32,
}

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        if self.runner.running().remove(&self.number).is_some() {
            self.runner.stop.call(self.number, ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("host", &self.host).finish_non_exhaustive()
    }
}
