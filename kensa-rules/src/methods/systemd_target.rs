//! `systemd_target`: the target the host boots into.

use kensa_core::reading::not_understood;
use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method =
    Method::of::<SystemdTarget>("systemd_target", "The host boots into a target, or not into one");

/// The target the host boots into, by `systemctl get-default`. Give `expected` or `not_expected`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SystemdTarget {
    /// The target wanted, such as `multi-user.target`.
    expected: Option<Text>,
    /// The target that must not be it.
    not_expected: Option<Text>,
}

fn get_default() -> Probe {
    Probe::run(["systemctl", "get-default"])
}

impl Parameters for SystemdTarget {
    fn validate(&mut self) -> Result<(), ParamError> {
        match (&self.expected, &self.not_expected) {
            (Some(target), None) => syntax::unit_name("expected", target),
            (None, Some(target)) => syntax::unit_name("not_expected", target),
            _ => Err(ParamError::whole("needed: expected or not_expected, one of them")),
        }
    }
}

impl Check for SystemdTarget {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        vec![get_default()]
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let output = got.succeeded(&get_default())?;
        let text = output.stdout_text();
        let actual = text.trim();
        if !actual.ends_with(".target") || actual.contains(char::is_whitespace) {
            return Err(not_understood(output).into());
        }
        let is = |target: &Text| target.eq_ignore_ascii_case(actual);
        let passed = self.expected.as_ref().is_none_or(is) && !self.not_expected.as_ref().is_some_and(is);
        let wanted = match (&self.expected, &self.not_expected) {
            (Some(target), _) => target.to_string(),
            (None, Some(target)) => format!("anything but {target}"),
            (None, None) => String::new(),
        };
        let detail = format!("the default target is {actual}; wanted {wanted}");
        Ok(Verdict::new(passed, wanted, actual, detail))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::Reason;

    use super::get_default;
    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    fn case(params: &str, stdout: &str) -> Case {
        Case::new("systemd_target", params).says(&get_default(), 0, stdout, "")
    }

    #[test]
    fn wanted_or_unwanted() {
        let not_graphical = r#"{"not_expected": "graphical.target"}"#;
        assert_eq!(judge(case(not_graphical, "multi-user.target\n")).passed(), Some(true));
        assert_eq!(judge(case(not_graphical, "graphical.target\n")).passed(), Some(false));
        assert_eq!(
            judge(case(r#"{"expected": "multi-user.target"}"#, "graphical.target\n")).passed(),
            Some(false)
        );
        assert_eq!(judge(case(not_graphical, "\n")).reason(), Some(Reason::UnexpectedOutput));
        assert_never_guesses(&case(not_graphical, "multi-user.target\n"), &get_default());
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("systemd_target", "{}");
        assert_refused("systemd_target", r#"{"expected": "a.target", "not_expected": "b.target"}"#);
    }
}
