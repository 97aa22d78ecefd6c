//! `service_state`: whether a systemd unit is enabled, active, masked.

use kensa_core::reading::failed;
use kensa_core::{Check, CouldNotTell, Facts, JudgeError, Outputs, Probe, Reason, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Method, Parameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method =
    Method::of::<ServiceState>("service_state", "A systemd unit is enabled, active or masked, or is not");

/// State of a systemd unit. At least one of `enabled`, `active`, `masked` is needed; all that are given
/// must hold. An unknown unit is not enabled, not active and not masked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceState {
    /// Unit name; without a suffix it is a service.
    pub(super) name: Text,
    /// `true`: started at boot or by other units (enabled, enabled-runtime, static, generated, alias).
    /// `false`: neither enabled nor enabled-runtime.
    pub(super) enabled: Option<bool>,
    /// `true`: running now (active, reloading). `false`: inactive or failed.
    pub(super) active: Option<bool>,
    /// `true`: cannot be started at all. `false`: not masked.
    pub(super) masked: Option<bool>,
}

impl ServiceState {
    /// Nothing wanted of a unit yet; for the methods that want one half.
    pub(super) fn of(name: Text) -> Self {
        Self { name, enabled: None, active: None, masked: None }
    }

    /// The check, when its parameters make sense.
    pub(super) fn checked(mut self) -> Result<Box<dyn Check>, ParamError> {
        self.validate()?;
        Ok(Box::new(self))
    }

    fn wanted(&self) -> String {
        let word = |wanted: Option<bool>, yes: &str| {
            wanted.map(|on| if on { yes.to_owned() } else { format!("not {yes}") })
        };
        let parts = [word(self.enabled, "enabled"), word(self.active, "active"), word(self.masked, "masked")];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" and ")
    }
}

/// What answers when systemd itself is not running: it reads the unit files.
fn offline(name: &str) -> Probe {
    Probe::run(["systemctl", "is-enabled", "--", name])
}

/// The unit file's state and, where systemd is running, the unit's own.
struct Found {
    file: String,
    load: String,
    active: Result<String, CouldNotTell>,
}

fn found(name: &str, got: &Outputs) -> Result<Found, CouldNotTell> {
    match got.unit(name) {
        Ok(unit) => {
            Ok(Found { file: unit.unit_file_state, load: unit.load_state, active: Ok(unit.active_state) })
        }
        Err(error) if error.reason == Reason::ServiceUnavailable => {
            let file = offline_state(name, got)?;
            Ok(Found { file, load: String::new(), active: Err(error) })
        }
        Err(error) => Err(error),
    }
}

/// The unit file's state by its file alone; empty when there is no such unit.
fn offline_state(name: &str, got: &Outputs) -> Result<String, CouldNotTell> {
    let output = got.ran(&offline(name))?;
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    let state = stdout.trim();
    if state == "not-found" || (state.is_empty() && stderr.contains("No such file or directory")) {
        return Ok(String::new());
    }
    if state.is_empty() || state.contains(char::is_whitespace) {
        return Err(failed(output));
    }
    Ok(state.to_owned())
}

impl Parameters for ServiceState {
    fn validate(&mut self) -> Result<(), ParamError> {
        if self.enabled.is_none() && self.active.is_none() && self.masked.is_none() {
            return Err(ParamError::whole("nothing to check: give enabled, active or masked"));
        }
        if self.masked == Some(true) && self.enabled == Some(true) {
            return Err(ParamError::at("masked", "a masked unit is never enabled"));
        }
        syntax::unit_name("name", &self.name)
    }
}

impl Check for ServiceState {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        vec![Probe::unit(&*self.name)]
    }

    fn follow_up(&self, _: &Facts, got: &Outputs) -> Vec<Probe> {
        // Asks the unit files when the first answer was that systemd is not running.
        match got.unit(&self.name) {
            Err(error) if error.reason == Reason::ServiceUnavailable => vec![offline(&self.name)],
            _ => Vec::new(),
        }
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        let unit = found(&self.name, got)?;
        let mut seen =
            vec![if unit.file.is_empty() { "not installed".to_owned() } else { unit.file.clone() }];
        let mut passed = true;
        if let Some(enabled) = self.enabled {
            passed &= if enabled {
                ["enabled", "enabled-runtime", "static", "generated", "alias"].contains(&unit.file.as_str())
            } else {
                !["enabled", "enabled-runtime"].contains(&unit.file.as_str())
            };
        }
        if let Some(masked) = self.masked {
            passed &= masked == (unit.file.starts_with("masked") || unit.load == "masked");
        }
        if let Some(active) = self.active {
            let state = unit.active?;
            // A unit that is just starting or stopping is neither.
            passed &= if active {
                ["active", "reloading", "refreshing"].contains(&state.as_str())
            } else {
                ["inactive", "failed"].contains(&state.as_str())
            };
            seen.push(state);
        } else if let Ok(state) = unit.active {
            seen.push(state);
        }
        let (wanted, actual) = (self.wanted(), seen.join(", "));
        let detail = format!("{} is {actual}; wanted {wanted}", self.name);
        Ok(Verdict::new(passed, wanted, actual, detail))
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::{Probe, Reason};

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    const ON: &str = r#"{"name": "auditd", "enabled": true, "active": true}"#;
    const OFF: &str = r#"{"name": "auditd", "enabled": false, "active": false}"#;

    fn case(params: &str, load: &str, active: &str, file: &str) -> Case {
        let text = format!(
            "Id=auditd.service\nNames=auditd.service\nLoadState={load}\nActiveState={active}\nSubState=x\nUnitFileState={file}\n"
        );
        Case::new("service_state", params).says(&Probe::unit("auditd"), 0, &text, "")
    }

    #[test]
    fn enabled_and_active() {
        for file in ["enabled", "enabled-runtime", "static", "generated", "alias"] {
            assert_eq!(judge(case(ON, "loaded", "active", file)).passed(), Some(true), "{file}");
        }
        for file in ["disabled", "masked", "indirect", ""] {
            assert_eq!(judge(case(ON, "loaded", "active", file)).passed(), Some(false), "{file}");
        }
        assert_eq!(judge(case(ON, "loaded", "activating", "enabled")).passed(), Some(false));
    }

    #[test]
    fn neither_enabled_nor_active() {
        assert_eq!(judge(case(OFF, "not-found", "inactive", "")).passed(), Some(true));
        assert_eq!(judge(case(OFF, "masked", "inactive", "masked")).passed(), Some(true));
        assert_eq!(judge(case(OFF, "loaded", "failed", "static")).passed(), Some(true));
        assert_eq!(judge(case(OFF, "loaded", "inactive", "enabled-runtime")).passed(), Some(false));
        assert_eq!(judge(case(OFF, "loaded", "active", "disabled")).passed(), Some(false));
        assert_eq!(judge(case(OFF, "loaded", "deactivating", "disabled")).passed(), Some(false));
    }

    #[test]
    fn masked() {
        let masked = r#"{"name": "auditd", "masked": true}"#;
        assert_eq!(judge(case(masked, "masked", "inactive", "masked-runtime")).passed(), Some(true));
        assert_eq!(judge(case(masked, "loaded", "inactive", "disabled")).passed(), Some(false));
        assert_eq!(judge(case(masked, "not-found", "inactive", "")).passed(), Some(false));
    }

    #[test]
    fn without_a_running_systemd_only_the_unit_files_are_known() {
        let said = "System has not been booted with systemd as init system (PID 1). Can't operate.\n";
        let down =
            |params: &str| Case::new("service_state", params).says(&Probe::unit("auditd"), 1, "", said);
        let offline = Probe::run(["systemctl", "is-enabled", "--", "auditd"]);
        let enabled = r#"{"name": "auditd", "enabled": true}"#;
        let on = down(enabled).says(&offline, 0, "enabled\n", "");
        assert_eq!(judge(on.clone()).passed(), Some(true));
        assert_never_guesses(&on, &offline);
        let unknown = "Failed to get unit file state for auditd.service: No such file or directory\n";
        assert_eq!(judge(down(enabled).says(&offline, 1, "", unknown)).passed(), Some(false));
        let both = down(ON).says(&offline, 0, "enabled\n", "");
        assert_eq!(judge(both).reason(), Some(Reason::ServiceUnavailable));
        assert_eq!(judge(down(enabled).says(&offline, 1, "", "")).reason(), Some(Reason::CommandFailed));
    }

    #[test]
    fn never_guesses() {
        assert_never_guesses(&case(OFF, "not-found", "inactive", ""), &Probe::unit("auditd"));
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("service_state", r#"{"name": "auditd"}"#);
        assert_refused("service_state", r#"{"name": "auditd", "enabled": "yes"}"#);
        assert_refused("service_state", r#"{"name": "*", "enabled": true}"#);
    }
}
