//! How a rule is put right. Everything here is pure; the engine acts.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::check::Check;
use crate::facts::Facts;
use crate::output::Outputs;
use crate::probe::Probe;

/// A remediation mechanism with its parameters.
///
/// The order is fixed: capture, compute the actions *and* their way back, store both, act, verify.
pub trait Remedy: Debug + Send + Sync {
    /// What must be read so that the change can be undone.
    fn capture(&self, facts: &Facts) -> Vec<Probe>;

    /// The changes to make, given what was captured. Empty when nothing needs changing.
    fn apply(&self, facts: &Facts, before: &Outputs) -> Result<Vec<Action>, RemedyError>;

    /// The changes that restore what was captured, in the order they must run.
    fn rollback(&self, facts: &Facts, before: &Outputs) -> Result<Vec<Action>, Irreversible>;

    /// A check of this step alone, where the rule's own check is not enough.
    fn verify(&self) -> Option<Box<dyn Check>> {
        None
    }
}

/// One change to a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Replaces a file's content atomically; creates it, with `mode`, where it does not exist.
    WriteFile {
        /// Absolute path.
        path: String,
        /// The whole new content.
        content: Vec<u8>,
        /// Octal permission bits for a new file; an existing one keeps its own.
        mode: Option<u32>,
    },
    /// Removes one file.
    RemoveFile {
        /// Absolute path.
        path: String,
    },
    /// Sets ownership and mode of one path.
    SetAttributes {
        /// Absolute path.
        path: String,
        /// Octal permission bits.
        mode: Option<u32>,
        /// User name or number.
        owner: Option<String>,
        /// Group name or number.
        group: Option<String>,
    },
    /// Runs a program.
    Run {
        /// Program and arguments.
        argv: Vec<String>,
    },
}

/// Why no change was computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RemedyError(
    /// One sentence for people.
    pub String,
);

/// Why a change has no way back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Irreversible(
    /// One sentence for people.
    pub String,
);
