//! `selinux_state`: the mode SELinux runs in.

use kensa_core::reading::not_understood;
use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters};
use crate::host_files::settings::{Delimiter, Key, occurrences};
use crate::params::{ParamError, Text};

pub(super) const METHOD: Method =
    Method::of::<SelinuxState>("selinux_state", "SELinux runs in the mode wanted");

/// The mode SELinux runs in, by getenforce(8).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SelinuxState {
    /// `enforcing`, `permissive` or `disabled`.
    state: Option<Text>,
    /// The same as `state`; give one of them.
    mode: Option<Text>,
    /// Whether `SELINUX=` in `/etc/selinux/config` must say the same.
    #[serde(default)]
    persistent: bool,
}

const CONFIG: &str = "/etc/selinux/config";
const MODES: [&str; 3] = ["enforcing", "permissive", "disabled"];

fn getenforce() -> Probe {
    Probe::run(["getenforce"])
}

impl SelinuxState {
    fn wanted(&self) -> String {
        self.state
            .as_ref()
            .or(self.mode.as_ref())
            .map(|mode| mode.trim().to_ascii_lowercase())
            .unwrap_or_default()
    }
}

impl Parameters for SelinuxState {
    fn validate(&mut self) -> Result<(), ParamError> {
        if self.state.is_some() && self.mode.is_some() {
            return Err(ParamError::at("mode", "the same as state; give one"));
        }
        if !MODES.contains(&self.wanted().as_str()) {
            return Err(ParamError::at("state", format!("needed: one of {}", MODES.join(", "))));
        }
        Ok(())
    }
}

impl Check for SelinuxState {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        std::iter::once(getenforce()).chain(self.persistent.then(|| Probe::read(CONFIG))).collect()
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let wanted = self.wanted();
        let output = got.succeeded(&getenforce())?;
        let mut actual = output.stdout_text().trim().to_ascii_lowercase();
        if !MODES.contains(&actual.as_str()) {
            return Err(not_understood(output).into());
        }
        let mut passed = actual == wanted;
        let mut source = None;
        if self.persistent {
            let text = got.read(CONFIG)?.unwrap_or_default();
            let delimiter = Delimiter::new(Some("="));
            let key = Key { name: "SELINUX", ignore_case: false, delimiter, section: None, comments: true };
            let last = occurrences(CONFIG, &text, &key).pop();
            let configured = last.as_ref().map_or("nothing", |setting| setting.value.as_str());
            passed &= configured.eq_ignore_ascii_case(&wanted);
            actual = format!("{actual} now, {configured} in {CONFIG}");
            source = last.map(|setting| setting.source);
        }
        let detail = format!("SELinux is {actual}; wanted {wanted}");
        Ok(Verdict::new(passed, wanted, actual, detail).from_source(source))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{Probe, Reason};

    use super::{CONFIG, getenforce};
    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    fn case(params: &str, mode: &str) -> Case {
        Case::new("selinux_state", params).says(&getenforce(), 0, mode, "")
    }

    #[test]
    fn the_running_mode() {
        assert_eq!(judge(case(r#"{"state": "Enforcing"}"#, "Enforcing\n")).passed(), Some(true));
        assert_eq!(judge(case(r#"{"mode": "enforcing"}"#, "Permissive\n")).passed(), Some(false));
        assert_eq!(judge(case(r#"{"state": "enforcing"}"#, "Disabled\n")).passed(), Some(false));
        assert_eq!(judge(case(r#"{"state": "enforcing"}"#, "")).reason(), Some(Reason::UnexpectedOutput));
        assert_never_guesses(&case(r#"{"state": "disabled"}"#, "Disabled\n"), &getenforce());
    }

    #[test]
    fn the_configured_mode_counts_when_asked_for() {
        let params = r#"{"state": "enforcing", "persistent": true}"#;
        let good = case(params, "Enforcing\n")
            .file(CONFIG, "# SELINUX= x\nSELINUX=enforcing\nSELINUXTYPE=targeted\n");
        assert_eq!(judge(good.clone()).passed(), Some(true));
        assert_never_guesses(&good, &Probe::read(CONFIG));
        let weak = case(params, "Enforcing\n").file(CONFIG, "SELINUX=permissive\n");
        assert_eq!(judge(weak).passed(), Some(false));
        assert_eq!(judge(case(params, "Enforcing\n").gone(&Probe::read(CONFIG))).passed(), Some(false));
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("selinux_state", "{}");
        assert_refused("selinux_state", r#"{"state": "on"}"#);
        assert_refused("selinux_state", r#"{"state": "enforcing", "mode": "enforcing"}"#);
    }
}
