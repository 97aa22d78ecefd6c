//! `config_set_dropin`: sets a key by a file of its own in a snippet directory.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism = Mechanism::of::<ConfigSetDropin>(
    "config_set_dropin",
    "Sets a key by a file of its own in a snippet directory",
);

/// A snippet file that sets one key. Settings that share a file are merged into it.
///
/// Give `dir` and `file` (older rule sets: `directory` and `filename`), and either `key` with `value` or the
/// whole `content`; where both are given, `key` and `value` count.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConfigSetDropin {
    /// Absolute path of the directory; it is created where it is missing.
    dir: Option<Text>,
    /// The same as `dir`.
    directory: Option<Text>,
    /// Name of the file in it.
    file: Option<Text>,
    /// The same as `file`.
    filename: Option<Text>,
    /// The key.
    key: Option<Text>,
    /// The value.
    value: Option<Text>,
    /// Text between key and value; `=` by default.
    separator: Option<Text>,
    /// The `[section]` header to write above the key.
    section: Option<Text>,
    /// The whole content of the file.
    content: Option<Text>,
}

/// The one of two spellings of a parameter that is given.
fn one<'a>(key: &str, name: Option<&'a str>, older: Option<&'a str>) -> Result<&'a str, ParamError> {
    match (name, older) {
        (Some(text), None) | (None, Some(text)) => Ok(text),
        _ => Err(ParamError::at(key, "needed, once")),
    }
}

impl MechanismParameters for ConfigSetDropin {
    fn validate(&self) -> Result<(), ParamError> {
        let dir = one("dir", self.dir.as_deref(), self.directory.as_deref())?;
        let file = one("file", self.file.as_deref(), self.filename.as_deref())?;
        syntax::absolute_path("dir", dir)?;
        syntax::component("file", file)?;
        syntax::optional("section", self.section.as_ref(), syntax::line)?;
        syntax::optional("separator", self.separator.as_ref(), syntax::no_control)?;
        match (&self.key, &self.value, &self.content) {
            (Some(key), Some(value), _) => {
                syntax::line("key", key)?;
                syntax::no_control("value", value)
            }
            (None, None, Some(content)) if !content.trim().is_empty() => syntax::content("content", content),
            (Some(_), None, _) => Err(ParamError::at("value", "the key has no value")),
            (None, Some(_), _) => Err(ParamError::at("key", "the value has no key")),
            (None, None, _) => Err(ParamError::at("key", "needed: key and value, or content")),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes(
            "config_set_dropin",
            r#"{"dir": "/etc/systemd/coredump.conf.d", "file": "kensa.conf", "section": "Coredump", "key": "Storage", "value": "none"}"#,
        );
        assert_takes(
            "config_set_dropin",
            r#"{"directory": "/etc/x.d", "filename": "a.conf", "content": "a = 1\n"}"#,
        );
        assert_refuses("config_set_dropin", "dir", r#"{"file": "a", "key": "a", "value": "b"}"#);
        assert_refuses(
            "config_set_dropin",
            "file",
            r#"{"dir": "/etc/x.d", "file": "../a", "key": "a", "value": "b"}"#,
        );
        assert_refuses("config_set_dropin", "key", r#"{"dir": "/etc/x.d", "file": "a"}"#);
        assert_refuses("config_set_dropin", "value", r#"{"dir": "/etc/x.d", "file": "a", "key": "a"}"#);
        assert_refuses(
            "config_set_dropin",
            "value",
            r#"{"dir": "/etc/x.d", "file": "a", "key": "a", "value": "b\nc"}"#,
        );
    }
}
