//! `set_compare`: everything a command lists is on the site's list.

use std::collections::BTreeSet;

use kensa_core::reading::complaint;
use kensa_core::{Check, CouldNotTell, Facts, JudgeError, Outputs, Probe, Reason, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters};
use crate::params::{ParamError, Text, Texts};

pub(super) const METHOD: Method = Method::of::<SetCompare>(
    "set_compare",
    "Everything a command lists is on the site's list of what is authorised",
);

/// A command's lines, all of which must be on a list that the site declares.
///
/// While the list is empty the rule is skipped and nothing is run: an empty list means that the site has
/// not declared it yet. Members of the list that are not found do not matter.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetCompare {
    /// Shell text that prints what the host has, one thing a line.
    observed_command: Text,
    /// What is authorised: a list, or text with commas; normally a variable.
    authorized: Texts,
    /// What separates the names of one thing in a line; one authorised name is enough.
    alias_separator: Option<Text>,
}

impl SetCompare {
    fn authorized(&self) -> BTreeSet<&str> {
        let members = self.authorized.0.iter().flat_map(|text| text.split([',', '\n']));
        members.map(str::trim).filter(|member| !member.is_empty()).collect()
    }

    fn probe(&self) -> Probe {
        Probe::command_text(&*self.observed_command)
    }

    /// The names of the thing in one line; never empty.
    fn names<'a>(&'a self, line: &'a str) -> Vec<&'a str> {
        match self.alias_separator.as_deref() {
            Some(separator) => line.split(separator).map(str::trim).filter(|name| !name.is_empty()).collect(),
            None => vec![line],
        }
    }
}

impl Parameters for SetCompare {
    fn validate(&mut self) -> Result<(), ParamError> {
        if self.observed_command.trim().is_empty() {
            return Err(ParamError::at("observed_command", "there is nothing to run"));
        }
        if self.alias_separator.as_deref().is_some_and(str::is_empty) {
            return Err(ParamError::at("alias_separator", "is empty"));
        }
        Ok(())
    }
}

impl Check for SetCompare {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        if self.authorized().is_empty() { Vec::new() } else { vec![self.probe()] }
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let authorized = self.authorized();
        if authorized.is_empty() {
            let message = "the list of what is authorised is empty: declare the variable that the rule's \
                `authorized` names, under `variables` in a configuration file or with --var NAME=a,b";
            return Err(JudgeError::UndeclaredValue(message.to_owned()));
        }
        let output = got.succeeded(&self.probe())?;
        if let Some(reason) = complaint(output) {
            let said = output.stderr_text().lines().next().unwrap_or_default().to_owned();
            return Err(CouldNotTell::new(reason, format!("the list may be incomplete: {said}")).into());
        }
        let stdout = output.stdout_text();
        if stdout.contains('\u{FFFD}') {
            return Err(CouldNotTell::new(Reason::Undecodable, "the list is not valid UTF-8 text").into());
        }
        let lines: BTreeSet<&str> = stdout.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let mut surplus = BTreeSet::new();
        for line in &lines {
            let names = self.names(line);
            if !names.iter().any(|name| authorized.contains(name)) {
                surplus.insert(names.first().copied().unwrap_or(line));
            }
        }
        let wanted = format!("only {}", authorized.into_iter().collect::<Vec<_>>().join(", "));
        if surplus.is_empty() {
            let actual = format!("{} found, all authorised", lines.len());
            return Ok(Verdict::new(true, wanted, actual.clone(), actual));
        }
        let actual = surplus.into_iter().collect::<Vec<_>>().join(", ");
        let detail = format!("not authorised: {actual}");
        Ok(Verdict::new(false, wanted, actual, detail))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{Probe, Reason};

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    fn case(authorized: &str, stdout: &str) -> Case {
        let params =
            format!(r#"{{"observed_command": "ss -l", "authorized": {authorized}, "alias_separator": ":"}}"#);
        Case::new("set_compare", &params).answer("ss -l", 0, stdout, "")
    }

    #[test]
    fn everything_found_must_be_authorised() {
        assert_eq!(judge(case(r#""ssh, http""#, "ssh\n\nssh\n")).passed(), Some(true));
        assert_eq!(judge(case(r#"["ssh"]"#, "")).passed(), Some(true));
        assert_eq!(judge(case(r#""22""#, "ssh:22\n")).passed(), Some(true));
        let surplus = judge(case(r#""ssh""#, "ssh:22\nrpcbind:111\n:\n"));
        assert_eq!(surplus.passed(), Some(false));
        assert_eq!(surplus.verdict().actual, ":, rpcbind");
    }

    #[test]
    fn an_undeclared_list_runs_nothing_and_skips() {
        let params = r#"{"observed_command": "ss -l", "authorized": " , "}"#;
        assert_eq!(judge(Case::new("set_compare", params)).reason(), Some(Reason::UndeclaredValue));
        assert_eq!(judge(case("[]", "x")).reason(), Some(Reason::UndeclaredValue));
    }

    #[test]
    fn never_guesses() {
        assert_never_guesses(&case(r#""ssh""#, ""), &Probe::command_text("ss -l"));
        let failing = |exit, stderr: &str| {
            Case::new("set_compare", r#"{"observed_command": "ss -l", "authorized": "a"}"#)
                .answer("ss -l", exit, "", stderr)
        };
        assert_eq!(judge(failing(1, "")).reason(), Some(Reason::CommandFailed));
        assert_eq!(judge(failing(0, "sh: 1: ss: not found\n")).reason(), Some(Reason::ToolMissing));
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("set_compare", r#"{"observed_command": "ss -l"}"#);
        assert_refused("set_compare", r#"{"observed_command": " ", "authorized": "a"}"#);
    }
}
