//! `sudo_defaults`: an option that `Defaults` lines of sudoers set.

use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::compare::{Comparator, Comparison};
use super::{Method, Parameters};
use crate::host_files::sudoers::{self, SudoSetting};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method = Method::of::<SudoDefaults>(
    "sudo_defaults",
    "An option that Defaults lines of sudoers set compares as wanted, includes followed",
);

/// An option of sudo as `/etc/sudoers` and the files it includes set it.
///
/// The last `Defaults` line for everybody counts; a line for some users, hosts or commands that sets the option to
/// a value that is not wanted fails as well.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SudoDefaults {
    /// Option of sudoers(5), such as `use_pty`.
    option: Text,
    /// The value wanted; a switch is `true`, or `false` after `!`.
    expected: Text,
    /// How to compare. Fractions of a number are rounded up, and a number switched off with `!` is `0`.
    #[serde(default)]
    comparator: Comparator,
    /// Values that never pass.
    #[serde(default)]
    refuse: Vec<Text>,
    /// The value in force when no line sets the option; without it that fails.
    default: Option<Text>,
}

impl SudoDefaults {
    fn comparison(&self) -> Comparison<'_> {
        Comparison {
            expected: &self.expected,
            comparator: self.comparator,
            refuse: &self.refuse,
            unlimited: &[],
            ignore_case: false,
        }
    }

    fn holds(&self, value: &str) -> Result<bool, JudgeError> {
        let ordering = matches!(
            self.comparator,
            Comparator::Less | Comparator::AtMost | Comparator::Greater | Comparator::AtLeast
        );
        let number = match value {
            "false" => Some(0.0),
            value => value.parse::<f64>().ok().filter(|number| number.is_finite()),
        };
        let value = match number {
            Some(number) if ordering => format!("{:.0}", number.ceil()),
            _ => value.to_owned(),
        };
        Ok(self.comparison().holds(&value)?)
    }
}

impl Parameters for SudoDefaults {
    fn validate(&mut self) -> Result<(), ParamError> {
        syntax::word("option", &self.option, "_", "an option of sudoers")?;
        self.comparison().validate()
    }
}

impl Check for SudoDefaults {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        sudoers::probes()
    }

    fn follow_up(&self, _: &Facts, got: &Outputs) -> Vec<Probe> {
        sudoers::follow_up(got)
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let wanted = self.comparison().wanted();
        let option = &self.option;
        let settings = sudoers::settings(&sudoers::lines(got)?, option);
        let verdict = |passed: bool, setting: &SudoSetting, whom: &str| {
            let detail =
                format!("{option} is {}{whom} in {}; wanted {wanted}", setting.value, setting.source);
            Verdict::new(passed, wanted.clone(), setting.value.clone(), detail)
                .from_source(Some(setting.source.clone()))
        };
        for setting in settings.iter().filter(|setting| !setting.scope.is_empty()) {
            if !self.holds(&setting.value)? {
                return Ok(verdict(false, setting, &format!(" for Defaults{}", setting.scope)));
            }
        }
        match (settings.iter().rfind(|setting| setting.scope.is_empty()), &self.default) {
            (Some(setting), _) => Ok(verdict(self.holds(&setting.value)?, setting, "")),
            (None, Some(default)) => {
                let detail = format!(
                    "{option} is {} by default, as no Defaults line sets it; wanted {wanted}",
                    default.0
                );
                Ok(Verdict::new(self.holds(default)?, wanted, default.0.clone(), detail))
            }
            (None, None) => {
                let detail = format!("no Defaults line sets {option}; wanted {wanted}");
                Ok(Verdict::new(false, wanted, "not set", detail))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::Probe;

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const USE_PTY: &str = r#"{"option": "use_pty", "expected": "true"}"#;
    const TIMEOUT: &str =
        r#"{"option": "timestamp_timeout", "expected": 5, "comparator": "<=", "refuse": ["-1"]}"#;

    fn passed(params: &str, text: &str) -> Option<bool> {
        judge(Case::new("sudo_defaults", params).file("/etc/sudoers", text)).passed()
    }

    #[test]
    fn the_last_line_for_everybody_counts() {
        assert_eq!(passed(USE_PTY, "Defaults use_pty\n"), Some(true));
        assert_eq!(passed(USE_PTY, "Defaults use_pty\nDefaults env_reset, !use_pty\n"), Some(false));
        assert_eq!(passed(USE_PTY, "Defaults !use_pty\nDefaults\tuse_pty # now\n"), Some(true));
        assert_eq!(passed(USE_PTY, "#Defaults use_pty\n"), Some(false));
    }

    #[test]
    fn a_line_for_some_must_not_loosen() {
        assert_eq!(passed(USE_PTY, "Defaults use_pty\nDefaults:deploy !use_pty\n"), Some(false));
        assert_eq!(passed(USE_PTY, "Defaults:deploy use_pty\n"), Some(false));
    }

    #[test]
    fn numbers_compare_as_numbers() {
        assert_eq!(passed(TIMEOUT, "Defaults timestamp_timeout=2.5\n"), Some(true));
        assert_eq!(passed(TIMEOUT, "Defaults timestamp_timeout=5.5\n"), Some(false));
        assert_eq!(passed(TIMEOUT, "Defaults timestamp_timeout=-1\n"), Some(false));
        assert_eq!(passed(TIMEOUT, "Defaults !timestamp_timeout\n"), Some(true));
        let by_default = TIMEOUT.replace("\"refuse\"", "\"default\": 5, \"refuse\"");
        assert_eq!(passed(&by_default, ""), Some(true));
    }

    #[test]
    fn the_file_that_won_is_named() {
        let case = Case::new("sudo_defaults", USE_PTY)
            .file("/etc/sudoers", "Defaults !use_pty\n@includedir /etc/sudoers.d\n")
            .dir("/etc/sudoers.d", &["50-pty", "60-no.bak", "70-no~"])
            .file("/etc/sudoers.d/50-pty", "Defaults use_pty\n");
        let judged = judge(case.clone());
        assert_eq!(judged.passed(), Some(true));
        assert!(judged.verdict().detail.contains("/etc/sudoers.d/50-pty:1"), "{judged:?}");
        for probe in
            [Probe::read("/etc/sudoers"), Probe::list("/etc/sudoers.d"), Probe::read("/etc/sudoers.d/50-pty")]
        {
            assert_never_guesses(&case, &probe);
        }
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("sudo_defaults", r#"{"option": "use_pty"}"#);
        assert_refused("sudo_defaults", r#"{"option": "use pty", "expected": "true"}"#);
    }
}
