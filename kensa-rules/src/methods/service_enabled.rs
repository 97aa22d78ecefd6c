//! `service_enabled`: a systemd unit is started at boot.

use kensa_core::Check;
use kensa_core::value::Params;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Method;
use super::service_state::ServiceState;
use crate::params::{self, ParamError, Text};

pub(super) const METHOD: Method = Method {
    name: "service_enabled",
    aliases: &[],
    summary: "A systemd unit is started at boot",
    schema: ServiceEnabled::json_schema,
    build,
};

/// A systemd unit is started at boot; the same as `service_state` with `enabled: true`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ServiceEnabled {
    /// Unit name; without a suffix it is a service.
    name: Text,
}

fn build(given: &Params) -> Result<Box<dyn Check>, ParamError> {
    let ServiceEnabled { name } = params::parse(given)?;
    ServiceState { enabled: Some(true), ..ServiceState::of(name) }.checked()
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
            Case::new("service_enabled", r#"{"name": "cron"}"#).says(&Probe::unit("cron"), 0, &text, "")
        };
        assert_eq!(judge(case(("enabled", "inactive"))).passed(), Some(true));
        assert_eq!(judge(case(("disabled", "inactive"))).passed(), Some(false));
        assert_never_guesses(&case(("enabled", "inactive")), &Probe::unit("cron"));
    }

    #[test]
    fn an_empty_condition_does_not_load() {
        assert_refused("service_enabled", "{}");
        assert_refused("service_enabled", r#"{"name": "-x"}"#);
    }
}
