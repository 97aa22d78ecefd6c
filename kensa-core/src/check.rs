//! How a condition is checked: ask, maybe ask once more, judge.

use std::fmt::Debug;

use crate::facts::Facts;
use crate::output::{CouldNotTell, Outputs};
use crate::probe::Probe;

/// A check method with its parameters.
///
/// All three methods are pure: the same facts and outputs always give the same answer, so a check is
/// tested without a host and recorded outputs can be judged again by newer rules.
pub trait Check: Debug + Send + Sync {
    /// What to ask. Empty when `facts` already say that nothing can be asked; `judge` is called all the same.
    fn probes(&self, facts: &Facts) -> Vec<Probe>;

    /// What else to ask now that `got` holds the answers so far. Called again after each wave until it
    /// names nothing new, at most [`MAX_WAVES`] times.
    fn follow_up(&self, facts: &Facts, got: &Outputs) -> Vec<Probe> {
        let _ = (facts, got);
        Vec::new()
    }

    /// Pass or fail, from answered probes only.
    fn judge(&self, facts: &Facts, got: &Outputs) -> Result<Verdict, JudgeError>;
}

/// How often [`Check::follow_up`] is called at most: enough for a directory, its files, and two levels
/// of includes.
pub const MAX_WAVES: usize = 4;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the condition holds.
    pub passed: bool,
    /// The value the rule wants, variables resolved.
    pub expected: String,
    /// The value found: short, and equal between scans of an unchanged host.
    pub actual: String,
    /// One sentence for people.
    pub detail: String,
    /// The file and line that won, where a setting comes from a file.
    pub source: Option<Source>,
    /// The probes the verdict rests on; empty means all the check asked.
    pub cites: Vec<Probe>,
}

impl Verdict {
    /// A verdict from its three texts; `detail` says what was seen and what was wanted.
    pub fn new(
        passed: bool,
        expected: impl Into<String>,
        actual: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            passed,
            expected: expected.into(),
            actual: actual.into(),
            detail: detail.into(),
            source: None,
            cites: Vec::new(),
        }
    }

    /// The same verdict with the file and line that won.
    pub fn from_source(mut self, source: Option<Source>) -> Self {
        self.source = source;
        self
    }

    /// The same verdict resting on `cites` only.
    pub fn citing(mut self, cites: Vec<Probe>) -> Self {
        self.cites = cites;
        self
    }
}

/// A line of a file on the host.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Source {
    /// Absolute path.
    pub path: String,
    /// Line, from 1; `None` when the file as a whole is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.path),
            None => f.write_str(&self.path),
        }
    }
}

/// Why a check gave no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JudgeError {
    /// The answer is unknown: the rule ends in `error`.
    #[error("{0}")]
    CouldNotTell(#[from] CouldNotTell),
    /// The check itself says that there is nothing to assess: the rule is `skipped`.
    #[error("{0}")]
    NotAssessable(String),
    /// A site value the check needs is declared but empty: the rule is `skipped`.
    #[error("{0}")]
    UndeclaredValue(String),
}
