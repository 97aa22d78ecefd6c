//! `service_disabled`: disables and stops a systemd unit.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<ServiceDisabled>("service_disabled", "Disables and stops a systemd unit")
        .risking_lockout();

/// Disables and stops a systemd unit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ServiceDisabled {
    /// Unit name; without a suffix it is a service.
    name: Text,
    /// Whether the unit is stopped as well; it is by default.
    stop: Option<bool>,
}

impl MechanismParameters for ServiceDisabled {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::unit_name("name", &self.name)
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("service_disabled", r#"{"name": "auditd"}"#);
        assert_takes("service_disabled", r#"{"name": "cups.socket", "stop": true}"#);
        assert_refuses("service_disabled", "name", r#"{"name": "a;b"}"#);
        assert_refuses("service_disabled", "stop", r#"{"name": "a", "stop": "yes"}"#);
    }
}
