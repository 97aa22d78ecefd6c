//! `config_block`: puts a marked block of lines into a file.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<ConfigBlock>("config_block", "Puts a marked block of lines into a file");

/// Lines that are kept together in a file between two marker comments; an older block is replaced.
///
/// Give `block` or `content`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConfigBlock {
    /// Absolute path of the file.
    path: Text,
    /// The lines.
    block: Option<Text>,
    /// The same as `block`.
    content: Option<Text>,
    /// Name of the block in its marker comments; by default `kensa`.
    marker: Option<Text>,
}

impl MechanismParameters for ConfigBlock {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::absolute_path("path", &self.path)?;
        let text = match (&self.block, &self.content) {
            (Some(text), None) | (None, Some(text)) => text,
            _ => return Err(ParamError::at("block", "needed: block or content, one of them")),
        };
        if text.trim().is_empty() {
            return Err(ParamError::at("block", "there are no lines"));
        }
        syntax::content("block", text)?;
        syntax::optional("marker", self.marker.as_ref(), syntax::line)
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("config_block", r#"{"path": "/etc/profile", "block": "TMOUT=600\nreadonly TMOUT\n"}"#);
        assert_refuses("config_block", "block", r#"{"path": "/x"}"#);
        assert_refuses("config_block", "block", r#"{"path": "/x", "block": "\n"}"#);
        assert_refuses("config_block", "marker", r#"{"path": "/x", "content": "a", "marker": "a\nb"}"#);
    }
}
