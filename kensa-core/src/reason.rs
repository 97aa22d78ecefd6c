//! Why a rule was skipped or could not be told.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The closed set of reasons behind a `skipped` or `error` result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    // Skipped: the rule does not apply here, or the site has not said what it wants.
    /// The rule's `platforms` exclude this host.
    PlatformMismatch,
    /// No implementation's gate is met and there is no default.
    NoImplementation,
    /// Another selected rule supersedes this one.
    Superseded,
    /// The rule is on, or behind, a cycle of `depends_on`.
    DependencyCycle,
    /// A site value the rule needs is declared but empty.
    UndeclaredValue,
    /// The check itself reports that the host gives nothing to assess.
    NotAssessable,

    // Error: the rule applies and its answer is unknown.
    /// The connection was lost before the answer was complete.
    ConnectionLost,
    /// The command did not finish within its time limit.
    TimedOut,
    /// The scan was cancelled or ran out of its total time.
    Cancelled,
    /// The remote shell ended while the command ran.
    ShellDied,
    /// The command was killed by a signal.
    Killed,
    /// Reading was refused: the scanning user lacks the right.
    PermissionDenied,
    /// A program the check needs is not installed on the host.
    ToolMissing,
    /// The service that answers the question is not running (no systemd, no audit).
    ServiceUnavailable,
    /// The output was longer than the limit and was cut.
    Truncated,
    /// The value read is not valid text.
    Undecodable,
    /// The host answered something the check does not understand.
    UnexpectedOutput,
    /// A command the check relies on ended with an unexpected status.
    CommandFailed,
    /// A capability that selects the implementation could not be determined.
    UndeterminedCapability,
    /// The rule uses a variable that is defined nowhere.
    UndefinedVariable,
    /// The rule, with this site's values, is not valid.
    InvalidRule,
    /// The rule names a check method this engine does not have.
    UnknownMethod,
    /// A defect of the engine.
    Internal,
}

impl Reason {
    /// The identifier used in JSON and by the bindings.
    pub fn code(self) -> &'static str {
        match self {
            Reason::PlatformMismatch => "platform_mismatch",
            Reason::NoImplementation => "no_implementation",
            Reason::Superseded => "superseded",
            Reason::DependencyCycle => "dependency_cycle",
            Reason::UndeclaredValue => "undeclared_value",
            Reason::NotAssessable => "not_assessable",
            Reason::ConnectionLost => "connection_lost",
            Reason::TimedOut => "timed_out",
            Reason::Cancelled => "cancelled",
            Reason::ShellDied => "shell_died",
            Reason::Killed => "killed",
            Reason::PermissionDenied => "permission_denied",
            Reason::ToolMissing => "tool_missing",
            Reason::ServiceUnavailable => "service_unavailable",
            Reason::Truncated => "truncated",
            Reason::Undecodable => "undecodable",
            Reason::UnexpectedOutput => "unexpected_output",
            Reason::CommandFailed => "command_failed",
            Reason::UndeterminedCapability => "undetermined_capability",
            Reason::UndefinedVariable => "undefined_variable",
            Reason::InvalidRule => "invalid_rule",
            Reason::UnknownMethod => "unknown_method",
            Reason::Internal => "internal",
        }
    }

    /// Whether the reason stands behind `skipped`; the others stand behind `error`.
    pub fn is_skip(self) -> bool {
        matches!(
            self,
            Reason::PlatformMismatch
                | Reason::NoImplementation
                | Reason::Superseded
                | Reason::DependencyCycle
                | Reason::UndeclaredValue
                | Reason::NotAssessable
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_serialised_form_agree() {
        for reason in [Reason::PlatformMismatch, Reason::ServiceUnavailable, Reason::Internal] {
            assert_eq!(serde_json::to_value(reason).ok(), Some(reason.code().into()));
        }
    }
}
