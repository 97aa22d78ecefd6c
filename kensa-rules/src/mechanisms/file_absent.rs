//! `file_absent`: removes a file.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism = Mechanism::of::<FileAbsent>("file_absent", "Removes a file");

/// A file that is removed; a directory is refused.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FileAbsent {
    /// Absolute path of the file.
    path: Text,
}

impl MechanismParameters for FileAbsent {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::absolute_path("path", &self.path)?;
        if self.path.ends_with('/') {
            return Err(ParamError::at("path", "is a directory"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("file_absent", r#"{"path": "/etc/hosts.equiv"}"#);
        assert_refuses("file_absent", "path", r#"{"path": "hosts"}"#);
        assert_refuses("file_absent", "path", r#"{"path": "/etc/"}"#);
    }
}
