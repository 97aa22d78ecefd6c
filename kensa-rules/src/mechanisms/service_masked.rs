//! `service_masked`: masks and stops a systemd unit.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<ServiceMasked>("service_masked", "Masks and stops a systemd unit").risking_lockout();

/// Masks and stops a systemd unit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ServiceMasked {
    /// Unit name; without a suffix it is a service.
    name: Text,
    /// Whether the unit is stopped as well; it is by default.
    stop: Option<bool>,
}

impl MechanismParameters for ServiceMasked {
    fn validate(&self) -> Result<(), ParamError> {
        syntax::unit_name("name", &self.name)
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("service_masked", r#"{"name": "auditd"}"#);
        assert_takes("service_masked", r#"{"name": "cups.socket", "stop": true}"#);
        assert_refuses("service_masked", "name", r#"{"name": "a;b"}"#);
        assert_refuses("service_masked", "stop", r#"{"name": "a", "stop": "yes"}"#);
    }
}
