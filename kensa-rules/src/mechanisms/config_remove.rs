//! `config_remove`: removes the lines that set a key.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<ConfigRemove>("config_remove", "Removes the lines that set a key");

/// A key whose lines are removed from a file. Comments stay.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConfigRemove {
    /// Absolute path of the file.
    path: Text,
    /// The key, letter for letter.
    key: Text,
}

impl MechanismParameters for ConfigRemove {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::absolute_path("path", &self.path)?;
        syntax::line("key", &self.key)
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("config_remove", r#"{"path": "/etc/dnf/dnf.conf", "key": "exclude"}"#);
        assert_refuses("config_remove", "path", r#"{"path": "", "key": "x"}"#);
        assert_refuses("config_remove", "key", r#"{"path": "/x", "key": " "}"#);
    }
}
