//! Errors on their way to JavaScript.

use kensa::load::LoadError;
use kensa::{ConnectError, Fault};
use serde_json::{Value, json};

/// An error as `lib/errors.ts` reads it: the message of the native error is this as JSON.
#[derive(Clone, Debug)]
pub(crate) struct Failure(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    kind: &'static str,
    code: String,
    message: String,
    details: Value,
}

impl Failure {
    pub(crate) fn new(kind: &'static str, code: &str, message: impl Into<String>, details: Value) -> Self {
        Self(Box::new(Parts { kind, code: code.to_owned(), message: message.into(), details }))
    }

    pub(crate) fn cancelled() -> Self {
        Self::new("cancelled", "cancelled", "the operation was cancelled", json!({}))
    }

    /// Arguments that `lib/` should not have let through.
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::new("argument", "invalid_argument", message, json!({}))
    }

    /// A command that has no answer.
    pub(crate) fn of_fault(host: &str, command: &str, fault: &Fault) -> Self {
        let message = format!("{host}: {}", fault.message);
        Self::new("fault", fault.reason.code(), message, json!({ "host": host, "command": command }))
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Self::new("connect", error.reason.code(), error.to_string(), json!({ "host": error.host }))
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let details = match &error {
            LoadError::NotFound { path }
            | LoadError::Unreadable { path, .. }
            | LoadError::NoRules { path } => {
                json!({ "path": path })
            }
            LoadError::Invalid { diagnostics } => json!({ "diagnostics": diagnostics }),
            _ => json!({}),
        };
        Self::new("load", error.code(), error.to_string(), details)
    }
}

impl From<kensa::Error> for Failure {
    fn from(error: kensa::Error) -> Self {
        let message = error.to_string();
        match error {
            kensa::Error::Load(error) => error.into(),
            kensa::Error::UnknownRule(ids) => {
                Self::new("unknown_rule", "unknown_rule", message, json!({ "ruleIds": ids }))
            }
            kensa::Error::UnknownVariable { name, nearest } => {
                let details = json!({ "variable": name, "nearest": nearest });
                Self::new("variable", "unknown_variable", message, details)
            }
            _ => Self::new("variable", "invalid_override", message, json!({})),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::argument(format!("not the JSON expected: {error}"))
    }
}

impl From<tokio::task::JoinError> for Failure {
    fn from(error: tokio::task::JoinError) -> Self {
        if error.is_cancelled() {
            return Self::cancelled();
        }
        Self::new("internal", "internal", "a defect of the engine; please report it", json!({}))
    }
}

impl From<Failure> for napi::Error {
    fn from(failure: Failure) -> Self {
        let Parts { kind, code, message, details } = *failure.0;
        let text = json!({ "kensa": kind, "code": code, "message": message, "details": details });
        napi::Error::from_reason(text.to_string())
    }
}
