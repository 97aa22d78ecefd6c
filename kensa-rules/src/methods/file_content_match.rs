//! `file_content_match`: a line of a file matches a regular expression.

use kensa_core::{Check, CouldNotTell, Facts, JudgeError, Outputs, Probe, Reason, Source, Verdict};
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

use super::compare::{demand_regex, regex};
use super::{Method, Parameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method =
    Method::of::<FileContentMatch>("file_content_match", "A line of a file matches a regular expression");

/// A regular expression that some line of a file matches.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FileContentMatch {
    /// Absolute path.
    path: Text,
    /// Regular expression, tried on one line at a time; `^` and `$` are the ends of the line.
    pattern: Text,
    /// Whether upper and lower case are the same.
    #[serde(default)]
    ignore_case: bool,
}

/// Whether path and pattern can be used.
pub(super) fn validate_pattern(path: &str, pattern: &str, ignore_case: bool) -> Result<(), ParamError> {
    syntax::absolute_path("path", path)?;
    if pattern.is_empty() {
        return Err(ParamError::at("pattern", "an empty pattern matches everything"));
    }
    demand_regex(pattern, "pattern", ignore_case)
}

/// The first line of the file that matches; `Ok(None)` when none does or there is no file.
pub(super) fn first_match(
    got: &Outputs,
    path: &str,
    pattern: &str,
    ignore_case: bool,
) -> Result<Option<(Source, String)>, CouldNotTell> {
    let Some(text) = got.read(path)? else { return Ok(None) };
    let compiled = regex(pattern, "pattern", ignore_case);
    let regex: Regex = compiled.map_err(|error| CouldNotTell::new(Reason::InvalidRule, error.message))?;
    let found = text.lines().enumerate().find(|(_, line)| regex.is_match(line));
    if let Some((index, line)) = found.filter(|(_, line)| !line.contains('\u{FFFD}')) {
        let source = Source { path: path.to_owned(), line: u32::try_from(index + 1).ok() };
        return Ok(Some((source, line.trim().to_owned())));
    }
    if text.contains('\u{FFFD}') {
        return Err(CouldNotTell::new(Reason::Undecodable, format!("{path} is not valid UTF-8 text")));
    }
    Ok(None)
}

impl Parameters for FileContentMatch {
    fn validate(&mut self) -> Result<(), ParamError> {
        validate_pattern(&self.path, &self.pattern, self.ignore_case)
    }
}

impl Check for FileContentMatch {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        vec![Probe::read(&*self.path)]
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let wanted = format!("a line matching {}", self.pattern);
        Ok(match first_match(got, &self.path, &self.pattern, self.ignore_case)? {
            Some((source, line)) => {
                let detail = format!("{source} matches; wanted {wanted}");
                Verdict::new(true, wanted, line, detail).from_source(Some(source))
            }
            None => {
                let detail = format!("no line of {} matches; wanted {wanted}", self.path);
                Verdict::new(false, wanted, "no match", detail)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{Probe, Reason};

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const RULE: &str = r#"{"path": "/etc/x", "pattern": "^Defaults[[:space:]]+use_pty\\s*$"}"#;

    #[test]
    fn one_line_at_a_time() {
        let case = |text: &str| Case::new("file_content_match", RULE).file("/etc/x", text);
        assert_eq!(judge(case("a\nDefaults use_pty\n")).passed(), Some(true));
        assert_eq!(judge(case("Defaults\nuse_pty\n")).passed(), Some(false));
        assert_eq!(judge(case("\u{FFFD}\n")).reason(), Some(Reason::Undecodable));
        let gone = Case::new("file_content_match", RULE).gone(&Probe::read("/etc/x"));
        assert_eq!(judge(gone).passed(), Some(false));
        assert_never_guesses(&case("Defaults use_pty\n"), &Probe::read("/etc/x"));
    }

    #[test]
    fn an_empty_or_broken_pattern_does_not_load() {
        assert_refused("file_content_match", r#"{"path": "/x", "pattern": ""}"#);
        assert_refused("file_content_match", r#"{"path": "/x", "pattern": "("}"#);
    }
}
