//! `command`: a rule's own shell text.

use kensa_core::reading::complaint;
use kensa_core::{Check, CouldNotTell, Facts, JudgeError, Output, Outputs, Probe, Reason, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters};
use crate::params::{ParamError, Text};

pub(super) const METHOD: Method = Method::of::<Command>(
    "command",
    "Shell text ends and prints as wanted; the last resort when no typed method fits",
);

/// Shell text, and how it has to end and what it has to print.
///
/// The order is fixed: `not_assessable_exit`, `expected_exit`, then the output. A shell or a program
/// that could not run is an error unless its exit status is the expected one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Command {
    /// POSIX shell text.
    run: Option<Text>,
    /// The same as `run`; give one of them.
    cmd: Option<Text>,
    /// Exit status wanted.
    #[serde(default)]
    expected_exit: u8,
    /// Text that standard output must contain; empty text means that nothing may be printed.
    expected_stdout: Option<Text>,
    /// The same as `expected_stdout`; give one of them.
    expected_output: Option<Text>,
    /// Exit status by which the text says that there is nothing to assess; its output is the reason.
    not_assessable_exit: Option<u8>,
}

impl Command {
    fn script(&self) -> &str {
        self.run.as_deref().or(self.cmd.as_deref()).unwrap_or_default()
    }

    fn stdout_wanted(&self) -> Option<&str> {
        self.expected_stdout.as_deref().or(self.expected_output.as_deref()).map(str::trim)
    }

    fn wanted(&self) -> String {
        match self.stdout_wanted() {
            None => format!("exit status {}", self.expected_exit),
            Some("") => format!("exit status {} and no output", self.expected_exit),
            Some(text) => format!("exit status {} and output containing {text}", self.expected_exit),
        }
    }

    /// Why the text did not really run: the shell or a program in it lacked a right or was missing.
    fn could_not_run(&self, output: &Output) -> Option<CouldNotTell> {
        if output.exit_code == i32::from(self.expected_exit) && self.expected_exit >= 126 {
            return None;
        }
        let by_status = match output.exit_code {
            126 => Some(Reason::PermissionDenied),
            127 => Some(Reason::ToolMissing),
            129..=192 => Some(Reason::Killed),
            // No test ends like this; ssh and shells that lost what they ran do.
            255 => Some(Reason::CommandFailed),
            _ => None,
        };
        // `test -z "$(tool …)"` is true as well when the tool is missing; only standard error tells.
        let reason = by_status.or_else(|| complaint(output))?;
        let stderr = output.stderr_text();
        let said = stderr.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no message");
        Some(CouldNotTell::new(reason, format!("the command ended with {}: {said}", output.exit_code)))
    }
}

impl Parameters for Command {
    fn validate(&mut self) -> Result<(), ParamError> {
        if self.run.is_some() && self.cmd.is_some() {
            return Err(ParamError::at("cmd", "run and cmd are the same parameter; give one"));
        }
        if self.expected_stdout.is_some() && self.expected_output.is_some() {
            return Err(ParamError::at("expected_output", "the same as expected_stdout; give one"));
        }
        if self.script().trim().is_empty() {
            return Err(ParamError::at("run", "there is nothing to run"));
        }
        if self.script().contains('\0') {
            return Err(ParamError::at("run", "holds a NUL character"));
        }
        if self.not_assessable_exit == Some(self.expected_exit) {
            return Err(ParamError::at("not_assessable_exit", "is the expected exit status as well"));
        }
        Ok(())
    }
}

impl Check for Command {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        vec![Probe::command_text(self.script())]
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let output = got.output(&Probe::command_text(self.script()))?;
        let (exit, stdout) = (output.exit_code, output.stdout_text());
        let stdout = stdout.trim();
        if self.not_assessable_exit.map(i32::from) == Some(exit) {
            // Something was hidden from the text: that it saw nothing to assess says nothing.
            if let Some(error) = self.could_not_run(output) {
                return Err(error.into());
            }
            let reason =
                if stdout.is_empty() { "the check found nothing to assess on this host" } else { stdout };
            return Err(JudgeError::NotAssessable(reason.to_owned()));
        }
        let wanted = self.wanted();
        let printed = excerpt(stdout);
        let actual = match printed.as_str() {
            "" => format!("exit status {exit}"),
            printed => format!("exit status {exit}: {printed}"),
        };
        let detail = format!("the command ended with {actual}; wanted {wanted}");
        // What should not have been printed is a finding, whatever else the command complained of.
        let finding =
            exit == i32::from(self.expected_exit) && self.stdout_wanted() == Some("") && !stdout.is_empty();
        if finding {
            return Ok(Verdict::new(false, wanted, actual, detail));
        }
        if let Some(error) = self.could_not_run(output) {
            return Err(error.into());
        }
        let contained = self.stdout_wanted().is_none_or(|text| stdout.contains(text));
        if !contained && stdout.contains('\u{FFFD}') {
            let message = "the command's output is not valid UTF-8 text";
            return Err(CouldNotTell::new(Reason::Undecodable, message).into());
        }
        let passed = exit == i32::from(self.expected_exit) && contained;
        Ok(Verdict::new(passed, wanted, actual, detail))
    }
}

/// The first lines, short enough for a report.
fn excerpt(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut shown = lines.iter().take(5).copied().collect::<Vec<_>>().join("; ");
    if let Some((at, _)) = shown.char_indices().nth(400) {
        shown.truncate(at);
        shown.push('…');
    }
    match lines.len().saturating_sub(5) {
        0 => shown,
        more => format!("{shown}; and {more} more lines"),
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{Probe, Reason};

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const QUIET: &str = r#"{"run": "find /x", "expected_stdout": ""}"#;

    fn case(params: &str, exit: i32, stdout: &str, stderr: &str) -> Case {
        Case::new("command", params).answer("find /x", exit, stdout, stderr)
    }

    #[test]
    fn the_exit_status_decides_first() {
        assert_eq!(judge(case(r#"{"run": "find /x"}"#, 0, "", "")).passed(), Some(true));
        assert_eq!(judge(case(r#"{"run": "find /x"}"#, 1, "", "")).passed(), Some(false));
        assert_eq!(judge(case(r#"{"cmd": "find /x", "expected_exit": 1}"#, 1, "", "")).passed(), Some(true));
        assert_eq!(
            judge(case(r#"{"cmd": "find /x", "expected_exit": 127}"#, 127, "", "")).passed(),
            Some(true)
        );
    }

    #[test]
    fn empty_expected_output_means_silence_and_other_text_is_contained() {
        assert_eq!(judge(case(QUIET, 0, " \n", "")).passed(), Some(true));
        assert_eq!(judge(case(QUIET, 0, "/x/y\n", "")).passed(), Some(false));
        let contains = r#"{"run": "find /x", "expected_output": "yes"}"#;
        assert_eq!(judge(case(contains, 0, "oh yes\n", "")).passed(), Some(true));
        assert_eq!(judge(case(contains, 0, "no\n", "")).passed(), Some(false));
    }

    #[test]
    fn a_missing_tool_inside_the_text_is_no_pass() {
        let missing = "sh: 1: auditctl: not found\n";
        assert_eq!(judge(case(QUIET, 0, "", missing)).reason(), Some(Reason::ToolMissing));
        let denied = "find: '/x/y': Permission denied\n";
        assert_eq!(judge(case(QUIET, 0, "", denied)).reason(), Some(Reason::PermissionDenied));
        assert_eq!(judge(case(QUIET, 0, "/x/z\n", denied)).passed(), Some(false));
        assert_eq!(
            judge(case(QUIET, 1, "", "find: '/x': No such file or directory\n")).passed(),
            Some(false)
        );
    }

    #[test]
    fn the_text_may_say_that_there_is_nothing_to_assess() {
        let params = r#"{"run": "find /x", "not_assessable_exit": 3}"#;
        assert_eq!(
            judge(case(params, 3, "no graphical session\n", "")).reason(),
            Some(Reason::NotAssessable)
        );
        assert_eq!(judge(case(params, 4, "", "")).passed(), Some(false));
    }

    #[test]
    fn never_guesses() {
        assert_never_guesses(&case(QUIET, 0, "", ""), &Probe::command_text("find /x"));
        assert_never_guesses(&case(r#"{"run": "find /x"}"#, 0, "", ""), &Probe::command_text("find /x"));
    }

    #[test]
    fn an_empty_or_doubled_condition_does_not_load() {
        for params in [
            r#"{}"#,
            r#"{"run": " "}"#,
            r#"{"run": "true", "cmd": "true"}"#,
            r#"{"run": "true", "expected_exit": 256}"#,
            r#"{"run": "true", "not_assessable_exit": 0}"#,
        ] {
            assert_refused("command", params);
        }
    }
}
