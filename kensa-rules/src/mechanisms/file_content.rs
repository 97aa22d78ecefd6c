//! `file_content`: writes a whole file.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism = Mechanism::of::<FileContent>("file_content", "Writes a whole file");

/// The whole content of a file, with its attributes where they are given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FileContent {
    /// Absolute path of the file.
    path: Text,
    /// The content.
    content: Text,
    /// Owner, by name or number.
    owner: Option<Text>,
    /// Group, by name or number.
    group: Option<Text>,
    /// Octal mode.
    mode: Option<Text>,
}

impl MechanismParameters for FileContent {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::absolute_path("path", &self.path)?;
        syntax::content("content", &self.content)?;
        syntax::optional("owner", self.owner.as_ref(), syntax::account)?;
        syntax::optional("group", self.group.as_ref(), syntax::account)?;
        syntax::optional("mode", self.mode.as_ref(), |key, mode| syntax::octal_mode(key, mode).map(drop))
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes(
            "file_content",
            r#"{"path": "/etc/issue", "content": "Hello\n", "owner": "root", "mode": "0644"}"#,
        );
        assert_refuses("file_content", "path", r#"{"path": "x", "content": ""}"#);
        assert_refuses("file_content", "mode", r#"{"path": "/x", "content": "", "mode": "u+w"}"#);
        assert_refuses("file_content", "owner", r#"{"path": "/x", "content": "", "owner": "a b"}"#);
        assert_refuses("file_content", "content", r#"{"path": "/x", "content": "a\u0000"}"#);
    }
}
