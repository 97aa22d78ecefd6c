//! `sudo_line_absent`: no line of sudoers has some form.

use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters, compare};
use crate::host_files::sudoers;
use crate::params::{ParamError, Text};

pub(super) const METHOD: Method = Method::of::<SudoLineAbsent>(
    "sudo_line_absent",
    "No line of sudoers matches a regular expression, includes followed",
);

/// No line of `/etc/sudoers` and the files it includes matches. Comments never match; continued lines are one, with
/// one blank between words.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SudoLineAbsent {
    /// Regular expression; case matters.
    pattern: Text,
}

impl Parameters for SudoLineAbsent {
    fn validate(&mut self) -> Result<(), ParamError> {
        if self.pattern.is_empty() {
            return Err(ParamError::at("pattern", "an empty pattern matches every line"));
        }
        compare::demand_regex(&self.pattern, "pattern", false)
    }
}

impl Check for SudoLineAbsent {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        sudoers::probes()
    }

    fn follow_up(&self, _: &Facts, got: &Outputs) -> Vec<Probe> {
        sudoers::follow_up(got)
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let wanted = format!("no line that matches {}", self.pattern);
        let regex = compare::regex(&self.pattern, "pattern", false)
            .map_err(|error| kensa_core::CouldNotTell::new(kensa_core::Reason::InvalidRule, error.message))?;
        let lines = sudoers::lines(got)?;
        let found: Vec<_> = lines.iter().filter(|line| regex.is_match(&line.text)).collect();
        let Some(first) = found.first() else {
            let detail = format!("none of {} lines matches; wanted {wanted}", lines.len());
            return Ok(Verdict::new(true, wanted, "none", detail));
        };
        let all: Vec<String> = found.iter().map(|line| format!("{} ({})", line.text, line.source)).collect();
        let actual = all.join("; ");
        let detail = format!("{actual}; wanted {wanted}");
        Ok(Verdict::new(false, wanted, actual, detail).from_source(Some(first.source.clone())))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::Probe;

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const NOPASSWD: &str = r#"{"pattern": "(^|[^A-Z_])NOPASSWD ?:"}"#;

    fn case(text: &str) -> Case {
        Case::new("sudo_line_absent", NOPASSWD).file("/etc/sudoers", text)
    }

    #[test]
    fn comments_never_match_and_continued_lines_are_one() {
        assert_eq!(judge(case("%wheel ALL=(ALL) ALL # NOPASSWD: ALL\n")).passed(), Some(true));
        let found = judge(case("root ALL=ALL\n%wheel ALL=(ALL) \\\n  NOPASSWD : ALL\n"));
        assert_eq!(found.passed(), Some(false));
        assert_eq!(found.verdict().actual, "%wheel ALL=(ALL) NOPASSWD : ALL (/etc/sudoers:2)");
        assert_eq!(judge(case("User_Alias X_NOPASSWD = a : Y = b\n")).passed(), Some(true));
    }

    #[test]
    fn never_guesses() {
        assert_never_guesses(&case("root ALL=ALL\n"), &Probe::read("/etc/sudoers"));
        assert_refused("sudo_line_absent", r#"{"pattern": ""}"#);
        assert_refused("sudo_line_absent", r#"{"pattern": "("}"#);
    }
}
