//! `kensa._native`: the engine for Python. Everything a person calls is written in Python on top of this.

mod content;
mod convert;
mod failure;
mod fleet;
mod guard;
mod log;
mod preview;
mod report;
mod runner;
mod runtime;
mod session;
mod task;

/// The native half of the package; not a public interface.
#[pyo3::pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::content::{
        Corpus, canonical, capabilities, cli, fingerprint, formats, load, load_text, load_variables, panic,
        render, yaml_to_json,
    };
    #[pymodule_export]
    use crate::fleet::start_fleet;
    #[pymodule_export]
    use crate::log::{log_level, take_log};
    #[pymodule_export]
    use crate::preview::{start_plan, validate};
    #[pymodule_export]
    use crate::report::Report;
    #[pymodule_export]
    use crate::session::{Session, Target, start_local, start_reachable};
    #[pymodule_export]
    use crate::task::{Hub, Task};

    /// Version of the engine.
    #[pymodule_export]
    const ENGINE_VERSION: &str = kensa::ENGINE_VERSION;

    #[pymodule_init]
    fn init(_module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::guard::silence();
        crate::log::listen();
        Ok(())
    }
}
