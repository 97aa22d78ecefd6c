//! `file_content`: a file holds a text.

use kensa_core::{Check, CouldNotTell, Facts, JudgeError, Outputs, Probe, Reason, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method =
    Method::of::<FileContent>("file_content", "A file holds a text, all of it in one piece");

/// A text that a file holds in one piece. Line ends and blanks round the text do not matter.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FileContent {
    /// Absolute path.
    path: Text,
    /// The text, one line or several.
    expected_content: Text,
}

impl Parameters for FileContent {
    fn validate(&mut self) -> Result<(), ParamError> {
        syntax::absolute_path("path", &self.path)?;
        if self.expected_content.trim().is_empty() {
            return Err(ParamError::at("expected_content", "every file holds the empty text"));
        }
        Ok(())
    }
}

impl Check for FileContent {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        vec![Probe::read(&*self.path)]
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let wanted = self.expected_content.replace("\r\n", "\n").trim().to_owned();
        let Some(text) = got.read(&self.path)? else {
            let detail = format!("{} does not exist", self.path);
            return Ok(Verdict::new(false, wanted, "absent", detail));
        };
        let passed = text.replace("\r\n", "\n").contains(&wanted);
        if !passed && text.contains('\u{FFFD}') {
            let message = format!("{} is not valid UTF-8 text", self.path);
            return Err(CouldNotTell::new(Reason::Undecodable, message).into());
        }
        let (actual, verb) = if passed { ("present", "holds") } else { ("missing", "does not hold") };
        Ok(Verdict::new(passed, wanted, actual, format!("{} {verb} the text wanted", self.path)))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::Probe;

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const RULE: &str =
        r#"{"path": "/etc/issue", "expected_content": "Authorised use only.\nAll is logged.\n"}"#;

    #[test]
    fn the_whole_text_must_be_there() {
        let case = |text: &str| Case::new("file_content", RULE).file("/etc/issue", text);
        assert_eq!(judge(case("Hello\r\nAuthorised use only.\r\nAll is logged.")).passed(), Some(true));
        assert_eq!(judge(case("All is logged.\n")).passed(), Some(false));
        let gone = Case::new("file_content", RULE).gone(&Probe::read("/etc/issue"));
        assert_eq!(judge(gone).passed(), Some(false));
        assert_never_guesses(&case(""), &Probe::read("/etc/issue"));
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("file_content", r#"{"path": "/x", "expected_content": "\n"}"#);
        assert_refused("file_content", r#"{"path": "/x"}"#);
    }
}
