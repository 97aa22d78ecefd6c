//! One running operation, seen from Python.
//!
//! The operation runs on the engine's threads and puts what happens into a queue; Python takes it from there,
//! by waiting (the calling thread, without the interpreter lock) or from an event loop (through a [`Hub`]).
//! No thread of the engine ever enters the interpreter, so `fork`, signals and shutdown have nothing to meet.

use std::collections::{HashMap, VecDeque};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use kensa::{CheckResult, Facts, HostScan, Output, ScanReport, Session};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyList;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::convert::{self, Surroundings};
use crate::failure::Failure;
use crate::runner::Reply;
use crate::runtime;

/// Something that happened.
pub(crate) enum Item {
    /// The host is known.
    Detected(Arc<Facts>),
    /// Probes answered and known to be needed.
    Progress(usize, usize),
    /// A rule is settled.
    Result(Box<CheckResult>),
    /// A host of a fleet is settled.
    Host(Box<HostScan>),
    /// A supplied transport is to run a command.
    Request { id: u64, command: String, timeout: Duration },
    /// A request nobody waits for any more.
    Withdrawn(u64),
    /// The end; nothing follows.
    End(Result<Outcome, Failure>),
}

/// What an operation gives in the end.
pub(crate) enum Outcome {
    Nothing,
    Session(Box<Session>),
    Output(Box<Output>),
    Facts(Arc<Facts>),
    Report(Box<ScanReport>),
    /// A plan, as JSON.
    Plan(String),
    Reachable {
        reached: bool,
        latency: Option<Duration>,
        banner: Option<String>,
        reason: &'static str,
        message: String,
    },
}

/// The queue between an operation and Python.
pub(crate) struct Shared {
    id: u64,
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    ended: bool,
    /// Whether the hub was told of what is in `items`.
    announced: bool,
    hub: Option<Arc<Board>>,
    replies: HashMap<u64, oneshot::Sender<Reply>>,
    requests: u64,
}

impl Shared {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), state: Mutex::default(), news: Condvar::new() }
    }

    /// Puts `item` into the queue, unless the end is there already.
    pub(crate) fn push(&self, item: Item) {
        let mut state = self.lock();
        if state.ended {
            return;
        }
        if let Item::End(_) = &item {
            state.ended = true;
            state.replies.clear();
        }
        state.items.push_back(item);
        let hub = if state.announced { None } else { state.hub.clone() };
        state.announced |= hub.is_some();
        drop(state);
        self.news.notify_all();
        if let Some(hub) = hub {
            hub.announce(self.id);
        }
    }

    /// Asks the Python side to run `command`; the reply arrives on the channel.
    pub(crate) fn request(&self, command: &str, timeout: Duration) -> (u64, oneshot::Receiver<Reply>) {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.lock();
        state.requests += 1;
        let id = state.requests;
        if !state.ended {
            state.replies.insert(id, sender);
        }
        drop(state);
        self.push(Item::Request { id, command: command.to_owned(), timeout });
        (id, receiver)
    }

    /// Forgets a request whose answer nobody waits for.
    pub(crate) fn withdraw(&self, id: u64) {
        if self.lock().replies.remove(&id).is_some() {
            self.push(Item::Withdrawn(id));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between statements, so a poisoned lock is as good as another.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, limit: usize) -> Vec<Item> {
        let mut state = self.lock();
        let count = state.items.len().min(limit);
        let items = state.items.drain(..count).collect();
        if state.items.is_empty() {
            state.announced = false;
        }
        items
    }

    /// Waits until there is something to take, or the end where `whole` is asked for.
    fn wait(&self, limit: Duration, whole: bool) {
        let until = Instant::now() + limit;
        let mut state = self.lock();
        while if whole { !state.ended } else { state.items.is_empty() } {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// A running operation. Dropping it cancels the operation.
#[pyclass(frozen, module = "kensa._native")]
pub(crate) struct Task {
    shared: Arc<Shared>,
    abort: AbortHandle,
    pid: u32,
    surroundings: Arc<Surroundings>,
    released: AtomicBool,
}

impl Task {
    /// Starts `operation` on the engine's threads.
    pub(crate) fn start<F, Fut>(operation: F) -> PyResult<Self>
    where
        F: FnOnce(Arc<Shared>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Outcome, Failure>> + Send + 'static,
    {
        let shared = Arc::new(Shared::new());
        let queue = Arc::clone(&shared);
        let work = async move {
            let guarded =
                AssertUnwindSafe(async { operation(Arc::clone(&queue)).await }).catch_unwind().await;
            let end = guarded.unwrap_or_else(|payload| Err(Failure::panicked(&*payload)));
            queue.push(Item::End(end));
        };
        let abort = runtime::handle()?.spawn(work).abort_handle();
        Ok(Self {
            shared,
            abort,
            pid: std::process::id(),
            surroundings: Arc::new(Surroundings::new()),
            released: AtomicBool::new(false),
        })
    }

    fn check_process(&self) -> PyResult<()> {
        if self.pid == std::process::id() {
            return Ok(());
        }
        Err(PyRuntimeError::new_err("the operation belongs to the process this one was forked from"))
    }

    fn convert<'py>(&self, py: Python<'py>, items: Vec<Item>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        let mut spent = Vec::new();
        for item in items {
            list.append(convert::item(py, item, &self.surroundings, &mut spent)?)?;
        }
        if !spent.is_empty() {
            runtime::forget(spent);
        }
        Ok(list)
    }
}

#[pymethods]
impl Task {
    /// A number that is unique in this process.
    #[getter]
    fn id(&self) -> u64 {
        self.shared.id
    }

    /// Waits at most `seconds`, without the interpreter lock, and takes at most `limit` items; with `whole`
    /// it waits for the end.
    fn wait<'py>(
        &self,
        py: Python<'py>,
        seconds: f64,
        whole: bool,
        limit: usize,
    ) -> PyResult<Bound<'py, PyList>> {
        self.check_process()?;
        let limit_of_time = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        py.detach(|| self.shared.wait(limit_of_time, whole));
        self.convert(py, self.shared.take(limit))
    }

    /// Takes at most `limit` items without waiting.
    fn poll<'py>(&self, py: Python<'py>, limit: usize) -> PyResult<Bound<'py, PyList>> {
        self.check_process()?;
        self.convert(py, self.shared.take(limit))
    }

    /// From now on `hub` is told when there is something to take.
    fn attach(&self, hub: &Hub) -> PyResult<()> {
        self.check_process()?;
        let mut state = self.shared.lock();
        state.hub = Some(Arc::clone(&hub.board));
        let already = !state.items.is_empty() && !state.announced;
        state.announced |= already;
        drop(state);
        if already {
            hub.board.announce(self.shared.id);
        }
        Ok(())
    }

    /// Gives a supplied transport's answer to a request.
    fn answer(&self, id: u64, exit_code: i32, stdout: &[u8], stderr: &[u8]) -> PyResult<()> {
        self.check_process()?;
        self.reply(id, Ok((exit_code, stdout.to_vec(), stderr.to_vec())));
        Ok(())
    }

    /// Says why a supplied transport has no answer: `kind` is `lost`, `timeout` or `other`.
    fn refuse(&self, id: u64, kind: String, message: String) -> PyResult<()> {
        self.check_process()?;
        self.reply(id, Err((kind, message)));
        Ok(())
    }

    /// Lets the operation run to its end also when nobody waits for it.
    fn release(&self) {
        self.released.store(true, Ordering::Relaxed);
    }

    /// Stops what the operation runs on the host, at the end of the program: who waits is not woken any more.
    fn abandon(&self) {
        if self.pid == std::process::id() {
            self.abort.abort();
        }
    }

    /// Stops the operation and what it runs on the host. Idempotent.
    fn cancel(&self) {
        if self.pid == std::process::id() {
            self.abort.abort();
            self.shared.push(Item::End(Err(Failure::cancelled())));
        }
    }
}

impl Task {
    fn reply(&self, id: u64, reply: Reply) {
        let sender = self.shared.lock().replies.remove(&id);
        if let Some(sender) = sender {
            // The operation may have stopped waiting meanwhile.
            drop(sender.send(reply));
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if !self.released.load(Ordering::Relaxed) {
            self.cancel();
        }
    }
}

/// Ids of tasks with news, and the wake-up of the event loop that reads them.
struct Board {
    ready: Mutex<Vec<u64>>,
    bell: UnixStream,
}

impl Board {
    fn announce(&self, id: u64) {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        ready.push(id);
        if ready.len() == 1 {
            // A full pipe rings already; a closed one has nobody to wake.
            drop((&self.bell).write(&[1]));
        }
    }
}

/// Where an event loop learns which tasks have news: a descriptor that becomes readable.
#[pyclass(frozen, module = "kensa._native")]
pub(crate) struct Hub {
    board: Arc<Board>,
    bell: UnixStream,
}

#[pymethods]
impl Hub {
    #[new]
    fn new() -> PyResult<Self> {
        let (ring, bell) = UnixStream::pair()?;
        ring.set_nonblocking(true)?;
        bell.set_nonblocking(true)?;
        Ok(Self { board: Arc::new(Board { ready: Mutex::default(), bell: ring }), bell })
    }

    /// The descriptor to watch for reading.
    fn fileno(&self) -> i32 {
        self.bell.as_raw_fd()
    }

    /// The ids of tasks with news since the last call.
    fn take(&self) -> Vec<u64> {
        let mut buffer = [0; 64];
        while matches!((&self.bell).read(&mut buffer), Ok(count) if count == buffer.len()) {}
        std::mem::take(&mut *self.board.ready.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
