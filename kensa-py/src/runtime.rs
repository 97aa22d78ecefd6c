//! The tokio runtime behind all sessions of this process, and the queue of what its threads have to say.
//!
//! Both are made on first use. Threads do not survive `fork`, so a child that finds its parent's makes its
//! own; the parent's are left alone, as its locks may be held by threads the child does not have.

use std::sync::OnceLock;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::log::Queue;

/// How many generations of processes, each the fork of the one before and each using the engine, are served.
const GENERATIONS: usize = 64;

static ENGINES: [OnceLock<Engine>; GENERATIONS] = [const { OnceLock::new() }; GENERATIONS];

struct Engine {
    pid: u32,
    runtime: Runtime,
    log: Queue,
}

/// The runtime of this process.
pub(crate) fn handle() -> PyResult<Handle> {
    let pid = std::process::id();
    for slot in &ENGINES {
        if let Some(engine) = slot.get() {
            if engine.pid == pid {
                return Ok(engine.runtime.handle().clone());
            }
            continue;
        }
        let runtime = build()
            .map_err(|error| PyRuntimeError::new_err(format!("no threads for the engine: {error}")))?;
        // Another thread may have been faster; its runtime is then this process's.
        if let Err(surplus) = slot.set(Engine { pid, runtime, log: Queue::default() }) {
            surplus.runtime.shutdown_background();
        }
        return handle();
    }
    Err(PyRuntimeError::new_err(format!(
        "the engine was used in {GENERATIONS} processes forked from each other"
    )))
}

/// Gives back the memory of `value` on a thread of the engine: for the results of a scan it takes a quarter of the
/// time their conversion took.
pub(crate) fn forget<T: Send + 'static>(value: T) {
    if let Some(engine) = engine() {
        drop(engine.runtime.spawn(async move { drop(value) }));
    }
}

/// The engine of this process; `None` before it is used.
fn engine() -> Option<&'static Engine> {
    let pid = std::process::id();
    ENGINES.iter().map_while(OnceLock::get).find(|engine| engine.pid == pid)
}

/// The queue of this process; `None` before the runtime is used.
pub(crate) fn log() -> Option<&'static Queue> {
    engine().map(|engine| &engine.log)
}

fn build() -> std::io::Result<Runtime> {
    // Before there are threads: a process may be forked while they work.
    kensa::prepare();
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    Builder::new_multi_thread().worker_threads(cores.clamp(2, 8)).thread_name("kensa").enable_all().build()
}
