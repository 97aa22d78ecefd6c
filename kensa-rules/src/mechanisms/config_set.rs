//! `config_set`: sets a key in a configuration file.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<ConfigSet>("config_set", "Sets a key in a configuration file");

/// A key's value in a file that exists. Lines that set the key are replaced, comments stay; without one the
/// line is added, below its section where that is given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConfigSet {
    /// Absolute path of the file.
    path: Text,
    /// The key, letter for letter.
    key: Text,
    /// The value.
    value: Text,
    /// What is written between key and value.
    #[serde(default)]
    separator: Separator,
    /// The `[section]` the key belongs to.
    section: Option<Text>,
}

/// What stands between key and value.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
enum Separator {
    /// Nothing but `=`.
    #[default]
    #[serde(rename = "=")]
    Equals,
    /// `=` with a blank on both sides.
    #[serde(rename = " = ")]
    SpacedEquals,
    /// A blank.
    #[serde(rename = " ")]
    Blank,
}

impl MechanismParameters for ConfigSet {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::absolute_path("path", &self.path)?;
        syntax::line("key", &self.key)?;
        syntax::no_control("value", &self.value)?;
        syntax::optional("section", self.section.as_ref(), syntax::line)
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes(
            "config_set",
            r#"{"path": "/etc/login.defs", "key": "PASS_MAX_DAYS", "value": 60, "separator": " "}"#,
        );
        assert_takes("config_set", r#"{"path": "/x", "key": "a", "value": "", "section": "main"}"#);
        assert_refuses("config_set", "path", r#"{"path": "x", "key": "a", "value": "1"}"#);
        assert_refuses("config_set", "value", r#"{"path": "/x", "key": "a", "value": "1\nb=2"}"#);
        assert_refuses(
            "config_set",
            "separator",
            r#"{"path": "/x", "key": "a", "value": "1", "separator": "=>"}"#,
        );
        assert_refuses("config_set", "", r#"{"path": "/x", "key": "a"}"#);
    }
}
