//! Panics end here: Python sees an ordinary exception.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::failure::Failure;

/// Runs `work`; a panic in it is an exception of class `kensa.errors.InternalError`.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> PyResult<T> {
    // While this thread still has the interpreter, so that no other one forks meanwhile.
    kensa::prepare();
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| internal(Failure::panicked(&*payload).message))
}

fn internal(message: String) -> PyErr {
    Python::attach(|py| {
        let class = py.import("kensa.errors").and_then(|errors| errors.getattr("InternalError"));
        class
            .and_then(|class| class.call1((message.as_str(),)))
            .map_or_else(|_| PyRuntimeError::new_err(message.clone()), PyErr::from_value)
    })
}

/// Panics print nothing: what they say is in the exception.
pub(crate) fn silence() {
    std::panic::set_hook(Box::new(|_| {}));
}
