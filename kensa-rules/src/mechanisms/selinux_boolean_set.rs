//! `selinux_boolean_set`: sets a switch of the SELinux policy.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mechanism, MechanismParameters};
use crate::params::{ParamError, Text};
use crate::syntax;

pub(super) const MECHANISM: Mechanism =
    Mechanism::of::<SelinuxBooleanSet>("selinux_boolean_set", "Sets a switch of the SELinux policy");

/// A switch of the SELinux policy.
///
/// Give `name` or `boolean`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SelinuxBooleanSet {
    /// Name of the switch.
    name: Option<Text>,
    /// The same as `name`.
    boolean: Option<Text>,
    /// `on` or `off`; `true`, `false`, `1`, `0`, `yes` and `no` are taken as well.
    value: Text,
    /// Whether it is kept at boot; it is by default.
    persistent: Option<bool>,
}

impl MechanismParameters for SelinuxBooleanSet {
    fn validate(&self) -> Result<(), ParamError> {
        let name = match (&self.name, &self.boolean) {
            (Some(name), None) | (None, Some(name)) => name,
            _ => return Err(ParamError::at("name", "needed, once")),
        };
        syntax::word("name", name, "_", "the name of an SELinux boolean")?;
        let known = ["on", "off", "true", "false", "1", "0", "yes", "no"];
        if known.contains(&self.value.to_ascii_lowercase().as_str()) {
            return Ok(());
        }
        Err(ParamError::at("value", "needed: on or off"))
    }
}

#[cfg(test)]
mod tests {
    use crate::mechanisms::testing::{assert_refuses, assert_takes};

    #[test]
    fn takes_what_makes_sense_and_nothing_else() {
        assert_takes("selinux_boolean_set", r#"{"name": "ssh_sysadm_login", "value": false}"#);
        assert_takes("selinux_boolean_set", r#"{"boolean": "x", "value": "on", "persistent": true}"#);
        assert_refuses("selinux_boolean_set", "name", r#"{"value": "on"}"#);
        assert_refuses("selinux_boolean_set", "name", r#"{"name": "a b", "value": "on"}"#);
        assert_refuses("selinux_boolean_set", "value", r#"{"name": "a", "value": "maybe"}"#);
    }
}
