//! How the program ends.

use kensa::result::Conclusion;

/// The exit codes, the same for every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; for a scan: every rule that applies was told and passes.
    Compliant = 0,
    /// At least one rule fails.
    Findings = 1,
    /// The arguments, a rule file or a local file is wrong.
    Usage = 2,
    /// No rule is known to fail, but not everything could be told.
    Incomplete = 3,
    /// The host could not be reached, or refused the login or root rights.
    Unreachable = 4,
    /// Ctrl-C.
    Cancelled = 130,
}

impl From<Conclusion> for Exit {
    fn from(conclusion: Conclusion) -> Self {
        match conclusion {
            Conclusion::Compliant => Exit::Compliant,
            Conclusion::Findings => Exit::Findings,
            Conclusion::Incomplete => Exit::Incomplete,
        }
    }
}

/// Why there is no answer: a sentence, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), help: None }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
