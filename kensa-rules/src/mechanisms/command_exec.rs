//! `command_exec`: runs shell text; the last resort.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<CommandExec>("command_exec", "Runs shell text; the last resort")
        .not_capturable()
        .risking_lockout();

/// Shell text that makes the change. What it did cannot be captured or undone.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CommandExec {
    /// POSIX shell text; exit status 0 is success.
    run: Text,
}

impl MechanismParameters for CommandExec {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::script("run", &self.run)
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("command_exec", r#"{"run": "update-ca-trust"}"#);
        assert_refuses("command_exec", "run", r#"{"run": " "}"#);
        assert_refuses("command_exec", "", r#"{}"#);
    }
}
