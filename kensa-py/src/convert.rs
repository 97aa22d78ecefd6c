//! Engine values to Python objects, built directly: the way over JSON text takes twice as long.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use kensa::check::Source;
use kensa::{CheckResult, Evidence, Facts, HostScan, Output, Platform, Status, Timestamp};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDateTime, PyDict, PyList, PyNone, PyString, PyTuple, PyType, PyTzInfo};

use crate::failure::Failure;
use crate::report::Report;
use crate::session::Session;
use crate::task::{Item, Outcome};

/// What all results of one scan share.
pub(crate) struct Surroundings {
    /// `host_context` without the variables, once the host is known.
    context: PyOnceLock<Py<PyDict>>,
    /// Times by milliseconds: a scan's results have few different ones.
    times: Mutex<HashMap<i64, Py<PyAny>>>,
}

/// Times that are remembered of one scan.
const TIMES: usize = 4096;

impl Surroundings {
    pub(crate) fn new() -> Self {
        Self { context: PyOnceLock::new(), times: Mutex::default() }
    }

    /// Takes what is known of the host.
    pub(crate) fn know(
        &self,
        py: Python<'_>,
        platform: Option<&Platform>,
        capabilities: &BTreeMap<String, bool>,
    ) -> PyResult<()> {
        self.context.get_or_try_init(py, || {
            let platform = match platform {
                None => py.None(),
                Some(platform) => {
                    let dict = PyDict::new(py);
                    dict.set_item("id", &platform.id)?;
                    dict.set_item("family", &platform.family)?;
                    dict.set_item("major", platform.major)?;
                    dict.set_item("version_id", &platform.version_id)?;
                    dict.set_item("pretty_name", &platform.pretty_name)?;
                    dict.into_any().unbind()
                }
            };
            let present = capabilities.iter().filter(|(_, present)| **present).map(|(name, _)| name);
            let context = PyDict::new(py);
            context.set_item("platform", platform)?;
            context.set_item("capabilities", PyList::new(py, present.collect::<Vec<_>>())?)?;
            context.set_item("variables", py.None())?;
            context.set_item("engine_version", kensa::ENGINE_VERSION)?;
            Ok::<_, PyErr>(context.unbind())
        })?;
        Ok(())
    }

    /// The context of a result with these variables.
    fn of<'py>(&self, py: Python<'py>, variables: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        let Some(shared) = self.context.get(py) else { return Ok(PyNone::get(py).to_owned().into_any()) };
        let context = shared.bind(py).copy()?;
        context.set_item(pyo3::intern!(py, "variables"), variables.copy()?)?;
        Ok(context.into_any())
    }

    fn time<'py>(&self, py: Python<'py>, at: Timestamp) -> PyResult<Bound<'py, PyAny>> {
        let times = || self.times.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = times().get(&at.as_millis()) {
            return Ok(known.bind(py).clone());
        }
        // Not under the lock: Python may let another thread run meanwhile.
        let made = time(py, at)?;
        let mut times = times();
        if times.len() < TIMES {
            times.insert(at.as_millis(), made.clone().unbind());
        }
        Ok(made)
    }
}

/// The classes results are made of.
struct Classes {
    result: Py<PyType>,
    evidence: Py<PyType>,
    evidence_list: Py<PyType>,
    source: Py<PyType>,
}

fn classes(py: Python<'_>) -> PyResult<&'static Classes> {
    static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();
    CLASSES.get_or_try_init(py, || {
        let types = py.import("kensa.types")?;
        let class = |name: &str| -> PyResult<Py<PyType>> {
            Ok(types.getattr(name)?.cast_into::<PyType>().map_err(PyErr::from)?.unbind())
        };
        Ok(Classes {
            result: class("RuleResult")?,
            evidence: class("Evidence")?,
            evidence_list: class("EvidenceList")?,
            source: class("Source")?,
        })
    })
}

/// An item as the tuple the Python side reads: its kind, then its parts. Results go to `spent` afterwards.
pub(crate) fn item<'py>(
    py: Python<'py>,
    item: Item,
    surroundings: &Arc<Surroundings>,
    spent: &mut Vec<CheckResult>,
) -> PyResult<Bound<'py, PyTuple>> {
    match item {
        Item::Detected(facts) => {
            surroundings.know(py, facts.platform.as_ref(), &facts.capabilities)?;
            ("detected", facts_parts(py, &facts)?).into_pyobject(py)
        }
        Item::Progress(answered, planned) => ("progress", answered, planned).into_pyobject(py),
        Item::Result(one) => {
            let made = ("result", result(py, &one, surroundings)?).into_pyobject(py);
            spent.push(*one);
            made
        }
        Item::Host(one) => host(py, *one),
        Item::Request { id, command, timeout } => {
            ("request", id, command, timeout.as_secs_f64()).into_pyobject(py)
        }
        Item::Withdrawn(id) => ("withdrawn", id).into_pyobject(py),
        Item::End(Ok(outcome)) => ("done", end(py, outcome, surroundings)?).into_pyobject(py),
        Item::End(Err(Failure { kind, reason, message })) => {
            ("failed", kind, reason, text(&message)).into_pyobject(py)
        }
    }
}

fn end<'py>(
    py: Python<'py>,
    outcome: Outcome,
    surroundings: &Arc<Surroundings>,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(match outcome {
        Outcome::Nothing => PyNone::get(py).to_owned().into_any(),
        Outcome::Session(session) => Bound::new(py, Session::connected(*session))?.into_any(),
        Outcome::Output(output) => output_parts(py, &output)?.into_any(),
        Outcome::Facts(facts) => facts_parts(py, &facts)?.into_any(),
        Outcome::Report(report) => {
            Bound::new(py, Report::new(py, *report, Arc::clone(surroundings))?)?.into_any()
        }
        Outcome::Plan(json) => PyString::new(py, &json).into_any(),
        Outcome::Reachable { reached, latency, banner, reason, message } => {
            (reached, latency.map(|time| time.as_secs_f64()), banner, reason, message)
                .into_pyobject(py)?
                .into_any()
        }
    })
}

fn output_parts<'py>(py: Python<'py>, output: &Output) -> PyResult<Bound<'py, PyTuple>> {
    (
        output.exit_code,
        PyBytes::new(py, &output.stdout),
        PyBytes::new(py, &output.stderr),
        output.stdout_total,
        output.stderr_total,
        millis(output.elapsed),
    )
        .into_pyobject(py)
}

pub(crate) fn platform_parts<'py>(
    py: Python<'py>,
    platform: Option<&Platform>,
) -> PyResult<Bound<'py, PyAny>> {
    let Some(platform) = platform else { return Ok(PyNone::get(py).to_owned().into_any()) };
    let parts = (&platform.family, platform.major, &platform.id, &platform.version_id, &platform.pretty_name);
    Ok(parts.into_pyobject(py)?.into_any())
}

/// Platform, capabilities and what could not be determined.
fn facts_parts<'py>(py: Python<'py>, facts: &Facts) -> PyResult<Bound<'py, PyTuple>> {
    let platform = platform_parts(py, facts.platform.as_ref())?;
    (platform, &facts.capabilities, &facts.undetermined).into_pyobject(py)
}

/// `host`, its place among the targets, and its report or what a `failed` item holds.
fn host<'py>(py: Python<'py>, host: HostScan) -> PyResult<Bound<'py, PyTuple>> {
    match host.outcome {
        Ok(report) => {
            let report = Report::new(py, report, Arc::new(Surroundings::new()))?;
            ("host", host.index, report, py.None()).into_pyobject(py)
        }
        Err(error) => {
            let Failure { kind, reason, message } = error.into();
            ("host", host.index, py.None(), ("failed", kind, reason, text(&message))).into_pyobject(py)
        }
    }
}

/// A `RuleResult`. The order of the arguments is that of the dataclass.
pub(crate) fn result<'py>(
    py: Python<'py>,
    one: &CheckResult,
    surroundings: &Surroundings,
) -> PyResult<Bound<'py, PyAny>> {
    let none = || PyNone::get(py).to_owned().into_any();
    let optional = |value: Option<&str>| value.map_or_else(none, |value| string(py, value));
    let flag = |value: bool| value.into_pyobject(py).map(|value| value.to_owned().into_any());
    let skipped = one.status == Status::Skipped;
    let failed_to_tell = one.status == Status::Error;
    let detail = if failed_to_tell { format!("Error: {}", one.detail) } else { one.detail.clone() };
    let skip_reason = match (&one.reason, one.detail.is_empty()) {
        (Some(reason), true) => reason.code(),
        _ => &one.detail,
    };
    let flat = PyDict::new(py);
    for (framework, ids) in &one.framework_refs {
        match ids.as_slice() {
            [only] => flat.set_item(name(py, framework), name(py, only))?,
            several => flat.set_item(name(py, framework), several.join(", "))?,
        }
    }
    let variables = PyDict::new(py);
    for (variable, value) in &one.variables {
        variables.set_item(name(py, variable), string(py, value))?;
    }
    let context = surroundings.of(py, &variables)?;
    let moment = |at: Option<Timestamp>| at.map_or_else(|| Ok(none()), |at| surroundings.time(py, at));
    let arguments = [
        string(py, &one.rule_id),
        string(py, &one.title),
        name(py, one.severity.name()),
        name(py, &one.category),
        flag(one.status == Status::Pass)?,
        flag(skipped)?,
        if skipped { string(py, skip_reason) } else { none() },
        string(py, &detail),
        if failed_to_tell { string(py, &one.detail) } else { none() },
        evidence(py, one, surroundings)?,
        flat.into_any(),
        optional(one.framework_section.as_deref()),
        optional(one.actual_value.as_deref()),
        optional(one.expected_value.as_deref()),
        optional(one.implementation_used.as_deref()),
        one.check_method.as_deref().map_or_else(none, |method| name(py, method)),
        one.duration_ms.into_pyobject(py)?,
        moment(one.started_at)?,
        moment(one.completed_at)?,
        name(py, &one.host),
        context,
        one.reason.map_or_else(none, |reason| name(py, reason.code())),
        one.source.as_ref().map_or_else(|| Ok(none()), |at| source(py, at))?,
        variables.into_any(),
    ];
    classes(py)?.result.bind(py).call1(PyTuple::new(py, arguments)?)
}

fn evidence<'py>(
    py: Python<'py>,
    one: &CheckResult,
    surroundings: &Surroundings,
) -> PyResult<Bound<'py, PyAny>> {
    match one.evidence.as_slice() {
        [] => Ok(PyNone::get(py).to_owned().into_any()),
        [only] => piece(py, only, surroundings),
        several => {
            let list = PyList::empty(py);
            for item in several {
                list.append(piece(py, item, surroundings)?)?;
            }
            let deciding = several.iter().position(|item| {
                one.check_method.as_ref() == Some(&item.method)
                    && one.expected_value.as_ref() == Some(&item.expected)
                    && one.actual_value.as_ref() == Some(&item.actual)
            });
            let keywords = PyDict::new(py);
            keywords.set_item(pyo3::intern!(py, "deciding"), deciding.unwrap_or(0))?;
            classes(py)?.evidence_list.bind(py).call((list,), Some(&keywords))
        }
    }
}

fn piece<'py>(py: Python<'py>, item: &Evidence, surroundings: &Surroundings) -> PyResult<Bound<'py, PyAny>> {
    let flag = |value: bool| value.into_pyobject(py).map(|value| value.to_owned().into_any());
    let arguments = [
        name(py, &item.method),
        string(py, &item.command),
        string(py, &item.stdout),
        string(py, &item.stderr),
        item.exit_code.into_pyobject(py)?.into_any(),
        string(py, &item.expected),
        string(py, &item.actual),
        surroundings.time(py, item.timestamp)?,
        item.duration_ms.into_pyobject(py)?.into_any(),
        item.via.as_deref().map_or_else(|| PyNone::get(py).to_owned().into_any(), |via| string(py, via)),
        item.stdout_bytes.into_pyobject(py)?,
        item.stderr_bytes.into_pyobject(py)?,
        flag(item.redacted)?,
        flag(item.lossy)?,
    ];
    classes(py)?.evidence.bind(py).call1(PyTuple::new(py, arguments)?)
}

fn source<'py>(py: Python<'py>, source: &Source) -> PyResult<Bound<'py, PyAny>> {
    classes(py)?.source.bind(py).call1((text(&source.path), source.line))
}

/// Text without NUL: databases refuse it.
pub(crate) fn text(value: &str) -> Cow<'_, str> {
    if value.contains('\0') { Cow::Owned(value.replace('\0', "")) } else { Cow::Borrowed(value) }
}

fn string<'py>(py: Python<'py>, value: &str) -> Bound<'py, PyAny> {
    PyString::new(py, &text(value)).into_any()
}

/// A text that occurs many times: one object for all of them.
fn name<'py>(py: Python<'py>, value: &str) -> Bound<'py, PyAny> {
    PyString::intern(py, &text(value)).into_any()
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A timezone-aware `datetime` in UTC.
pub(crate) fn time<'py>(py: Python<'py>, at: Timestamp) -> PyResult<Bound<'py, PyAny>> {
    let utc = PyTzInfo::utc(py)?.to_owned();
    // Exact: milliseconds of any year a clock shows need fewer bits than a float has.
    let seconds = at.as_millis() as f64 / 1000.0;
    Ok(PyDateTime::from_timestamp(py, seconds, Some(&utc))?.into_any())
}
