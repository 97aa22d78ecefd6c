//! The tokio runtime behind all sessions of this process.
//!
//! It is made on first use. Threads do not survive `fork`, so a child that finds its parent's runtime makes
//! one of its own; the parent's is left alone, as its locks may be held by threads the child does not have.

use std::sync::OnceLock;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};

/// How many generations of processes, each the fork of the one before and each using the engine, are served.
const GENERATIONS: usize = 64;

static RUNTIMES: [OnceLock<(u32, Runtime)>; GENERATIONS] = [const { OnceLock::new() }; GENERATIONS];

/// The runtime of this process.
pub(crate) fn handle() -> PyResult<Handle> {
    let pid = std::process::id();
    for slot in &RUNTIMES {
        if let Some((owner, runtime)) = slot.get() {
            if *owner == pid {
                return Ok(runtime.handle().clone());
            }
            continue;
        }
        let made = build()
            .map_err(|error| PyRuntimeError::new_err(format!("no threads for the engine: {error}")))?;
        // Another thread may have been faster; its runtime is then this process's.
        match slot.set((pid, made)) {
            Ok(()) => {}
            Err((_, surplus)) => surplus.shutdown_background(),
        }
        return handle();
    }
    Err(PyRuntimeError::new_err(format!(
        "the engine was used in {GENERATIONS} processes forked from each other"
    )))
}

fn build() -> std::io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    Builder::new_multi_thread().worker_threads(cores.clamp(2, 8)).thread_name("kensa").enable_all().build()
}
