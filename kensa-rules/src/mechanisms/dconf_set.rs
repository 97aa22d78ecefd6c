//! `dconf_set`: sets a key of the dconf database.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<DconfSet>("dconf_set", "Sets a key of the dconf database");

/// A key of a system-wide dconf database, locked against users where asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DconfSet {
    /// Path of the key with slashes or dots and without the key, `org/gnome/login-screen`.
    schema: Text,
    /// The key.
    key: Text,
    /// The value in GVariant notation.
    value: Text,
    /// Name of the file in the directory of the database.
    file: Text,
    /// Whether users are kept from changing it.
    #[serde(default)]
    lock: bool,
    /// Name of the database; `local` by default.
    db: Option<Text>,
    /// GVariant type to write before the value, such as `uint32`.
    value_type: Option<Text>,
}

impl MechanismParameters for DconfSet {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::word("schema", &self.schema, "._-/", "a dconf path")?;
        syntax::word("key", &self.key, "_-", "a dconf key")?;
        syntax::line("value", &self.value)?;
        syntax::component("file", &self.file)?;
        syntax::optional("db", self.db.as_ref(), syntax::component)?;
        syntax::optional("value_type", self.value_type.as_ref(), |key, text| {
            syntax::word(key, text, "", "a GVariant type")
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes(
            "dconf_set",
            r#"{"schema": "org/gnome/login-screen", "key": "banner-message-enable", "value": true, "file": "01-banner", "lock": true}"#,
        );
        assert_takes(
            "dconf_set",
            r#"{"schema": "org/gnome/desktop/session", "key": "idle-delay", "value": 900, "value_type": "uint32", "file": "00-idle", "db": "gdm"}"#,
        );
        assert_refuses("dconf_set", "file", r#"{"schema": "a", "key": "b", "value": "c", "file": "../x"}"#);
        assert_refuses(
            "dconf_set",
            "db",
            r#"{"schema": "a", "key": "b", "value": "c", "file": "x", "db": "a/b"}"#,
        );
        assert_refuses("dconf_set", "value", r#"{"schema": "a", "key": "b", "value": "c\nd", "file": "x"}"#);
        assert_refuses("dconf_set", "key", r#"{"schema": "a", "key": "b=c", "value": "c", "file": "x"}"#);
    }
}
