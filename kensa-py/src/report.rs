//! The report of a scan. It stays the engine's until Python asks for its results: who took them one by one needs no
//! second set of objects, and Python's garbage collector has nothing to walk through.

use std::sync::Arc;

use kensa::ScanReport;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::convert::{self, Surroundings};
use crate::runtime;

/// A report as the engine made it.
#[pyclass(frozen, module = "kensa._native")]
pub(crate) struct Report {
    report: Arc<ScanReport>,
    surroundings: Arc<Surroundings>,
}

impl Drop for Report {
    fn drop(&mut self) {
        runtime::forget(Arc::clone(&self.report));
    }
}

impl Report {
    pub(crate) fn new(py: Python<'_>, report: ScanReport, surroundings: Arc<Surroundings>) -> PyResult<Self> {
        surroundings.know(py, report.platform.as_ref(), &report.capabilities)?;
        Ok(Self { report: Arc::new(report), surroundings })
    }
}

#[pymethods]
impl Report {
    /// Everything but the results.
    fn head<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let report = &self.report;
        let json = |error: serde_json::Error| PyValueError::new_err(error.to_string());
        let timings = report.timings.as_ref().map(serde_json::to_string).transpose().map_err(json)?;
        (
            &report.schema_version,
            &report.engine_version,
            convert::text(&report.host),
            convert::platform_parts(py, report.platform.as_ref())?,
            &report.capabilities,
            &report.undetermined_capabilities,
            &report.remarks,
            convert::time(py, report.started_at)?,
            convert::time(py, report.completed_at)?,
            (report.completeness.planned, report.completeness.answered, report.completeness.unanswered),
            timings,
        )
            .into_pyobject(py)
    }

    /// The rules' ids, in the order of the results.
    fn rule_ids<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.report.results.iter().map(|one| &one.rule_id))
    }

    /// The results, made anew at each call.
    fn results<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for one in &self.report.results {
            list.append(convert::result(py, one, &self.surroundings)?)?;
        }
        Ok(list)
    }
}
