//! `service_active`: a systemd unit is running.

use kensa_core::{Check, Facts, JudgeError, Outputs, Probe, Verdict};
use schemars::JsonSchema;
use serde::Deserialize;

use super::service_state::{Wanted, judge_unit, unit_follow_up};
use super::{Method, Parameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const METHOD: Method = Method::of::<ServiceActive>("service_active", "A systemd unit is running");

/// A systemd unit is running; the same as `service_state` with `active: true`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ServiceActive {
    /// Unit name; without a suffix it is a service.
    name: Text,
}

impl Parameters for ServiceActive {
    fn validate(&mut self) -> Result<(), ParamError> {
        syntax::unit_name("name", &self.name)
    }
}

impl Check for ServiceActive {
    fn probes(&self, _: &Facts) -> Vec<Probe> {
        vec![Probe::unit(&*self.name)]
    }

    fn follow_up(&self, _: &Facts, got: &Outputs) -> Vec<Probe> {
        unit_follow_up(&self.name, got)
    }

    fn judge(&self, _: &Facts, got: &Outputs) -> Result<Verdict, JudgeError> {
        judge_unit(&self.name, Wanted { active: Some(true), ..Wanted::default() }, got)
    }
}

#[cfg(test)]
mod tests {
    use kensa_core::Probe;

    use crate::methods::testing::{Case, assert_never_guesses, assert_refused, judge};

    #[test]
    fn judges_one_half_only() {
        let case = |(file, active): (&str, &str)| {
            let text = format!(
                "Id=cron.service\nNames=cron.service\nLoadState=loaded\nActiveState={active}\nSubState=x\nUnitFileState={file}\n"
            );
            Case::new("service_active", r#"{"name": "cron"}"#).says(&Probe::unit("cron"), 0, &text, "")
        };
        assert_eq!(judge(case(("disabled", "active"))).passed(), Some(true));
        assert_eq!(judge(case(("disabled", "inactive"))).passed(), Some(false));
        assert_never_guesses(&case(("disabled", "active")), &Probe::unit("cron"));
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("service_active", "{}");
        assert_refused("service_active", r#"{"name": "-x"}"#);
    }
}
