//! `service_enabled`: enables and starts a systemd unit.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<ServiceEnabled>("service_enabled", "Enables and starts a systemd unit").risking_lockout();

/// Enables and starts a systemd unit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ServiceEnabled {
    /// Unit name; without a suffix it is a service.
    name: Text,
    /// Whether the unit is started as well; it is by default.
    start: Option<bool>,
}

impl MechanismParameters for ServiceEnabled {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::unit_name("name", &self.name)
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("service_enabled", r#"{"name": "auditd"}"#);
        assert_takes("service_enabled", r#"{"name": "cups.socket", "start": true}"#);
        assert_refuses("service_enabled", "name", r#"{"name": "a;b"}"#);
        assert_refuses("service_enabled", "start", r#"{"name": "a", "start": "yes"}"#);
    }
}
