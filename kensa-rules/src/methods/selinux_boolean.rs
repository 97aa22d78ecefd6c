//! `selinux_boolean`: a switch of the SELinux policy.

use kensa_core::reading::{failed, not_understood};
use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method =
    Method::of::<SelinuxBoolean>("selinux_boolean", "A switch of the SELinux policy is on or off");

/// A switch of the SELinux policy, by getsebool(8).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SelinuxBoolean {
    /// Name of the switch.
    name: Option<Text>,
    /// The same as `name`; give one of them.
    boolean: Option<Text>,
    /// `on` or `off`; `true`, `false`, `1`, `0`, `yes` and `no` are taken as well.
    value: Option<Text>,
    /// The same as `value`; give one of them.
    state: Option<Text>,
    /// The same as `value`; give one of them.
    expected: Option<Text>,
}

impl SelinuxBoolean {
    fn name(&self) -> &str {
        self.name.as_deref().or(self.boolean.as_deref()).unwrap_or_default()
    }

    fn wanted(&self) -> Option<&'static str> {
        let value = self.value.as_deref().or(self.state.as_deref()).or(self.expected.as_deref())?;
        match value.to_ascii_lowercase().as_str() {
            "on" | "true" | "1" | "yes" => Some("on"),
            "off" | "false" | "0" | "no" => Some("off"),
            _ => None,
        }
    }

    fn probe(&self) -> Probe {
        Probe::run(["getsebool", self.name()])
    }
}

impl Parameters for SelinuxBoolean {
    fn validate(&mut self) -> Result<(), ParamError> {
        if self.name.is_some() && self.boolean.is_some() {
            return Err(ParamError::at("boolean", "the same as name; give one"));
        }
        if [&self.value, &self.state, &self.expected].into_iter().flatten().count() > 1 {
            return Err(ParamError::at("value", "value, state and expected are the same; give one"));
        }
        if self.wanted().is_none() {
            return Err(ParamError::at("value", "needed: on or off"));
        }
        syntax::word("name", self.name(), "_", "the name of an SELinux boolean")
    }
}

impl Check for SelinuxBoolean {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        vec![self.probe()]
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let wanted = self.wanted().unwrap_or_default();
        let output = got.ran(&self.probe())?;
        let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
        if output.exit_code != 0 {
            let absent =
                stderr.contains("SELinux is disabled") || stderr.contains("No such file or directory");
            if !absent {
                return Err(failed(output).into());
            }
            let actual =
                if stderr.contains("is disabled") { "SELinux is disabled" } else { "no such boolean" };
            let detail = format!("{}: {actual}; wanted {wanted}", self.name());
            return Ok(Verdict::new(false, wanted, actual, detail));
        }
        let state = stdout.trim().split_once("-->").filter(|(name, _)| name.trim() == self.name());
        // A pending change is printed after the value in force.
        let state = state.and_then(|(_, state)| state.split_whitespace().next());
        let actual =
            state.filter(|state| ["on", "off"].contains(state)).ok_or_else(|| not_understood(output))?;
        let detail = format!("{} is {actual}; wanted {wanted}", self.name());
        Ok(Verdict::new(actual == wanted, wanted, actual, detail))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{Probe, Reason};

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const RULE: &str = r#"{"name": "ssh_sysadm_login", "value": false}"#;

    fn case(exit: i32, stdout: &str, stderr: &str) -> Case {
        let probe = Probe::run(["getsebool", "ssh_sysadm_login"]);
        Case::new("selinux_boolean", RULE).says(&probe, exit, stdout, stderr)
    }

    #[test]
    fn on_and_off() {
        let off = case(0, "ssh_sysadm_login --> off\n", "");
        assert_eq!(judge(off.clone()).passed(), Some(true));
        assert_eq!(judge(case(0, "ssh_sysadm_login --> on   pending: off\n", "")).passed(), Some(false));
        assert_never_guesses(&off, &Probe::run(["getsebool", "ssh_sysadm_login"]));
    }

    #[test]
    fn an_unknown_boolean_fails_and_an_unclear_answer_is_no_verdict() {
        let unknown = "Error getting active value for ssh_sysadm_login: No such file or directory\n";
        assert_eq!(judge(case(1, "", unknown)).passed(), Some(false));
        assert_eq!(judge(case(1, "", "getsebool:  SELinux is disabled\n")).passed(), Some(false));
        assert_eq!(judge(case(0, "other --> off\n", "")).reason(), Some(Reason::UnexpectedOutput));
        assert_eq!(judge(case(255, "", "")).reason(), Some(Reason::CommandFailed));
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("selinux_boolean", r#"{"name": "x"}"#);
        assert_refused("selinux_boolean", r#"{"value": "on"}"#);
        assert_refused("selinux_boolean", r#"{"name": "x", "value": "maybe"}"#);
    }
}
