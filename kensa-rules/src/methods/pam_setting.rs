//! `pam_setting`: the value a PAM module works with.

use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Source, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::compare::{Comparator, Comparison};
use super::pam_module::KINDS;
use super::{Method, Parameters};
use crate::host_files::pam::{self, PamLine};
use crate::host_files::setting_files::SettingFiles;
use crate::host_files::settings::Setting;
use crate::params::{ParamError, Text, Texts};
use crate::syntax;

pub(super) const METHOD: Method = Method::of::<PamSetting>(
    "pam_setting",
    "The value a PAM module works with, from its configuration file and the arguments of its lines, compares as wanted",
);

/// A setting of a PAM module, as it is in force in every one of some services.
///
/// An argument of the module's line outweighs the configuration file. Each line of the module in the stack has to
/// comply; a service whose stack lacks the module fails, since nothing there follows the setting.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PamSetting {
    /// File names in `/etc/pam.d`, all of which have to comply.
    services: Texts,
    /// Stack: `auth`, `account`, `password` or `session`.
    #[serde(rename = "type")]
    kind: Text,
    /// Module, such as `pam_faillock.so`; the path and `.so` may be left out.
    module: Text,
    /// Name of the setting, in the file and as an argument.
    key: Text,
    /// The value wanted; empty when the setting stands alone.
    expected: Text,
    /// How to compare.
    #[serde(default)]
    comparator: Comparator,
    /// Values that never pass, such as `0` where that switches the control off.
    #[serde(default)]
    refuse: Vec<Text>,
    /// Values that mean without limit and count as more than any number.
    #[serde(default)]
    unlimited: Vec<Text>,
    /// The module's configuration file; without it only arguments count.
    config: Option<Text>,
    /// Directory of `*.conf` files that the module reads before `config`.
    dropin_dir: Option<Text>,
    /// The value built into the module; without it a setting that is nowhere fails.
    default: Option<Text>,
}

/// A value and where it is from; `None` for the built-in one.
type Found = (String, Option<Source>);

impl PamSetting {
    fn files(&self) -> Option<SettingFiles<'_>> {
        let path = self.config.as_deref()?;
        let dropin_dir = self.dropin_dir.as_deref();
        Some(SettingFiles { path, dropin_dir, snippets_first: true, scan_pattern: None })
    }

    fn comparison(&self) -> Comparison<'_> {
        Comparison {
            expected: &self.expected,
            comparator: self.comparator,
            refuse: &self.refuse,
            unlimited: &self.unlimited,
            ignore_case: true,
        }
    }

    /// Whether the setting is a switch, which is on wherever its name stands alone.
    fn is_switch(&self) -> bool {
        self.comparator == Comparator::Equal && self.expected.trim().is_empty()
    }

    fn wanted(&self) -> String {
        let value = if self.is_switch() { "set".to_owned() } else { self.comparison().wanted() };
        format!("{} {value} for {} in {}", self.key, self.module, self.services.0.join(" and "))
    }

    /// The value in force for one line of the module; the last of several arguments counts.
    fn of_line(&self, line: &PamLine, configured: Option<&Setting>) -> Option<Found> {
        let argument = line.args.iter().rev().find_map(|arg| match arg.split_once('=') {
            Some((name, value)) if name == &*self.key => Some(value.to_owned()),
            None if arg == &*self.key => Some(String::new()),
            _ => None,
        });
        match (argument, configured, &self.default) {
            (Some(value), _, _) => Some((value, Some(line.source.clone()))),
            (None, Some(setting), _) => Some((setting.value.clone(), Some(setting.source.clone()))),
            (None, None, Some(default)) => Some((default.0.clone(), None)),
            (None, None, None) => None,
        }
    }
}

impl Parameters for PamSetting {
    fn validate(&mut self) -> Result<(), ParamError> {
        if self.services.0.is_empty() {
            return Err(ParamError::at("services", "there is no service"));
        }
        for service in &self.services.0 {
            syntax::component("services", service)?;
        }
        if !KINDS.contains(&&*self.kind) {
            return Err(ParamError::at("type", format!("one of {}", KINDS.join(", "))));
        }
        syntax::word("key", &self.key, "_", "a setting of a PAM module")?;
        match self.files() {
            Some(files) => files.validate()?,
            None if self.dropin_dir.is_some() => {
                return Err(ParamError::at("dropin_dir", "snippets belong to a config"));
            }
            None => {}
        }
        self.comparison().validate()
    }
}

impl Check for PamSetting {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        let services = self.services.0.iter().map(|service| Probe::read(pam::path(service)));
        services.chain(self.files().map(|files| files.probes()).unwrap_or_default()).collect()
    }

    fn follow_up(&self, _: &Facts, got: &Outputs) -> Vec<Probe> {
        let mut more: Vec<Probe> = self.files().map(|files| files.follow_up(got)).unwrap_or_default();
        more.extend(self.services.0.iter().flat_map(|service| pam::follow_up(got, service)));
        more
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let wanted = self.wanted();
        let configured = match self.files() {
            Some(files) => files.occurrences(got, &files.key(&self.key, None, None))?.pop(),
            None => None,
        };
        let mut winner: Option<Found> = None;
        for service in &self.services.0 {
            let lines = pam::stack(got, service, &self.kind)?.unwrap_or_default();
            let mut lines = lines.iter().filter(|line| pam::is_module(&line.module, &self.module)).peekable();
            if lines.peek().is_none() {
                let detail = format!(
                    "the {} stack of {service} has no {}, so that {} has no effect there; wanted {wanted}",
                    self.kind, self.module, self.key
                );
                return Ok(Verdict::new(false, wanted, format!("no {} in {service}", self.module), detail));
            }
            for line in lines {
                let Some((value, source)) = self.of_line(line, configured.as_ref()) else {
                    let detail =
                        format!("{} is not set for the line {}; wanted {wanted}", self.key, line.source);
                    return Ok(Verdict::new(false, wanted, "not set", detail));
                };
                // Whatever a switch is said to be, its name switches it on.
                let passed = self.is_switch() || self.comparison().holds(&value)?;
                let found = (value, source);
                if !passed {
                    return Ok(self.verdict(false, found, &wanted));
                }
                winner = winner.or(Some(found));
            }
        }
        Ok(self.verdict(true, winner.unwrap_or_default(), &wanted))
    }
}

impl PamSetting {
    fn verdict(&self, passed: bool, (value, source): Found, wanted: &str) -> Verdict {
        let shown = if value.is_empty() { "set" } else { value.as_str() };
        let origin = source.as_ref().map_or("by default".to_owned(), |source| format!("in {source}"));
        let detail = format!("{} is {shown} {origin}; wanted {wanted}", self.key);
        Verdict::new(passed, wanted, shown, detail).from_source(source)
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::Probe;

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const DENY: &str = r#"{"services": ["system-auth", "password-auth"], "type": "auth", "module": "pam_faillock.so",
        "key": "deny", "expected": 5, "comparator": "<=", "refuse": [0], "config": "/etc/security/faillock.conf"}"#;

    fn case(system: &str, password: &str, config: &str) -> Case {
        Case::new("pam_setting", DENY)
            .file("/etc/pam.d/system-auth", system)
            .file("/etc/pam.d/password-auth", password)
            .file("/etc/security/faillock.conf", config)
    }

    const LINE: &str = "auth required pam_faillock.so preauth\nauth [default=die] pam_faillock.so authfail\n";

    #[test]
    fn the_file_counts_where_no_argument_does() {
        let judged = judge(case(LINE, LINE, "# deny = 9\ndeny = 3 # three\n"));
        assert_eq!(judged.passed(), Some(true));
        assert!(judged.verdict().detail.contains("deny is 3 in /etc/security/faillock.conf:2"), "{judged:?}");
        assert_eq!(judge(case(LINE, LINE, "deny = 0\n")).passed(), Some(false));
        assert_eq!(judge(case(LINE, LINE, "")).passed(), Some(false));
    }

    #[test]
    fn an_argument_outweighs_the_file_in_every_service() {
        let loose = LINE.replace("authfail", "authfail deny=9");
        let judged = judge(case(LINE, &loose, "deny = 3\n"));
        assert_eq!(judged.passed(), Some(false));
        assert!(judged.verdict().detail.contains("deny is 9 in /etc/pam.d/password-auth:2"), "{judged:?}");
        let tight = LINE.replace("auth\n", "auth deny=4\n").replace("authfail", "authfail deny=4");
        assert_eq!(judge(case(&tight, &tight, "deny = 9\n")).passed(), Some(true));
    }

    #[test]
    fn a_stack_without_the_module_fails() {
        let judged = judge(case(LINE, "auth required pam_unix.so\n", "deny = 3\n"));
        assert_eq!(judged.passed(), Some(false));
        assert_eq!(judged.verdict().actual, "no pam_faillock.so in password-auth");
    }

    #[test]
    fn a_switch_is_on_where_its_name_stands_and_the_default_counts() {
        let params = r#"{"services": "x", "type": "password", "module": "pam_pwquality", "key": "enforce_for_root",
            "expected": "", "config": "/etc/security/pwquality.conf", "dropin_dir": "/etc/security/pwquality.conf.d"}"#;
        let case = |line: &str, snippet: &str| {
            Case::new("pam_setting", params)
                .file("/etc/pam.d/x", line)
                .file("/etc/security/pwquality.conf", "minlen = 8\n")
                .dir("/etc/security/pwquality.conf.d", &["a.conf"])
                .file("/etc/security/pwquality.conf.d/a.conf", snippet)
        };
        let line = "password requisite pam_pwquality.so retry=3\n";
        assert_eq!(judge(case(line, "enforce_for_root\n")).passed(), Some(true));
        assert_eq!(judge(case(line, "#enforce_for_root\n")).passed(), Some(false));
        assert_eq!(
            judge(case("password requisite pam_pwquality.so enforce_for_root\n", "")).passed(),
            Some(true)
        );
    }

    #[test]
    fn lines_of_the_file_come_after_its_snippets() {
        let params = r#"{"services": "x", "type": "password", "module": "pam_pwquality", "key": "minlen",
            "expected": 14, "comparator": ">=", "config": "/etc/security/pwquality.conf",
            "dropin_dir": "/etc/security/pwquality.conf.d"}"#;
        let judged = judge(
            Case::new("pam_setting", params)
                .file("/etc/pam.d/x", "password requisite pam_pwquality.so\n")
                .file("/etc/security/pwquality.conf", "minlen = 15\n")
                .dir("/etc/security/pwquality.conf.d", &["z.conf"])
                .file("/etc/security/pwquality.conf.d/z.conf", "minlen = 8\n"),
        );
        assert_eq!(judged.passed(), Some(true));
        assert!(judged.verdict().detail.contains("15 in /etc/security/pwquality.conf:1"), "{judged:?}");
    }

    #[test]
    fn never_guesses() {
        let case = case(LINE, LINE, "deny = 3\n");
        for path in ["/etc/pam.d/system-auth", "/etc/pam.d/password-auth", "/etc/security/faillock.conf"] {
            assert_never_guesses(&case, &Probe::read(path));
        }
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("pam_setting", &DENY.replace("\"auth\"", "\"login\""));
        assert_refused("pam_setting", &DENY.replace("\"deny\"", "\"\""));
        assert_refused("pam_setting", &DENY.replace("[\"system-auth\", \"password-auth\"]", "[]"));
    }
}
