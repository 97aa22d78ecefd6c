//! `sysctl_value`: a kernel parameter's running value.

use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::compare::{Comparator, Comparison};
use super::{Method, Parameters};
use crate::params::{ParamError, Text};

pub(super) const METHOD: Method =
    Method::of::<SysctlValue>("sysctl_value", "A kernel parameter's running value compares as wanted");

/// A kernel parameter's running value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SysctlValue {
    /// Key with dots, e.g. `net.ipv4.ip_forward`.
    key: Text,
    /// The value wanted.
    expected: Text,
    /// How to compare; equality is exact.
    #[serde(default)]
    comparator: Comparator,
    /// Values that never pass.
    #[serde(default)]
    refuse: Vec<Text>,
}

impl SysctlValue {
    fn comparison(&self) -> Comparison<'_> {
        Comparison {
            expected: &self.expected,
            comparator: self.comparator,
            refuse: &self.refuse,
            ignore_case: false,
        }
    }
}

impl Parameters for SysctlValue {
    fn validate(&mut self) -> Result<(), ParamError> {
        let known = |c: char| c.is_ascii_alphanumeric() || "._-/@".contains(c);
        if self.key.is_empty() || !self.key.chars().all(known) || self.key.starts_with('-') {
            return Err(ParamError::at("key", format!("{:?} is not a sysctl key", &*self.key)));
        }
        self.comparison().validate()
    }
}

impl Check for SysctlValue {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        vec![Probe::sysctl(&*self.key)]
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let wanted = self.comparison().wanted();
        let Some(actual) = got.sysctl(&self.key)? else {
            let detail = format!("the kernel has no parameter {}; wanted {wanted}", self.key);
            return Ok(Verdict::new(false, wanted, "", detail));
        };
        // The kernel separates the fields of a value by tabs; rules write blanks.
        let actual = actual.split_whitespace().collect::<Vec<_>>().join(" ");
        let passed = self.comparison().holds(&actual)?;
        let detail = format!("{} is {actual}; wanted {wanted}", self.key);
        Ok(Verdict::new(passed, wanted, actual, detail))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::Reason;

    use crate::methods::testing::{Case, judge};

    const RULE: &str = r#"{"key": "net.ipv4.ip_forward", "expected": "0"}"#;

    #[test]
    fn passes_and_fails_on_the_value() {
        let case =
            |value: &str| Case::new("sysctl_value", RULE).answer("sysctl net.ipv4.ip_forward", 0, value, "");
        assert_eq!(judge(case("net.ipv4.ip_forward = 0\n")).passed(), Some(true));
        assert_eq!(judge(case("net.ipv4.ip_forward = 1\n")).passed(), Some(false));
    }

    #[test]
    fn a_key_the_kernel_lacks_fails_and_a_denied_one_could_not_be_told() {
        let case = |stderr: &str| {
            Case::new("sysctl_value", RULE).answer("sysctl net.ipv4.ip_forward", 1, "", stderr)
        };
        let absent = "sysctl: cannot stat /proc/sys/net/ipv4/ip_forward: No such file or directory\n";
        assert_eq!(judge(case(absent)).passed(), Some(false));
        let denied = "sysctl: permission denied on key 'net.ipv4.ip_forward'\n";
        assert_eq!(judge(case(denied)).reason(), Some(Reason::PermissionDenied));
    }

    #[test]
    fn a_missing_tool_or_a_cut_answer_is_no_verdict() {
        let case = Case::new("sysctl_value", RULE);
        let missing =
            case.clone().answer("sysctl net.ipv4.ip_forward", 127, "", "sh: 1: sysctl: not found\n");
        assert_eq!(judge(missing).reason(), Some(Reason::ToolMissing));
        let cut = case.truncated("sysctl net.ipv4.ip_forward", "net.ipv4.ip_forward = 0");
        assert_eq!(judge(cut).reason(), Some(Reason::Truncated));
    }

    #[test]
    fn a_comparison_that_makes_no_sense_does_not_load() {
        let error =
            Case::new("sysctl_value", r#"{"key": "a.b", "expected": "x", "comparator": ">="}"#).build_error();
        assert_eq!(error.and_then(|e| e.key), Some("expected".to_owned()));
    }
}
