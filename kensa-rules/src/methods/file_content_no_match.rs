//! `file_content_no_match`: no line of a file matches a regular expression.

use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::file_content_match::{first_match, validate_pattern};
use super::{Method, Parameters};
use crate::params::{ParamError, Text};

pub(super) const METHOD: Method = Method::of::<FileContentNoMatch>(
    "file_content_no_match",
    "No line of a file matches a regular expression",
);

/// A regular expression that no line of a file matches. A file that does not exist has no such line; one
/// that is not valid text is an error.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FileContentNoMatch {
    /// Absolute path.
    path: Text,
    /// Regular expression, tried on one line at a time; `^` and `$` are the ends of the line.
    pattern: Text,
    /// Whether upper and lower case are the same.
    #[serde(default)]
    ignore_case: bool,
}

impl Parameters for FileContentNoMatch {
    fn validate(&mut self) -> Result<(), ParamError> {
        validate_pattern(&self.path, &self.pattern, self.ignore_case)
    }
}

impl Check for FileContentNoMatch {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        vec![Probe::read(&*self.path)]
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let wanted = format!("no line matching {}", self.pattern);
        Ok(match first_match(got, &self.path, &self.pattern, self.ignore_case)? {
            Some((source, line)) => {
                let detail = format!("{source} matches; wanted {wanted}");
                Verdict::new(false, wanted, line, detail).from_source(Some(source))
            }
            None => {
                let detail = format!("no line of {} matches {}", self.path, self.pattern);
                Verdict::new(true, wanted, "no match", detail)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{Probe, Reason};

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const RULE: &str = r#"{"path": "/etc/pam.d/x", "pattern": "nullok"}"#;

    #[test]
    fn passes_only_when_no_line_matches() {
        let case = |text: &str| Case::new("file_content_no_match", RULE).file("/etc/pam.d/x", text);
        assert_eq!(judge(case("auth pam_unix.so\n")).passed(), Some(true));
        assert_eq!(judge(case("auth pam_unix.so nullok\n")).passed(), Some(false));
        assert_eq!(judge(case("\u{FFFD}\n")).reason(), Some(Reason::Undecodable));
        assert_eq!(judge(case("\u{FFFD}\nnullok\n")).passed(), Some(false));
        let gone = Case::new("file_content_no_match", RULE).gone(&Probe::read("/etc/pam.d/x"));
        assert_eq!(judge(gone).passed(), Some(true));
        assert_never_guesses(&case(""), &Probe::read("/etc/pam.d/x"));
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("file_content_no_match", r#"{"path": "/x", "pattern": ""}"#);
        assert_refused("file_content_no_match", r#"{"pattern": "x"}"#);
    }
}
