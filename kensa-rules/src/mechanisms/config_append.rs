//! `config_append`: adds a line to a file unless it is there.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<ConfigAppend>("config_append", "Adds a line to a file unless it is there");

/// A line that is added at the end of a file unless the file has it already.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConfigAppend {
    /// Absolute path of the file.
    path: Text,
    /// The whole line.
    line: Text,
}

impl MechanismParameters for ConfigAppend {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::absolute_path("path", &self.path)?;
        syntax::line("line", &self.line)
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("config_append", r#"{"path": "/etc/hosts.deny", "line": "ALL: ALL"}"#);
        assert_refuses("config_append", "path", r#"{"path": "hosts", "line": "x"}"#);
        assert_refuses("config_append", "line", r#"{"path": "/x", "line": ""}"#);
        assert_refuses("config_append", "line", r#"{"path": "/x", "line": "a\nb"}"#);
    }
}
