//! Why an operation failed, in the words the Python side turns into an exception.

use kensa::{ConnectError, Error, Fault, FleetError, LoadError, Reason};

/// A failure as Python sees it: `kind` selects the exception class.
#[derive(Debug)]
pub(crate) struct Failure {
    /// `connect`, `command`, `load`, `variable`, `unknown_rule`, `cancelled` or `internal`.
    pub(crate) kind: &'static str,
    /// A code from the engine's closed sets.
    pub(crate) reason: String,
    /// One sentence.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(kind: &'static str, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, reason: reason.into(), message: message.into() }
    }

    pub(crate) fn cancelled() -> Self {
        Self::new("cancelled", "cancelled", "the operation was cancelled")
    }

    /// A panic of the engine, caught where it happened.
    pub(crate) fn panicked(payload: &(dyn std::any::Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().copied().map(str::to_owned);
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
        Self::new("internal", "internal", format!("a defect of the engine: {text}"))
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Self::new("connect", error.reason.code(), error.to_string())
    }
}

impl From<FleetError> for Failure {
    fn from(error: FleetError) -> Self {
        match error {
            FleetError::Connect(error) => error.into(),
            FleetError::Scan(error) => error.into(),
            other => Self::new("internal", "internal", other.to_string()),
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let kind = if fault.reason == Reason::ConnectionLost { "connect" } else { "command" };
        let reason = if kind == "connect" { "closed" } else { fault.reason.code() };
        Self::new(kind, reason, fault.message)
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let kind = if matches!(error, LoadError::Variable(_)) { "variable" } else { "load" };
        Self::new(kind, error.code(), error.to_string())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Load(error) => error.into(),
            Error::Variable(error) => Self::new("variable", "invalid_override", error.to_string()),
            Error::UnknownVariable { .. } => Self::new("variable", "unknown_variable", error.to_string()),
            Error::UnknownRule(_) => Self::new("unknown_rule", "unknown_rule", error.to_string()),
            other => Self::new("internal", "internal", other.to_string()),
        }
    }
}
